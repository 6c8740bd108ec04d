"""What speaks to chats connects to allowed addresses alone, whatever names and redirects say."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery import receiver as does
from tests.delivery.certificates import Authority
from tests.delivery.chats import ask, say
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import Receiver
from tests.server import Server

PRIVATE = "127.0.0.2"
SOON = {"delaysSeconds": [0.1]}


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, names: NameServer, authority: Authority
) -> Iterator[Server]:
    """It may deliver to 127.0.0.1 alone; proxies and passwords of the machine lead elsewhere."""
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("default login thief password taken\n")
    env = {
        "GATEPOST_DELIVERY_NETWORKS": "127.0.0.1/32",
        "GATEPOST_DELIVERY_TIMEOUT_S": "3",
        "GATEPOST_DNS_SERVERS": names.setting,
        "SSL_CERT_FILE": str(authority.file),
        "HOME": str(home),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    with Server(tmp_path_factory.mktemp("strict") / "data", env=env) as running:
        yield running


@pytest.fixture
def mine(strict: Server, http: httpx2.Client) -> Admin:
    return make_admin(strict, http)


@pytest.fixture(scope="module")
def private() -> Iterator[Receiver]:
    """Where nothing may connect to."""
    with Receiver(PRIVATE) as running:
        yield running


def test_an_allowed_name_is_reached_and_told_nothing_of_the_machine(
    mine: Admin, names: NameServer, receiver: Receiver
) -> None:
    _, path = receiver.place()
    names.put("open.chat.test", "A", "127.0.0.1")
    assert say(mine, f"json://open.chat.test:{receiver.port}{path}")["state"] == "succeeded"
    got = receiver.one(path)
    assert got.header("Host") == f"open.chat.test:{receiver.port}"
    assert got.header("Authorization") is None


@pytest.mark.parametrize("scheme", ["json", "gotify", "mmost", "ntfy", "matrix", "apprise", "xml"])
def test_a_name_of_a_private_address_is_not_connected_to(
    mine: Admin, names: NameServer, private: Receiver, scheme: str
) -> None:
    name = f"{scheme}.inside.test"
    names.put(name, "A", PRIVATE)
    user = "robot:word@" if scheme == "matrix" else ""
    before = private.connections
    delivery = say(mine, f"{scheme}://{user}{name}:{private.port}/{'t' * 26}")
    (attempt,) = delivery["log"]
    assert (delivery["state"], attempt["fault"]) == ("failed", "forbidden_address")
    assert private.connections == before


def test_one_private_address_among_others_is_enough(
    mine: Admin, names: NameServer, private: Receiver
) -> None:
    names.put("mixed.test", "A", "127.0.0.1", PRIVATE)
    before = private.connections
    delivery = say(mine, f"json://mixed.test:{private.port}/")
    assert delivery["log"][0]["fault"] == "forbidden_address"
    assert private.connections == before


def test_a_name_that_changes_its_address_is_not_followed(
    mine: Admin, names: NameServer, private: Receiver
) -> None:
    with Receiver("127.0.0.1", port=private.port) as public:
        public.does["/"] = does.answers(503)
        names.turn("rebinding.test", "A", ["127.0.0.1"], [PRIVATE])
        before = private.connections
        delivery = say(mine, f"json://rebinding.test:{private.port}/", retry=SOON)
        first, second = delivery["log"]
        assert (first["status"], second["fault"]) == (503, "forbidden_address")
        assert len(public.at("/")) == 1
        assert private.connections == before


@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    mine: Admin, receiver: Receiver, private: Receiver, status: int, wish: str
) -> None:
    _, path = receiver.place(does.redirects(f"{private.address}/taken", status))
    before = private.connections
    delivery = say(mine, f"json://127.0.0.1:{receiver.port}{path}{wish}")
    (attempt,) = delivery["log"]
    assert (attempt["fault"], attempt["status"]) == ("redirect", status)
    assert private.connections == before
    assert len(receiver.at(path)) == 1


@pytest.mark.parametrize("host", ["127.1", "2130706434", "0x7f000002"])
def test_other_spellings_of_an_address_are_refused(mine: Admin, host: str) -> None:
    assert ask(mine, url=f"json://{host}/").status_code == 400


@pytest.mark.parametrize(
    ("name", "expired", "fault"),
    [("secure.test", False, None), ("other.test", False, "tls"), ("secure.test", True, "tls")],
)
def test_certificates_are_of_the_name_that_was_asked_for(
    mine: Admin,
    names: NameServer,
    authority: Authority,
    name: str,
    expired: bool,
    fault: str | None,
) -> None:
    names.put("secure.test", "A", "127.0.0.1")
    with Receiver(tls=authority.context(name, expired=expired), name="secure.test") as running:
        url, path = running.place()
        delivery = say(mine, url.replace("https", "jsons"))
        assert delivery["log"][0]["fault"] == fault
        assert len(running.at(path)) == (fault is None)


def test_what_is_over_sends_no_more(mine: Admin, receiver: Receiver) -> None:
    """A service of several requests, the first of which takes longer than there is time."""
    receiver.does["/_matrix/client/v3/login"] = does.stalls
    url = f"matrix://robot:word@127.0.0.1:{receiver.port}/%23room"
    delivery = say(mine, url)
    assert delivery["log"][0]["fault"] == "timeout"
    assert [one for one in receiver.got if "/rooms/" in one.path] == []

"""Where deliveries may go: names that rebind, addresses in disguise, http and https.

127.0.0.2 stands for a public address here, as the setting names its network; 127.0.0.1 and all
others of this machine are private, and receivers count who connects to them.
"""

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery import receiver as does
from tests.delivery.certificates import Authority
from tests.delivery.listeners import listen
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import Receiver
from tests.delivery.sending import await_state, sent, try_send
from tests.ports import free_port
from tests.server import Server, unique
from tests.waiting import wait_for

PUBLIC = "127.0.0.2"
FORBIDDEN = "Not an address that may be reached"
NEVER = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",  # noqa: S104 # nothing is bound to it
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fec0::1]",
    "[::ffff:0:127.0.0.1]",
    "[4000::1]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "168.63.129.16",
    "100.100.100.200",
    "100.64.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[ff02::1]",
]


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, names: NameServer, authority: Authority
) -> Iterator[Server]:
    env = {
        "GATEPOST_DELIVERY_NETWORKS": f"{PUBLIC}/32",
        "GATEPOST_DELIVERY_TIMEOUT_S": "3",
        "GATEPOST_DNS_SERVERS": names.setting,
        "SSL_CERT_FILE": str(authority.file),
    }
    with Server(tmp_path_factory.mktemp("guarded") / "data", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def private() -> Iterator[Receiver]:
    """Nobody may ever connect to it. Its port is none that the system gives away: others may
    still try to reach what had such a one before.
    """
    with Receiver(port=free_port()) as running:
        yield running
        assert running.connections == 0


@pytest.fixture(scope="module")
def public(private: Receiver) -> Iterator[Receiver]:
    """It has the port of the private one: a name is all that leads to one or the other."""
    with Receiver(PUBLIC, port=private.port) as running:
        yield running


@pytest.fixture
def admin(guarded: Server, http: httpx2.Client) -> Admin:
    return make_admin(guarded, http)


def named(public: Receiver) -> str:
    """A name of the test's own, at the port of both."""
    return f"{unique('host')}.test:{public.port}"


def fault(admin: Admin, url: str) -> str | None:
    """How the only attempt to reach a URL went."""
    delivery = await_state(admin, sent(admin, url, retry="once"))
    (attempt,) = delivery["log"]
    if attempt["fault"] == "forbidden_address":
        assert attempt["error"] == FORBIDDEN
    return None if attempt["fault"] is None else str(attempt["fault"])


def test_a_name_that_leads_to_a_public_address_is_reached(
    admin: Admin, names: NameServer, public: Receiver
) -> None:
    host = named(public)
    names.put(host.partition(":")[0], "A", PUBLIC)
    assert fault(admin, f"http://{host}/plain") is None
    assert public.one("/plain").header("host") == host


@pytest.mark.parametrize(
    ("kind", "addresses"),
    [
        ("A", ["127.0.0.1"]),
        ("A", [PUBLIC, "127.0.0.1"]),
        ("A", ["127.0.0.1", PUBLIC]),
        ("A", ["169.254.169.254"]),
        ("A", ["10.1.2.3"]),
        ("AAAA", ["::1"]),
        ("AAAA", ["::ffff:127.0.0.1"]),
        ("AAAA", ["fd00:ec2::254"]),
        ("AAAA", ["64:ff9b::7f00:1"]),
    ],
)
def test_a_name_that_leads_anywhere_else_is_not(
    admin: Admin,
    names: NameServer,
    public: Receiver,
    private: Receiver,
    kind: str,
    addresses: list[str],
) -> None:
    host = named(public)
    names.put(host.partition(":")[0], kind, *addresses)
    if kind == "AAAA":
        names.put(host.partition(":")[0], "A", PUBLIC)
    connections = public.connections
    assert fault(admin, f"http://{host}/") == "forbidden_address"
    assert public.connections == connections
    assert private.connections == 0


def test_a_name_that_rebinds_is_refused_from_then_on(
    admin: Admin, names: NameServer, public: Receiver, private: Receiver
) -> None:
    host = named(public)
    name = host.partition(":")[0]
    names.turn(name, "A", [PUBLIC], ["127.0.0.1"])
    public.does["/rebind"] = does.then_closes(200)
    assert fault(admin, f"http://{host}/rebind") is None
    wait_for(
        lambda: fault(admin, f"http://{host}/rebind") == "forbidden_address",
        "the name to be looked up again",
    )
    assert len([one for one in names.asked(name) if one.kind == "A"]) >= 2
    assert private.connections == 0


def test_each_attempt_is_checked(
    admin: Admin, names: NameServer, public: Receiver, private: Receiver
) -> None:
    host = named(public)
    names.turn(host.partition(":")[0], "A", ["127.0.0.1"], [PUBLIC])
    delivery = sent(admin, f"http://{host}/late", retry={"delaysSeconds": [0.1]})
    log = await_state(admin, delivery)["log"]
    assert [one["fault"] for one in log] == ["forbidden_address", None]
    assert private.connections == 0


def test_a_redirect_leads_nowhere(admin: Admin, public: Receiver, private: Receiver) -> None:
    for status in (301, 302, 303, 307, 308):
        public.does["/away"] = does.redirects(private.address, status)
        assert fault(admin, f"{public.address}/away") == "redirect"
    assert private.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", NEVER)
def test_an_address_in_disguise_is_refused_at_once(
    admin: Admin, private: Receiver, scheme: str, host: str
) -> None:
    url = f"{scheme}://{host}:{private.port}/"
    assert try_send(admin, url).status_code == 400
    assert admin.send("POST", "/v1/endpoints", {"url": url}).status_code == 400


@pytest.mark.parametrize("host", NEVER)
def test_an_address_in_disguise_is_not_reached_if_it_were_taken(
    admin: Admin, guarded: Server, public: Receiver, private: Receiver, host: str
) -> None:
    """The settings may have been others when an endpoint was made."""
    listener = listen(admin, public, retry="once")
    url = f"http://{host}:{private.port}/"
    guarded.query("UPDATE endpoints SET url = ? WHERE id = ?", url, listener.raw)
    delivery = await_state(admin, listener.test()["deliveryId"])
    assert delivery["state"] == "failed"
    assert delivery["log"][0]["fault"] in {"forbidden_address", "network"}
    assert private.connections == 0


def test_plain_http_leads_to_named_networks_alone(
    admin: Admin, names: NameServer, public: Receiver
) -> None:
    name = f"{unique('host')}.test"
    names.put(name, "A", "93.184.216.34")
    assert fault(admin, f"http://{name}/") == "forbidden_address"
    assert try_send(admin, "http://93.184.216.34/").status_code == 400
    assert fault(admin, f"{public.address}/") is None


def test_a_certificate_must_be_good(
    admin: Admin, names: NameServer, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"{unique('host')}.test"
    names.put(name, "A", PUBLIC)
    other = Authority(tmp_path_factory.mktemp("other"))
    for context, wanted in (
        (authority.context(name), None),
        (authority.context(PUBLIC), "tls"),
        (authority.context("other.test"), "tls"),
        (authority.context(name, expired=True), "tls"),
        (other.context(name), "tls"),
    ):
        with Receiver(PUBLIC, tls=context) as own:
            assert fault(admin, f"https://{name}:{own.port}/") == wanted
            assert len(own.got) == (wanted is None)


def test_a_certificate_for_an_address_is_good(admin: Admin, authority: Authority) -> None:
    with Receiver(PUBLIC, tls=authority.context(PUBLIC)) as own:
        assert fault(admin, f"{own.address}/") is None


@pytest.mark.parametrize("answer", ["NXDOMAIN", "SERVFAIL", "silent"])
def test_a_name_that_cannot_be_looked_up_is_tried_again(
    admin: Admin, names: NameServer, public: Receiver, answer: str
) -> None:
    host = named(public)
    name = host.partition(":")[0]
    if answer != "NXDOMAIN":
        names.fail(name, answer)
    delivery = sent(admin, f"http://{host}/found", retry={"delaysSeconds": [0.2, 0.5, 1]})
    wait_for(lambda: admin.get(f"/v1/deliveries/{delivery}")["log"], "an attempt")
    names.put(name, "A", PUBLIC)
    names.mend(name)
    log = await_state(admin, delivery, "succeeded")["log"]
    assert log[0]["fault"] in {"network", "timeout"}


def test_a_port_that_nobody_listens_on_refuses(admin: Admin) -> None:
    with Receiver(PUBLIC) as own:
        url = f"{own.address}/"
    assert fault(admin, url) == "refused"

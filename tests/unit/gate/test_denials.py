"""Refused administrative calls on their way to the audit log."""

from gatepost.base.clock import MINUTE_MS
from gatepost.base.errors import Code
from gatepost.base.ids import AccountId, KeyId
from gatepost.domains.accounts.model import Status
from gatepost.domains.keys.model import Format, Key
from gatepost.gate.admit import Caller
from gatepost.gate.denials import Denials, Refusal

START = 1_800_000_000_000
KEY_ID = "key_" + "ab" * 16


def caller(key: bytes = b"k" * 16) -> Caller:
    account = AccountId(b"a" * 16)
    return Caller(
        key_id=KeyId(key),
        key_name="clerk",
        account_id=account,
        plan="default",
        project_id=None,
        default_project=None,
        counting=False,
        scopes=frozenset(),
        key=Key(
            id=KeyId(key),
            account_id=account,
            project_id=None,
            name="clerk",
            format=Format.NATIVE,
            scopes=(),
            start="",
            created_at=0,
            updated_at=0,
        ),
        key_limits=(),
        subjects=(),
        mail_subjects=(),
        allowances=(),
        networks=(),
        valid_until=None,
        status=Status.ACTIVE,
    )


def refusal(at: int = START, code: Code = Code.FORBIDDEN) -> Refusal:
    return Refusal(
        code=code,
        route="DELETE /v1/keys/{id}",
        detail="no",
        address="192.0.2.1",
        request_id=str(at),
        at=at,
    )


def test_the_first_is_written_at_once_and_further_ones_once_a_minute() -> None:
    denials = Denials()
    counts: dict[int, int] = {}
    for second in range(150):
        now = START + second * 1000
        for _ in range(10):
            denials.add(caller(), refusal(now), "deleteKey", {"id": KEY_ID})
        for line in denials.take(now):
            counts[second] = (line.after or {})["count"]
    assert counts == {0: 10, 60: 600, 120: 600}
    (line,) = denials.take(START + 180_000)
    assert line.after is not None
    assert (line.after["count"], line.after["requestId"]) == (290, str(START + 149_000))
    assert denials.take(START + 10 * MINUTE_MS) == []


def test_kinds_do_not_hide_each_other() -> None:
    denials = Denials()
    denials.add(caller(), refusal(), "deleteKey", {"id": KEY_ID})
    denials.add(caller(), refusal(), "rotateKey", {"id": KEY_ID})
    denials.add(caller(), refusal(code=Code.NOT_FOUND), "deleteKey", {"id": KEY_ID})
    denials.add(caller(b"l" * 16), refusal(), "deleteKey", {"id": KEY_ID})
    lines = denials.take(START)
    assert len(lines) == 4
    assert {line.object for line in lines} == {KEY_ID}


def test_only_an_id_is_kept_of_the_path() -> None:
    denials = Denials()
    denials.add(caller(), refusal(), "deleteKey", {"id": "gp_live_" + "A" * 32})
    denials.add(caller(), refusal(), "rotateKey", {"id": "nh_" + "ab" * 32})
    assert [line.object for line in denials.take(START)] == ["", ""]


def test_passing_trouble_is_not_audited() -> None:
    denials = Denials()
    for code in (Code.THROTTLED, Code.UNAVAILABLE, Code.INTERNAL):
        denials.add(caller(), refusal(code=code), "deleteKey", {"id": KEY_ID})
    assert denials.take(START) == []

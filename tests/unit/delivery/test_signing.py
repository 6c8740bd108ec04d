import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gatepost.delivery import signing
from gatepost.delivery.signing import KEY_BYTES_MAX, KEY_BYTES_MIN
from gatepost.domains.endpoints.model import Shape

KEYS = st.binary(min_size=KEY_BYTES_MIN, max_size=KEY_BYTES_MAX)
NOW = 1_760_000_000


def secret_of(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def foreign(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """The signature as the specification has it: the key is what base64 stands for."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = message_id.encode() + b"." + str(at_s).encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


@given(keys=st.lists(KEYS, min_size=1, max_size=5), body=st.binary(), at_s=st.integers(0, 2**40))
def test_every_secret_signs(keys: list[bytes], body: bytes, at_s: int) -> None:
    secrets = [secret_of(key) for key in keys]
    found = signing.headers(Shape.STANDARD, secrets, "message_1", at_s, body)
    wanted = [foreign(secret, "message_1", at_s, body) for secret in secrets]
    assert found["webhook-signature"].split(" ") == wanted
    assert set(found) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


@given(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True), body=st.binary())
@pytest.mark.parametrize("shape", [Shape.NOTIFYKIT, Shape.EMAILIT])
def test_a_vendors_header_is_of_the_first_secret_as_text(
    shape: Shape, keys: list[bytes], body: bytes
) -> None:
    secrets = [secret_of(key) for key in keys]
    found = signing.headers(shape, secrets, "message_1", NOW, body)
    text = f"{NOW}.".encode() + body
    wanted = hmac.new(secrets[0].encode(), text, hashlib.sha256).hexdigest()
    if shape is Shape.NOTIFYKIT:
        assert found["X-Webhook-Signature"] == f"t={NOW},v1={wanted}"
        assert found["X-Webhook-Timestamp"] == str(NOW)
    else:
        assert found["X-Emailit-Signature"] == wanted
        assert found["X-Emailit-Timestamp"] == str(NOW)


@given(key=st.binary(max_size=80))
def test_a_secret_is_of_24_to_64_bytes(key: bytes) -> None:
    good = KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX
    assert (not signing.problem(secret_of(key))) is good


@given(text=st.text())
def test_whatever_is_taken_for_a_secret_can_sign(text: str) -> None:
    for secret in (text, "whsec_" + text):
        if not signing.problem(secret):
            Webhook(secret)
            assert signing.headers(Shape.STANDARD, [secret], "m", NOW, b"")


def test_what_is_minted_suits_all_schemes() -> None:
    secrets = {signing.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert not signing.problem(secret)
        assert len(bytes.fromhex(secret.removeprefix("whsec_"))) == 32

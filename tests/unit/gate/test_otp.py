"""Codes of the second factor: RFC 6238's own examples, and the steps around now."""

import base64

import pytest

from gatepost.gate import otp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
    ],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    assert otp.step_of(SECRET, code, at_s * 1000) == at_s // 30
    assert otp.step_of(SECRET, f" {code[:3]} {code[3:]} ", (at_s + 30) * 1000) == at_s // 30
    assert otp.step_of(SECRET, code, (at_s - 30) * 1000) == at_s // 30
    assert otp.step_of(SECRET, code, (at_s + 61) * 1000) is None


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢", "-87082"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert otp.step_of(SECRET, code, 59_000) is None


def test_secrets_are_known_by_their_look() -> None:
    assert otp.is_secret(otp.new())
    assert otp.new() != otp.new()
    for text in ("", "A" * 31, "a" * 32, "1" * 32, "A" * 32 + "\n"):
        assert not otp.is_secret(text)

from datetime import UTC, datetime

from gatepost.delivery.email.ses import Keys, sign


def test_the_signature_is_amazons() -> None:
    """The case `post-vanilla` of their test suite for Signature Version 4."""
    keys = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    assert sign(keys, "service", "https://example.amazonaws.com/", b"", at) == {
        "x-amz-date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    }

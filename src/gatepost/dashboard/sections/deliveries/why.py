"""Why a delivery stands where it does, in words, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CLIENT_ERRORS = range(400, 500)


class Why(NamedTuple):
    """One or two sentences, and what to do, which may be nothing."""

    text: str
    advice: str = ""


LATE = "Let the receiver answer at once with any 2xx, and do the work afterwards."
FAULTS = {
    "refused": Why(
        "Nothing answered there: the connection was refused.",
        "See whether the receiver is running, and whether the port is right.",
    ),
    "timeout": Why("It did not answer in time.", LATE),
    "network": Why(
        "No connection, or it broke before there was an answer.",
        "See whether the name of the host is right, and whether it can be reached from here.",
    ),
    "tls": Why(
        "No secure connection could be made.",
        "See whether its certificate is valid, for this name, and sent with its whole chain.",
    ),
    "forbidden_address": Why(
        "It leads to an address that this installation does not connect to.",
        "Private networks are reached where the setting delivery_networks names them.",
    ),
    "redirect": Why(
        "It answered with a redirect, and redirects are never followed.",
        "Give the address that it leads to instead.",
    ),
    "too_large": Why("It was too large to be sent.", "Send less of it."),
    "provider": Why("The service on the other side did not take it.", "See what it answered."),
    "suppressed": Why(
        "This address gets no more mail from this account.",
        "Take it off the list of suppressed addresses if that is wrong, then replay.",
    ),
    "bounced": Why(
        "There is no such recipient. The address gets no more mail from this account.",
        "Find out the right address.",
    ),
    "held": Why(
        "Mails of the key that it was sent with are held back.",
        "Let them go where the key is, then replay.",
    ),
    "expired": Why(
        "Its time was over before it could be delivered.", "Send it anew if it still matters."
    ),
}
STATUSES = {
    401: "It wants credentials: give them as a header, as Authorization.",
    403: "It refuses these credentials, or this sender: see its rules and its firewall.",
    404: "Nothing is at this path: see whether the address is complete.",
    405: "It takes no such method at this path: see whether the address is complete.",
    410: "It says that it is gone for good. An endpoint that says so is disabled.",
    413: "It takes nothing of this size.",
    429: "It wants fewer requests: give its endpoint a rate.",
}
WORDS = (
    ("disabled", "Enable the endpoint, then replay; a replay goes to a disabled one as well."),
    ("endpoint has been deleted", "It cannot be sent there any more."),
    ("erased", "It cannot be sent again."),
    ("device has been removed", "It cannot be sent there any more."),
    ("login", "Set the user and the password of the mailer right, then replay."),
    ("Internal error", "The log of the server has the cause, beside the id of this delivery."),
)


def explain(delivery: Mapping[str, Any], endpoint: Mapping[str, Any] | None = None) -> Why:
    """Say it of a delivery as the API shows it, and of its endpoint if it has one."""
    match delivery["state"]:
        case "succeeded":
            return Why(_succeeded(delivery))
        case "canceled":
            return Why("It was ended by hand.", "A replay sends it after all.")
        case "sending":
            return Why("It is on its way at this moment.")
        case "waiting":
            return Why(
                "An earlier one to the same destination, with the same ordering key, has not "
                "ended.",
                "It goes as soon as that one has. Skip that one if it is in the way.",
            )
        case "pending":
            return _pending(delivery, endpoint)
    cause = _cause(delivery)
    return Why(f"{cause.text} It is not tried again.", cause.advice)


def _succeeded(delivery: Mapping[str, Any]) -> str:
    count, status = delivery["attempts"], delivery["status"]
    said = f", answering {status}" if status else ""
    return f"It was taken{said}." if count == 1 else f"It was taken at attempt {count}{said}."


def _pending(delivery: Mapping[str, Any], endpoint: Mapping[str, Any] | None) -> Why:
    if endpoint is not None and endpoint.get("health", {}).get("openUntil"):
        return Why(
            "Its endpoint has failed many times in a row and is left alone for a while.",
            "One attempt then finds out whether it is back; nothing is lost meanwhile.",
        )
    if not delivery["attempts"]:
        return Why("It goes when it is due and its destination has room for it.")
    cause = _cause(delivery)
    return Why(f"{cause.text} It is tried again by itself.", cause.advice)


def _cause(delivery: Mapping[str, Any]) -> Why:
    """By the kind of failure, and by what was answered."""
    fault, status, error = delivery["fault"], delivery["status"], delivery["error"] or ""
    if fault == "configuration":
        advice = next((one for words, one in WORDS if words in error), "")
        return Why(f"{error.rstrip('.')}.", advice or "Set that right, then replay.")
    if fault == "status" and status:
        return _answered(delivery["transport"], status)
    return FAULTS.get(fault, Why(f"{error or 'It failed'}."))


def _answered(transport: str, status: int) -> Why:
    if transport == "email":
        later = status < 500 or status in {502, 503, 504}  # noqa: PLR2004 # as SMTP has it
        if later:
            return Why(f"The mail server answered {status}: not now.", "See what it answered.")
        return Why(f"The mail server refused it with {status}.", "See what it answered.")
    said = f"The receiver answered {status}."
    if status in STATUSES:
        return Why(said, STATUSES[status])
    if status in CLIENT_ERRORS:
        return Why(said, "It did not like what was sent: see its answer, mend it, then replay.")
    return Why(said, "Something failed on its side: see its log; replay once it is mended.")

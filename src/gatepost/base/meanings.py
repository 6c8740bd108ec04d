"""What each error code means and what helps, for the documents and for people."""

from __future__ import annotations

from typing import NamedTuple

from gatepost.base.errors import Code


class Meaning(NamedTuple):
    """Why a request was refused, and what its sender can do about it."""

    why: str
    remedy: str


MEANINGS = {
    Code.INVALID: Meaning(
        "The input does not fit.",
        "`details` names each field at fault by its path; mend them and send again.",
    ),
    Code.UNAUTHENTICATED: Meaning(
        "There is no key, or an unknown, disabled, expired or revoked one.",
        "Send a valid key as `Authorization: Bearer <key>`.",
    ),
    Code.FORBIDDEN: Meaning(
        "The key is valid but may not do this: it lacks the scope, may not be used from this "
        "address, or leads to no single project.",
        "Use a key with the scope that `message` names, or name a project in `X-Project-ID`.",
    ),
    Code.ACCOUNT_INACTIVE: Meaning(
        "The key's account is switched off.",
        "Ask whoever runs this service to activate it.",
    ),
    Code.NOT_FOUND: Meaning(
        "Nothing has this id, or nothing that this key may see.",
        "Check the id, and that the key belongs to the same account and project.",
    ),
    Code.METHOD_NOT_ALLOWED: Meaning(
        "The path exists, but not with this method.",
        "Use one of the methods in the `Allow` header.",
    ),
    Code.CUSTOMER_MISSING: Meaning(
        "This request is done for a customer, and does not say for which.",
        "Send the customer's id in `X-Customer-ID`.",
    ),
    Code.CUSTOMER_INVALID: Meaning(
        "What stands in `X-Customer-ID` is not the id of a customer.",
        "Send the id that registering the customer has returned, not your own name for it.",
    ),
    Code.CUSTOMER_INACTIVE: Meaning(
        "The customer is switched off.",
        "Switch it on again, or send the request for another one.",
    ),
    Code.CONFLICT: Meaning(
        "Something with this name exists already, or is in a state that does not allow this.",
        "Choose another name, or read the object first.",
    ),
    Code.IDEMPOTENCY_CONFLICT: Meaning(
        "The `Idempotency-Key` was used with another request within the last 24 hours.",
        "Repeat a request unchanged, or give a new one a key of its own.",
    ),
    Code.TOO_LARGE: Meaning(
        "The body, or what it decompresses to, is over the limit.",
        "Send less at once.",
    ),
    Code.TARGET_TOO_LONG: Meaning(
        "Path and query are longer than this API takes.",
        "Send the same by POST, with the parameters in the body.",
    ),
    Code.UNSUPPORTED_TYPE: Meaning(
        "The body is of a type that is not read here.",
        "Send JSON, and say so in `Content-Type`.",
    ),
    Code.UNSUPPORTED_ENCODING: Meaning(
        "The body's `Content-Encoding` is not known here.",
        "Use gzip, deflate or zstd, or send the body as it is.",
    ),
    Code.THROTTLED: Meaning(
        "Too many requests within a window of time.",
        "Wait as many seconds as `Retry-After` says. Refused requests do not count.",
    ),
    Code.QUOTA_EXCEEDED: Meaning(
        "The quota of the plan, of the customer or of the gate key is spent for this period.",
        "Wait for the reset, in as many seconds as `Retry-After` says, or raise the quota.",
    ),
    Code.RANGE_TOO_LARGE: Meaning(
        "The time asked about is longer than periods of this length are told for.",
        "Ask for a shorter time, or for longer periods.",
    ),
    Code.UPSTREAM_FAILED: Meaning(
        "The service behind a relayed route could not be reached, or broke off. Nothing was "
        "charged.",
        "Send the same request again; if that does not help, look at the service behind it.",
    ),
    Code.UPSTREAM_TIMEOUT: Meaning(
        "The service behind a relayed route did not answer in time. Nothing was charged.",
        "Send the same request again, or give the route a longer time-out.",
    ),
    Code.UNAVAILABLE: Meaning(
        "The service cannot answer just now: it is shutting down, or its disk is full.",
        "Send the same request again after `Retry-After`, with the same `Idempotency-Key`.",
    ),
    Code.INTERNAL: Meaning(
        "The fault is on the service's side.",
        "Send the same request again; give the `requestId` to whoever runs the service.",
    ),
}

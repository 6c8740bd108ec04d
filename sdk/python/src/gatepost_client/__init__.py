"""Gatepost's gate for Python: a client, and an ASGI middleware."""

from gatepost_client.client import AsyncGateClient, GateClient
from gatepost_client.errors import GatepostError, RefusedError, UnavailableError
from gatepost_client.identity import Identity, IdentityError, verify_identity
from gatepost_client.keys import GateKey, KeyPage, Limit, MintedKey, Quota
from gatepost_client.middleware import GateMiddleware, key_of
from gatepost_client.refusals import Refusal, problem
from gatepost_client.routes import path_template
from gatepost_client.wire import Check, KeyInfo, Reason, Verdict, Window

__version__ = "0.1.0"
__all__ = [
    "AsyncGateClient",
    "Check",
    "GateClient",
    "GateKey",
    "GateMiddleware",
    "GatepostError",
    "Identity",
    "IdentityError",
    "KeyInfo",
    "KeyPage",
    "Limit",
    "MintedKey",
    "Quota",
    "Reason",
    "Refusal",
    "RefusedError",
    "UnavailableError",
    "Verdict",
    "Window",
    "key_of",
    "path_template",
    "problem",
    "verify_identity",
]

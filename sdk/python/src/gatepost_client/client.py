"""Gatepost's gate, as a client sees it: checks, and the keys of your users."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any, Self, Unpack

import httpx2

from gatepost_client import calls, keys
from gatepost_client.calls import KEYS, Request
from gatepost_client.keys import GateKey, KeyChanges, KeyPage, MintedKey, NewKey
from gatepost_client.wire import Check, Verdict, read_verdict, read_verdicts


class AsyncGateClient:
    """Asks Gatepost at `url` as the holder of `api_key`, for one event loop.

    Calls take at most `timeout_s` seconds for each of their steps and raise RefusedError or
    UnavailableError. `trust` replaces the certificates that the system trusts.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_s: float = 2.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        options = calls.client_options(url, api_key, timeout_s, trust)
        self._http = httpx2.AsyncClient(**options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def check(self, check: Check, *, once: str | None = None) -> Verdict:
        """Ask one check; repeated with the same `once`, it is charged once."""
        return read_verdict(await self._call(calls.one_check(check, once)))

    async def check_batch(
        self, checks: Sequence[Check], *, once: str | None = None
    ) -> list[Verdict]:
        """Ask up to a hundred checks at once; the verdicts are in their order."""
        data = await self._call(calls.many_checks(checks, once))
        return read_verdicts(data, len(checks))

    async def create_key(self, name: str, **terms: Unpack[NewKey]) -> MintedKey:
        """Make a key for one of your users; its secret is told this once."""
        body = {"name": name, **keys.write(terms)}
        return keys.read_minted(await self._call(Request("POST", KEYS, body)))

    async def get_key(self, key_id: str) -> GateKey:
        """Read one key."""
        return keys.read_key(await self._call(calls.of_key("GET", key_id)))

    async def list_keys(self, *, customer: str | None = None, cursor: str | None = None) -> KeyPage:
        """Read a page of keys, newest first."""
        return keys.read_page(await self._call(calls.listing(customer, cursor)))

    async def update_key(self, key_id: str, **changes: Unpack[KeyChanges]) -> GateKey:
        """Change a key, or disable it; true when it returns."""
        call = calls.of_key("PATCH", key_id, body=keys.write(changes))
        return keys.read_key(await self._call(call))

    async def rotate_key(self, key_id: str, *, grace_s: int = 0) -> MintedKey:
        """Give a key a new secret; the old one works for `grace_s` seconds more."""
        call = calls.of_key("POST", key_id, "/rotate", {"graceSeconds": grace_s})
        return keys.read_minted(await self._call(call))

    async def delete_key(self, key_id: str) -> None:
        """End a key for good; true when it returns."""
        await self._call(calls.of_key("DELETE", key_id))

    async def _call(self, call: Request) -> Any:
        options = call.options
        try:
            response = await self._http.request(call.method, call.path, **options)
        except Exception as error:  # noqa: BLE001 - a broken road shows as more than HTTPError
            failure = calls.no_answer(error)
        else:
            return calls.read(response)
        # Raised out here, so that no error leads to one whose text might show a header.
        raise failure


class GateClient:
    """The same for programs without an event loop; may be shared by threads."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_s: float = 2.0,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        options = calls.client_options(url, api_key, timeout_s, trust)
        self._http = httpx2.Client(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def check(self, check: Check, *, once: str | None = None) -> Verdict:
        """Ask one check; repeated with the same `once`, it is charged once."""
        return read_verdict(self._call(calls.one_check(check, once)))

    def check_batch(self, checks: Sequence[Check], *, once: str | None = None) -> list[Verdict]:
        """Ask up to a hundred checks at once; the verdicts are in their order."""
        data = self._call(calls.many_checks(checks, once))
        return read_verdicts(data, len(checks))

    def create_key(self, name: str, **terms: Unpack[NewKey]) -> MintedKey:
        """Make a key for one of your users; its secret is told this once."""
        body = {"name": name, **keys.write(terms)}
        return keys.read_minted(self._call(Request("POST", KEYS, body)))

    def get_key(self, key_id: str) -> GateKey:
        """Read one key."""
        return keys.read_key(self._call(calls.of_key("GET", key_id)))

    def list_keys(self, *, customer: str | None = None, cursor: str | None = None) -> KeyPage:
        """Read a page of keys, newest first."""
        return keys.read_page(self._call(calls.listing(customer, cursor)))

    def update_key(self, key_id: str, **changes: Unpack[KeyChanges]) -> GateKey:
        """Change a key, or disable it; true when it returns."""
        call = calls.of_key("PATCH", key_id, body=keys.write(changes))
        return keys.read_key(self._call(call))

    def rotate_key(self, key_id: str, *, grace_s: int = 0) -> MintedKey:
        """Give a key a new secret; the old one works for `grace_s` seconds more."""
        call = calls.of_key("POST", key_id, "/rotate", {"graceSeconds": grace_s})
        return keys.read_minted(self._call(call))

    def delete_key(self, key_id: str) -> None:
        """End a key for good; true when it returns."""
        self._call(calls.of_key("DELETE", key_id))

    def _call(self, call: Request) -> Any:
        options = call.options
        try:
            response = self._http.request(call.method, call.path, **options)
        except Exception as error:  # noqa: BLE001 - a broken road shows as more than HTTPError
            failure = calls.no_answer(error)
        else:
            return calls.read(response)
        # Raised out here, so that no error leads to one whose text might show a header.
        raise failure

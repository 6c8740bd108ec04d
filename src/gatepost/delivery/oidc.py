"""Signing in elsewhere: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import msgspec

from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.delivery.safehttp import Failed, SafeHttp

OK = 200
DOCUMENT_BYTES_MAX = 262_144
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""None with a shared secret, and none without a signature."""
FORM = "application/x-www-form-urlencoded"


class Metadata(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Tokens(msgspec.Struct, frozen=True):
    """What a code is redeemed for."""

    id_token: str


class Asking(msgspec.Struct, frozen=True):
    """What must come back to the browser that began: `state` by way of it, `nonce` in the token.
    `verifier` is known to nobody else until then; `at` in ms.
    """

    state: str
    nonce: str
    verifier: str
    next: str
    at: int


class Proved(msgspec.Struct, frozen=True):
    """Whom the provider vouches for. `email` is verified by it."""

    email: str
    name: str


class Provider:
    """One sign-in at the provider of the settings, by connections of its own."""

    def __init__(self, settings: Settings, returns_to: str) -> None:
        """Hold where the browser comes back to."""
        self._settings = settings
        self._returns_to = returns_to

    async def begin(self, next_: str, now: int) -> tuple[str, Asking]:
        """Where to send the browser, and what to remember of that. Raises UNAVAILABLE."""
        http = SafeHttp(self._settings)
        try:
            provider = await self._discover(http)
        finally:
            await http.close()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._returns_to,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in provider.authorization_endpoint else "?"
        where = provider.authorization_endpoint + joint + urlencode(query)
        return where, Asking(state, nonce, verifier, next_, now)

    async def redeem(self, code: str, asking: Asking) -> Proved:
        """Whom a code stands for. Raises UNAVAILABLE, and FORBIDDEN for what proves nothing."""
        http = SafeHttp(self._settings)
        try:
            provider = await self._discover(http)
            token = await self._token(http, provider, code, asking)
            keys = await _document(http, provider.jwks_uri)
        finally:
            await http.close()
        return proved(token, keys, self._settings, provider, asking.nonce)

    async def _discover(self, http: SafeHttp) -> Metadata:
        issuer = self._settings.oidc_issuer
        where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await _document(http, where)
        try:
            metadata = msgspec.convert(found, Metadata)
        except msgspec.ValidationError:
            raise _unavailable("does not describe itself") from None
        if metadata.issuer != issuer:
            raise _unavailable("calls itself otherwise than the settings do")
        return metadata

    async def _token(self, http: SafeHttp, provider: Metadata, code: str, asking: Asking) -> str:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._returns_to,
            "code_verifier": asking.verifier,
        }
        headers = {"Content-Type": FORM, "Accept": "application/json"}
        if settings.oidc_client_secret:
            headers["Authorization"] = _basic(settings)
        else:
            form["client_id"] = settings.oidc_client_id
        body = urlencode(form).encode()
        try:
            answer = await http.ask("POST", provider.token_endpoint, headers, body)
        except Failed as fault:
            raise _unavailable(str(fault)) from None
        if answer.status != OK:
            raise _refused("did not take its own code back")
        try:
            return msgspec.json.decode(answer.text, type=Tokens).id_token
        except msgspec.DecodeError:
            raise _refused("gave no token") from None


def proved(token: str, keys: Any, settings: Settings, provider: Metadata, nonce: str) -> Proved:
    """Check a token (OpenID Connect Core 1.0, section 3.1.3.7); raises FORBIDDEN."""
    try:
        claims = _claims(token, keys, settings, provider)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError):
        raise _refused("gave a token that is not right") from None
    parties, azp = claims["aud"], claims.get("azp")
    if isinstance(parties, list) and len(parties) > 1 and azp != settings.oidc_client_id:
        raise _refused("gave a token that is for somebody else")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _refused("gave a token of another time")
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise _refused("does not vouch for your address")
    name = claims.get("name")
    return Proved(email, name if isinstance(name, str) else "")


def _claims(token: str, keys: Any, settings: Settings, provider: Metadata) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    if header["alg"] not in ALGORITHMS:
        raise ValueError("not an algorithm that proves anything")
    known = jwt.PyJWKSet.from_dict(keys).keys
    named = [one for one in known if one.key_id == header.get("kid")]
    (key, *_) = named or known
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[header["alg"]],
        audience=settings.oidc_client_id,
        issuer=provider.issuer,
        leeway=LEEWAY_S,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )
    return claims


async def _document(http: SafeHttp, where: str) -> Any:
    try:
        file = await http.fetch(where, DOCUMENT_BYTES_MAX)
        return msgspec.json.decode(file.content)
    except Failed as fault:
        raise _unavailable(str(fault)) from None
    except msgspec.DecodeError:
        raise _unavailable("answered with no JSON") from None


def _basic(settings: Settings) -> str:
    """RFC 6749, section 2.3.1: both parts are encoded as forms are."""
    pair = (settings.oidc_client_id, settings.oidc_client_secret)
    text = ":".join(quote(one, safe="") for one in pair)
    return "Basic " + base64.b64encode(text.encode()).decode()


def _unavailable(why: str) -> AppError:
    return AppError(Code.UNAVAILABLE, f"The provider cannot be asked: {why}")


def _refused(why: str) -> AppError:
    return AppError(Code.FORBIDDEN, f"The provider {why}")

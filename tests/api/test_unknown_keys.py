"""How often one address may try keys that nobody has."""

from pathlib import Path

import httpx2

from tests.api.admin import first_admin
from tests.dialects.native.wire import refusal_of
from tests.server import Server

TRIES = 3


def test_an_address_that_guesses_is_slowed_down(tmp_path: Path, http: httpx2.Client) -> None:
    env = {
        "GATEPOST_UNKNOWN_KEYS_PER_MINUTE": str(TRIES),
        "GATEPOST_TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with Server(tmp_path / "data", env=env) as server:
        known = first_admin(server, http)
        guess = known.using(f"gp_live_{'x' * 32}").wire
        for _ in range(TRIES):
            refusal_of(guess.get("/v1/ping"), 401, "unauthorized", "Unauthorized")
        slowed = guess.get("/v1/ping")
        refusal_of(slowed, 429, "rate_limited", "Rate limit exceeded")
        assert 1 <= int(slowed.headers["Retry-After"]) <= 60
        elsewhere = guess.send("GET", "/v1/ping", headers={"X-Forwarded-For": "203.0.113.7"})
        assert elsewhere.status_code == 401
        assert known.ping(str(server.first_run_key)) == 200

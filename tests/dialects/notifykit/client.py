"""The official client's behaviour, as its public source has it: paths, headers, what it takes for
a result, what for an error, and what it tries again.
"""

import time
from typing import Any

import httpx2

PAUSES_S = (0.2, 0.5)
PAUSE_S_MAX = 10.0
GOOD = range(200, 300)
SERVER_ERRORS = range(500, 600)
TOO_MANY = 429


class NotifyKitError(Exception):
    """What the client raises: `error`, else `message`, else the reason phrase."""

    def __init__(self, answer: httpx2.Response, body: Any) -> None:
        said = body if isinstance(body, dict) else {}
        found = said.get("error") or said.get("message") or answer.reason_phrase
        super().__init__(", ".join(found) if isinstance(found, list) else found)
        self.status_code = answer.status_code
        after = said.get("retryAfter")
        self.retry_after = after if answer.status_code == TOO_MANY else None


class Client:
    """`baseUrl` may end in one slash; each request says that its body is JSON, if it has one or
    not.
    """

    def __init__(self, http: httpx2.Client, base_url: str, key: str) -> None:
        self._http = http
        self._base = base_url.removesuffix("/")
        self._key = key
        self.requests = 0

    def ping(self) -> Any:
        return self._ask("GET", "/ping")

    def get_api_info(self) -> Any:
        return self._ask("GET", "/info")

    def send_email(self, **options: Any) -> Any:
        return self._ask("POST", "/notifications/email", options)

    def send_webhook(self, **options: Any) -> Any:
        return self._ask("POST", "/notifications/webhook", options)

    def get_job(self, job_id: str) -> Any:
        return self._ask("GET", f"/notifications/jobs/{job_id}")

    def list_jobs(self, **options: Any) -> Any:
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return self._ask("GET", f"/notifications/jobs?{query}")

    def retry_job(self, job_id: str) -> Any:
        return self._ask("POST", f"/notifications/jobs/{job_id}/retry")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        for pause_s in (*PAUSES_S, None):
            try:
                return self._once(method, path, body)
            except NotifyKitError as error:
                again = error.status_code in SERVER_ERRORS or error.status_code == TOO_MANY
                if pause_s is None or not again:
                    raise
                time.sleep(min(error.retry_after or pause_s, PAUSE_S_MAX))
        raise AssertionError("the last pause is none")

    def _once(self, method: str, path: str, body: Any) -> Any:
        self.requests += 1
        answer = self._http.request(
            method,
            f"{self._base}/api/v1{path}",
            json=body,
            headers={"X-API-Key": self._key, "Content-Type": "application/json"},
        )
        try:
            read = answer.json()
        except ValueError:
            read = None
        if answer.status_code not in GOOD or (isinstance(read, dict) and not read.get("success")):
            raise NotifyKitError(answer, read)
        return read["data"] if isinstance(read, dict) and "data" in read else read

"""A receiver of webhooks that costs as little as one can, and tells what it got.

Every POST is answered 200 at once, but those below `/hang`, which are never answered. `GET` tells
how many came, when the last one did (ms since the epoch), and how long each below `/timed` took
from the `createdAt` of its event to here (ms); it forgets those with that.
"""

import asyncio
import re
import sys
import time
from datetime import datetime
from typing import Any

import msgspec
import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CREATED = re.compile(rb'"createdAt":"([^"]+)"')


class Account:
    """What came so far."""

    def __init__(self) -> None:
        self.requests = 0
        self.last_ms = 0.0
        self.created: list[tuple[bytes, float]] = []

    def tell(self) -> bytes:
        waits, self.created = [at - _ms(text) for text, at in self.created], []
        told = {"requests": self.requests, "lastMs": self.last_ms, "waitsMs": waits}
        body = msgspec.json.encode(told)
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[: end + 2]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._request(head, body)

    def _request(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            self._transport.write(self._account.tell())
            return
        if head.startswith(b"POST /hang"):
            return
        self._account.requests += 1
        self._account.last_ms = time.time() * 1000
        if head.startswith(b"POST /timed"):
            created = CREATED.search(body)
            if created:
                self._account.created.append((created[1], self._account.last_ms))
        self._transport.write(OK)


def _ms(text: bytes) -> float:
    return datetime.fromisoformat(text.decode()).timestamp() * 1000


async def serve(port: int) -> None:
    account = Account()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(account), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

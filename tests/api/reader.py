"""Readers of the event stream: one that keeps up, and one that reads only when told to."""

import json
import socket
import threading
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx2

from tests import plain
from tests.dialects.native.wire import Wire
from tests.waiting import wait_for

PATH = "/v1/events/stream"
Frame = dict[str, str]


class Reader:
    """One open stream; frames gather as they come. A context manager."""

    def __init__(
        self, wire: Wire, query: Any = (), headers: Mapping[str, str] | None = None
    ) -> None:
        url = f"{wire.address}{PATH}?{urlencode(list(dict(query).items()))}"
        bearer = {"Authorization": f"Bearer {wire.key}"}
        self.frames: list[Frame] = []
        self.comments = 0
        self.ended = threading.Event()
        self.client = plain.Client(timeout=30)
        request = self.client.build_request("GET", url, headers=bearer | dict(headers or {}))
        self.response = self.client.send(request, stream=True)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        assert self.response.status_code == 200, self.response.read()
        assert self.response.headers["Content-Type"].startswith("text/event-stream")
        self._thread.start()
        wait_for(lambda: self.frames, "the first frame")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.response.close()
        self.client.close()
        self._thread.join(10)

    def _read(self) -> None:
        frame: Frame = {}
        try:
            for line in self.response.iter_lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    frame[name] = value
                elif frame:
                    self.frames.append(frame)
                    frame = {}
        except (httpx2.TransportError, httpx2.StreamError):
            pass
        finally:
            self.ended.set()

    def events(self) -> list[dict[str, Any]]:
        found = list(self.frames)
        return [json.loads(one["data"]) for one in found if one.get("event") == "event"]

    def titles(self) -> list[str]:
        return [event["title"] for event in self.events()]

    def said(self, kind: str) -> list[dict[str, Any]]:
        found = list(self.frames)
        return [json.loads(one["data"]) for one in found if one.get("event") == kind]

    def has(self, title: str) -> bool:
        return title in self.titles()

    def id_of(self, title: str) -> str:
        """The stream's id of the frame that brought a title."""
        for frame in list(self.frames):
            if frame.get("event") == "event" and json.loads(frame["data"])["title"] == title:
                return frame["id"]
        raise AssertionError(title)

    def await_titles(self, *titles: str) -> None:
        wait_for(lambda: len(self.titles()) >= len(titles), f"{titles}, have {self.titles()}")
        assert self.titles() == list(titles)


class Slow:
    """A raw connection that reads only when told to."""

    def __init__(self, wire: Wire, channel: str) -> None:
        host, _, port = wire.address.removeprefix("http://").partition(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(20)
        self.socket.connect((host, int(port)))
        self.socket.sendall(
            f"GET {PATH}?channel={quote(channel)} HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {wire.key}\r\n\r\n".encode()
        )

    def read_on(self, until: bytes = b"\r\n\r\n") -> bytes:
        """All bytes until one text has come, or the connection has ended."""
        found = bytearray()
        while part := self.socket.recv(65_536):
            searched = max(0, len(found) - len(until))
            found += part
            if found.find(until, searched) >= 0:
                break
        return bytes(found)

"""A relay before a server that counts round trips: how often a client speaks after it heard."""

import contextlib
import socket
from collections.abc import Iterator
from threading import Thread

HOST = "127.0.0.1"


class Relay:
    """Passes on what is said at `port`, and counts `trips` over all connections."""

    def __init__(self, target: int) -> None:
        self.trips = 0
        self._target = target
        self._door = socket.create_server((HOST, 0))
        self.port: int = self._door.getsockname()[1]
        Thread(target=self._welcome, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _welcome(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            _Talk(self, client, socket.create_connection((HOST, self._target)))


class _Talk:
    """One connection: two threads, one for each direction."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay = relay
        self._asking = False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
        Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                self._relay.trips += asks and not self._asking
                self._asking = asks
                target.sendall(said)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relay(target: int) -> Iterator[Relay]:
    """Relay to a port of this host."""
    running = Relay(target)
    try:
        yield running
    finally:
        running.close()

"""Ports for servers that keep theirs over all their starts."""

import random
import socket

HOST = "127.0.0.1"
# Below the ports the kernel hands out by itself: nobody takes ours while the server is down.
PORTS = range(10_240, 32_000)


def free_port() -> int:
    """A port of this host that nobody listens at."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port

"""Hosts on one machine: network namespaces around a router that can lose what passes."""

import ctypes
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Self

CLONE_NEWNET = 0x40000000
MINE = Path("/proc/thread-self/ns/net")


class Host:
    """A namespace of its own, with one address. Threads enter it, and processes start in it."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and all threads and processes it starts, are on this host."""
        with MINE.open() as home, Path("/run/netns", self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def ip(self, *words: str) -> None:
        _ip("-n", self.name, *words)


class Network:
    """Some hosts, and a router between them where the clients are; a context manager.

    The router loses packets without a word to anyone, as a broken switch or a bad rule does.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._mark = secrets.token_hex(4)
        self._stack = ExitStack()
        self.router = Host(f"{self._mark}-router", "")
        self.hosts = [
            Host(f"{self._mark}-{name}", f"10.77.{number}.2") for number, name in enumerate(names)
        ]

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    @contextmanager
    def lost(self, one: Host, other: Host) -> Iterator[None]:
        """What these two send each other vanishes; they still reach all the others."""
        rules = [
            ("from", one.address, "to", other.address, "blackhole"),
            ("from", other.address, "to", one.address, "blackhole"),
        ]
        for rule in rules:
            self.router.ip("rule", "add", *rule)
        try:
            yield
        finally:
            for rule in rules:
                self.router.ip("rule", "del", *rule)

    def _make(self) -> None:
        for host in (self.router, *self.hosts):
            _ip("netns", "add", host.name)
            self._stack.callback(_ip, "netns", "del", host.name)
            host.ip("link", "set", "lo", "up")
        for number, host in enumerate(self.hosts):
            self._plug(host, f"to-{number}", host.address.removesuffix("2") + "1")
        with self.router.entered():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def _plug(self, host: Host, port: str, gateway: str) -> None:
        cable = ("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        self.router.ip(*cable)
        self.router.ip("addr", "add", f"{gateway}/24", "dev", port)
        self.router.ip("link", "set", port, "up")
        host.ip("addr", "add", f"{host.address}/24", "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        host.ip("route", "add", "default", "via", gateway)


@cache
def possible() -> bool:
    """Whether this machine lets us make such a network, and break it."""
    try:
        with Network(["one", "other"]) as network, network.lost(*network.hosts):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

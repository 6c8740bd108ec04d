"""Passwords of operators: Argon2id (RFC 9106), beside the event loop, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from gatepost.base.errors import AppError, Code

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

AT_ONCE = 2
WAITING_MAX = 64
MEMORY_KIB = 47_104
ROUNDS = 2
"""More than OWASP's least for this much memory: one round."""


class Passwords:
    """Hashes and compares. Used from the event loop alone; loads nothing before it is needed."""

    def __init__(self) -> None:
        """Start without a thread."""
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Hash a password; raises UNAVAILABLE where too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether a password is the one that was hashed. Without one it takes as long, and is not.
        Raises UNAVAILABLE where too many wait.
        """
        return await self._run(lambda: self._compare(password, hashed))

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # noqa: PLC0415 # for those who sign in alone

        return PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody's password")

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, "passwords")

    def _compare(self, password: str, hashed: str | None) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 # as above

        try:
            self._hasher.verify(hashed or self._nobodys, password)
        except (Argon2Error, InvalidHashError):
            return False
        return hashed is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise AppError(Code.UNAVAILABLE, "Too many sign in at the moment. Please try again.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

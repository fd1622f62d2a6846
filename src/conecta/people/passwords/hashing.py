"""Argon2id in threads of its own: a hash takes tens of milliseconds, which the event loop must not wait."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Result = TypeVar("Result")

# The OWASP Password Storage Cheat Sheet's first choice: 19 MiB, two passes, one lane.
TIME_COST, MEMORY_KIB, LANES = 2, 19_456, 1
LONGEST = 200
# So many at once: more would only use more memory, for each wants a core for itself.
_AT_ONCE = 4


async def seal(password: str) -> str:
    """Return the hash to store of a new password."""
    return await in_thread(_hasher().hash, normal(password))


async def fits(password: str, stored: str | None) -> bool:
    """Say whether it is the password of a stored hash; without one, do the same work and say no."""
    return await in_thread(_fits, password, stored)


def is_outdated(stored: str) -> bool:
    """Say whether a hash was made with other parameters than ours are now."""
    return _hasher().check_needs_rehash(stored)


def normal(password: str) -> str:
    """Return one form of a password that keyboards write in several (NFC)."""
    return unicodedata.normalize("NFC", password)


async def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Do a heavy computation off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), work, *arguments)


def _fits(password: str, stored: str | None) -> bool:
    known = stored is not None and len(password) <= LONGEST
    hashed = stored if known and stored is not None else _nobodys()
    try:
        return _hasher().verify(hashed, normal(password[:LONGEST])) and known
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody's password")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="passwords")

"""Queues of one process, by name: who could not go on anyway waits here, without a connection.

What takes turns under a lock of the database would otherwise wait in it with a connection of the pool each,
and a hundred callers of one firm would keep all others out.
"""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

# One that has the turn, and one whose way to it (begin, idempotency key) is done meanwhile.
AT_ONCE: Final = 2


class Queues:
    """The queues of a process; one exists for as long as somebody is in it."""

    def __init__(self) -> None:
        self._gates: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Semaphore:
        """Return the gate of a queue, to be entered with `async with`: first come, first served."""
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = asyncio.Semaphore(AT_ONCE)
        return gate

"""Tasks that run beside the requests, ended for certain."""

import asyncio
from typing import Any, Final

ASKED_AGAIN_AFTER: Final = 1.0


async def stop(*tasks: asyncio.Task[Any], again_after: float = ASKED_AGAIN_AFTER) -> None:
    """Cancel tasks and wait until every one has ended, however it ended.

    Up to Python 3.11 `asyncio.wait_for`, on which the connection pools stand, loses a cancellation that
    arrives in the same turn of the loop as what it waited for. So who still runs is asked again.

    Args:
        tasks: the tasks; those that have ended already are left alone.
        again_after: seconds between two requests to end; longer than a task may take to wind up.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=again_after)
    # Looking at what a task raised keeps asyncio from calling it forgotten.
    await asyncio.gather(*tasks, return_exceptions=True)

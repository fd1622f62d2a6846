"""Tasks that run beside the requests: repeated whatever happens, ended for certain."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy.exc import OperationalError

# Long enough for a transaction to roll back on a busy machine: asking again would cut that off.
ASKED_AGAIN_AFTER: Final = 5.0
RESUMED_AFTER: Final = 0.5

log = structlog.get_logger()


async def repeat(
    step: Callable[[], Awaitable[None]], *, name: str, until: Callable[[], bool] = lambda: False
) -> None:
    """Repeat a step until cancelled; an outage of the database, or a fault of ours, delays the next a little.

    Args:
        step: what to do again and again; it waits for its occasion itself.
        name: whose step it is, for the log.
        until: says before each step whether to stop; a step under way ends first, unless cancelled.
    """
    while not until():
        try:
            await step()
        except (psycopg.OperationalError, OperationalError, OSError) as error:
            log.warning("waits_for_the_database", who=name, error=str(error)[:500])
            await asyncio.sleep(RESUMED_AFTER)
        except Exception:
            log.exception("step_broke", who=name)
            await asyncio.sleep(RESUMED_AFTER)


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

"""A task that lost one request to end is ended all the same."""

import asyncio

from conecta.kit import background


async def _loses_the_first_cancellation(lost: asyncio.Event) -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        lost.set()
    await asyncio.sleep(60)


async def test_a_lost_cancellation_is_asked_for_again():
    lost = asyncio.Event()
    task = asyncio.create_task(_loses_the_first_cancellation(lost))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await background.stop(task, again_after=0.01)
    assert lost.is_set()
    assert task.cancelled()


async def test_what_ended_or_broke_is_left_alone():
    async def breaks() -> None:
        raise ZeroDivisionError

    ended = asyncio.create_task(asyncio.sleep(0, "done"))
    broken = asyncio.create_task(breaks())
    await asyncio.wait([ended, broken])
    await background.stop(ended, broken)
    assert ended.result() == "done"
    assert isinstance(broken.exception(), ZeroDivisionError)


async def test_nothing_to_stop():
    await background.stop()

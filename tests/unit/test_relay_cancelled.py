"""A relay that is told to end as it is woken ends: what Python 3.11's `wait_for` got wrong."""

import asyncio

from shared.relay import _set_within


async def test_a_cancellation_at_the_moment_of_waking_is_not_lost() -> None:
    woken = asyncio.Event()

    async def until_cancelled() -> None:
        while True:
            await _set_within(woken, 5)
            woken.clear()

    task = asyncio.create_task(until_cancelled())
    await asyncio.sleep(0)
    woken.set()
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()

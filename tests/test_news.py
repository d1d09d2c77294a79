"""News reaches whoever waits, however close it comes."""

import asyncio

from batch_helpers import assert_no_task_left

from fota_async.batch.news import News
from fota_async.clock import ScaledClock


async def test_news_between_asking_and_the_first_turn_of_the_waiter_is_not_missed() -> None:
    news = News(ScaledClock(1.0))
    waiter = asyncio.create_task(news.wait_until(3600.0))
    # In the same turn as the waiter's first step, before what it started had its own.
    asyncio.get_running_loop().call_soon(news.tell)

    async with asyncio.timeout(5):
        await waiter

    assert_no_task_left()


async def test_old_news_wakes_nobody() -> None:
    news = News(ScaledClock(1000.0))
    news.tell()

    waiter = asyncio.ensure_future(news.wait())
    await asyncio.sleep(0)
    assert not waiter.done()
    news.tell()
    async with asyncio.timeout(5):
        await waiter


async def test_a_moment_ends_the_wait_without_news() -> None:
    clock = ScaledClock(1000.0)

    async with asyncio.timeout(5):
        await News(clock).wait_until(clock.monotonic() + 1.0)

    assert_no_task_left()

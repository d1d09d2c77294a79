"""The places in flight and the pause, without a wire."""

import asyncio

import pytest
from helpers import Events
from simulator_api import ManualClock

from fota_async.events import LimitEvent, PauseEvent
from fota_async.limiter import Limiter, Slot


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def limiter_of(ceiling: int) -> tuple[Limiter, ManualClock, Events]:
    clock, events = ManualClock(), Events()
    return Limiter(ceiling, clock, events), clock, events


@pytest.mark.each_python
async def test_first_come_first_served() -> None:
    limiter, _, _ = limiter_of(2)
    order: list[int] = []

    async def hold(number: int) -> None:
        async with Slot(limiter):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(hold(number) for number in range(50)))

    assert order == list(range(50))


async def test_never_more_in_flight_than_the_limit() -> None:
    limiter, _, _ = limiter_of(3)
    now = most = 0

    async def hold() -> None:
        nonlocal now, most
        async with Slot(limiter):
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(hold() for _ in range(40)))

    assert most == 3


async def test_who_comes_later_does_not_overtake_who_waits() -> None:
    limiter, _, _ = limiter_of(1)
    first, second, third = Slot(limiter), Slot(limiter), Slot(limiter)
    await first.take()
    waiting = asyncio.create_task(second.take())
    await settle()
    first.give_back()
    # The place is free, but `second` has been told that it is its own.
    late = asyncio.create_task(third.take())
    await settle()

    assert waiting.done()
    assert not late.done()
    second.give_back()
    await late


@pytest.mark.each_python
@pytest.mark.parametrize("served", [False, True])
async def test_a_cancelled_wait_leaks_no_place(served: bool) -> None:
    limiter, _, _ = limiter_of(1)
    holder = Slot(limiter)
    await holder.take()
    waiting = asyncio.create_task(Slot(limiter).take())
    behind = asyncio.create_task(Slot(limiter).take())
    await settle()
    if served:
        holder.give_back()  # `waiting` has the place, and is cancelled before it knows
        waiting.cancel()
    else:
        waiting.cancel()
        holder.give_back()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1):
        await behind


async def test_many_cancelled_waits_leak_no_place() -> None:
    limiter, _, _ = limiter_of(4)

    async def hold() -> None:
        async with Slot(limiter):
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(hold()) for _ in range(200)]
    for turn in range(40):
        await asyncio.sleep(0)
        tasks[turn * 5].cancel()
        tasks[-turn].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    slots = [Slot(limiter) for _ in range(4)]
    async with asyncio.timeout(1):
        for slot in slots:
            await slot.take()
    fifth = asyncio.create_task(Slot(limiter).take())
    await settle()

    assert not fifth.done()
    fifth.cancel()


async def test_the_limit_halves_once_a_pause() -> None:
    limiter, clock, events = limiter_of(100)
    for _ in range(100):
        await limiter.acquire()
    for _ in range(10):
        limiter.throttled(30, "slow down")
    clock.turn(30)
    limiter.throttled(30, "slow down")

    assert [event.limit for event in events.of(LimitEvent)] == [50, 25]
    assert limiter.limit == 25


async def test_a_limit_that_nobody_reached_falls_to_half_of_what_was_in_flight() -> None:
    limiter, _, _ = limiter_of(100)
    for _ in range(8):
        await limiter.acquire()
    limiter.throttled(30, "slow down")
    assert limiter.limit == 4


async def test_the_limit_never_falls_below_one_and_grows_up_to_its_ceiling() -> None:
    limiter, clock, events = limiter_of(4)
    for _ in range(4):
        await limiter.acquire()
    for _ in range(5):
        limiter.throttled(1, "slow down")
        clock.turn(1)
    assert limiter.limit == 1

    for _ in range(1 + 2 + 3):
        limiter.answered()
    assert limiter.limit == 4
    for _ in range(20):
        limiter.answered()
    assert limiter.limit == 4
    assert [event.limit for event in events.of(LimitEvent)] == [2, 1, 2, 3, 4]


async def test_growth_makes_room_for_who_waits() -> None:
    limiter, clock, _ = limiter_of(2)
    limiter.throttled(1, "slow down")
    clock.turn(1)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await settle()
    assert not waiting.done()

    limiter.answered()
    await settle()
    assert waiting.done()


async def test_a_lower_limit_holds_back_until_enough_places_are_given_back() -> None:
    limiter, _, _ = limiter_of(4)
    for _ in range(4):
        await limiter.acquire()
    limiter.throttled(0, "slow down")
    waiting = asyncio.create_task(limiter.acquire())
    done = []
    for _ in range(3):
        limiter.release()
        await settle()
        done.append(waiting.done())

    assert done == [False, False, True]


async def test_the_longer_pause_counts() -> None:
    limiter, clock, events = limiter_of(2)
    limiter.throttled(30, "long")
    limiter.throttled(10, "short")
    assert limiter.pause_left == 30
    clock.turn(20)
    limiter.throttled(20, "longer")

    assert limiter.pause_left == 20
    assert [event.reason for event in events.of(PauseEvent)] == ["long", "longer"]


async def test_a_slot_is_taken_and_given_back_once() -> None:
    limiter, _, _ = limiter_of(1)
    slot = Slot(limiter)
    await slot.take()
    await slot.take()
    slot.give_back()
    slot.give_back()
    async with Slot(limiter):
        second = asyncio.create_task(Slot(limiter).take())
        await settle()
        assert not second.done()
    await second

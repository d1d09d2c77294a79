"""Places in flight, turns and the pause, without a wire."""

import asyncio
from collections import Counter
from typing import NoReturn

import pytest
from helpers import Events

from fota_async.allowance import FIRST_LIMIT
from fota_async.ceiling import Ceiling
from fota_async.clock import ManualClock
from fota_async.errors import NotSentError
from fota_async.events import LimitEvent, PauseEvent
from fota_async.limiter import Limiter, Slot


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


def limiter_of(ceiling: int | Ceiling) -> tuple[Limiter, ManualClock, Events]:
    clock, events = ManualClock(), Events()
    return Limiter(ceiling, clock, events), clock, events


async def round_trip(limiter: Limiter, clock: ManualClock, size: int) -> None:
    """Let so many requests be answered that were in flight together."""
    together = [await limiter.acquire() for _ in range(size)]
    clock.turn(1)
    for departure in together:
        limiter.answered(departure)
        limiter.release(departure)


async def grown(limiter: Limiter, clock: ManualClock, limit: int) -> None:
    """Let answers come until so many may be in flight."""
    while limiter.limit < limit:
        await round_trip(limiter, clock, limiter.limit)


async def throttle(limiter: Limiter, seconds: float) -> None:
    """Send a request that is throttled."""
    departure = await limiter.acquire()
    limiter.throttled(departure, "slow down", retry_after=seconds)
    limiter.release(departure)


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


async def test_when_who_watches_the_clock_is_cancelled_another_one_does() -> None:
    limiter, clock, _ = limiter_of(4)
    await throttle(limiter, 30)
    watching, waiting = (asyncio.create_task(Slot(limiter).take()) for _ in range(2))
    await settle()
    watching.cancel()
    await settle()
    clock.turn(30)
    async with asyncio.timeout(1):
        await waiting


async def test_the_limit_starts_low_and_grows_by_one_a_round_trip_up_to_its_ceiling() -> None:
    limiter, clock, events = limiter_of(FIRST_LIMIT + 2)
    seen = []
    for _ in range(4):
        seen.append(limiter.limit)
        await round_trip(limiter, clock, limiter.limit)

    assert seen == [FIRST_LIMIT, FIRST_LIMIT + 1, FIRST_LIMIT + 2, FIRST_LIMIT + 2]
    assert [event.limit for event in events.of(LimitEvent)] == [FIRST_LIMIT + 1, FIRST_LIMIT + 2]
    assert {event.rate for event in events.of(LimitEvent)} == {None}


async def test_a_limit_that_nobody_comes_near_does_not_grow() -> None:
    limiter, clock, _ = limiter_of(100)
    for _ in range(5):
        await round_trip(limiter, clock, FIRST_LIMIT // 2 - 1)

    assert limiter.limit == FIRST_LIMIT


async def test_after_trouble_the_limit_grows_by_one_a_round_trip_up_to_its_ceiling() -> None:
    limiter, clock, _ = limiter_of(FIRST_LIMIT)
    together = [await limiter.acquire() for _ in range(FIRST_LIMIT)]
    limiter.timed_out(together[0])
    for departure in together:
        limiter.release(departure)
    seen = []
    for _ in range(6):
        clock.turn(1)
        seen.append(limiter.limit)
        await round_trip(limiter, clock, limiter.limit)

    half = FIRST_LIMIT // 2
    assert seen == [half, half + 1, half + 2, half + 3, FIRST_LIMIT, FIRST_LIMIT]


async def test_the_limit_halves_once_a_round_trip() -> None:
    limiter, clock, _ = limiter_of(100)
    await grown(limiter, clock, 100)
    together = [await limiter.acquire() for _ in range(100)]
    clock.turn(1)
    limits = []
    for departure in together:
        limiter.throttled(departure, "slow down", retry_after=30)
        limiter.release(departure)
        limits.append(limiter.limit)
    assert set(limits) == {50}

    clock.turn(30)
    await throttle(limiter, 30)
    assert limiter.limit == 25


async def test_timeouts_halve_the_limit_once_a_round_trip_and_change_no_rate() -> None:
    limiter, clock, events = limiter_of(100)
    together = [await limiter.acquire() for _ in range(8)]
    clock.turn(30)
    for departure in together:
        limiter.timed_out(departure)

    assert limiter.limit == 4
    assert limiter.rate is None
    assert limiter.pause_left == 0
    assert not events.of(PauseEvent)


async def test_a_limit_that_nobody_reached_falls_to_half_of_what_was_in_flight() -> None:
    limiter, clock, _ = limiter_of(100)
    await grown(limiter, clock, 100)
    departures = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(departures[0], "slow down", retry_after=30)
    assert limiter.limit == 4


async def test_the_limit_never_falls_below_one() -> None:
    limiter, clock, _ = limiter_of(4)
    for _ in range(5):
        await throttle(limiter, 1)
        clock.turn(10)
    assert limiter.limit == 1


async def test_the_longer_pause_counts() -> None:
    limiter, clock, events = limiter_of(2)
    departure = await limiter.acquire()
    limiter.throttled(departure, "long", retry_after=30)
    limiter.throttled(departure, "short", retry_after=10)
    assert limiter.pause_left == 30
    clock.turn(20)
    limiter.throttled(departure, "longer", retry_after=20)

    assert limiter.pause_left == 20
    assert [event.reason for event in events.of(PauseEvent)] == ["long", "longer"]


async def test_requests_that_left_together_back_off_once_but_keep_what_the_api_says() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(3)]
    clock.turn(1)
    limiter.throttled(together[0], "first", back_off=lambda in_a_row: 2.0 * in_a_row)
    limiter.throttled(together[1], "late", back_off=lambda _: 100.0)
    assert limiter.pause_left == 2
    limiter.throttled(together[2], "late, but the API says so", retry_after=50)
    assert limiter.pause_left == 50


async def test_after_a_pause_one_goes_first_and_the_others_when_it_ended() -> None:
    limiter, clock, _ = limiter_of(8)
    await throttle(limiter, 10)
    slots = [Slot(limiter) for _ in range(3)]
    waiting = [asyncio.create_task(slot.take()) for slot in slots]
    await settle()
    clock.turn(10)
    await settle()
    clock.turn(100)
    await settle()
    assert [task.done() for task in waiting] == [True, False, False]

    slots[0].give_back()  # answered, lost or cancelled
    for _ in range(10):
        clock.turn(1)
        await settle()
    assert waiting[1].done()
    for task in waiting:
        task.cancel()


async def test_a_pause_that_is_too_long_to_wait_for_holds_nobody_at_the_gate() -> None:
    clock = ManualClock()
    limiter = Limiter(1, clock, Events(), patience=300)
    holder = Slot(limiter)
    await holder.take()
    waiting = asyncio.create_task(Slot(limiter).take())
    await settle()
    holder.throttled("quota", 1000, lambda _: 0.0)
    holder.give_back()
    async with asyncio.timeout(1):
        await waiting


async def test_a_pause_that_becomes_too_long_is_heard_of_at_once() -> None:
    clock = ManualClock()
    limiter = Limiter(8, clock, Events(), patience=300)
    departure = await limiter.acquire()
    limiter.throttled(departure, "slow down", retry_after=200)
    limiter.release(departure)
    watching = asyncio.create_task(Slot(limiter).take())
    await settle()
    limiter.hold_back(1000, "quota")
    async with asyncio.timeout(1):
        await watching


async def test_after_a_longer_pause_that_a_late_answer_asked_for_one_goes_first_as_well() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(together[0], "slow down", retry_after=1)
    for departure in together[:7]:
        limiter.release(departure)
    clock.turn(1)
    limiter.release(await limiter.acquire())
    limiter.throttled(together[7], "late", retry_after=100)
    limiter.release(together[7])
    waiting = [asyncio.create_task(Slot(limiter).take()) for _ in range(3)]
    for _ in range(110):
        await settle()
        clock.turn(1)
    assert sum(task.done() for task in waiting) == 1
    for task in waiting:
        task.cancel()


class Nowhere:
    """A place for tries that cannot be had."""

    async def available(self) -> None: ...

    async def take(self) -> None:
        raise NotSentError("no worker")

    def give_back(self) -> None: ...

    async def prepare(self, *_: object) -> None: ...

    async def make(self, *_: object) -> NoReturn:
        raise AssertionError


async def test_who_found_no_place_to_send_from_was_not_the_first_after_a_pause() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(together[0], "slow down", retry_after=10)
    for departure in together:
        limiter.release(departure)
    clock.turn(10)
    with pytest.raises(NotSentError):
        await Slot(limiter, place=Nowhere()).take()
    waiting = [asyncio.create_task(Slot(limiter).take()) for _ in range(3)]
    for _ in range(20):
        await settle()
        clock.turn(1)
    assert sum(task.done() for task in waiting) == 1
    for task in waiting:
        task.cancel()


async def test_when_the_first_request_was_answered_the_others_follow_at_the_learned_rate() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(together[0], "slow down", retry_after=10)
    for departure in together:
        limiter.release(departure)
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(4)]
    await settle()
    clock.turn(10)
    await settle()
    limiter.answered(waiting[0].result())
    limiter.release(waiting[0].result())
    assert limiter.rate is not None
    for _ in range(3):
        await settle()
        clock.turn(1.1 / limiter.rate)
    await settle()

    assert all(task.done() for task in waiting)


async def test_a_first_request_that_hangs_holds_the_others_back_for_half_a_minute() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(together[0], "slow down", retry_after=10)
    for departure in together:
        limiter.release(departure)
    slots = [Slot(limiter) for _ in range(3)]
    waiting = [asyncio.create_task(slot.take()) for slot in slots]
    left: list[int] = []
    for second in range(100):
        await settle()
        left += [second] * (sum(task.done() for task in waiting) - len(left))
        clock.turn(1)

    assert left == [10, 40, 70]


async def test_a_first_request_that_is_cancelled_before_it_left_leaves_the_next_one_first() -> None:
    limiter, clock, _ = limiter_of(8)
    together = [await limiter.acquire() for _ in range(8)]
    limiter.throttled(together[0], "slow down", retry_after=10)
    for departure in together:
        limiter.release(departure)
    waiting = [asyncio.create_task(Slot(limiter).take()) for _ in range(3)]
    await settle()
    clock.turn(10)
    limiter.serve()  # the first has its place, and is cancelled before it knows
    waiting[0].cancel()
    for _ in range(10):
        await settle()
        clock.turn(1)

    assert [task.done() for task in waiting] == [True, True, False]
    waiting[2].cancel()


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


# Turns


async def test_flows_take_turns_however_many_wait_in_each() -> None:
    limiter, _, _ = limiter_of(1)
    order: list[str] = []

    async def hold(flow: str) -> None:
        async with Slot(limiter, flow):
            order.append(flow)
            await asyncio.sleep(0)

    calls = ["large"] * 60 + ["small"] * 20 + ["third"] * 20
    await asyncio.gather(*(hold(flow) for flow in calls))

    assert len(order) == 100
    # The first one found nobody waiting; from then on everyone has a third.
    assert Counter(order[1:61]) == {"large": 20, "small": 20, "third": 20}
    assert set(order[61:]) == {"large"}


async def test_a_flow_that_comes_new_waits_for_one_request_of_each_other() -> None:
    limiter, _, _ = limiter_of(1)
    order: list[object] = []

    async def hold(flow: object, times: int) -> None:
        for _ in range(times):
            async with Slot(limiter, flow):
                order.append(flow)
                await asyncio.sleep(0)

    runs = [asyncio.create_task(hold(run, 50)) for run in ("one", "one", "other", "other")]
    while len(order) < 30:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(0)
    came = len(order)
    await hold(None, 1)
    waited = order.index(None) - came
    await asyncio.gather(*runs)

    assert waited <= 2


async def test_single_calls_that_never_cease_leave_their_shares_to_runs() -> None:
    limiter, _, _ = limiter_of(1)
    order: list[object] = []

    async def hold(flow: object) -> None:
        async with Slot(limiter, flow):
            order.append(flow)
            await asyncio.sleep(0)

    async def without_end(flow: object) -> None:
        while True:
            await hold(flow)

    tasks = [asyncio.create_task(without_end(flow)) for flow in (None, None, None, "run")]
    while len(order) < 200:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()

    shares = Counter(order)
    assert 62 <= shares["run"] <= 72  # single calls have two turns of three


# Ceilings


async def test_accounts_share_the_ceiling_in_flight_and_none_starves() -> None:
    ceiling = Ceiling(2)
    limiters = [Limiter(ceiling, ManualClock(), Events()) for _ in range(3)]
    order: list[int] = []
    most = 0

    async def hold(number: int) -> None:
        nonlocal most
        async with Slot(limiters[number]):
            most = max(most, ceiling.in_flight)
            order.append(number)
            await asyncio.sleep(0)

    numbers = [0] * 30 + [1] * 10 + [2] * 10
    async with asyncio.timeout(5):
        await asyncio.gather(*(hold(number) for number in numbers))

    assert most == 2
    assert len(order) == 50
    first = Counter(order[:30])
    assert min(first[1], first[2]) >= 8


async def test_the_highest_rate_holds_for_all_accounts_together() -> None:
    clock, ceiling = ManualClock(), Ceiling(100, max_rate=10)
    limiters = [Limiter(ceiling, clock, Events()) for _ in range(2)]
    left: list[tuple[float, int]] = []

    async def leave(number: int) -> None:
        async with Slot(limiters[number]):
            left.append((clock.monotonic(), number))

    tasks = [asyncio.create_task(leave(number)) for number in [0] * 20 + [1] * 20]
    for _ in range(400):
        await settle()
        clock.turn(0.01)
    await asyncio.gather(*tasks)

    for sent, (moment, _) in enumerate(left):
        assert sent <= 10 * moment + 2
    assert left[-1][0] < 4.0
    assert 8 <= sum(number for _, number in left[:20]) <= 12
    assert limiters[0].rate == 10


async def test_a_moment_that_nobody_used_is_not_used_later() -> None:
    clock, ceiling = ManualClock(), Ceiling(100, max_rate=1)
    limiters = [Limiter(ceiling, clock, Events()) for _ in range(5)]
    await limiters[0].acquire()
    given_up = [asyncio.create_task(limiter.acquire()) for limiter in limiters]
    await settle()
    for task in given_up:
        task.cancel()
    await settle()
    clock.turn(100)
    tasks = [asyncio.create_task(limiter.acquire()) for limiter in limiters]
    await settle()

    assert sum(task.done() for task in tasks) == 1
    for task in tasks:
        task.cancel()

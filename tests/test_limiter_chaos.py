"""Places in flight under cancellation at any moment: none is lost and nobody waits for ever."""

import asyncio
import random
from collections import Counter

import pytest
from helpers import Events

from fota_async.allowance import Pause
from fota_async.ceiling import Ceiling
from fota_async.clock import ManualClock
from fota_async.limiter import Limiter, Slot


class Account:
    """Tasks that take places of one account, and are answered, throttled, lost or cancelled."""

    def __init__(self, limiter: Limiter, clock: ManualClock, rng: random.Random) -> None:
        self.limiter, self.clock, self.rng = limiter, clock, rng
        self.done = 0

    async def ask(self, flow: int) -> None:
        rng = self.rng
        async with Slot(self.limiter, flow) as slot:
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
            fate = rng.random()
            if fate < 0.15:
                slot.throttled("slow down", rng.choice([None, 1.0, 400.0]), lambda _: rng.random())
            elif fate < 0.2:
                slot.timed_out()
            elif fate < 0.3:
                slot.give_back()
                await slot.take()
            else:
                slot.answered()
        self.done += 1


@pytest.mark.parametrize("seed", range(150))
async def test_no_place_is_lost_and_nobody_waits_for_ever(seed: int) -> None:
    rng = random.Random(seed)
    clock, everyone = ManualClock(), Pause()
    ceiling = Ceiling(rng.choice([1, 3, 20]), rng.choice([None, None, 5.0]))
    accounts = [
        Account(
            Limiter(ceiling, clock, Events(), patience=rng.choice([300, 1e9]), everyone=everyone),
            clock,
            rng,
        )
        for _ in range(rng.choice([1, 3]))
    ]
    tasks: list[asyncio.Task[None]] = []
    for _ in range(60):
        for _ in range(rng.randrange(4)):
            account = rng.choice(accounts)
            tasks.append(asyncio.create_task(account.ask(rng.randrange(3))))
        for _ in range(rng.randrange(3)):
            rng.choice(tasks).cancel() if tasks else None
        if rng.random() < 0.03:
            everyone.extend(clock.monotonic(), 5)
        for _ in range(rng.randrange(5)):
            await asyncio.sleep(0)
        clock.turn(rng.choice([0.0, 0.01, 1.0]))
    for _ in range(20_000):
        if all(task.done() for task in tasks):
            break
        await asyncio.sleep(0)
        clock.turn(0.2 if rng.random() < 0.9 else 500)

    ends = Counter("cancelled" if task.cancelled() else task.done() for task in tasks)
    assert set(ends) <= {"cancelled", True}
    assert not [task for task in tasks if not task.cancelled() and task.exception()]
    assert ceiling.in_flight == 0
    for account in accounts:
        clock.turn(1000)
        place = asyncio.create_task(account.limiter.acquire())
        for _ in range(10):
            await asyncio.sleep(0)
            clock.turn(1)
        assert place.done()
        account.limiter.release(place.result())

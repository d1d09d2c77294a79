"""The limit that learns, in virtual time: the same core that a session manager asks."""

import random
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf

import attrs
import pytest

from fota_async.allowance import Allowance
from fota_async.pacing import Departure
from fota_async.simulator.bucket import Bucket

WARM_UP = 10.0
PHASE = 60.0
PHASES = (50.0, 10.0, 100.0)


@attrs.frozen
class Answer:
    at: float
    departure: Departure
    accepted: bool


class World:
    """An account that is always asked for more, and a server that allows so much a second."""

    def __init__(
        self,
        rates: Sequence[float],
        latency: float,
        retry_after: float | None,
        *,
        seed: int = 0,
        burst: int = 5,
        by_lot: float = 0.0,
    ) -> None:
        self.allowance = Allowance(ceiling=100)
        self.rates, self.latency, self.retry_after = rates, latency, retry_after
        self.asked: list[tuple[float, bool]] = []
        self.burst, self.by_lot = burst, by_lot
        self._bucket = Bucket()
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Answer | None]] = []
        self._numbers = count()

    def run(self) -> None:
        end, wake = PHASE * len(self.rates), inf
        now = 0.0
        while now < end:
            while (wait := self.allowance.wait(now)) <= 0:
                self._send(now, self.allowance.depart(now))
            if now + wait < wake or wake <= now:
                # A timer is late by up to 2 ms.
                wake = now + wait + self._random.uniform(0, 0.002)
                if wake < inf:
                    heappush(self._events, (wake, next(self._numbers), None))
            now, _, answer = heappop(self._events)
            if answer is not None:
                self._receive(now, answer)

    def _send(self, now: float, departure: Departure) -> None:
        arrives = now + self.latency / 2
        rate = self.rates[min(int(arrives / PHASE), len(self.rates) - 1)]
        accepted = rate == inf or self._bucket.take(rate, self.burst, arrives)
        if self.by_lot and self._random.random() < self.by_lot:
            accepted = False
        self.asked.append((arrives, accepted))
        answered = now + self.latency * self._random.uniform(1, 1.1)
        answer = Answer(answered, departure, accepted)
        heappush(self._events, (answered, next(self._numbers), answer))

    def _receive(self, now: float, answer: Answer) -> None:
        allowance = self.allowance
        if answer.accepted:
            allowance.answered(now, answer.departure)
        elif allowance.throttled(now, answer.departure):
            allowance.pause.extend(now, self.retry_after or self._random.uniform(0, 0.5))
        elif self.retry_after:
            allowance.pause.extend(now, self.retry_after)
        allowance.end(now, answer.departure)

    def shares(self) -> list[tuple[float, float]]:
        """Return for each phase goodput as a share of what was allowed, and the share refused."""
        shares = []
        for number, rate in enumerate(self.rates):
            since, until = number * PHASE + WARM_UP, (number + 1) * PHASE
            told = [accepted for at, accepted in self.asked if since <= at < until]
            goodput = sum(told) / (rate * (until - since))
            shares.append((goodput, 1 - sum(told) / max(1, len(told))))
        return shares


@pytest.mark.parametrize("retry_after", [1.0, None])
@pytest.mark.parametrize("latency", [0.001, 0.05, 0.3])
def test_what_a_server_allows_is_found_and_found_again_when_it_changes(
    latency: float, retry_after: float | None
) -> None:
    shares = []
    for seed in range(3):
        world = World(PHASES, latency, retry_after, seed=seed)
        world.run()
        shares.append(world.shares())
    for phases in zip(*shares, strict=True):
        goodput = sum(good for good, _ in phases) / len(phases)
        refused = sum(share for _, share in phases) / len(phases)
        # A pause of a second for each look at whether more is allowed costs what it costs.
        assert goodput >= (0.9 if latency < 0.3 and not retry_after else 0.8)
        assert refused <= 0.05


def test_hours_of_the_same_allowance_stay_just_below_it() -> None:
    world = World([20.0] * 120, 0.05, 1.0)
    world.run()
    goodput, refused = map(sum, zip(*world.shares()[1:], strict=True))

    assert goodput / 119 >= 0.92
    assert refused / 119 <= 0.02


@pytest.mark.parametrize("retry_after", [1.0, None])
@pytest.mark.parametrize("by_lot", [0.01, 0.05, 0.1])
def test_throttling_by_lot_slows_down_by_little_more_than_its_pauses(
    by_lot: float, retry_after: float | None
) -> None:
    # A request in so many is throttled, however fast they come.
    pause = retry_after or 0.25
    shares = []
    for seed in range(4):
        world = World([inf] * 3, 0.01, retry_after, seed=seed, by_lot=by_lot)
        world.run()
        accepted = sum(accepted for at, accepted in world.asked if at >= PHASE)
        shares.append(accepted / (2 * PHASE) * by_lot * pause)

    # 1 would be no time at all between the pauses.
    assert min(shares) >= 0.2
    assert sum(shares) / len(shares) >= 0.4


@pytest.mark.parametrize("retry_after", [1.0, None])
def test_throttling_by_lot_beside_a_rate_does_not_hide_the_rate(retry_after: float | None) -> None:
    world = World([50.0] * 10, 0.05, retry_after, by_lot=0.01)
    world.run()
    goodput, refused = map(sum, zip(*world.shares()[1:], strict=True))

    assert goodput / 9 >= 0.4
    assert refused / 9 <= 0.1


@pytest.mark.parametrize("retry_after", [1.0, None])
@pytest.mark.parametrize("burst", [1, 5, 50])
@pytest.mark.parametrize("rate", [1.0, 2.0, 10.0, 50.0, 100.0])
def test_servers_strict_and_lenient_slow_and_fast(
    rate: float, burst: int, retry_after: float | None
) -> None:
    world = World([rate] * 4, 0.05, retry_after, burst=burst)
    world.run()
    goodput, refused = map(sum, zip(*world.shares()[1:], strict=True))

    assert goodput / 3 >= (0.75 if burst == 1 else 0.85)
    assert refused / 3 <= (0.05 if rate > 2 else 0.08)


def test_without_throttling_there_is_no_rate() -> None:
    world = World([inf], 0.05, None)
    world.run()

    assert world.allowance.rate is None
    assert world.allowance.limit == 100


@pytest.mark.parametrize("retry_after", [1.0, None])
def test_after_a_minute_in_which_all_was_refused_it_goes_on_as_before(
    retry_after: float | None,
) -> None:
    world = World([50.0, 1e-9, 50.0], 0.05, retry_after)
    world.run()
    # Without a Retry-After the last pause of the outage may end late.
    last = [accepted for at, accepted in world.asked if 2 * PHASE + 10 <= at < 2 * PHASE + 40]

    assert sum(last) >= 0.7 * 50 * 30


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_an_allowance_too_small_for_one_request_in_flight_is_kept(rate: float) -> None:
    world = World([rate] * 4, 0.01, 1.0)
    world.run()

    for goodput, refused in world.shares()[1:]:
        assert goodput >= 0.85
        assert refused <= 0.15


def test_who_asks_for_little_does_not_unlearn() -> None:
    allowance = Allowance(ceiling=100)
    now = 0.0
    for _ in range(30):
        departure = allowance.depart(now)
        allowance.answered(now, departure)
        allowance.end(now, departure)
        now += 0.01
    departure = allowance.depart(now)
    allowance.throttled(now, departure)
    allowance.end(now, departure)
    learned = allowance.rate
    for _ in range(1000):
        now += 60
        departure = allowance.depart(now)
        allowance.answered(now + 0.1, departure)
        allowance.end(now + 0.1, departure)

    assert allowance.rate == learned


def test_a_throttled_probe_lets_nobody_else_go() -> None:
    allowance = Allowance(ceiling=8)
    first = allowance.depart(0.0)
    allowance.throttled(0.0, first)
    allowance.pause.extend(0.0, 10)
    allowance.end(0.0, first)
    probe = allowance.depart(20.0)
    assert allowance.wait(20.0) == inf
    allowance.throttled(21.0, probe)
    allowance.pause.extend(21.0, 10)
    allowance.end(21.0, probe)

    assert allowance.wait(21.0) == 10
    again = allowance.depart(40.0)
    assert allowance.wait(1000.0) == inf
    allowance.end(1000.0, again)
    assert allowance.wait(2000.0) == 0

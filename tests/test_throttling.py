"""What a 429 does to everyone, and when it is not waited for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from helpers import (
    BEARER,
    SESSION,
    TOKEN,
    Events,
    Seen,
    Stub,
    in_turn,
    modify,
    never,
    read,
    reply,
    upgrade,
)
from simulator_api import until

from fota_async import FotaClient, RetryPolicy, ThrottledError
from fota_async.clock import Clock, ManualClock, ScaledClock
from fota_async.events import LimitEvent, PauseEvent, RetryEvent
from fota_async.simulator import Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

FAULT = {"fault": {"code": "900800", "message": "Message throttled out"}}


def throttled(**headers: str) -> bytes:
    return reply(FAULT, 429, **headers)


class Timed:
    """A script that notes when it was asked."""

    def __init__(self, clock: Clock, *answers: bytes) -> None:
        self.times: list[float] = []
        self._clock = clock
        self._answer = in_turn(*answers)

    def __call__(self, seen: Seen) -> Any:
        self.times.append(self._clock.monotonic())
        return self._answer(seen)


@pytest.mark.each_python
@pytest.mark.parametrize("as_date", [False, True])
async def test_nobody_sends_earlier_than_told(
    new_sim: NewSim, new_client: NewClient, as_date: bool
) -> None:
    clock = ScaledClock(100)
    sim = await new_sim(
        clock=clock, rules=Rules(rate=1e-9, burst=2, retry_after=30, retry_after_date=as_date)
    )
    events = Events()
    client = new_client(sim, clock=clock, on_event=events)
    await read(client)
    await read(client)
    first = asyncio.create_task(read(client))
    await until(lambda: bool(events.of(PauseEvent)))
    sim.rules = Rules()
    await asyncio.gather(first, *(read(client) for _ in range(20)))

    (refused,) = [record for record in sim.requests if record.status == 429]
    later = [record.at for record in sim.requests if record.seq > refused.seq]
    assert len(later) == 21
    assert min(later) >= refused.at + 30
    assert [event.seconds for event in events.of(PauseEvent)] == [30]


@pytest.mark.each_python
async def test_a_pause_that_is_too_long_ends_calls_with_the_time_it_ends(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ManualClock()
    stub = await new_stub(in_turn(throttled(Retry_After="1000"), reply(upgrade())))
    client = new_client(stub, clock=clock)
    for turned in (0, 300, 300):
        clock.turn(turned)
        with pytest.raises(ThrottledError, match="max_pause") as caught:
            await read(client)
        left = 1000 - clock.monotonic()
        assert caught.value.sent == "no"
        assert caught.value.retry_at is not None
        off = caught.value.retry_at - datetime.now(UTC) - timedelta(seconds=left)
        assert abs(off) < timedelta(seconds=5)
    assert len(stub.asked()) == 1

    clock.turn(400)
    await read(client)
    assert len(stub.asked()) == 2


async def test_a_call_that_waits_for_a_place_hears_of_a_pause_that_is_too_long(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: throttled(Retry_After="1000"))
    client = new_client(stub, clock=ManualClock(), max_concurrency=1)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*(read(client) for _ in range(10)), return_exceptions=True)

    assert {type(result) for result in results} == {ThrottledError}
    assert len(stub.asked()) == 1


async def test_a_call_with_a_place_taken_beforehand_waits_as_well(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ManualClock()
    stub = await new_stub(in_turn(throttled(Retry_After="30"), reply(upgrade())))
    events = Events()
    client = new_client(stub, clock=clock, max_concurrency=2, on_event=events)
    slot = client.session.slot(client.account)
    await slot.take()
    first = asyncio.create_task(read(client))
    await until(lambda: bool(events.of(PauseEvent)))
    second = asyncio.create_task(modify(client, slot=slot))
    await read(new_client(stub))  # whatever could have been sent has arrived by now
    assert [seen.method for seen in stub.asked()] == ["GET", "GET"]

    clock.turn(30)
    both = asyncio.gather(first, second)
    while not both.done():  # the second waits for the first to be answered, and for the pace
        clock.turn(1)
        await asyncio.sleep(0)
    slot.give_back()
    assert sorted(seen.method for seen in stub.asked()[2:]) == ["GET", "PUT"]


async def test_a_pause_that_begins_while_tokens_are_fetched_is_kept(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ManualClock()
    gate, reached = asyncio.Event(), asyncio.Event()
    expired = reply({"errorCode": "REQUEST_FAILED.SessionToken.Expired"}, 400)

    async def login(_: Seen) -> bytes:
        if len(stub.asked("/api/m2m/v1/session/login")) > 1:
            reached.set()
            await gate.wait()
        return reply({"sessionToken": SESSION})

    async def throttle_later(_: Seen) -> bytes:
        await reached.wait()
        return throttled(Retry_After="30")

    stub = await new_stub(in_turn(reply(upgrade()), expired, throttle_later, reply(upgrade())))
    stub.at["/api/m2m/v1/session/login"] = login
    events = Events()
    client = new_client(stub, clock=clock, on_event=events)
    await read(client)
    calls = [asyncio.create_task(read(client)) for _ in range(2)]
    await until(lambda: bool(events.of(PauseEvent)))
    gate.set()
    await read(new_client(stub))  # whatever could have been sent has arrived by now
    assert len(stub.asked()) == 4

    clock.turn(30)
    await asyncio.gather(*calls)
    assert len(stub.asked()) == 6


async def test_without_a_time_to_wait_the_pauses_grow(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ScaledClock(1000)
    script = Timed(clock, *[throttled()] * 6, reply(upgrade()))
    stub = await new_stub(script)
    events = Events()
    client = new_client(stub, clock=clock, on_event=events, retry=RetryPolicy(base=4, cap=64))
    client.session._attempts._draw = lambda _low, high: high
    await read(client)

    # Six throttled tries though five is the most for failures: the API asked for the waits.
    assert [event.seconds for event in events.of(PauseEvent)] == [4, 8, 16, 32, 64, 64]
    gaps = [after - before for before, after in zip(script.times, script.times[1:], strict=False)]
    for gap, least in zip(gaps, [4, 8, 16, 32, 64, 64], strict=True):
        assert gap >= least


@pytest.mark.parametrize("retry_after", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_leave_to_retry_at_once_is_no_leave_to_hammer(
    new_stub: NewStub, new_client: NewClient, retry_after: str
) -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    stub = await new_stub(lambda _: throttled(Retry_After=retry_after, Date=date))
    client = new_client(
        stub, clock=ScaledClock(1000), retry=RetryPolicy(base=1, cap=20, max_pause=60)
    )
    async with asyncio.timeout(5):
        with pytest.raises(ThrottledError) as caught:
            await read(client)

    assert caught.value.retry_at is not None
    assert len(stub.asked()) < 40


async def test_a_deadline_before_the_end_of_the_pause_ends_the_call_at_once(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ManualClock()
    stub = await new_stub(lambda _: throttled(Retry_After="100"))
    with pytest.raises(ThrottledError, match="deadline") as caught:
        await read(new_client(stub, clock=clock, deadline=50))

    assert caught.value.retry_at is not None
    assert not clock.asleep.is_set()
    assert len(stub.asked()) == 1


async def test_a_throttled_append_is_sent_again(new_stub: NewStub, new_client: NewClient) -> None:
    clock = ScaledClock(1000)
    stub = await new_stub(in_turn(throttled(Retry_After="5"), reply({"deviceList": []})))
    events = Events()
    await modify(new_client(stub, clock=clock, on_event=events))

    (retry,) = events.of(RetryEvent)
    assert 4 < retry.wait <= 5
    assert "900800" in retry.reason
    assert [json.loads(seen.body)["type"] for seen in stub.asked()] == ["append", "append"]


async def test_a_pause_of_the_token_endpoint_is_everyones(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ScaledClock(100)
    stub = await new_stub()
    stub.at[TOKEN] = script = Timed(
        clock,
        throttled(Retry_After="20"),
        reply({"access_token": BEARER, "token_type": "Bearer"}),
    )
    await read(new_client(stub, clock=clock))

    assert script.times[1] - script.times[0] >= 20


async def test_a_gateway_fault_of_throttling_counts_whatever_its_status(
    new_stub: NewStub, new_client: NewClient
) -> None:
    fault = reply({"fault": {"code": 900802, "message": "Quota"}}, 503, Retry_After="1000")
    with pytest.raises(ThrottledError) as caught:
        await modify(new_client(await new_stub(lambda _: fault)))

    assert caught.value.sent == "no"


async def test_fewer_calls_are_in_flight_after_a_pause_and_more_again_later(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ScaledClock(1000)
    stub = await new_stub(in_turn(throttled(Retry_After="10"), reply(upgrade())))
    events = Events()
    client = new_client(stub, clock=clock, on_event=events, max_concurrency=8)
    await read(client)
    assert client.session.limit(client.account) == 2
    assert client.session.rate(client.account) is not None

    for _ in range(40):
        await read(client)
    limits = [event.limit for event in events.of(LimitEvent)]
    assert sorted(set(limits)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert limits == sorted(limits)
    assert {event.account for event in events.of(LimitEvent)} == {client.account}
    assert client.session.limit(client.account) == 8


async def test_after_a_pause_one_request_goes_first(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ScaledClock(100)
    gate = asyncio.Event()

    async def wait_for_gate(_: Seen) -> bytes:
        await gate.wait()
        return reply(upgrade())

    stub = await new_stub(in_turn(reply(upgrade()), throttled(Retry_After="10"), wait_for_gate))
    events = Events()
    client = new_client(stub, clock=clock, on_event=events)
    await read(client)
    calls = [asyncio.create_task(read(client))]
    await until(lambda: bool(events.of(PauseEvent)))
    calls += [asyncio.create_task(read(client)) for _ in range(3)]
    await until(lambda: len(stub.asked()) == 3)
    await clock.sleep(20)
    assert len(stub.asked()) == 3

    gate.set()
    await asyncio.gather(*calls)
    assert len(stub.asked()) == 6


async def test_a_throttled_account_does_not_hold_back_another_one(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(throttled(Retry_After="200"), reply(upgrade())))
    client = new_client(stub, clock=ManualClock())
    waits = asyncio.create_task(read(client))
    await until(lambda: len(stub.asked()) == 1)
    async with asyncio.timeout(5):
        await read(client.with_account("0000000000-00001"))

    assert not waits.done()
    waits.cancel()


async def test_no_more_requests_a_second_than_the_user_allows(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ScaledClock(20)
    stub = await new_stub(script := Timed(clock, reply(upgrade())))
    client = new_client(stub, clock=clock, max_rate=10)
    other = client.with_account("0000000000-00001")
    started = clock.monotonic()
    await asyncio.gather(*(read(one) for one in [client, other] * 10))

    assert len(script.times) == 20
    for sent, moment in enumerate(script.times):
        assert sent <= 10 * (moment - started) + 2  # one at once, one for a late timer


async def test_timeouts_halve_the_number_in_flight_and_make_no_pause(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply(upgrade()))
    events = Events()
    client = new_client(stub, timeout=0.05, retry=RetryPolicy(tries=1), on_event=events)
    await read(client)
    stub.script = never
    await asyncio.gather(*(read(client) for _ in range(8)), return_exceptions=True)

    assert client.session.limit(client.account) == 4
    assert not events.of(PauseEvent)
    assert client.session.rate(client.account) is None

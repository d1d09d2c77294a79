"""Calls that are tried again, and calls that are not, at a server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import UPGRADE, Events, Stub, drop, in_turn, modify, never, read, reply, upgrade
from simulator_api import until

from fota_async import (
    FotaClient,
    InvalidRequestError,
    LostError,
    NotSentError,
    RetryPolicy,
    ServerError,
)
from fota_async.clock import ManualClock, ScaledClock
from fota_async.events import RetryEvent

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

oops = reply(b"oops", 502)


@pytest.mark.each_python
@pytest.mark.parametrize("trouble", [oops, drop, reply(b"<html>"), reply(b""), reply(b"", 408)])
async def test_a_read_gets_through_in_the_end(
    new_stub: NewStub, new_client: NewClient, trouble: Any
) -> None:
    stub = await new_stub(in_turn(*[trouble] * 4, reply(upgrade())))
    events = Events()

    assert (await read(new_client(stub, on_event=events))).id == UPGRADE
    assert [event.attempt for event in events.of(RetryEvent)] == [1, 2, 3, 4]


async def test_a_read_is_tried_five_times_at_most(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(lambda _: oops)
    with pytest.raises(ServerError) as caught:
        await read(new_client(stub))

    assert caught.value.gave_up
    assert len(stub.asked()) == 5


@pytest.mark.parametrize("trouble", [oops, drop, reply(b"<html>"), reply([])])
async def test_an_append_whose_answer_is_lost_is_never_repeated(
    new_stub: NewStub, new_client: NewClient, trouble: Any
) -> None:
    stub = await new_stub(lambda seen: trouble if isinstance(trouble, bytes) else trouble(seen))
    with pytest.raises(LostError):
        await modify(new_client(stub))

    assert len(stub.asked()) == 1


async def test_a_cancel_is_repeated_and_stays_in_doubt_when_the_last_try_never_left(
    new_stub: NewStub, new_client: NewClient
) -> None:
    async def last_words(_: Any) -> bytes:
        await stub.stop()
        return reply(b"oops", 502, Connection="close")

    stub = await new_stub(last_words)
    with pytest.raises(NotSentError) as caught:
        await new_client(stub).v1.upgrades.cancel(UPGRADE)

    assert len(stub.asked()) == 1
    assert caught.value.sent == "maybe"


async def test_a_refusal_is_not_repeated(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(lambda _: reply({"errorCode": "INVALID_PARAMETER"}, 400))
    with pytest.raises(InvalidRequestError):
        await read(new_client(stub))

    assert len(stub.asked()) == 1


async def test_an_unexpected_error_is_read_once_more(
    new_stub: NewStub, new_client: NewClient
) -> None:
    unexpected = reply({"errorCode": "X.REQUEST_FAILED.UnexpectedError"}, 400)
    stub = await new_stub(lambda _: unexpected)
    client = new_client(stub)
    for call, requests in ((read, 2), (modify, 1)):
        stub.requests.clear()
        with pytest.raises(InvalidRequestError):
            await call(client)
        assert len(stub.asked()) == requests


async def test_no_retry_starts_after_the_policys_seconds(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: oops)
    policy = RetryPolicy(tries=1000, seconds=10, base=1, cap=1)
    client = new_client(stub, clock=ScaledClock(50), retry=policy)
    client.session._attempts._draw = lambda _low, high: high
    with pytest.raises(ServerError):
        await read(client)

    assert 2 <= len(stub.asked()) <= 11


async def test_a_retry_after_of_a_failing_server_is_kept_or_the_call_ends(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply(b"", 503, Retry_After="60"))
    clock = ManualClock()
    with pytest.raises(ServerError) as caught:
        await read(new_client(stub, clock=clock, retry=RetryPolicy(seconds=59)))

    assert caught.value.retry_after == 60
    assert len(stub.asked()) == 1
    assert not clock.asleep.is_set()


async def test_a_call_that_waits_to_try_again_gives_its_place_to_another(
    new_stub: NewStub, new_client: NewClient
) -> None:
    clock = ManualClock()
    stub = await new_stub(in_turn(oops, reply(upgrade())))
    client = new_client(stub, clock=clock, max_concurrency=1)
    first = asyncio.create_task(read(client))
    await clock.asleep.wait()
    await read(client)
    assert not first.done()

    clock.turn(60)
    await first


async def test_a_cancelled_call_gives_its_place_back(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(never, reply(upgrade())))
    client = new_client(stub, max_concurrency=1)
    first = asyncio.create_task(read(client))
    await until(lambda: bool(stub.asked()))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert (await read(client)).id == UPGRADE


async def test_a_connection_that_breaks_while_idle_costs_a_read_one_retry(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(reply(upgrade()), drop, reply(upgrade())))
    client = new_client(stub)
    await read(client)
    await read(client)

    assert len(stub.asked()) == 3

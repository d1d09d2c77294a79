"""How many devices, requests and places in flight a run takes."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    Gate,
    answers,
    assert_law,
    imeis,
    let_run,
    run_over,
)

from fota_async import (
    ConfigurationError,
    DeviceBatcher,
    InvalidRequestError,
    ThrottledError,
    modify_upgrade,
)
from fota_async.batch.iterables import SLICE
from fota_async.models.device_answers import DeviceAnswers


async def test_batch_size_and_concurrency_are_kept() -> None:
    gate = Gate()
    run = asyncio.ensure_future(run_over(gate.session, imeis(50), batch_size=6, concurrency=3))
    await gate.session.until_sent(3)
    await let_run()

    assert gate.session.in_flight == 3
    gate.opened.set()
    await run
    assert gate.session.most_in_flight == 3
    assert [len(ids) for ids in gate.session.sent] == [6] * 8 + [2]


async def test_a_run_without_a_ceiling_of_its_own_takes_what_the_limit_allows() -> None:
    async def slowly(ids: list[str]) -> DeviceAnswers:
        await asyncio.sleep(0.001)
        return await session.accept(ids)

    session = FakeSession(slowly, places=20)
    report = await run_over(session, imeis(600), batch_size=1)

    assert report.succeeded == 600
    assert session.most_in_flight == 20


async def test_a_ceiling_beyond_that_of_the_session_costs_nothing() -> None:
    gate = Gate()
    before = len(asyncio.all_tasks())
    run = asyncio.ensure_future(
        run_over(gate.session, imeis(50), batch_size=6, concurrency=100_000)
    )
    await gate.session.until_sent(1)

    assert len(asyncio.all_tasks()) - before <= gate.session.max_concurrency + 50
    gate.opened.set()
    assert (await run).succeeded == 50


async def test_two_runs_share_evenly_and_a_single_call_waits_for_neither() -> None:
    order: list[object] = []
    done: list[int] = []

    async def note(ids: list[str]) -> DeviceAnswers:
        order.append(ids[0] > imeis(1, first=1000)[0])
        await asyncio.sleep(0)
        return answers(ids)

    async def call_now_and_then() -> None:
        while len(done) < 2:
            came = len(order)
            async with session.slot(ACCOUNT):
                waits.append(len(order) - came)
            await asyncio.sleep(0.001)

    async def finish(first: int) -> None:
        await run_over(session, imeis(200, first=first), batch_size=1)
        done.append(len(order))

    session, waits = FakeSession(note, places=1), list[int]()
    await asyncio.gather(finish(1), finish(2000), call_now_and_then())

    assert len(order) == 400
    assert abs(sum(map(bool, order[:300])) - 150) <= 10
    assert waits
    assert max(waits) <= 3  # one in flight, and one of each run


@pytest.mark.parametrize(("devices", "size"), [(1, 1), (2500, 1000), (3000, 1000), (5000, 2048)])
async def test_duplicates_and_malformed_texts_cost_no_request(devices: int, size: int) -> None:
    session = FakeSession()
    ids = imeis(devices)
    inputs = [text for i in ids for text in (i, f"{i} ", f"x{i}")] + ids

    report = await run_over(session, inputs, batch_size=size)

    assert len(session.sent) == math.ceil(devices / size) == report.requests
    assert sorted(device for batch in session.sent for device in batch) == ids
    assert report.retries == 0


async def test_an_operations_own_cap_lowers_the_batch_size() -> None:
    session = FakeSession()
    operation = attrs.evolve(modify_upgrade("append", ACCOUNT, UPGRADE), cap=4)

    await DeviceBatcher(session, operation, batch_size=1000).run(imeis(10))

    assert [len(ids) for ids in session.sent] == [4, 4, 2]


@pytest.mark.each_python
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": -1},
        {"batch_size": 2.5},
        {"batch_size": "10"},
        {"concurrency": 0},
        {"concurrency": 2.5},
        {"keep": "some"},
        {"grace": -1},
        {"grace": math.nan},
    ],
    ids=str,
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        run_over(FakeSession(), imeis(3), **options)


async def test_a_batch_that_was_throttled_is_sent_again_and_counted_as_a_retry() -> None:
    async def once(ids: list[str]) -> DeviceAnswers:
        if session.sent.count(ids) == 1:
            await asyncio.sleep(0)
            raise ThrottledError("wait", retry_after=1.0)
        return answers(ids)

    session = FakeSession(once)

    report = await run_over(session, imeis(10), batch_size=5)

    assert (report.succeeded, report.requests, report.retries) == (10, 4, 2)
    assert_law(report)


async def source_behind(gate: asyncio.Event, first: int, then: int) -> AsyncIterator[str]:
    for device in imeis(first):
        yield device
    await gate.wait()
    for device in imeis(then, first=first + 1):
        yield device


@pytest.mark.parametrize(
    ("first", "size"),
    [
        (0, 10),
        (1500, 2000),
    ],
)
async def test_a_slow_source_holds_no_place_that_another_call_needs(first: int, size: int) -> None:
    session, gate = FakeSession(places=1), asyncio.Event()
    run = asyncio.ensure_future(
        run_over(session, source_behind(gate, first, 1000), batch_size=size)
    )
    await let_run()

    try:
        async with asyncio.timeout(0.5), session.slot(ACCOUNT):
            pass
    finally:
        gate.set()
        report = await run
    assert report.succeeded == first + 1000


async def test_a_slow_reader_holds_no_place_that_another_call_needs() -> None:
    session = FakeSession(places=1)

    async with run_over(session, imeis(100), batch_size=1):
        await let_run()
        async with asyncio.timeout(0.5), session.slot(ACCOUNT):
            pass


@pytest.mark.parametrize("size", [SLICE, 1000])
async def test_a_slow_source_does_not_hold_up_what_must_be_sent_again(size: int) -> None:
    async def once(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            await let_run()
            raise ThrottledError("wait", retry_after=0.0)
        return answers(ids)

    session, gate = FakeSession(once), asyncio.Event()
    run = asyncio.ensure_future(
        run_over(session, source_behind(gate, SLICE, 10), batch_size=size, concurrency=2)
    )
    try:
        async with asyncio.timeout(0.5):
            await session.until_sent(2)
    finally:
        gate.set()
        await run


async def test_a_slow_source_in_the_middle_of_a_batch_does_not_hold_up_halves() -> None:
    bad = imeis(1)

    async def refuse(ids: list[str]) -> DeviceAnswers:
        if bad[0] in ids:
            await let_run()
            raise InvalidRequestError(
                "refused", status=400, code="UnifiedWebService.REQUEST_FAILED.InvalidParameter"
            )
        return await session.accept(ids)

    session, gate = FakeSession(refuse), asyncio.Event()
    # So many come at once that some wait for a batch that is not full yet.
    assert SLICE % 100
    run = asyncio.ensure_future(
        run_over(session, source_behind(gate, SLICE, 10), batch_size=100, concurrency=2)
    )
    try:
        async with asyncio.timeout(0.5):
            while bad not in session.sent:
                await session.until_sent(len(session.sent) + 1)
    finally:
        gate.set()
        report = await run
    assert (report.failed, report.succeeded) == (1, SLICE + 9)

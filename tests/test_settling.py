"""Lost answers in a run: read back, sent again when that is right, and never when it is not."""

import asyncio

import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    run_over,
    trickle,
)

from fota_async import (
    AnswerTimeoutError,
    InvalidRequestError,
    RunStopped,
    State,
    StopCause,
    modify_upgrade,
)
from fota_async.batch.books import Books
from fota_async.batch.feed import Feed
from fota_async.batch.settings import RunSettings
from fota_async.batch.source import open_source
from fota_async.models.device_answers import DeviceAnswers


async def no_answer(_: list[str]) -> DeviceAnswers:
    raise AnswerTimeoutError("no answer")


async def test_what_was_lost_but_arrived_is_not_sent_again() -> None:
    async def arrives_unanswered(ids: list[str]) -> DeviceAnswers:
        await session.accept(ids)
        return await no_answer(ids)

    session = FakeSession(arrives_unanswered)

    report = await run_over(session, imeis(30), batch_size=10)

    assert (report.succeeded, len(session.sent)) == (30, 3)
    assert all(outcome.settled for outcome in report)


async def test_what_did_not_arrive_is_sent_again_alone_so_often_and_then_unknown() -> None:
    session = FakeSession(no_answer)

    report = await run_over(session, imeis(20), batch_size=10, max_rounds=2)

    assert (report.unknown, len(session.sent)) == (20, 2 * 3)
    assert {tuple(ids) for ids in session.sent} == {tuple(imeis(10)), tuple(imeis(10, first=11))}
    assert all("sent 3 times without effect" in outcome.reason for outcome in report)


@pytest.mark.parametrize("whole_request", [False, True])
@pytest.mark.parametrize("arrived", [False, True])
async def test_refused_after_having_been_sent_is_read_back_and_not_sent_again(
    whole_request: bool, arrived: bool
) -> None:
    """As when the first request landed after the second reading: "it is in already"."""
    ids = imeis(1)

    async def lost_then_refused(sent: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            return await no_answer(sent)
        if arrived:
            await session.accept(sent)
        if whole_request:
            raise InvalidRequestError("no", status=400, code="INVALID_PARAMETER", text="in already")
        return answers(sent, "AddDeviceFailed", "in already")

    session = FakeSession(lost_then_refused)

    report = await run_over(session, ids)

    assert len(session.sent) == 2
    assert ids_of(report, State.SUCCEEDED if arrived else State.FAILED) == ids
    (outcome,) = report
    assert outcome.settled
    assert arrived or outcome.reason == "in already"


async def test_devices_that_an_answer_left_out_are_settled_and_the_others_are_final() -> None:
    ids = imeis(10)

    async def half(sent: list[str]) -> DeviceAnswers:
        if len(session.sent) > 1:
            return await session.accept(sent)
        await session.accept(sent[:7])
        return answers(sent[:5])

    session = FakeSession(half)

    report = await run_over(session, ids)

    assert report.succeeded == 10
    assert session.sent == [ids, ids[7:]]


async def test_an_answer_lost_after_the_run_was_stopped_is_settled_all_the_same() -> None:
    ids, stopped = imeis(20), asyncio.Event()

    async def one_fails_then_one_is_lost(sent: list[str]) -> DeviceAnswers:
        if sent[0] == ids[0]:
            await session.until_sent(2)
            return answers(sent, "AddDeviceFailed", "Invalid IMEI")
        await session.accept(sent)
        await stopped.wait()
        return await no_answer(sent)

    session = FakeSession(one_fails_then_one_is_lost)
    run = run_over(session, ids, batch_size=10, max_failures=0)
    ended = asyncio.ensure_future(run)
    async with asyncio.timeout(5):
        while run.report.stopped is None:  # noqa: ASYNC110 - a report signals nothing
            await asyncio.sleep(0)
    stopped.set()

    with pytest.raises(RunStopped) as caught:
        await ended

    report = caught.value.report
    assert caught.value.cause is StopCause.MAX_FAILURES
    assert (report.failed, report.succeeded, report.unknown) == (10, 10, 0)
    assert_law(report)
    assert_no_task_left()


async def test_two_who_wait_for_the_input_both_get_on() -> None:
    session = FakeSession()
    operation = modify_upgrade("append", ACCOUNT, UPGRADE)
    source = open_source(trickle(imeis(5000)), None)
    await source.open()
    books = Books(session, operation, RunSettings(), entered=int, broke=print)
    feed = Feed(source, books, doubt=print)

    async with asyncio.timeout(5):
        await asyncio.gather(feed.fill(10_000), feed.fill(10_000))

    assert feed.ended
    assert feed.waiting == imeis(5000)
    await feed.aclose()

"""Runs over v2 and v3 campaigns: receipts, doubts, refusals; without a wire."""

import asyncio
from typing import Any, Literal

import msgspec
import pytest
from batch_helpers import (
    ACCOUNT,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    let_run,
)
from campaign_helpers import CAMPAIGN, FakeCampaign, campaign_run, operation_of

from fota_async import (
    AnswerTimeoutError,
    ConfigurationError,
    InvalidRequestError,
    LoginRefusedError,
    RunStopped,
    ServerError,
    State,
    StopCause,
    modify_campaign_v2,
    modify_campaign_v3,
)
from fota_async.batch.iterables import IterableSource
from fota_async.clock import ManualClock
from fota_async.events import BatchEvent, ProgressEvent

Version = Literal["v2", "v3"]
VERSIONS: list[Version] = ["v2", "v3"]


async def no_answer(_: list[str]) -> Any:
    raise AnswerTimeoutError("no answer")


def refusal(status: int = 400) -> InvalidRequestError:
    said = {"status": status, "code": "PILOT_REQUIRED", "text": "more than 20"}
    return InvalidRequestError("more than 20", **said)  # type: ignore[arg-type]


# Receipts


async def test_a_receipt_leaves_its_devices_pending_and_reads_no_page() -> None:
    session = FakeCampaign()

    report = await campaign_run(session, imeis(25), batch_size=10)

    assert (report.pending, len(session.sent), session.pages) == (25, 3, 0)
    assert report.ok
    assert {one.reason for one in report} == {
        "taken with a receipt; the campaign devices report shows the outcome"
    }
    assert_law(report)
    assert session.claims == 0
    answered = [e for e in session.events if isinstance(e, BatchEvent)]
    assert [event.outcome for event in answered] == ["answered"] * 3


async def test_v3_answers_for_each_device() -> None:
    session = FakeCampaign(version="v3")

    report = await campaign_run(session, imeis(25), batch_size=10)

    assert (report.succeeded, session.pages) == (25, 0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", ["append", "remove"])
def test_the_body_is_flat(version: Version, operation: Literal["append", "remove"]) -> None:
    session = FakeCampaign(version=version, operation=operation)

    body = operation_of(session).encode(imeis(2))

    assert msgspec.json.decode(body) == {"Type": operation, "deviceList": imeis(2)}


@pytest.mark.parametrize("modify", [modify_campaign_v2, modify_campaign_v3])
def test_a_campaign_is_known_by_a_uuid_and_an_account_fits_a_path(modify: Any) -> None:
    with pytest.raises(ConfigurationError, match="a campaign id is a UUID, not 'x'"):
        modify("append", ACCOUNT, "x")
    with pytest.raises(ConfigurationError, match="account"):
        modify("append", " ", CAMPAIGN)


@pytest.mark.parametrize("delay", [0.0, 100.0])
async def test_settling_waits_until_the_report_shows_each_device(delay: float) -> None:
    ids = imeis(45)
    session = FakeCampaign(delay=delay, page_size=7)
    session.rejected = {ids[3]: "Invalid IMEI", ids[33]: "Device not found"}

    report = await campaign_run(session, ids, settle=True, batch_size=10)

    assert (report.succeeded, report.failed, report.pending) == (43, 2, 0)
    assert {(one.device_id, one.status, one.reason) for one in report if one.state == "failed"} == {
        (ids[3], "DeviceRejected", "Invalid IMEI"),
        (ids[33], "DeviceRejected", "Device not found"),
    }
    assert all(one.settled for one in report)
    assert len(session.sent) == 5
    assert_law(report)
    assert_no_task_left()


async def test_what_never_shows_stays_pending_and_is_never_sent_again() -> None:
    session = FakeCampaign(delay=None)

    report = await campaign_run(session, imeis(20), settle=True, batch_size=10, settle_limit=30)

    assert (report.pending, len(session.sent)) == (20, 2)
    assert report.ok
    assert "within 30 s" in str(report) or "after 30 s (settle_limit)" in str(report)
    assert report.seconds < 60


async def test_a_removal_is_done_when_two_readings_do_not_show_the_device() -> None:
    ids = imeis(30)
    session = FakeCampaign(operation="remove", delay=40.0)
    session.seed(ids)

    report = await campaign_run(session, ids, settle=True, batch_size=10)

    assert (report.succeeded, len(session.sent)) == (30, 3)
    assert {one.reason for one in report} == {"not in the list any more"}


async def test_while_it_waits_a_run_reports_its_devices_as_pending() -> None:
    clock = ManualClock()
    session = FakeCampaign(clock=clock, delay=12.0)
    run = campaign_run(session, imeis(3), settle=True, batch_size=1, concurrency=1)
    waiting = asyncio.ensure_future(run)
    await let_run()

    assert (run.report.pending, run.report.inputs) == (3, 3)
    assert_law(run.report)
    progress = [event for event in session.events if isinstance(event, ProgressEvent)]
    assert (progress[-1].pending, progress[-1].finished) == (3, False)

    for seconds in (5.0, 5.0):
        clock.turn(seconds)
        await let_run()
    assert (run.report.pending, session.pages) == (3, 2)
    clock.turn(10.0)
    await let_run()
    shown = [event for event in session.events if isinstance(event, ProgressEvent)]
    assert [(e.succeeded, e.pending) for e in shown if not e.finished][-1] == (3, 0)
    report = await waiting

    assert (report.succeeded, session.pages) == (3, 3)
    assert [event for event in session.events if isinstance(event, ProgressEvent)][-1].pending == 0


class InTwoParts(IterableSource):
    """Devices of which the second half comes when it is called for."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(iter(()))
        self._parts = [ids[: len(ids) // 2], ids[len(ids) // 2 :], []]
        self.called_for = asyncio.Event()

    async def read(self) -> list[Any]:
        if len(self._parts) == 2:
            await self.called_for.wait()
        return self._parts.pop(0)


async def test_outcomes_come_when_they_show_while_the_input_goes_on() -> None:
    source = InTwoParts(imeis(40))
    states: list[State] = []
    async with campaign_run(FakeCampaign(), source, settle=True, batch_size=10) as run:
        async for outcome in run:
            states.append(outcome.state)
            if len(states) == 20:
                source.called_for.set()

    assert states == [State.SUCCEEDED] * 40
    assert_law(run.report)


async def test_too_many_rejections_stop_a_run_that_goes_on() -> None:
    session = FakeCampaign()
    ids = imeis(100)
    session.rejected = dict.fromkeys(ids, "Invalid IMEI")
    run = campaign_run(session, InTwoParts(ids), settle=True, batch_size=10, max_failures=5)

    with pytest.raises(RunStopped) as caught:
        await run

    report = caught.value.report
    assert caught.value.cause is StopCause.MAX_FAILURES
    assert (report.failed, report.inputs, report.input_complete) == (50, 50, False)
    assert_law(report)
    assert_no_task_left()


@pytest.mark.parametrize("shown", [True, False])
async def test_an_interrupted_wait_ends_with_one_reading(shown: bool) -> None:
    clock = ManualClock()
    session = FakeCampaign(clock=clock, delay=1.0 if shown else None)
    run = campaign_run(session, imeis(20), settle=True, batch_size=10)
    waiting = asyncio.ensure_future(run)
    await let_run()
    clock.turn(2.0)

    run.stop()
    with pytest.raises(RunStopped) as caught:
        await waiting

    report = caught.value.report
    assert caught.value.cause is StopCause.INTERRUPTED
    assert (report.succeeded, report.pending) == ((20, 0) if shown else (0, 20))
    assert session.pages == 1
    if not shown:
        assert "interrupted before it showed" in str(report)
    assert_law(report)
    assert_no_task_left()


async def test_a_second_stop_ends_at_once_and_leaves_them_pending() -> None:
    session = FakeCampaign(clock=ManualClock(), delay=None)
    run = campaign_run(session, imeis(20), settle=True, batch_size=10)
    waiting = asyncio.ensure_future(run)
    await let_run()

    run.stop()
    run.stop()
    with pytest.raises(RunStopped):
        await waiting

    assert (run.report.pending, session.pages) == (20, 0)
    assert_law(run.report)
    assert_no_task_left()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_wait_ends_with_the_deadline_or_with_its_caller(cancelled: bool) -> None:
    session = FakeCampaign(delay=None)
    deadline = None if cancelled else 50.0
    run = campaign_run(session, imeis(20), settle=True, deadline=deadline, grace=1.0)
    waiting = asyncio.ensure_future(run)
    if cancelled:
        await session.until_sent(1)
        await let_run()
        waiting.cancel()
    with pytest.raises((RunStopped, asyncio.CancelledError)):
        await waiting

    assert run.report.stopped == ("interrupted" if cancelled else "deadline")
    assert (run.report.pending, len(session.sent)) == (20, 1)
    assert_no_task_left()


async def test_a_report_that_cannot_be_read_leaves_them_pending_and_says_why() -> None:
    session = FakeCampaign(delay=0.0)

    def unreadable(*_: Any) -> Any:
        session.pages += 1
        raise ServerError("it fell over", status=500)

    session._page = unreadable  # type: ignore[method-assign]

    report = await campaign_run(session, imeis(20), settle=True, batch_size=10)

    assert (report.pending, session.pages) == (20, 3)
    assert "the target cannot be read: it fell over" in str(report)


async def test_credentials_that_are_refused_stop_the_run_and_leave_them_pending() -> None:
    session = FakeCampaign(delay=0.0)

    def refused(*_: Any) -> Any:
        raise LoginRefusedError("no such user", status=401)

    session._page = refused  # type: ignore[method-assign]

    with pytest.raises(RunStopped) as caught:
        await campaign_run(session, imeis(20), settle=True, batch_size=10)

    assert caught.value.cause is StopCause.CREDENTIALS
    assert caught.value.report.pending == 20


async def test_a_run_that_is_stopped_for_another_cause_still_waits_for_what_was_received() -> None:
    ids = imeis(200)
    session = FakeCampaign(delay=20.0)

    async def one_then_forbidden(sent: list[str]) -> Any:
        if len(session.sent) == 1:
            return await session.accept(sent)
        session.status = "CampaignScheduled"
        raise refusal()

    session.script = one_then_forbidden

    with pytest.raises(RunStopped) as caught:
        await campaign_run(session, ids, settle=True, batch_size=10, concurrency=1)

    report = caught.value.report
    assert caught.value.cause is StopCause.CLOSED
    assert (report.succeeded, report.unsent) == (10, 190)
    assert ids_of(report, State.SUCCEEDED) == ids[:10]


# Doubts


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_lost_append_that_shows_is_not_sent_again(version: Version) -> None:
    async def arrives_unanswered(ids: list[str]) -> Any:
        await session.accept(ids)
        return await no_answer(ids)

    session = FakeCampaign(arrives_unanswered, version=version, page_size=4)

    report = await campaign_run(session, imeis(30), batch_size=10)

    assert (report.succeeded, len(session.sent)) == (30, 3)
    assert all(one.settled and one.status == "Accepted" for one in report)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_lost_append_that_does_not_show_twice_is_sent_again(version: Version) -> None:
    async def first_lost(ids: list[str]) -> Any:
        return await (no_answer(ids) if len(session.sent) == 1 else session.accept(ids))

    session = FakeCampaign(first_lost, version=version)

    report = await campaign_run(session, imeis(20), batch_size=10, concurrency=1)

    assert report.pending + report.succeeded == 20
    assert (session.sent[0], session.pages) == (session.sent[2], 2)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_removed_device_whose_row_stays_is_unknown_after_so_many_rounds(
    version: Version,
) -> None:
    session = FakeCampaign(no_answer, version=version, operation="remove")
    session.seed(imeis(10), "CampaignCancelled")

    report = await campaign_run(session, imeis(10), max_rounds=2)

    assert (report.unknown, len(session.sent)) == (10, 3)
    assert "sent 3 times without effect" in str(report)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_lost_removal_is_settled_by_what_does_not_show(version: Version) -> None:
    session = FakeCampaign(no_answer, version=version, operation="remove")

    report = await campaign_run(session, imeis(10))

    assert (report.succeeded, len(session.sent)) == (10, 1)


async def test_a_doubt_and_a_receipt_are_settled_side_by_side() -> None:
    async def second_lost(ids: list[str]) -> Any:
        said = await session.accept(ids)
        return await no_answer(ids) if len(session.sent) == 2 else said

    session = FakeCampaign(second_lost, delay=3.0)

    report = await campaign_run(session, imeis(40), settle=True, batch_size=10, concurrency=1)

    assert (report.succeeded, len(session.sent)) == (40, 4)


# Refusals and states


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("devices", [25, 1500, 5000])
async def test_three_large_requests_refused_alike_name_the_pilot_rule(
    version: Version, devices: int
) -> None:
    async def full(ids: list[str]) -> Any:
        if len(ids) > 20:
            raise refusal()
        return await session.accept(ids)

    session = FakeCampaign(full, version=version)
    run = campaign_run(session, imeis(devices))
    if devices <= 2 * 20:
        # Halved, they are few enough: no third request of over 20 devices comes about.
        report = await run
        assert report.pending + report.succeeded == devices
        return
    with pytest.raises(RunStopped, match='vendor page "Pilot Campaigns"') as caught:
        await run

    assert caught.value.cause is StopCause.REFUSED
    assert caught.value.report.unsent == devices
    assert len(session.sent) <= 8


@pytest.mark.parametrize("version", VERSIONS)
async def test_once_something_was_answered_no_pilot_rule_is_met(version: Version) -> None:
    bad = imeis(3000)[1500]

    async def picky(ids: list[str]) -> Any:
        if bad in ids:
            raise refusal()
        return await session.accept(ids)

    session = FakeCampaign(picky, version=version)

    report = await campaign_run(session, imeis(3000), concurrency=1)

    assert ids_of(report, State.FAILED) == [bad]
    assert report.pending + report.succeeded == 2999


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("status", ["CampaignScheduled", "CampaignEnded", "CampaignCancelled"])
async def test_a_closed_campaign_stops_the_run(version: Version, status: str) -> None:
    async def closed(_: list[str]) -> Any:
        raise refusal()

    session = FakeCampaign(closed, version=version)
    session.status = status

    with pytest.raises(RunStopped, match=f"the target is {status}") as caught:
        await campaign_run(session, imeis(60), batch_size=10)

    assert caught.value.cause is StopCause.CLOSED
    assert (caught.value.report.unsent, session.pages) == (60, 0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "status", ["CampaignPreScheduled", "CampaignQueued", "Queued", "RequestPending", "New"]
)
async def test_an_open_campaign_and_one_that_may_be_are_tried(
    version: Version, status: str
) -> None:
    session = FakeCampaign(version=version)
    session.status = status

    report = await campaign_run(session, imeis(60), batch_size=10, settle=True)

    assert report.succeeded == 60


# Afterwards


async def test_a_recheck_tells_what_became_of_pending_devices() -> None:
    ids = imeis(6)
    session = FakeCampaign(delay=100.0)
    session.rejected = {ids[0]: "Invalid IMEI"}
    report = await campaign_run(session, ids[:5])

    before = {c.before.device_id: c.now.state for c in await report.recheck()}
    await session.clock.sleep(100.0)
    after = {c.before.device_id: c.now for c in await report.recheck()}

    assert before == dict.fromkeys(ids[:5], State.PENDING)
    assert after[ids[0]].state is State.FAILED
    assert (after[ids[0]].status, after[ids[0]].reason) == ("DeviceRejected", "Invalid IMEI")
    assert {one.state for one in after.values()} == {State.FAILED, State.SUCCEEDED}


async def test_a_dry_run_says_what_would_be_sent() -> None:
    session = FakeCampaign()

    report = await campaign_run(session, imeis(25), settle=True, batch_size=10, dry_run=True)

    assert (report.unsent, report.requests, session.sent, session.reads) == (25, 3, [], 0)

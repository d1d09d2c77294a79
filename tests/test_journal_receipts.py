"""What v2 took with a receipt, in a journal: never sent again, and waited for if that is asked."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, ids_of, imeis, let_run
from campaign_helpers import FakeCampaign, campaign_run
from journal_helpers import facts, image, outcomes, sent_by

from fota_async import BatchReport, JournalError, RunStopped, State, read_journal
from fota_async.clock import ManualClock
from fota_async.events import JournalEvent

IDS = imeis(40)


async def until_noted(journal: Path, state: State, devices: int) -> BatchReport:
    """Wait until a journal says so of so many devices."""
    async with asyncio.timeout(5):
        while True:
            with suppress(JournalError):  # it is just being made
                report = read_journal(journal)
                if getattr(report, state.value) == devices:
                    return report
            await asyncio.sleep(0.01)


async def killed_while_waiting(session: FakeCampaign, journal: Path, folder: Path) -> Path:
    """Return the journal of a run that died when all was received and some of it showed."""
    session.clock = ManualClock()
    session.delay = None
    run = campaign_run(session, IDS, settle=True, batch_size=10, journal=journal)
    waiting = asyncio.ensure_future(run)
    stored = await until_noted(journal, State.PENDING, 40)
    assert stored.stopped == "unfinished"
    session.seed(IDS[5:15])
    session.clock.turn(5.0)
    await until_noted(journal, State.SUCCEEDED, 10)
    await let_run()
    assert (run.report.pending, run.report.succeeded) == (30, 10)
    assert_law(run.report)
    left = image(journal, folder)
    run.stop()
    run.stop()
    with pytest.raises(RunStopped):
        await waiting
    assert len(session.sent) == 4
    session.sent.clear()
    return left


@pytest.mark.parametrize("settle", [False, True])
async def test_a_finished_run_sends_nothing_again_and_only_waits_if_told(
    settle: bool, journal: Path
) -> None:
    session = FakeCampaign(delay=None)
    first = await campaign_run(session, IDS, batch_size=10, journal=journal)
    session.seed(IDS[:30])
    pages = session.pages

    again = await campaign_run(session, IDS, settle=settle, journal=journal, settle_limit=20)

    assert first.pending == 40
    assert len(session.sent) == 4
    assert (again.succeeded, again.pending) == ((30, 10) if settle else (0, 40))
    assert (session.pages > pages) == settle
    assert_law(again)
    assert facts(read_journal(journal)) == facts(again)
    if not settle:
        assert facts(again) == facts(first)


async def test_what_did_not_show_in_time_is_waited_for_again(journal: Path) -> None:
    session = FakeCampaign(delay=None)
    options: dict[str, Any] = {"settle": True, "journal": journal, "settle_limit": 20}
    first = await campaign_run(session, IDS, **options)
    second = await campaign_run(session, IDS, **options)
    session.seed(IDS)
    third = await campaign_run(session, IDS, **options)

    assert [r.pending for r in (first, second, third)] == [40, 40, 0]
    assert third.succeeded == 40
    assert len(session.sent) == 1
    assert outcomes(first) == outcomes(second)
    for report in (first, second, third):
        assert_law(report)


async def test_after_a_kill_received_devices_are_waited_for_and_never_sent(
    journal: Path, tmp_path: Path
) -> None:
    session = FakeCampaign()
    left = await killed_while_waiting(session, journal, tmp_path / "left")
    session.clock = FakeCampaign().clock
    session.seed(IDS[15:30])

    run = campaign_run(session, IDS, settle=True, journal=left, settle_limit=20)
    report = await run

    assert (report.succeeded, report.pending, session.sent) == (25, 15, [])
    assert sorted(ids_of(report, State.SUCCEEDED)) == IDS[5:30]
    assert_law(report)
    assert outcomes(read_journal(left)) == outcomes(report)
    (event,) = [event for event in session.events if isinstance(event, JournalEvent)]
    assert (event.decided, event.doubtful) == (40, 0)


async def test_after_a_kill_a_run_that_does_not_wait_reports_them_as_pending(
    journal: Path, tmp_path: Path
) -> None:
    session = FakeCampaign()
    left = await killed_while_waiting(session, journal, tmp_path / "left")
    pages = session.pages

    dry = await campaign_run(session, IDS, settle=True, journal=left, dry_run=True)
    report = await campaign_run(session, IDS, journal=left)

    for one in (dry, report):
        assert (one.succeeded, one.pending) == (10, 30)
        assert_law(one)
    assert (session.sent, session.pages) == ([], pages)


async def test_a_report_is_true_at_every_moment_of_a_wait_that_goes_on(
    journal: Path, tmp_path: Path
) -> None:
    session = FakeCampaign()
    left = await killed_while_waiting(session, journal, tmp_path / "left")
    session.clock = clock = ManualClock()
    streamed = []
    async with campaign_run(session, IDS, settle=True, journal=left, settle_limit=30) as run:
        reading = asyncio.ensure_future(_collect(run, streamed))
        for second in range(60):
            for _ in range(20):
                assert_law(run.report)
                await asyncio.sleep(0.0005)
            if second == 12:
                session.seed(IDS[15:30])
            clock.turn(1.0)
        await reading

    assert (run.report.succeeded, run.report.pending) == (25, 15)
    assert_law(run.report)
    assert sorted(one.device_id for one in streamed) == IDS
    assert session.sent == []


async def _collect(run: Any, streamed: list[Any]) -> None:
    async for outcome in run:
        streamed.append(outcome)  # noqa: PERF401 - so that the test sees them as they come


async def test_a_resumed_run_sends_what_is_left_and_waits_for_the_rest(
    journal: Path, tmp_path: Path
) -> None:
    session = FakeCampaign()
    left = await killed_while_waiting(session, journal, tmp_path / "left")
    session.clock = FakeCampaign().clock
    session.delay = 30.0
    session.seed(IDS[:20])
    new = imeis(10, first=100)

    # The last ten are not in the input any more: nobody waits for them.
    report = await campaign_run(session, IDS[:30] + new, settle=True, journal=left, settle_limit=60)

    assert sent_by(session) == new
    assert (report.inputs, report.succeeded, report.pending) == (40, 30, 10)
    assert sorted(ids_of(report, State.PENDING)) == IDS[20:30]
    assert_law(report)


async def test_a_failure_among_received_devices_is_kept_alone_if_only_failures_are(
    journal: Path,
) -> None:
    session = FakeCampaign()
    session.rejected = {IDS[7]: "Invalid IMEI"}

    report = await campaign_run(
        session, IDS, settle=True, batch_size=10, journal=journal, keep="failures"
    )

    assert (report.succeeded, report.failed) == (39, 1)
    assert [one.device_id for one in report] == [IDS[7]]

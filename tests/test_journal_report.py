"""What a journal says in the middle of a run, and what `fota report` reads from it."""

import asyncio
import itertools
import sys
from collections import Counter
from pathlib import Path

import pytest
from batch_helpers import ADDED, FakeSession, assert_law, ids_of, imeis, run_over, trickle
from journal_helpers import assert_stored, assert_true, image, stopped_midway

from fota_async import BatchReport, ServerError, State, read_journal
from fota_async.cli.app import run as fota_command
from fota_async.models.device_answers import DeviceAnswers


async def test_an_outcome_is_on_disk_before_it_is_streamed(journal: Path) -> None:
    refusals = set(imeis(20)[::6])

    async def script(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 3:
            raise ServerError("it fell over", status=500)
        await session.accept(device for device in ids if device not in refusals)  # type: ignore[arg-type]
        statuses = ["AddDeviceFailed" if device in refusals else ADDED[0] for device in ids]
        return DeviceAnswers(ids, statuses, [""] * len(ids))

    session = FakeSession(script)
    seen = []
    async with run_over(session, imeis(20), journal=journal, batch_size=3) as run:
        async for outcome in run:
            seen.append(outcome)
            copy = image(journal, journal.parent / f"copy{len(seen)}")
            assert outcome in list(read_journal(copy))
            assert_law(run.report)

    assert len(seen) == 20


async def test_the_intent_is_on_disk_before_the_request(journal: Path) -> None:
    async def script(ids: list[str]) -> DeviceAnswers:
        copy = read_journal(image(journal, journal.parent / f"copy{len(session.sent)}"))
        assert set(ids) <= set(ids_of(copy, State.UNKNOWN))
        return await session.accept(ids)

    session = FakeSession(script)

    report = await run_over(session, imeis(20), journal=journal, batch_size=3)

    assert (report.succeeded, len(session.sent)) == (20, 7)


async def test_a_second_start_streams_what_was_decided_before_too(journal: Path) -> None:
    ids = imeis(9)
    session = await stopped_midway(journal, [*ids, "bad"], batch_size=3)

    async with run_over(session, [*ids, "bad"], journal=journal, batch_size=2) as run:
        streamed = [outcome async for outcome in run]

    assert Counter(streamed) == Counter(run.report)
    assert len(streamed) == 10
    assert {one.device_id for one in streamed if one.state is State.SUCCEEDED} == set(ids)


@pytest.mark.parametrize("start", ["first", "second"])
async def test_the_report_in_the_middle_of_a_run_obeys_the_law(journal: Path, start: str) -> None:
    ids, odd = imeis(30), itertools.count()

    async def script(sent: list[str]) -> DeviceAnswers:
        await asyncio.sleep(0)
        look()
        if next(odd) % 3 == 1:
            raise ServerError("it fell over", status=500)
        return await server.accept(sent)

    def look(_: object = None) -> None:
        looked.append(run.report.inputs)
        assert_true_so_far(run.report)
        stored = read_journal(journal)
        assert_stored(stored, server)
        assert stored.stopped == "unfinished"

    def assert_true_so_far(report: BatchReport) -> None:
        assert_law(report)
        assert set(ids_of(report, State.SUCCEEDED)) <= server.members
        assert server.members.isdisjoint(ids_of(report, State.UNSENT))

    looked: list[int] = []
    server = FakeSession()
    if start == "second":
        server = await stopped_midway(journal, [*ids[:12], *imeis(5, first=90)], batch_size=4)
    server.script = script
    server._hook = lambda _: assert_true_so_far(run.report) if looked else None
    given = [*ids, "bad", *ids[:5]]
    run = run_over(server, trickle(given), journal=journal, batch_size=3, concurrency=3)

    report = await run

    assert len(looked) > 5
    assert_true(report, server)
    assert (report.inputs, report.succeeded) == (36, 30)
    assert read_journal(journal).summary() == report.summary()


async def test_the_journal_can_be_read_by_another_process_during_a_run(journal: Path) -> None:
    said: list[tuple[int | None, bytes, bytes]] = []

    async def script(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 3:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "fota_async", "report", "--state", "succeeded"),
                *("--state", "unknown", str(journal)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(30):
                output, errors = await process.communicate()
            said.append((process.returncode, output, errors))
        return await session.accept(ids)

    session = FakeSession(script)

    report = await run_over(session, imeis(12), journal=journal, batch_size=3, concurrency=1)

    ((code, output, errors),) = said
    assert (code, b"has not come to its end" in errors) == (0, True)
    rows = [line.split(",")[:2] for line in output.decode().splitlines()[1:]]
    assert rows == [
        *([device, "succeeded"] for device in imeis(6)),
        *([device, "unknown"] for device in imeis(3, first=7)),
    ]
    assert report.succeeded == 12


def test_the_report_command_lists_only_the_states_asked_for(
    journal: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def script(ids: list[str]) -> DeviceAnswers:
        return DeviceAnswers(ids, [ADDED[0], "AddDeviceFailed", ADDED[0]], ["", "Invalid IMEI", ""])

    asyncio.run(run_over(FakeSession(script), [*imeis(3), "bad"], journal=journal)._result())

    assert fota_command(["report", str(journal), "--state", "failed"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "device_id,state,status,reason,settled",
        f"{imeis(3)[1]},failed,AddDeviceFailed,Invalid IMEI,no",
    ]
    out = tmp_path / "out.csv"
    arguments = ["report", str(journal), "--csv", str(out), "--state", "invalid"]
    assert fota_command(arguments) == 0
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == ["device_id", "bad"]
    assert fota_command(["report", str(journal), "--csv", str(journal)]) == 2
    assert fota_command(["report", str(tmp_path / "none.db")]) == 2
    assert not (tmp_path / "none.db").exists()
    assert len(list(read_journal(journal))) == 4

"""What a run that starts with an earlier journal goes on from, and what it keeps."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import FakeSession, answers, ids_of, imeis, run_over, trickle, write
from journal_helpers import FINAL, facts, image, outcomes, sent_by, stopped_midway

from fota_async import (
    ConfigurationError,
    InvalidRequestError,
    RunStopped,
    ServerError,
    State,
    read_journal,
)
from fota_async.cli.app import run as fota_command
from fota_async.events import JournalEvent
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Rules, Simulator


async def test_a_finished_journal_says_so_sends_nothing_and_gives_the_same_report(
    journal: Path,
) -> None:
    async def script(sent: list[str]) -> DeviceAnswers:
        if len(session.sent) == 2:
            return answers(sent, "AddDeviceFailed", "Invalid IMEI")
        if len(session.sent) == 3:
            await session.accept(sent)
            raise ServerError("it fell over", status=500)
        return await session.accept(sent)

    session = FakeSession(script)
    given = [*imeis(9), "bad", *imeis(2), "bad", ""]
    first = await run_over(session, given, journal=journal, batch_size=3, concurrency=1)
    assert (first.succeeded, first.failed, first.invalid, first.duplicates) == (6, 3, 2, 3)

    for size in (1, 4, 1000):
        again = FakeSession()
        report = await run_over(again, trickle(given), journal=journal, batch_size=size)

        assert facts(report) == facts(first) == facts(read_journal(journal))
        assert (again.sent, again.reads) == ([], 0)
        (event,) = [event for event in again.events if isinstance(event, JournalEvent)]
        assert event.finished
        assert (event.decided, event.doubtful) == (9, 0)


async def test_the_command_says_that_a_journal_is_finished_with_the_same_report_and_exit_code(
    journal: Path,
) -> None:
    fleet = write(journal.with_name("fleet.txt"), "\n".join([*imeis(50), "bad", imeis(1)[0]]))
    async with Simulator(rules=Rules(poison=frozenset(imeis(1)))) as sim:
        names = ("key", "secret", "username", "password", "account", "base_url")
        environment = {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}

        async def append() -> tuple[int | None, str, str]:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "fota_async", "append", "--upgrade", sim.upgrade_id),
                *("--journal", str(journal), "--json", "--batch-size", "20", str(fleet)),
                env={**os.environ, **environment},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            async with asyncio.timeout(30):
                output, errors = await process.communicate()
            return process.returncode, output.decode(), errors.decode()

        code, output, errors = await append()
        requests = len(sim.requests)
        again, same, words = await append()

        assert code == again == 3
        assert json.loads(output) == json.loads(same)
        assert "finished" in words
        assert "finished" not in errors
        assert not any(record.method == "PUT" for record in sim.requests[requests:])


async def test_what_a_stopped_run_left_unknown_is_settled_by_the_next_and_never_sent_twice(
    journal: Path,
) -> None:
    ids = imeis(9)
    session = await stopped_midway(journal, ids, batch_size=3)
    before = read_journal(journal)
    assert (before.succeeded, before.unknown, before.unsent) == (3, 3, 3)
    assert before.stopped == "interrupted"

    report = await run_over(session, ids, journal=journal, batch_size=2)

    assert sorted(sent_by(session)) == ids[6:]
    assert (report.succeeded, report.inputs, report.stopped) == (9, 9, None)
    assert sum(one.settled for one in report) == 3
    assert report.requests == before.requests + 2
    assert report.seconds > before.seconds
    assert facts(read_journal(journal)) == facts(report)
    (event,) = [event for event in session.events if isinstance(event, JournalEvent)]
    assert (event.decided, event.doubtful, event.finished) == (3, 3, False)


async def test_what_was_in_doubt_and_did_not_arrive_is_sent_again(journal: Path) -> None:
    ids = imeis(9)
    session = await stopped_midway(journal, ids, batch_size=3)
    session.members -= set(ids[3:6])

    report = await run_over(session, ids, journal=journal)

    assert sorted(sent_by(session)) == ids[3:]
    assert session.reads >= 2
    assert report.succeeded == 9


@pytest.mark.parametrize("arrived", [True, False])
async def test_ids_that_went_out_of_the_input_are_settled_never_sent_and_in_no_count(
    journal: Path, arrived: bool
) -> None:
    ids = imeis(9)
    session = await stopped_midway(journal, ids, batch_size=3)
    if not arrived:
        session.members -= set(ids[3:6])
    new = imeis(2, first=50)

    report = await run_over(session, new, journal=journal)

    assert sent_by(session) == new
    assert (report.inputs, report.succeeded, report.unknown, report.unsent) == (2, 2, 0, 0)
    assert sorted(one.device_id for one in report) == new
    stored = read_journal(journal)
    states = {one.device_id: one.state for one in stored}
    assert states == {
        **dict.fromkeys(ids[:3], State.SUCCEEDED),
        **dict.fromkeys(ids[3:6], State.SUCCEEDED if arrived else State.UNSENT),
        **dict.fromkeys(ids[6:], State.UNSENT),
        **dict.fromkeys(new, State.SUCCEEDED),
    }
    assert stored.summary() == report.summary()
    assert stored.groups == report.groups == []


async def test_a_changed_input_counts_as_it_is_read_now(journal: Path) -> None:
    first = await run_over(FakeSession(), [*imeis(4), "bad", "worse", *imeis(3)], journal=journal)
    assert (first.inputs, first.duplicates, first.invalid) == (9, 3, 2)
    session = FakeSession()
    session.members = set(imeis(4))
    new = imeis(2, first=50)

    second = await run_over(session, [*imeis(2), *new, new[0], "worse"], journal=journal)

    assert sorted(sent_by(session)) == new
    assert (second.inputs, second.duplicates, second.invalid, second.succeeded) == (6, 1, 1, 4)
    assert read_journal(journal).summary() == second.summary()
    third = await run_over(FakeSession(), [*imeis(4), "bad", "worse", *imeis(3)], journal=journal)
    assert outcomes(third) == outcomes(first)
    assert (third.inputs, third.duplicates, third.requests) == (9, 3, second.requests)


async def test_a_run_that_ended_with_unknown_devices_is_finished_all_the_same(
    journal: Path,
) -> None:
    async def lost(_: list[str]) -> DeviceAnswers:
        raise ServerError("it fell over", status=500)

    first = await run_over(FakeSession(lost), imeis(3), journal=journal, max_rounds=1)
    assert (first.unknown, first.stopped) == (3, None)
    again = FakeSession()

    report = await run_over(again, imeis(3), journal=journal)

    assert (again.sent, again.reads) == ([], 0)
    assert facts(report) == facts(first)


async def test_a_refusal_of_one_device_is_final_after_a_crash(journal: Path) -> None:
    """Also where its batch was refused as a whole first, and divided."""
    poison = imeis(8)[5]
    members: set[str] = set()
    left: list[tuple[Path, set[str]]] = []

    async def script(ids: list[str]) -> DeviceAnswers:
        if poison in ids:
            raise InvalidRequestError("no", status=400, code="INVALID_PARAMETER", text="poison")
        members.update(ids)
        copy = image(journal, journal.parent / f"copy{len(left)}")
        left.append((copy, set(members)))
        return answers(ids)

    await run_over(FakeSession(script), imeis(8), journal=journal, concurrency=1)

    async def meet(ids: list[str]) -> DeviceAnswers:
        if poison in ids:
            raise InvalidRequestError("no", status=400, code="INVALID_PARAMETER", text="poison")
        return await session.accept(ids)

    refusals = 0
    for copy, taken in left:
        final = {one.device_id for one in read_journal(copy) if one.state in FINAL}
        refusals += poison in final
        session = FakeSession(meet)
        session.members = set(taken)
        report = await run_over(session, imeis(8), journal=copy, concurrency=1)
        assert final.isdisjoint(sent_by(session))
        assert ids_of(report, State.FAILED) == [poison]
        assert report.succeeded == 7
    assert 0 < refusals < len(left)


@pytest.mark.parametrize("keep", ["none", "failures"])
async def test_what_is_kept_of_a_run_with_a_journal_is_what_keep_says(
    journal: Path, keep: Any
) -> None:
    ids = imeis(9)

    async def script(sent: list[str]) -> DeviceAnswers:
        if sent[0] == ids[6]:
            return answers(sent, "AddDeviceFailed", "Invalid IMEI")
        return await server.accept(sent)

    server = await stopped_midway(journal, [*ids, "bad"], batch_size=3, keep=keep)
    server.script = script
    report = await run_over(server, [*ids, "bad"], journal=journal, batch_size=3, keep=keep)
    again = await run_over(FakeSession(), [*ids, "bad"], journal=journal, keep=keep)

    for one in (report, again):
        kept = [outcome.device_id for outcome in one]
        assert kept == ([] if keep == "none" else [*ids[6:], "bad"])
        assert (one.succeeded, one.failed, one.invalid, one.inputs) == (6, 3, 1, 10)
        assert one.groups == read_journal(journal).groups
    assert len(list(read_journal(journal))) == 10


async def test_the_report_of_an_earlier_start_does_not_change(journal: Path) -> None:
    ids = imeis(9)

    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == 2:
            run.stop()
        return said

    session = FakeSession(script)
    run = run_over(session, ids, journal=journal, batch_size=3, concurrency=1)
    with pytest.raises(RunStopped) as caught:
        await run
    before = facts(caught.value.report)
    assert caught.value.report.unsent == 3

    await run_over(session, [*ids, *imeis(3, first=50)], journal=journal)

    assert facts(caught.value.report) == before


async def test_the_next_start_may_be_full_of_durability_or_not(journal: Path) -> None:
    session = await stopped_midway(journal, imeis(9), batch_size=3, durability="full")
    final = set(ids_of(read_journal(journal), State.SUCCEEDED))

    report = await run_over(session, imeis(9), journal=journal, durability="full")

    assert final.isdisjoint(sent_by(session))
    assert report.succeeded == 9
    assert facts(read_journal(journal)) == facts(report)
    with pytest.raises(ConfigurationError, match="durability"):
        run_over(FakeSession(), imeis(3), journal=journal, durability="half")


async def test_very_many_reasons_are_all_kept(journal: Path) -> None:
    ids = imeis(6000)

    async def script(sent: list[str]) -> DeviceAnswers:
        reasons = [f"no place for {device}" for device in sent]
        return DeviceAnswers(sent, ["AddDeviceFailed"] * len(sent), reasons)

    first = await run_over(FakeSession(script), ids, journal=journal, batch_size=700)
    again = FakeSession()
    report = await run_over(again, ids, journal=journal)

    assert len(first.groups) == 6000
    assert facts(first) == facts(report) == facts(read_journal(journal))
    assert again.sent == []


ODD_TEXTS = [
    "nul \0 in it",
    "half \ud83d of a pair",
    "'quoted' \"twice\"",
    "a\r\nb",
    "x" * 9000,
    "🛰",
]


async def test_texts_of_every_kind_come_back_word_for_word(
    journal: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ids, malformed = imeis(len(ODD_TEXTS)), [f"bad {text}" for text in ODD_TEXTS]

    async def script(sent: list[str]) -> DeviceAnswers:
        return DeviceAnswers(
            sent, [f"AddDeviceFailed{text}" for text in ODD_TEXTS], ODD_TEXTS[: len(sent)]
        )

    first = await run_over(FakeSession(script), [*ids, *malformed], journal=journal)
    report = await run_over(FakeSession(), [*ids, *malformed], journal=journal)

    assert [one.reason for one in first][: len(ids)] == ODD_TEXTS
    assert [one.device_id for one in first][len(ids) :] == malformed
    assert facts(first) == facts(report) == facts(read_journal(journal))
    assert fota_command(["report", "--json", str(journal)]) == 0
    listed = json.loads(capsys.readouterr().out)["devices"]
    assert [one["reason"] for one in listed][: len(ids)] == ODD_TEXTS
    out = tmp_path / "out.csv"
    assert fota_command(["report", "--csv", str(out), str(journal)]) == 0
    assert ids[3] in out.read_text(encoding="utf-8")

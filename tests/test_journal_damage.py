"""A damaged journal is noticed, and never leads to a device being sent again."""

import itertools
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from batch_helpers import ADDED, FakeSession, ids_of, imeis, run_over
from journal_helpers import FINAL, assert_true, facts, image, read, sent_by, stopped_midway

from fota_async import JournalError, RunStopped, State, read_journal
from fota_async.models.device_answers import DeviceAnswers


def damaged(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


async def full_of_everything(path: Path, *, finished: bool) -> FakeSession:
    """Leave a journal of several pages, all of it in the file itself; return its server."""
    ids = imeis(1200)
    refusals = set(ids[::97])

    async def script(sent: list[str]) -> DeviceAnswers:
        fine = [device for device in sent if device not in refusals]
        session.members.update(fine)
        if not finished and len(session.sent) == 4:
            run.stop()
        return DeviceAnswers(
            sent,
            ["AddDeviceFailed" if device in refusals else ADDED[0] for device in sent],
            [f"because of {device}" if device in refusals else ADDED[1] for device in sent],
        )

    session = FakeSession(script)
    run = run_over(session, [*ids, "bad", "worse"], journal=path, batch_size=200, concurrency=1)
    with suppress(RunStopped):
        await run
    assert bool(run.report.unsent) is not finished
    session.sent.clear()
    return session


@pytest.mark.parametrize("finished", [True, False])
async def test_damage_to_any_page_is_noticed_or_harms_nothing(
    tmp_path: Path, finished: bool
) -> None:
    good = tmp_path / "good.db"
    session = await full_of_everything(good, finished=finished)
    truth, content = facts(read_journal(good)), read(good)
    final = {one.device_id for one in read_journal(good) if one.state in FINAL}
    size = 4096
    assert len(content) > 8 * size
    noticed = 0
    for number, page in enumerate(range(0, len(content), size)):
        # The head of the page, where it is used least, and its end, which fills up first.
        for place in (page, page + 5 + 7 * number, page + size // 2, page + size - 40 - number):
            bad = tmp_path / f"{place}.db"
            bad.write_bytes(damaged(content, place))
            server = FakeSession()
            server.members = set(session.members)
            try:
                assert facts(read_journal(bad)) == truth, place
            except JournalError:
                noticed += 1
            bad.write_bytes(damaged(content, place))
            try:
                ids = imeis(1200)
                report = await run_over(server, [*ids, "bad", "worse"], journal=bad)
            except JournalError:
                assert server.sent == []
            else:
                assert final.isdisjoint(sent_by(server)), place
                assert_true(report, server)
                assert (report.inputs, report.unknown, report.unsent) == (1202, 0, 0)
    assert noticed > len(content) // size


@pytest.mark.parametrize("table", ["run", "start", "malformed", "verdict", "entry"])
async def test_no_byte_of_a_row_can_change_without_notice(tmp_path: Path, table: str) -> None:
    good, bad = tmp_path / "good.db", tmp_path / "bad.db"
    session = await stopped_midway(good, [*imeis(6), "bad"], batch_size=2)
    await run_over(session, [*imeis(4), "bad", "bad"], journal=good)
    truth, content = facts(read_journal(good)), read(good)
    with closing(sqlite3.connect(good)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    begin, end = (page - 1) * 4096, page * 4096
    rows = int.from_bytes(content[begin + 5 : begin + 7], "big") + begin
    assert rows < end - 10
    silent = []
    for place in range(rows, end):
        for suffix in ("-wal", "-shm"):
            bad.with_name(f"bad.db{suffix}").unlink(missing_ok=True)
        bad.write_bytes(damaged(content, place))
        try:
            found = facts(read_journal(bad))
        except JournalError:
            continue
        if found != truth:
            silent.append((place - rows, content[rows:end], found[0], truth[0]))
    assert not silent, f"{len(silent)} of {end - rows} bytes, for instance {silent[0]}"


async def test_a_damaged_log_of_a_killed_run_sends_no_final_device_again(tmp_path: Path) -> None:
    """What a run writes stays in SQLite's log until the run ends, or until the log is long."""
    ids, copies = imeis(12), itertools.count()

    async def script(sent: list[str]) -> DeviceAnswers:
        if len(session.sent) == 4:
            killed.append(image(tmp_path / "enrol.db", tmp_path / f"killed{next(copies)}"))
        return await session.accept(sent)

    killed: list[Path] = []
    session = FakeSession(script)
    await run_over(session, ids, journal=tmp_path / "enrol.db", batch_size=3, concurrency=1)
    (left,) = killed
    final = set(ids_of(read_journal(image(left, tmp_path / "look")), State.SUCCEEDED))
    assert final == set(ids[:9])
    log = left.with_name("enrol.db-wal").read_bytes()
    frames = range(32, len(log), 4096 + 24)
    assert len(frames) > 8
    again = []
    for frame in frames:
        bad = tmp_path / f"bad{frame}"
        bad.mkdir()
        (bad / "enrol.db").write_bytes(left.read_bytes())
        (bad / "enrol.db-wal").write_bytes(damaged(log, frame + 24 + 4000))
        server = FakeSession()
        server.members = set(ids[:9])
        with suppress(JournalError):
            await run_over(server, ids, journal=bad / "enrol.db")
        if not final.isdisjoint(sent_by(server)):
            again.append((frame - 32) // (4096 + 24))
    assert not again, f"frames {again} of {len(frames)}"

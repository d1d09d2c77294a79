"""The journal of a run, as its user meets it: what is refused, what is kept, what goes on."""

import asyncio
import contextlib
import itertools
import json
import os
import pickle
import sqlite3
import stat
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import (
    ACCOUNT,
    ADDED,
    UPGRADE,
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    let_run,
    run_over,
    trickle,
    write,
)

from fota_async import (
    BatchReport,
    BatchRun,
    ConfigurationError,
    DeviceBatcher,
    DeviceOutcome,
    InvalidRequestError,
    JournalError,
    RunStopped,
    ServerError,
    State,
    StopCause,
    modify_upgrade,
    read_journal,
)
from fota_async.batch.journal import keeper
from fota_async.cli.app import run as fota_command
from fota_async.events import BatchEvent, JournalEvent
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Rules, Simulator

FINAL = {State.SUCCEEDED, State.FAILED, State.PENDING}


class AnySession(FakeSession):
    """Takes runs of any operation on any target, and answers none of them."""

    def claim(self, account: str, target: str, operation: str) -> Callable[[], None]:
        del account, target, operation
        self.claims += 1

        def release() -> None:
            self.claims -= 1

        return release

    async def call(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing may be sent, and nothing read")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "enrol.db"


def outcomes(report: BatchReport) -> dict[str, DeviceOutcome]:
    """Return the outcomes of a report by what they are about."""
    listed = {f"{one.state is State.INVALID} {one.device_id}": one for one in report}
    assert len(listed) == len(list(report))
    return listed


def assert_stored(stored: BatchReport, session: FakeSession) -> None:
    """Hold what a journal says against the law; it may list more than the last input held."""
    counted = sum(getattr(stored, state.value) for state in State)
    assert stored.inputs == counted + stored.duplicates
    assert len({one.device_id for one in stored}) == len(list(stored)) >= counted
    assert set(ids_of(stored, State.SUCCEEDED)) <= session.members
    assert session.members.isdisjoint(ids_of(stored, State.FAILED) + ids_of(stored, State.UNSENT))


def read(path: Path) -> bytes:
    """Return what is in a file."""
    return path.read_bytes()


def files_in(folder: Path) -> dict[str, int]:
    """Return the files of a folder, and their modes."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def facts(report: BatchReport) -> tuple[Any, ...]:
    """Return all that two reports of the same run must agree on."""
    groups = Counter({(g.state, g.status, g.reason): g.devices for g in report.groups})
    return report.summary(), groups, outcomes(report)


def assert_true(report: BatchReport, session: FakeSession) -> None:
    """Hold a report against the law and against the books of the API."""
    assert_law(report)
    assert set(ids_of(report, State.SUCCEEDED)) <= session.members
    assert session.members.isdisjoint(ids_of(report, State.FAILED) + ids_of(report, State.UNSENT))


def image(path: Path, folder: Path) -> Path:
    """Return a copy of a journal as it would be left if its process died now."""
    folder.mkdir()
    copy, log = folder / path.name, path.with_name(f"{path.name}-wal")
    while True:
        before = path.read_bytes()
        written = log.read_bytes() if log.exists() else b""
        # Between the two the log may have been moved into the file.
        if path.read_bytes() == before:
            break
    copy.write_bytes(before)
    if written:
        copy.with_name(log.name).write_bytes(written)
    return copy


def sent_by(session: FakeSession) -> list[str]:
    return [device for ids in session.sent for device in ids]


async def refused(run: BatchRun, session: FakeSession, says: str) -> str:
    """Show that a run is refused before anything is sent; return what it says."""
    with pytest.raises(JournalError, match=says) as caught:
        await run
    assert (session.sent, session.reads, session.claims) == ([], 0, 0)
    assert_no_task_left()
    return str(caught.value)


async def stopped_midway(path: Path, ids: list[str], **options: Any) -> FakeSession:
    """Leave a journal behind in which some devices are decided, some in doubt, some not sent."""

    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == 1:
            return said
        session._read = unreadable  # type: ignore[method-assign]
        run.stop()
        raise ServerError("it fell over", status=500)

    def unreadable(*_: Any) -> Any:
        raise ServerError("it fell over, too", status=500)

    session = FakeSession(script)
    run = run_over(session, ids, journal=path, concurrency=1, **options)
    with pytest.raises(RunStopped):
        await run
    assert run.report.unknown
    assert run.report.succeeded
    assert run.report.unsent
    del session._read  # type: ignore[method-assign]
    session.script = session.accept
    session.sent.clear()
    return session


# Refusals


@pytest.mark.parametrize(
    ("operation", "account", "target", "named"),
    [
        ("remove", ACCOUNT, UPGRADE, "append"),
        ("append", "0000000000-00001", UPGRADE, ACCOUNT),
        ("append", ACCOUNT, "00000000-ccdc-4db8-8824-069bd94c95bf", UPGRADE),
    ],
)
async def test_a_journal_of_another_run_is_refused_and_its_run_is_named(
    journal: Path, operation: Any, account: str, target: str, named: str
) -> None:
    await run_over(FakeSession(), imeis(3), journal=journal)
    before, session = facts(read_journal(journal)), AnySession()
    batcher = DeviceBatcher(session, modify_upgrade(operation, account, target), journal=journal)

    said = await refused(batcher.run(imeis(3)), session, "another run")

    assert named in said
    assert str(journal) in said
    assert facts(read_journal(journal)) == before


async def test_a_journal_of_a_newer_version_is_refused(journal: Path) -> None:
    await run_over(FakeSession(), imeis(3), journal=journal)
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("PRAGMA user_version = 99")
    session = FakeSession()

    await refused(run_over(session, imeis(3), journal=journal), session, "newer version")
    with pytest.raises(JournalError, match="newer version"):
        read_journal(journal)


@pytest.mark.parametrize("size", [2, 99, 5000])
async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(
    journal: Path, size: int
) -> None:
    content = b"356938035643809\n" * (size // 16) + b"#" * (size % 16)
    write(journal, content)
    session = FakeSession()

    await refused(run_over(session, imeis(3), journal=journal), session, "something else")
    with pytest.raises(JournalError, match="something else"):
        read_journal(journal)

    assert read(journal) == content


async def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(journal: Path) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("CREATE TABLE entry (number, text)")
        connection.execute("INSERT INTO entry VALUES (1, 'precious')")
        connection.commit()
    content, session = read(journal), FakeSession()

    await refused(run_over(session, imeis(3), journal=journal), session, "something else")
    with pytest.raises(JournalError, match="something else"):
        read_journal(journal)

    assert read(journal) == content


async def test_a_second_run_in_this_process_is_refused_and_the_first_goes_on(journal: Path) -> None:
    async def script(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 2:
            other = FakeSession()
            await refused_here(run_over(other, imeis(9), journal=journal), other)
        return await session.accept(ids)

    async def refused_here(run: BatchRun, other: FakeSession) -> None:
        with pytest.raises(JournalError, match="another run is using it"):
            await run
        assert other.sent == []
        tried.append(True)

    tried: list[bool] = []
    session = FakeSession(script)

    report = await run_over(session, imeis(9), journal=journal, batch_size=3)

    assert tried
    assert report.succeeded == 9
    assert facts(read_journal(journal)) == facts(report)


async def test_two_names_of_one_journal_are_one_journal(journal: Path, tmp_path: Path) -> None:
    link = tmp_path / "other" / "link.db"
    link.parent.mkdir()
    link.symlink_to(journal)

    async def script(ids: list[str]) -> DeviceAnswers:
        with pytest.raises(JournalError, match="another run is using it"):
            await run_over(FakeSession(), imeis(9), journal=journal)
        return await session.accept(ids)

    session = FakeSession(script)

    report = await run_over(session, imeis(9), journal=link)
    again = FakeSession()
    other = await run_over(again, imeis(9), journal=journal)

    assert (report.succeeded, again.sent) == (9, [])
    assert facts(other) == facts(report) == facts(read_journal(link))


async def second_process(journal: Path, fleet: Path) -> tuple[int | None, str]:
    """Return exit code and words of a `fota append` with this journal; it would reach nobody."""
    environment = {
        f"THINGSPACE_{name}": "x" for name in ("KEY", "SECRET", "USERNAME", "PASSWORD")
    } | {"THINGSPACE_ACCOUNT": ACCOUNT, "THINGSPACE_BASE_URL": "http://127.0.0.1:9"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fota_async", "append", "--upgrade", UPGRADE),
        *("--journal", str(journal), "--deadline", "0.1", "--grace", "0", str(fleet)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_a_second_process_is_refused_as_long_as_the_first_run_lives(journal: Path) -> None:
    fleet = journal.with_name("fleet.txt")
    fleet.write_text("\n".join(imeis(3)))
    said: list[tuple[int | None, str]] = []

    async def script(ids: list[str]) -> DeviceAnswers:
        said.append(await second_process(journal, fleet))
        return await session.accept(ids)

    session = FakeSession(script)

    report = await run_over(session, imeis(3), journal=journal)

    assert report.succeeded == 3
    ((code, words),) = said
    assert (code, "another run is using it" in words) == (2, True), words
    code, words = await second_process(journal, fleet)
    assert (code, "finished" in words) == (0, True), words


async def test_a_try_in_this_process_does_not_let_other_processes_in(journal: Path) -> None:
    """POSIX locks of a process on a file end when the process closes the file anywhere."""
    fleet = journal.with_name("fleet.txt")
    fleet.write_text("\n".join(imeis(3)))
    said: list[tuple[int | None, str]] = []

    async def script(ids: list[str]) -> DeviceAnswers:
        with pytest.raises(JournalError, match="another run is using it"):
            await run_over(FakeSession(), imeis(3), journal=journal)
        list(read_journal(journal))
        said.append(await second_process(journal, fleet))
        return await session.accept(ids)

    session = FakeSession(script)

    report = await run_over(session, imeis(3), journal=journal)

    assert report.succeeded == 3
    ((code, words),) = said
    assert (code, "another run is using it" in words) == (2, True), words


@pytest.mark.parametrize("name", ["missing/enrol.db", "."])
async def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, name: str) -> None:
    session = FakeSession()

    await refused(run_over(session, imeis(3), journal=tmp_path / name), session, "cannot be used")
    with pytest.raises(JournalError, match="no such file"):
        read_journal(tmp_path / name)


@pytest.mark.parametrize("wrong", ["", 7, b"enrol.db", True])
def test_what_is_no_path_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="journal"):
        run_over(FakeSession(), imeis(3), journal=wrong)


async def test_an_empty_file_is_taken_as_new(journal: Path) -> None:
    write(journal, "")

    report = await run_over(FakeSession(), imeis(3), journal=journal)

    assert report.succeeded == 3
    assert facts(read_journal(journal)) == facts(report)


async def test_a_device_list_that_cannot_be_opened_leaves_no_journal(
    journal: Path, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match=r"fleet\.txt"):
        await run_over(FakeSession(), tmp_path / "fleet.txt", journal=journal)

    assert not files_in(tmp_path)


# Damage


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


# What the files are


async def test_all_files_are_for_their_owner_only(journal: Path) -> None:
    modes: dict[str, int] = {}

    async def script(ids: list[str]) -> DeviceAnswers:
        modes.update(files_in(journal.parent))
        return await session.accept(ids)

    session = FakeSession(script)
    old = os.umask(0)
    try:
        await run_over(session, imeis(3), journal=journal)
    finally:
        os.umask(old)

    assert {"enrol.db", "enrol.db-wal", "enrol.db-lock"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert set(files_in(journal.parent).values()) == {0o600}


async def test_no_secret_is_in_any_file(journal: Path) -> None:
    seen: set[bytes] = set()

    def look(event: object) -> None:
        if isinstance(event, BatchEvent):
            seen.update(file.read_bytes() for file in journal.parent.glob("enrol.db*-wal"))

    async with (
        Simulator(rules=Rules(refuse_rate=0.2)) as sim,
        client_of(sim, on_event=look) as fota,
    ):
        report = await fota.v1.upgrades.append_devices(
            sim.upgrade_id, imeis(100), batch_size=10, journal=journal
        )
        secrets = [sim.key, sim.secret, sim.username, sim.password]
    contents = [*seen, read(journal)]
    assert seen
    assert any(report.target.encode() in content for content in contents)
    for secret in secrets:
        assert not any(secret.encode() in content for content in contents)


@pytest.mark.parametrize(
    "name",
    ["two words.db", "what?.db", "number#1.db", "50%41.db", "é日本.db", "a&b=c;d.db", "'\".db"],
)
async def test_a_journal_may_have_any_name(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / f"of {name}"
    folder.mkdir()
    report = await run_over(FakeSession(), imeis(3), journal=folder / name)
    again = FakeSession()

    assert facts(await run_over(again, imeis(3), journal=str(folder / name))) == facts(report)

    assert again.sent == []
    assert set(files_in(folder)) == {name, f"{name}-lock"}
    assert fota_command(["report", "--json", str(folder / name)]) == 0
    assert json.loads(capsys.readouterr().out)["succeeded"] == 3


async def test_a_relative_path_is_meant_from_where_the_run_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    report = await run_over(FakeSession(), imeis(3), journal="enrol.db")

    monkeypatch.chdir(tmp_path / "elsewhere")

    assert len(list(report)) == 3


async def test_a_report_of_a_run_with_a_journal_can_be_pickled(journal: Path) -> None:
    session = await stopped_midway(journal, imeis(6), batch_size=2)
    report = await run_over(session, imeis(5), journal=journal)

    assert facts(pickle.loads(pickle.dumps(report))) == facts(report)


# Going on


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


# In the middle of a run


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


# The disk is full


def writer_of(run: BatchRun) -> Any:
    return run._engine._books.journal._writer  # type: ignore[attr-defined]


@pytest.mark.parametrize("after", range(1, 5))
async def test_a_full_disk_stops_the_run_with_a_true_report_and_the_next_start_goes_on(
    journal: Path, after: int
) -> None:
    ids = imeis(6000)

    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == after:
            writer_of(run)._connection.execute("PRAGMA max_page_count = 1")
        assert_law(run.report)
        return said

    session = FakeSession(script)
    run = run_over(session, [*ids, "bad"], journal=journal, batch_size=500, concurrency=2)

    with pytest.raises(RunStopped, match="full") as caught:
        await run

    report = caught.value.report
    assert caught.value.cause is StopCause.JOURNAL
    assert isinstance(caught.value.__cause__, JournalError)
    assert_true(report, session)
    assert (report.stopped, report.inputs, report.unknown) == ("journal", 6001, 0)
    assert set(ids_of(report, State.SUCCEEDED)) == session.members
    assert report.unsent >= 6000 - 500 * (after + 2)
    assert_no_task_left()
    stored = read_journal(journal)
    assert_true(stored, session)
    assert stored.stopped == "unfinished"
    final = set(ids_of(stored, State.SUCCEEDED))
    session.sent.clear()

    session.script = session.accept
    whole = await run_over(session, [*ids, "bad"], journal=journal)

    assert final.isdisjoint(sent_by(session))
    assert (whole.succeeded, whole.stopped) == (6000, None)
    assert facts(read_journal(journal)) == facts(whole)


async def test_a_disk_that_is_full_from_the_start_sends_nothing(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: keeper.JournalWriter, *_: object) -> None:
        del self
        raise JournalError("the journal 'x' cannot be used: database or disk is full")

    monkeypatch.setattr(keeper.JournalWriter, "write", full)
    session = FakeSession()
    run = run_over(session, imeis(30), journal=journal, batch_size=3)

    with pytest.raises((JournalError, RunStopped), match="full"):
        await run

    assert session.sent == []
    assert session.claims == 0
    assert_law(run.report)
    assert_no_task_left()


async def test_a_journal_that_breaks_while_outcomes_are_streamed_loses_none_of_them(
    journal: Path,
) -> None:
    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == 3:
            writer_of(run)._connection.execute("PRAGMA query_only = 1")
        return said

    async def stream() -> None:
        async with run:
            async for outcome in run:
                streamed.append(outcome)  # noqa: PERF401 - what came before the error counts

    session = FakeSession(script)
    streamed: list[DeviceOutcome] = []
    run = run_over(session, imeis(30), journal=journal, batch_size=3, concurrency=2)

    with pytest.raises(RunStopped) as caught:
        await stream()

    assert caught.value.cause is StopCause.JOURNAL
    assert Counter(streamed) == Counter(caught.value.report)
    assert_true(run.report, session)


# Leaving in the middle


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("start", ["first", "second"])
async def test_whichever_turn_a_run_is_stopped_in_its_journal_is_true(
    tmp_path: Path, start: str, twice: bool
) -> None:
    ids = imeis(12)
    for turns in range(0, 240, 6):
        path = tmp_path / f"{turns}.db"
        session, requests = FakeSession(), 0
        if start == "second":
            session = await stopped_midway(path, ids, batch_size=3)
            requests = read_journal(path).requests
        run = run_over(session, ids, journal=path, batch_size=2, concurrency=2)
        task = asyncio.ensure_future(run)
        for _ in range(turns):
            await asyncio.sleep(0)
        run.stop()
        if twice:
            run.stop()
        with suppress(RunStopped):
            await task
        assert_no_task_left()
        assert_true(run.report, session)
        if path.exists() and path.stat().st_size > 4096:
            stored = read_journal(path)
            assert_stored(stored, session)
            assert stored.requests >= requests
            if stored.stopped != "unfinished" and run.report.input_complete:
                assert facts(stored) == facts(run.report), turns

        whole = await run_over(session, ids, journal=path)

        assert (whole.succeeded, whole.stopped) == (12, None), turns
        assert Counter(sent_by(session)).most_common(1)[0][1] == 1
        assert facts(read_journal(path)) == facts(whole)


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let the next journal take as long to be opened as a large one does."""
    begun, go_on = threading.Event(), threading.Event()
    real = keeper.past_of

    def slowly(reader: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return real(reader)

    with contextlib.ExitStack() as stack:
        stack.callback(go_on.set)
        monkeypatch.setattr(keeper, "past_of", slowly)
        yield begun, go_on


@pytest.mark.parametrize("how", ["twice", "without grace", "cancelled twice"])
async def test_a_run_stopped_while_its_journal_is_opened_leaves_the_journal_as_it_was(
    journal: Path, opening: tuple[threading.Event, threading.Event], how: str
) -> None:
    begun, go_on = opening
    go_on.set()
    session = await stopped_midway(journal, imeis(9), batch_size=3)
    before = facts(read_journal(journal))
    go_on.clear()
    begun.clear()
    run = run_over(session, imeis(9), journal=journal, grace=0 if how == "without grace" else 10)
    task = asyncio.ensure_future(run)
    assert await asyncio.to_thread(begun.wait, 10)

    for _ in range(2):
        if how == "cancelled twice":
            task.cancel()
        else:
            run.stop()
        await let_run()
        if how == "without grace":
            break
    go_on.set()
    with pytest.raises((RunStopped, asyncio.CancelledError)):
        await task

    assert session.sent == []
    stored = read_journal(journal)
    assert stored.requests == before[0]["requests"]
    assert outcomes(stored) == before[2]
    report = await run_over(session, imeis(9), journal=journal)
    assert report.succeeded == 9
    assert report.requests > stored.requests
    assert sorted(sent_by(session)) == imeis(9)[6:]


async def test_a_finished_journal_is_still_finished_after_a_start_that_was_stopped_at_once(
    journal: Path, opening: tuple[threading.Event, threading.Event]
) -> None:
    begun, go_on = opening
    go_on.set()
    first = await run_over(FakeSession(), imeis(9), journal=journal, batch_size=3)
    go_on.clear()
    begun.clear()
    run = run_over(FakeSession(), imeis(9), journal=journal)
    task = asyncio.ensure_future(run)
    assert await asyncio.to_thread(begun.wait, 10)
    run.stop()
    run.stop()
    await let_run()
    go_on.set()
    with pytest.raises(RunStopped):
        await task

    again = FakeSession()
    report = await run_over(again, imeis(9), journal=journal)

    assert (again.sent, again.reads) == ([], 0)
    assert facts(report) == facts(first)


@pytest.mark.parametrize("turns", [0, 30, 60, 90, 120])
def test_the_law_holds_when_the_event_loop_is_closed_around_a_run(
    journal: Path, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writing = keeper.JournalWriter.write, threading.Event()

    def slowly(self: keeper.JournalWriter, *given: Any) -> None:
        # As long as a disk takes that is asked to confirm.
        writing.wait(0.002)
        real(self, *given)

    monkeypatch.setattr(keeper.JournalWriter, "write", slowly)
    session = FakeSession()
    runs: list[BatchRun] = []

    async def main() -> None:
        runs.append(run_over(session, imeis(40), journal=journal, batch_size=2, concurrency=2))
        running.append(asyncio.ensure_future(runs[0]))
        await session.until_sent(5)
        for _ in range(turns):
            await asyncio.sleep(0)

    running: list[object] = []
    asyncio.run(main())

    report = runs[0].report
    assert report.inputs == 40
    assert_true(report, session)
    assert_true(read_journal(journal), session)
    session.sent.clear()
    final = set(ids_of(read_journal(journal), State.SUCCEEDED))

    async def go_on() -> BatchReport:
        return await run_over(session, imeis(40), journal=journal)

    assert asyncio.run(go_on()).succeeded == 40
    assert final.isdisjoint(sent_by(session))


@pytest.mark.parametrize("undone", [False, True])
async def test_a_run_stopped_while_its_journal_is_closed_says_the_same_as_its_journal(
    journal: Path, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    real, begun, go_on = keeper.JournalWriter.close, threading.Event(), threading.Event()

    def slowly(self: keeper.JournalWriter) -> None:
        begun.set()
        assert go_on.wait(10)
        real(self)

    monkeypatch.setattr(keeper.JournalWriter, "close", slowly)
    session = FakeSession()
    run = run_over(session, imeis(9), journal=journal, max_failures=0 if undone else None)
    if undone:
        session.script = refuse
    task = asyncio.ensure_future(run)
    try:
        assert await asyncio.to_thread(begun.wait, 10)
        run.stop()
        run.stop()
        await let_run()
    finally:
        go_on.set()
    with suppress(RunStopped):
        await task

    assert_no_task_left()
    assert facts(read_journal(journal)) == facts(run.report)
    assert run.report.stopped == ("max_failures" if undone else None)


async def refuse(ids: list[str]) -> DeviceAnswers:
    return answers(ids, "AddDeviceFailed", "Invalid IMEI")


async def test_leaving_the_block_early_leaves_a_journal_to_go_on_from(journal: Path) -> None:
    ids, session = imeis(60), FakeSession()
    async with run_over(session, iter(ids), journal=journal, batch_size=2) as run:
        async for _ in run:
            break
    left = run.report
    assert_true(left, session)
    assert left.stopped == "interrupted"
    assert read_journal(journal).summary() == left.summary()
    final = set(ids_of(left, State.SUCCEEDED))
    session.sent.clear()

    report = await run_over(session, ids, journal=journal)

    assert report.succeeded == 60
    assert final.isdisjoint(sent_by(session))


async def test_a_generator_that_was_not_read_to_its_end_does_not_change_what_is_counted(
    journal: Path,
) -> None:
    """The devices it did not come to are gone from this reading, whatever became of them before."""
    ids = imeis(12)
    session = await stopped_midway(journal, ids, batch_size=3)

    async def broken() -> Any:
        yield ids[0]
        raise OSError("the tape broke")

    with pytest.raises(RunStopped) as caught:
        await run_over(session, broken(), journal=journal)

    report = caught.value.report
    assert caught.value.cause is StopCause.SOURCE
    assert (report.inputs, report.succeeded, report.input_complete) == (1, 1, False)
    assert_law(report)
    stored = read_journal(journal)
    assert stored.summary() == report.summary()
    assert len(list(stored)) == 12

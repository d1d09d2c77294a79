"""What is refused as a journal, and what is then left as it was."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import ACCOUNT, UPGRADE, FakeSession, assert_no_task_left, imeis, run_over, write
from journal_helpers import facts, files_in, read

from fota_async import (
    BatchRun,
    ConfigurationError,
    DeviceBatcher,
    JournalError,
    modify_upgrade,
    read_journal,
)
from fota_async.models.device_answers import DeviceAnswers


class AnySession(FakeSession):
    """Takes runs of any operation on any target, and answers none of them."""

    def claim(
        self, account: str, target: str, operation: str, *, alone: bool = False
    ) -> Callable[[], None]:
        del account, target, operation, alone
        self.claims += 1

        def release() -> None:
            self.claims -= 1

        return release

    async def call(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("nothing may be sent, and nothing read")


async def refused(run: BatchRun, session: FakeSession, says: str) -> str:
    """Show that a run is refused before anything is sent; return what it says."""
    with pytest.raises(JournalError, match=says) as caught:
        await run
    assert (session.sent, session.reads, session.claims) == ([], 0, 0)
    assert_no_task_left()
    return str(caught.value)


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
        *("--journal", str(journal), "--deadline", "10", "--grace", "0", str(fleet)),
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

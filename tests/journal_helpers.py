"""A journal left midway, a copy of one, and what else the tests of journals share."""

import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import FakeSession, assert_law, ids_of, run_over

from fota_async import BatchReport, DeviceOutcome, RunStopped, ServerError, State
from fota_async.models.device_answers import DeviceAnswers

FINAL = {State.SUCCEEDED, State.FAILED, State.PENDING}


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


def forget(path: Path) -> None:
    """Remove a journal, and what lies beside it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


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
    """Return the devices of all requests of a session."""
    return [device for ids in session.sent for device in ids]


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

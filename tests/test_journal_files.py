"""The files of a journal: their names, their modes, what is in them."""

import json
import os
import pickle
from pathlib import Path

import pytest
from batch_helpers import FakeSession, client_of, imeis, run_over
from journal_helpers import facts, files_in, read, stopped_midway

from fota_async.cli.app import run as fota_command
from fota_async.events import BatchEvent
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Rules, Simulator


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

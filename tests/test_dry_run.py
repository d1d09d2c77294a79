"""A dry run sends nothing, touches no journal, and says what the run will send."""

import asyncio
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    run_over,
    trickle,
    write,
)
from helpers import Events

from fota_async import (
    BatchReport,
    ConfigurationError,
    DevicesFailed,
    FotaClient,
    JournalError,
    RunStopped,
    SourceError,
    State,
    read_journal,
)
from fota_async.cli.app import execute
from fota_async.events import JournalEvent, ProgressEvent
from fota_async.simulator import Faults, Rules, Simulator

IDS = imeis(250)


@pytest.fixture
def sim(fota_simulator: Simulator) -> Simulator:
    return fota_simulator


@pytest.fixture
def client(fota_client: FotaClient) -> FotaClient:
    return fota_client


def puts(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


def modify(client: FotaClient, verb: str, devices: Any, **options: Any) -> Any:
    call = getattr(client.v1.upgrades, f"{verb}_devices")
    return call(Simulator.upgrade_id, devices, **options)


def source(kind: str, ids: Iterable[str], folder: Path) -> Any:
    ids = list(ids)
    return {
        "list": ids,
        "generator": (one for one in ids),
        "async": trickle(ids),
        "file": write(folder / "fleet.txt", "\n".join(ids)),
        "csv": write(folder / "fleet.csv", "name,imei\n" + "".join(f"x,{one}\n" for one in ids)),
    }[kind]


@pytest.mark.parametrize("kind", ["list", "generator", "async", "file", "csv"])
@pytest.mark.parametrize("verb", ["append", "remove"])
async def test_it_sends_nothing_and_predicts_the_requests_of_the_run(
    sim: Simulator, client: FotaClient, kind: str, verb: str, tmp_path: Path
) -> None:
    if verb == "remove":
        sim.seed(IDS)
    for size in (1, 7, 50, 249, 250, 1000):
        asked, before = len(sim.requests), sim.members()
        predicted: BatchReport = await modify(
            client, verb, source(kind, IDS, tmp_path), batch_size=size, dry_run=True
        )
        assert len(sim.requests) == asked
        assert sim.members() == before

        sent = puts(sim)
        report = await modify(client, verb, source(kind, IDS, tmp_path), batch_size=size)

        assert predicted.requests == report.requests == puts(sim) - sent
        assert predicted.inputs == report.inputs
        assert predicted.unsent == report.succeeded


async def test_its_report_says_so_and_obeys_the_law(sim: Simulator, client: FotaClient) -> None:
    inputs = [*IDS[:100], *IDS[:10], "12", "12", IDS[100]]
    report = await modify(client, "append", inputs, batch_size=50, dry_run=True)

    assert not sim.requests
    assert_law(report)
    assert (report.inputs, report.unsent, report.invalid, report.duplicates) == (113, 101, 1, 11)
    assert (report.dry_run, report.stopped, report.input_complete) == (True, None, True)
    assert (report.requests, report.retries) == (3, 0)
    assert ids_of(report, State.UNSENT) == IDS[:101]
    assert {one.reason for one in report if one.state is State.UNSENT} == {
        "dry run: it would be sent"
    }
    assert "dry run, nothing was sent" in str(report)
    assert "3 requests would be sent" in str(report)
    assert report.summary()["dry_run"] is True
    with pytest.raises(DevicesFailed, match="101 unsent"):
        report.raise_for_failures()


async def test_no_run_but_a_dry_one_says_it_was_dry(client: FotaClient) -> None:
    report = await modify(client, "append", IDS)
    assert report.dry_run is False
    assert "dry run" not in str(report)


async def test_it_needs_neither_network_nor_credentials() -> None:
    sim = Simulator()
    await sim.start()
    await sim.stop()
    async with client_of(sim) as client:
        report = await modify(client, "append", IDS, dry_run=True)
    assert report.requests == 1


async def test_it_streams_what_would_be_sent(sim: Simulator, client: FotaClient) -> None:
    async with modify(client, "append", [*IDS, "12"], batch_size=10, dry_run=True) as run:
        outcomes = [one async for one in run]

    assert [one.device_id for one in outcomes if one.state is State.UNSENT] == IDS
    assert len(outcomes) == 251
    assert run.report.requests == 25
    assert not sim.requests


async def test_it_can_be_stopped(sim: Simulator, client: FotaClient) -> None:
    endless = (imeis(1, first=number)[0] for number in itertools.count())
    run = modify(client, "append", endless, batch_size=10, dry_run=True)
    ended = asyncio.ensure_future(run)
    while run.report.requests < 20:  # noqa: ASYNC110 - a dry run signals nothing
        await asyncio.sleep(0)
    run.stop()
    with pytest.raises(RunStopped) as caught:
        await ended

    report = caught.value.report
    assert (report.dry_run, report.stopped, report.input_complete) == (True, "interrupted", False)
    assert report.requests >= 20
    assert report.inputs == report.unsent
    assert "stopped (interrupted)" in str(report)
    assert not sim.requests
    assert_no_task_left()


async def test_it_fails_where_the_run_fails(client: FotaClient, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        await modify(client, "append", tmp_path / "none.csv", dry_run=True)
    with pytest.raises(SourceError, match="binary"):
        await modify(client, "append", write(tmp_path / "a.csv", b"\x89PNG\0"), dry_run=True)
    for wrong in (None, 0, "yes"):
        with pytest.raises(ConfigurationError, match="dry_run"):
            modify(client, "append", IDS, dry_run=wrong)


async def test_it_tells_the_hook_where_it_stands() -> None:
    session = FakeSession()
    await run_over(session, IDS, batch_size=100, dry_run=True)

    last = [event for event in session.events if isinstance(event, ProgressEvent)][-1]
    assert (last.unsent, last.requests, last.finished) == (250, 3, True)
    assert session.sent == []
    assert (session.reads, session.claims) == (0, 0)


# With a journal


def files_in(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_without_a_journal_there_it_makes_none(
    sim: Simulator, client: FotaClient, tmp_path: Path
) -> None:
    report = await modify(client, "append", IDS, journal=tmp_path / "enrol.db", dry_run=True)

    assert (report.requests, report.unsent) == (1, 250)
    assert files_in(tmp_path) == {}
    assert not sim.requests


async def test_it_counts_what_the_journal_has_decided_and_leaves_it_as_it_is(
    sim: Simulator, tmp_path: Path
) -> None:
    journal = tmp_path / "enrol.db"
    sim.rules = Rules(refused={IDS[5]: "Invalid IMEI"})
    events = Events()
    async with client_of(sim, on_event=events) as client:
        with pytest.raises(RunStopped):
            await modify(
                client, "append", IDS, journal=journal, batch_size=20, concurrency=1, max_failures=0
            )
        there = files_in(tmp_path)
        sent = puts(sim)
        events.clear()

        dry = await modify(client, "append", IDS, journal=journal, batch_size=20, dry_run=True)

        assert puts(sim) == sent
        assert files_in(tmp_path) == there
        assert_law(dry)
        assert (dry.succeeded, dry.failed, dry.unsent) == (19, 1, 230)
        assert dry.requests == 12
        assert ids_of(dry, State.FAILED) == [IDS[5]]
        assert [(e.decided, e.doubtful) for e in events.of(JournalEvent)] == [(20, 0)]

        report = await modify(client, "append", IDS, journal=journal, batch_size=20)
        assert puts(sim) - sent == dry.requests
        assert (report.succeeded, report.failed) == (249, 1)

        dry = await modify(client, "append", IDS, journal=journal, dry_run=True)
        assert (dry.requests, dry.unsent, dry.succeeded) == (0, 0, 249)


async def test_devices_in_doubt_are_not_called_unsent(sim: Simulator, tmp_path: Path) -> None:
    journal = tmp_path / "enrol.db"
    sim.faults = Faults(hang_after=1.0, only=frozenset({"v1_modify_upgrade"}))
    async with client_of(sim) as client:
        run = modify(
            client, "append", IDS, journal=journal, batch_size=50, concurrency=1, grace=0.0
        )
        ended = asyncio.ensure_future(run)
        while not puts(sim):  # noqa: ASYNC110 - a simulator's log signals nothing
            await asyncio.sleep(0)
        run.stop()
        with pytest.raises(RunStopped):
            await ended
        states = {one.device_id: one.state for one in read_journal(journal)}

        dry = await modify(client, "append", IDS, journal=journal, batch_size=50, dry_run=True)

        assert puts(sim) == 1
        assert_law(dry)
        assert ids_of(dry, State.UNKNOWN) == IDS[:50]
        assert (dry.unsent, dry.requests) == (200, 4)
        assert {one.device_id: one.state for one in read_journal(journal)} == states


@pytest.mark.parametrize("content", [b"something else", None])
async def test_a_journal_that_the_run_could_not_use_is_refused(
    client: FotaClient, tmp_path: Path, content: bytes | None
) -> None:
    journal = tmp_path / "enrol.db"
    if content is None:
        await modify(client, "remove", IDS, journal=journal)
    else:
        write(journal, content)
    before = journal.read_bytes()
    with pytest.raises(JournalError, match=r"enrol\.db"):
        await modify(client, "append", IDS, journal=journal, dry_run=True)
    assert journal.read_bytes() == before


async def test_an_empty_file_is_a_journal_that_begins(client: FotaClient, tmp_path: Path) -> None:
    journal = write(tmp_path / "enrol.db", b"")
    dry = await modify(client, "append", IDS, journal=journal, dry_run=True)

    assert dry.requests == 1
    assert journal.read_bytes() == b""
    assert (await modify(client, "append", IDS, journal=journal)).requests == 1


# A sync


@pytest.mark.parametrize("size", [1, 7, 30, 1000])
async def test_a_dry_sync_sends_nothing_and_predicts_the_requests_of_both_runs(
    sim: Simulator, client: FotaClient, size: int
) -> None:
    sim.seed(IDS)
    wanted = imeis(300, first=31)
    options: dict[str, Any] = {"max_removals": 30, "batch_size": size, "settle_delay": 0.01}

    def approve(_: object) -> bool:
        pytest.fail("a dry run asks nobody")

    dry = await modify(client, "sync", wanted, dry_run=True, approve=approve, **options)
    assert puts(sim) == 0
    assert sim.members() == set(IDS)
    report = await modify(client, "sync", wanted, **options)

    assert sim.members() == set(wanted)
    assert (dry.append.requests, dry.remove.requests) == (
        report.append.requests,
        report.remove.requests,
    )
    assert puts(sim) == dry.append.requests + dry.remove.requests
    assert ids_of(dry.append, State.UNSENT) == ids_of(report.append, State.SUCCEEDED)
    assert ids_of(dry.remove, State.UNSENT) == ids_of(report.remove, State.SUCCEEDED)
    assert dry.unchanged == report.unchanged
    assert_law(dry.append)
    assert_law(dry.remove)


# The command line


@pytest.mark.parametrize(("more", "code"), [("", 0), ("12\n", 3)])
def test_the_command_line_says_what_would_be_sent(
    more: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("key", "secret", "username", "password", "account"):
        monkeypatch.setenv(f"THINGSPACE_{name.upper()}", "0402196254-00001")
    # Nobody listens there.
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9")
    fleet = write(tmp_path / "fleet.txt", "\n".join(IDS) + "\n" + more)
    out = tmp_path / "out.csv"
    command = ["append", "--upgrade", Simulator.upgrade_id, "--dry-run", "--batch-size", "100"]

    found = execute([*command, "--report", str(out), str(fleet)])

    captured = capsys.readouterr()
    assert found == code
    # What would not be sent is named; what would be is no failure.
    assert captured.err.splitlines()[1:2] == (["  1 invalid (2 digits, not 15): '12'"] * bool(more))
    assert "dry run, nothing was sent" in captured.out
    assert "3 requests would be sent" in captured.out
    assert out.read_text().count("unsent") == 250

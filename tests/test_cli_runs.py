"""Device lists of any length by every command that takes one, against the simulator."""

import csv
import io
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import Fota, listed, point_at, runner

from fota_async.simulator import Faults, SimulatorThread

FAST = ("--settle-delay=0.02", "--grace=0.2")


def imeis(count: int, start: int = 0) -> list[str]:
    return [f"{357_938_030_000_000 + start + number:015d}" for number in range(count)]


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorThread]:
    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        yield sim


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


# Licences


@pytest.mark.parametrize("api", ["v1", "v2", "v3"])
def test_licences_go_to_a_list_and_come_back(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, api: str
) -> None:
    ids, out = imeis(2500), tmp_path / "out.csv"
    before = sim.licensed()
    fleet = listed(tmp_path, [*ids, *ids[:100], "no-id"])

    code, stdout, _ = fota("licenses", "assign", "--api", api, "--json", *FAST, "--report",
                           str(out), fleet)  # fmt: skip

    report = json.loads(stdout)
    assert (code, report["succeeded"], report["duplicates"], report["invalid"]) == (
        3, 2500, 100, 1,
    )  # fmt: skip
    assert sim.licensed() == before | set(ids)
    with out.open(newline="") as file:
        assert sum(row["state"] == "succeeded" for row in csv.DictReader(file)) == 2500

    code, stdout, _ = fota("licenses", "remove", "--api", api, "--yes", "--json", *FAST, str(out))

    assert (code, json.loads(stdout)["succeeded"]) == (3, 2500)
    assert sim.licensed() == before


def test_a_journal_goes_on_where_it_was_stopped(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet, journal = listed(tmp_path, imeis(3000)), str(tmp_path / "assign.db")
    sim.set_licenses(len(sim.licensed()) + 1000)
    command = ("licenses", "assign", "--api", "v3", "--json", *FAST, "--journal", journal)

    code, stdout, _ = fota(*command, "--max-failures", "0", "--concurrency", "1", fleet)
    assert (code, json.loads(stdout)["stopped"]) == (3, "max_failures")
    sim.set_licenses(100_000)
    code, stdout, _ = fota(*command, fleet)

    report = json.loads(stdout)
    assert (code, report["inputs"]) == (3, 3000)
    assert report["succeeded"] + report["failed"] == 3000
    assert report["succeeded"] >= 1000
    assert sim.licensed() >= set(imeis(1000))


@pytest.mark.parametrize("given", ["file", "stdin"])
@pytest.mark.parametrize(
    "command", ["licenses remove --api v1", "licenses candidates replace --api v2"]
)
def test_what_cannot_be_undone_is_not_done_where_nobody_can_be_asked(
    fota: Fota, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, given: str
) -> None:
    stdin = io.StringIO(imeis(1)[0])
    # A list that is typed at a terminal leaves no place for an answer.
    stdin.isatty = lambda: given == "stdin"  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", stdin)
    file = "-" if given == "stdin" else listed(tmp_path, imeis(1))

    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        code, stdout, stderr = fota(*command.split(), file)

    assert (code, stdout, sim.requests) == (2, "", [])
    assert "--yes" in stderr


def test_removing_licences_says_what_it_cancels(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = imeis(5)
    sim.license(ids)
    stdin = io.StringIO("y\n")
    stdin.isatty = lambda: True  # type: ignore[method-assign]  # a terminal, to the command
    monkeypatch.setattr(sys, "stdin", stdin)

    code, _, stderr = fota("licenses", "remove", "--api", "v2", *FAST, listed(tmp_path, ids))

    assert code == 0
    assert "cancels the upgrades" in stderr
    assert not sim.licensed() & set(ids)


def test_a_dry_run_asks_nobody_and_sends_nothing(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet = listed(tmp_path, imeis(2500))
    code, stdout, _ = fota("licenses", "remove", "--api", "v3", "--dry-run", "--json", fleet)
    report = json.loads(stdout)
    assert (code, report["unsent"], report["requests"], sim.requests) == (0, 2500, 3, [])

    code, stdout, stderr = fota("firmware", "sync", "--dry-run", fleet)
    assert (code, sim.requests) == (0, [])
    assert {json.loads(line)["state"] for line in stdout.splitlines()} == {"unsent"}
    assert "25 requests would be sent" in stderr


def test_candidates_are_stored_added_to_replaced_and_deleted(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    first, more = imeis(1200), imeis(3, start=5000)
    steps: list[tuple[str, list[str], set[str]]] = [
        ("replace --yes", first, set(first)),
        ("append", more, {*first, *more}),
        ("replace --yes", more, set(more)),
    ]
    for verb, ids, expected in steps:
        name, *yes = verb.split()
        command = ("licenses", "candidates", name, "--api", "v2", *yes, *FAST)
        assert fota(*command, listed(tmp_path, ids))[0] == 0
        assert sim.candidates() == expected

    _, stdout, _ = fota("licenses", "candidates", "list", "--api", "v2")
    assert {json.loads(line)["device_id"] for line in stdout.splitlines()} == set(more)
    assert fota("licenses", "candidates", "delete", "--api", "v2", "--yes")[0] == 0
    assert sim.candidates() == set()


def test_logging_is_turned_on_and_off_and_never_for_more_than_20(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    ids = imeis(20)

    assert fota("logging", "enable", *FAST, listed(tmp_path, ids))[0] == 0
    assert sim.logging() == set(ids)
    code, stdout, stderr = fota("logging", "enable", *FAST, listed(tmp_path, imeis(1, start=50)))
    assert (code, stdout) == (2, "")
    assert "20" in stderr
    assert fota("logging", "disable", *FAST, listed(tmp_path, ids[:5]))[0] == 0
    assert sim.logging() == set(ids[5:])


# What reads


def test_firmware_is_a_line_for_each_device_as_the_answers_come(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    ids = imeis(250)
    sim.add_devices(ids, "LWM2M")

    code, stdout, stderr = fota("firmware", "sync", *FAST, listed(tmp_path, ids))

    items = [json.loads(line) for line in stdout.splitlines()]
    assert code == 0
    assert {item["device_id"] for item in items} == set(ids)
    assert all(item["detail"]["firmware_version"] for item in items)
    assert "250 inputs" in stderr
    assert "3 requests" in stderr


def test_devices_that_answers_leave_out_have_lines_too(
    fota: Fota, tmp_path: Path, sim: SimulatorThread
) -> None:
    sim.faults = Faults(missing_items=1.0)

    code, stdout, _ = fota("devices", "details", *FAST, listed(tmp_path, imeis(3)))

    items = [json.loads(line) for line in stdout.splitlines()]
    assert code == 3
    assert sorted(item["device_id"] for item in items) == imeis(3)
    assert "unknown" in {item["state"] for item in items}
    assert all((item["detail"] is None) == (item["state"] == "unknown") for item in items)


def test_on_a_terminal_details_are_tables(
    fota: Fota, tmp_path: Path, sim: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = imeis(3)
    sim.add_devices(ids, "LWM2M")
    monkeypatch.setenv("COLUMNS", "160")

    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True)
        code, stdout, _ = fota("devices", "details", *FAST, listed(tmp_path, [*ids, "no-id"]))

    assert code == 3
    assert "request_status" in stdout
    assert all(one in stdout for one in ids)
    assert "invalid" in stdout


# Campaigns


def test_v2_devices_are_pending_until_somebody_looks(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    campaign, ids = sim.add_campaign("v2"), imeis(1500)
    target = ("--campaign", campaign, "--api", "v2")
    fleet = listed(tmp_path, ids)

    code, stdout, _ = fota("append", *target, "--json", *FAST, fleet)
    assert (code, json.loads(stdout)["pending"]) == (0, 1500)
    assert sim.members(campaign) == set(ids)

    code, stdout, _ = fota("remove", *target, "--settle", "--json", *FAST, fleet)
    assert (code, json.loads(stdout)["succeeded"]) == (0, 1500)
    assert sim.members(campaign) == set()


def test_v3_devices_are_appended_and_synced(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    campaign, ids = sim.add_campaign("v3"), imeis(30)
    target = ("--campaign", campaign, "--api", "v3")
    code, stdout, _ = fota("append", *target, "--json", *FAST, listed(tmp_path, ids))
    assert (code, json.loads(stdout)["succeeded"]) == (0, 30)

    code, stdout, stderr = fota(
        "sync", *target, "--yes", "--max-removals", "10", *FAST, listed(tmp_path, ids[10:])
    )

    assert (code, sim.members(campaign)) == (0, set(ids[10:]))
    assert "The campaign is" in stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "either --upgrade ID or --campaign ID"),
        (("--upgrade", "ID", "--campaign", "ID", "--api", "v2"), "either"),
        (("--campaign", "ID"), "--api v2 or --api v3"),
        (("--upgrade", "ID", "--api", "v2"), "--api is for campaigns"),
        (("--campaign", "x", "--api", "v2"), "UUID"),
        (("--campaign", "ID", "--api", "v1"), "v2"),
    ],
)
@pytest.mark.parametrize("command", ["append", "remove", "sync"])
def test_which_upgrade_or_campaign_is_clear_or_nothing_is_sent(
    fota: Fota, sim: SimulatorThread, command: str, options: tuple[str, ...], said: str
) -> None:
    given = [sim.upgrade_id if one == "ID" else one for one in options]

    code, stdout, stderr = fota(command, *given, "-")

    assert (code, stdout, sim.requests) == (2, "", [])
    assert said in stderr


def test_settle_is_for_v2_campaigns(fota: Fota, sim: SimulatorThread) -> None:
    code, _, stderr = fota("append", "--upgrade", sim.upgrade_id, "--settle", "-")
    assert (code, sim.requests) == (2, [])
    assert "--settle" in stderr


# Signals


def kill_at(route: str, sim: SimulatorThread, number: signal.Signals) -> threading.Thread:
    """Send this process a signal as soon as a request of a route hangs."""
    sim.faults = Faults(hang_before=1.0, only=frozenset({route}))

    def wait_and_kill() -> None:
        for _ in range(5000):
            if any(one.route == route for one in sim.requests):
                signal.pthread_kill(threading.main_thread().ident or 0, number)
                return
            time.sleep(0.002)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_its_report_is_true(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, number: signal.Signals
) -> None:
    killer = kill_at("v3_assign_licenses", sim, number)

    code, stdout, stderr = fota(
        "licenses",
        "assign",
        "--api",
        "v3",
        "--json",
        "--journal",
        str(tmp_path / "run.db"),
        *FAST,
        listed(tmp_path, imeis(3000)),
    )

    killer.join(20)
    report = json.loads(stdout)
    assert (code, report["stopped"]) == (128 + number, "interrupted")
    assert report["unsent"] + report["unknown"] == 3000
    assert "interrupted" in stderr
    assert stderr.count("stopping: nothing new is begun") == 1
    assert "(interrupted); interrupted" not in stderr
    assert report["unknown"] > 0
    assert "the unknown devices: the same command settles them first" in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_reading_and_its_report_is_true(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, number: signal.Signals
) -> None:
    killer = kill_at("v3_sync_device_firmware", sim, number)

    code, _, stderr = fota("firmware", "sync", *FAST, listed(tmp_path, imeis(3000)))

    killer.join(20)
    assert code == 128 + number
    assert "stopped (interrupted)" in stderr

"""After a run in which not all went well: which devices, why, and the commands that go on."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import Fota, listed, point_at, runner
from report_helpers import report_of

from fota_async import State
from fota_async.batch.states import Verdict
from fota_async.cli.failures import Kept, failures_in_words
from fota_async.simulator import Rules, SimulatorThread

FAST = ("--settle-delay=0.02", "--grace=0.2", "--batch-size=50")


def imeis(count: int, start: int = 0) -> list[str]:
    return [f"{357_938_030_000_000 + start + number:015d}" for number in range(count)]


REFUSED = dict.fromkeys(imeis(5), "Device not found") | dict.fromkeys(imeis(2, 5), "No licence")


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorThread]:
    with SimulatorThread(rules=Rules(refused=REFUSED)) as sim:
        point_at(sim, monkeypatch)
        yield sim


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


def command_in(told: str) -> str:
    """Return the command that a message ends with."""
    [line] = [one for one in told.splitlines() if one.startswith("send the failed devices again")]
    return line.partition("mended: ")[2]


def in_a_shell(command: str, tmp_path: Path) -> str:
    """Run a command as a person would who copies it; return its standard output."""
    script = tmp_path / "fota"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fota_async "$@" --json\n')
    script.chmod(0o755)
    # What reads a journal prints CSV.
    command = re.sub(r"^fota report", f"'{sys.executable}' -m fota_async report", command)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PATH": path},
    )
    return done.stdout


def test_each_reason_comes_with_its_count_and_three_examples(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet = listed(tmp_path, [*imeis(100), "no-id"])

    code, _, stderr = fota("append", "--upgrade", sim.upgrade_id, *FAST, fleet)

    assert code == 3
    not_found, licence, invalid = (
        next(line for line in stderr.splitlines() if word in line)
        for word in ("Device not found", "No licence", "invalid (")
    )
    assert "5 failed" in not_found
    assert len(re.findall(r"\d{15}", not_found)) == 3
    assert not_found.endswith("...")
    assert "2 failed" in licence
    assert sorted(re.findall(r"\d{15}", licence)) == imeis(2, 5)
    assert not licence.endswith("...")
    assert "'no-id'" in invalid
    assert "--report FILE.csv" in stderr


@pytest.mark.parametrize("kept", ["journal", "report", "nothing"])
def test_the_command_it_tells_sends_only_those_that_failed(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, kept: str
) -> None:
    few = kept == "nothing"
    ids = imeis(20, start=5 if few else 0)
    failed = [one for one in ids if one in REFUSED]
    options = {
        "journal": ("--journal", str(tmp_path / "a journal.db")),
        "report": ("--report", str(tmp_path / "a=report '1'.csv")),
        "nothing": (),
    }[kept]
    _, _, stderr = fota(
        "append", "--upgrade", sim.upgrade_id, *FAST, *options, listed(tmp_path, ids)
    )
    sim.rules = Rules()

    report = json.loads(in_a_shell(command_in(stderr), tmp_path))

    assert (report["inputs"], report["succeeded"]) == (len(failed), len(failed))
    assert sim.members(sim.upgrade_id) == set(ids)


@pytest.mark.usefixtures("sim")
def test_a_scheduled_target_is_named_in_the_command(fota: Fota, tmp_path: Path) -> None:
    command = ("campaigns", "schedule", "--api", "v3", "--name", "n", "--from", "1", "--to", "2",
               "--start-date", "2027-04-01", "--end-date", "2027-04-08")  # fmt: skip
    out = str(tmp_path / "out.csv")

    # The first batch makes the campaign; those that are refused are appended.
    fleet = listed(tmp_path, [*imeis(50, start=1000), *imeis(9)])

    _, stdout, stderr = fota(*command, "--json", *FAST, "--report", out, fleet)

    target = json.loads(stdout)["scheduled"]["id"]
    assert command_in(stderr).endswith(f"| fota append --campaign {target} --api v3 -")


def test_what_is_left_after_a_stop_is_told_with_how_to_go_on(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.set_status(sim.upgrade_id, "Finished")
    fleet, journal = listed(tmp_path, imeis(200)), str(tmp_path / "run.db")

    code, _, stderr = fota(
        "append", "--upgrade", sim.upgrade_id, *FAST, "--journal", journal, fleet
    )

    assert code == 1
    assert "stopped (closed)" in stderr
    assert "`fota upgrades list`" in stderr
    assert "unsent" in stderr
    assert "the same command goes on from its journal" in stderr


@pytest.mark.parametrize(
    ("stopped", "journal", "words"),
    [
        ("interrupted", "run.db", "the same command settles them first"),
        (None, "run.db", "see whether the unknown devices were taken"),
        ("interrupted", None, "see whether the unknown devices were taken"),
    ],
)
def test_unknown_devices_are_settled_by_a_journal_of_a_run_that_was_stopped(
    stopped: str | None, journal: str | None, words: str
) -> None:
    report = report_of([([1], Verdict(State.UNKNOWN, reason="no answer"))], stopped=stopped)

    assert words in failures_in_words(report, Kept(again="append", journal=journal))


def test_a_sync_says_what_failed(fota: Fota, sim: SimulatorThread, tmp_path: Path) -> None:
    code, _, stderr = fota(
        "sync", "--upgrade", sim.upgrade_id, "--yes", *FAST, listed(tmp_path, imeis(20))
    )

    assert code == 3
    assert "append: these did not succeed" in stderr
    assert "5 failed" in stderr
    assert "the same command does what is left" in stderr


def test_nothing_is_said_where_all_went_well(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet = listed(tmp_path, imeis(20, start=100))

    assert fota("append", "--upgrade", sim.upgrade_id, *FAST, fleet)[::2] == (0, "")

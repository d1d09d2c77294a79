"""`fota sync`, as scripts and people meet it."""

import asyncio
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import imeis

from fota_async.cli.app import execute
from fota_async.simulator import Faults, Rules, Simulator

pty = pytest.importorskip("pty")

MODIFY, GET = frozenset({"v1_modify_upgrade"}), frozenset({"v1_get_upgrade"})
THERE = imeis(100)
WANTED = imeis(100, first=51)
NAMES = ("key", "secret", "username", "password", "account", "base_url")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator in a thread of its own, with the devices of `THERE`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sim = Simulator()
    sim.seed(THERE)
    asyncio.run_coroutine_threadsafe(sim.start(), loop).result(10)
    for name in NAMES:
        monkeypatch.setenv(f"THINGSPACE_{name.upper()}", getattr(sim, name))
    yield sim
    asyncio.run_coroutine_threadsafe(sim.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def puts(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


def gets(sim: Simulator) -> int:
    return sum(record.route == "v1_get_upgrade" for record in sim.requests)


Fota = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Fota:
    """Sync with a file of this content; return exit code, stdout and stderr."""

    def call(content: str, *options: str, settle_delay: float = 0.02) -> tuple[Any, str, str]:
        fleet = tmp_path / "fleet.csv"
        fleet.write_text(content)
        given = (f"--settle-delay={settle_delay}", "--grace=0.2", *options)
        code = execute(["sync", "--upgrade", Simulator.upgrade_id, *given, str(fleet)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def lines(ids: list[str]) -> str:
    return "".join(f"{one}\n" for one in ids)


ALLOWED = ("--yes", "--max-removals=50")


def test_the_plan_is_shown_with_every_device_to_remove_and_the_report_is_on_stdout(
    fota: Fota, served: Simulator
) -> None:
    code, stdout, stderr = fota(lines(WANTED), *ALLOWED)

    assert code == 0
    assert served.members() == set(WANTED)
    *named, plan = stderr.splitlines()
    assert named == [f"to remove: {one}" for one in THERE[:50]]
    assert plan == ("The upgrade is Queued. 50 devices to append, 50 to remove, 50 unchanged.")
    assert "append on" in stdout
    assert "remove on" in stdout
    assert "50 unchanged" in stdout


def test_json_is_one_object_with_both_reports(fota: Fota, served: Simulator) -> None:
    code, stdout, _ = fota(lines([*WANTED, WANTED[0]]), *ALLOWED, "--json")

    report = json.loads(stdout)
    assert (code, list(report)) == (0, ["append", "remove", "unchanged", "duplicates"])
    assert (report["append"]["succeeded"], report["remove"]["succeeded"]) == (50, 50)
    assert (report["unchanged"], report["duplicates"]) == (50, 1)
    assert served.members() == set(WANTED)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("imei\n", "empty"),
        (lines(THERE)[:-8], "no device ids"),
        (lines(THERE[:90]), "10 to remove"),
        (lines(imeis(100, first=9000)), "100 to remove"),
        (lines(THERE[:-1]) + '"35693', "no device ids"),
    ],
)
def test_a_file_that_was_cut_or_is_of_another_fleet_sends_nothing(
    fota: Fota, served: Simulator, content: str, said: str
) -> None:
    code, stdout, stderr = fota(content, "--yes")

    assert (code, stdout, puts(served)) == (2, "", 0)
    [line] = stderr.splitlines()
    assert said in line
    assert "othing was sent" in line
    assert served.members() == set(THERE)


def test_where_nobody_can_be_asked_it_takes_yes(
    fota: Fota, served: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        code, stdout, stderr = fota(lines(WANTED), "--max-removals=50")

    assert (code, stdout, puts(served)) == (2, "", 0)
    assert "give --yes" in stderr
    assert f"to remove: {THERE[0]}" in stderr


class Terminal(io.StringIO):
    """Somebody who sits there and types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("\n", 2), ("", 2), ("no\n", 2)]
)
def test_a_person_is_asked_and_may_say_no(
    fota: Fota, served: Simulator, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    found, _, stderr = fota(lines(WANTED), "--max-removals=50")

    assert found == code
    assert "50 devices to append, 50 to remove, 50 unchanged.\nGo on? [y/N]\n" in stderr
    assert served.members() == set(WANTED if code == 0 else THERE)
    assert bool(puts(served)) == (code == 0)


def test_when_nothing_differs_nobody_is_asked(fota: Fota, served: Simulator) -> None:
    code, stdout, stderr = fota(lines(THERE))

    assert (code, stderr, puts(served)) == (0, "", 0)
    assert "100 unchanged" in stdout


def test_a_dry_run_names_what_would_go_and_sends_nothing(fota: Fota, served: Simulator) -> None:
    code, stdout, stderr = fota(lines(WANTED), "--dry-run", "--max-removals=50", "--batch-size=20")

    assert (code, puts(served)) == (0, 0)
    assert stderr == "".join(f"to remove: {one}\n" for one in THERE[:50])
    assert stdout.count("dry run, nothing was sent") == 2
    assert stdout.count("3 requests would be sent") == 2


def test_a_dry_run_refuses_what_the_run_would_refuse(fota: Fota, served: Simulator) -> None:
    code, stdout, stderr = fota(lines(WANTED), "--dry-run")

    assert (code, stdout, puts(served)) == (2, "", 0)
    assert "50 to remove" in stderr


def test_a_device_that_failed_is_3(fota: Fota, served: Simulator) -> None:
    served.rules = Rules(refused={WANTED[99]: "Invalid IMEI"})
    assert fota(lines(WANTED), *ALLOWED)[0] == 3
    assert served.members() == set(WANTED[:99])


def test_a_limit_that_ends_it_is_3(fota: Fota, served: Simulator) -> None:
    served.rules = Rules(refused={WANTED[99]: "Invalid IMEI"})
    code, stdout, stderr = fota(lines(WANTED), *ALLOWED, "--max-failures=0", "--json")

    assert code == 3
    assert json.loads(stdout)["remove"]["unsent"] == 50
    assert "nothing was removed" in stderr


def test_appended_devices_that_do_not_show_are_1(fota: Fota, served: Simulator) -> None:
    served.faults = Faults(read_lag=1000.0)
    code, stdout, stderr = fota(lines(WANTED), *ALLOWED, "--json")

    assert code == 1
    assert json.loads(stdout)["remove"]["unsent"] == 50
    assert "do not show" in stderr
    assert served.members() >= set(THERE)


def test_a_closed_upgrade_is_2(fota: Fota, served: Simulator) -> None:
    served.set_status(served.upgrade_id, "InProgress")
    code, stdout, stderr = fota(lines(WANTED), *ALLOWED)

    assert (code, stdout, puts(served)) == (2, "", 0)
    assert "InProgress" in stderr


def test_a_password_that_stops_working_is_1(
    fota: Fota, served: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(text: str) -> None:
        if text.startswith("The upgrade is"):
            served._world.access.password = "another"
            served.expire_sessions()

    monkeypatch.setattr("fota_async.cli.sync.say", say)
    code, stdout, stderr = fota(lines(WANTED), *ALLOWED, "--json")

    assert code == 1
    report = json.loads(stdout)
    assert (report["append"]["stopped"], report["append"]["unsent"]) == ("credentials", 50)
    assert report["remove"]["unsent"] == 50
    assert "password" in stderr


# --report


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson", "xlsx", "html"])
def test_one_file_tells_of_both_runs(
    fota: Fota, served: Simulator, tmp_path: Path, ending: str
) -> None:
    served.rules = Rules(refused={WANTED[99]: "Invalid IMEI"})
    out = tmp_path / f"out.{ending}"
    code, _, stderr = fota(lines([*WANTED, WANTED[0]]), *ALLOWED, f"--report={out}")

    assert code == 3
    assert f"all of them, each with its reason: {out}" in stderr
    if ending == "csv":
        rows = [line.split(",") for line in out.read_text().splitlines()[1:]]
        assert [row[0] for row in rows if row[5] == "remove"] == THERE[:50]
        taken = {row[0] for row in rows if (row[1], row[5]) == ("succeeded", "append")}
        assert taken == served.members() - set(THERE)
    elif ending == "html":
        page = out.read_text()
        assert "49 of 50 appended and 50 of 50 removed" in page
        assert "<dt>removals, at most</dt><dd><bdi>50</bdi></dd>" in page
        assert "throughput-wide-title" in page


def test_a_sync_that_stopped_writes_what_it_did(
    fota: Fota, served: Simulator, tmp_path: Path
) -> None:
    served.rules = Rules(refused={WANTED[99]: "Invalid IMEI"})
    out = tmp_path / "out.ndjson"
    code, _, _ = fota(lines(WANTED), *ALLOWED, "--max-failures=0", f"--report={out}")

    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert code == 3
    assert {one["state"] for one in told if one["operation"] == "remove"} == {"unsent"}


def test_a_report_of_a_sync_that_cannot_be_written_is_refused_beforehand(
    fota: Fota, served: Simulator, tmp_path: Path
) -> None:
    code, _, stderr = fota(lines(WANTED), *ALLOWED, f"--report={tmp_path}/no/such.csv")

    assert (code, puts(served), gets(served)) == (2, 0, 0)
    assert "cannot write" in stderr


# Interruption


def kill_when(condition: Callable[[], bool], number: signal.Signals) -> threading.Thread:
    """Send this process a signal as soon as something is so."""

    def wait_and_kill() -> None:
        for _ in range(5000):
            if condition():
                signal.pthread_kill(threading.main_thread().ident or 0, number)
                return
            time.sleep(0.002)

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("phase", "number"),
    [
        ("plan", signal.SIGINT),
        ("append", signal.SIGINT),
        ("append", signal.SIGTERM),
        ("confirm", signal.SIGINT),
        ("remove", signal.SIGINT),
    ],
)
def test_a_signal_ends_it_in_any_phase_and_its_report_is_true(
    fota: Fota, served: Simulator, phase: str, number: signal.Signals
) -> None:
    served.faults = {
        "plan": Faults(hang_before=1.0, only=GET),
        "append": Faults(hang_after=1.0, only=MODIFY),
        "confirm": Faults(read_lag=1000.0),
        "remove": Faults(hang_after=1.0, only=MODIFY),
    }[phase]
    wanted = THERE[50:] if phase == "remove" else WANTED
    reached: Callable[[], bool] = {
        "plan": lambda: gets(served) == 1,
        "confirm": lambda: gets(served) == 2,
    }.get(phase, lambda: puts(served) == 1)
    killer = kill_when(reached, number)

    code, stdout, stderr = fota(
        lines(wanted), *ALLOWED, "--json", settle_delay=1000 if phase == "confirm" else 0.02
    )

    killer.join(10)
    assert code == 128 + number
    assert "interrupted" in stderr
    if phase == "plan":
        assert (stdout, puts(served)) == ("", 0)
        return
    report = json.loads(stdout)
    if phase == "remove":
        assert report["remove"]["succeeded"] + report["remove"]["unknown"] == 50
        return
    assert report["append"]["succeeded"] + report["append"]["unknown"] == 50
    assert report["remove"]["unsent"] == report["remove"]["inputs"] == 50
    assert served.members() >= set(THERE)


async def test_a_person_who_is_asked_may_interrupt(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text(lines(WANTED))
    async with Simulator() as sim:
        sim.seed(THERE)
        environment = {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in NAMES}
        terminal, stdin = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fota_async", "sync", "--upgrade", sim.upgrade_id),
            *("--max-removals=50", str(fleet)),
            env={**os.environ, **environment},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr is not None
            async with asyncio.timeout(30):
                asked = await process.stderr.readuntil(b"Go on? [y/N]")
                process.send_signal(signal.SIGINT)
                await process.communicate()
        finally:
            os.close(terminal)
            os.close(stdin)

        assert process.returncode == 130
        assert asked.count(b"to remove: ") == 50
        assert puts(sim) == 0

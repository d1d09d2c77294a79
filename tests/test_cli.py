"""The command line, as scripts and people meet it."""

import csv
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from fota_async.cli.app import run

KEYS = [
    "operation", "account", "target", "inputs", "input_complete", "duplicates", "succeeded",
    "failed", "pending", "invalid", "unknown", "unsent", "requests", "retries", "seconds",
    "stopped", "dry_run",
]  # fmt: skip
UPGRADE = "60b5d639-ccdc-4db8-8824-069bd94c95bf"


def imeis(count: int, start: int = 0) -> list[str]:
    return [f"{356_938_030_000_000 + start + number:015d}" for number in range(count)]


@pytest.fixture(scope="module")
def served() -> Iterator[dict[str, str]]:
    """A `fota simulate` in a process of its own, as it introduces itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fota_async", "simulate", "--rule", "refuse_rate=0.01"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
        process.stdout.close()


@pytest.fixture(autouse=True)
def environment(served: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in served.items():
        if name != "upgrade_id":
            monkeypatch.setenv(f"THINGSPACE_{name.upper()}", value)
    return served


Fota = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    """Run a command in this process; return its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def members(served: dict[str, str]) -> set[str]:
    with urllib.request.urlopen(f"{served['base_url']}/__stats") as answer:
        return set(json.load(answer)["upgrades"][served["upgrade_id"]]["members"])


def test_append_accounts_for_every_line_of_a_file(
    fota: Fota, served: dict[str, str], tmp_path: Path
) -> None:
    ids = imeis(5000)
    lines = [*ids, *ids[:200], *(f"bad {number}" for number in range(50))]
    fleet = tmp_path / "fleet.csv"
    fleet.write_bytes(b"\xef\xbb\xbfname,IMEI\r\n" + "".join(f"x,{i}\r\n" for i in lines).encode())
    out = tmp_path / "out.csv"

    code, stdout, _ = fota(
        "append", "--upgrade", UPGRADE, "--json", "--report", str(out), str(fleet)
    )

    report = json.loads(stdout)
    assert list(report) == KEYS
    assert (code, report["stopped"], report["input_complete"]) == (3, None, True)
    assert (report["inputs"], report["duplicates"], report["invalid"]) == (5250, 200, 50)
    assert report["succeeded"] + report["failed"] == 5000
    assert report["failed"] > 0
    assert (report["requests"], report["retries"]) == (5, 0)
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5050
    succeeded = {row["device_id"] for row in rows if row["state"] == "succeeded"}
    assert succeeded == members(served) & set(ids)
    assert len(succeeded) == report["succeeded"]


def test_a_report_is_the_input_of_the_opposite_run(
    fota: Fota, served: dict[str, str], tmp_path: Path
) -> None:
    fleet, out = tmp_path / "fleet.txt", tmp_path / "out.csv"
    ids = imeis(300, start=50_000)
    fleet.write_text("\n".join(ids))
    fota("append", "--upgrade", UPGRADE, "--report", str(out), str(fleet))
    assert members(served) & set(ids)

    code, stdout, _ = fota("remove", "--upgrade", UPGRADE, "--json", str(out))

    assert (code, json.loads(stdout)["succeeded"]) == (0, 300)
    assert not members(served) & set(ids)


def test_the_report_for_a_person_is_on_stdout_and_nothing_else(fota: Fota, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("\n".join(imeis(10, start=90_010)))

    code, stdout, stderr = fota("append", "--upgrade", UPGRADE, str(fleet))

    assert code == 0
    assert "10 inputs" in stdout
    assert stderr == ""


def test_an_empty_list_is_a_report_of_zeros(fota: Fota, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("")

    code, stdout, stderr = fota("append", "--upgrade", UPGRADE, "--json", str(fleet))

    report = json.loads(stdout)
    assert (code, report["inputs"], report["requests"]) == (0, 0, 0)
    assert "the device list is empty: nothing was sent" in stderr


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, (), "No such file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", (), "binary"),
        (b"name,imei\nx,1\n", ("--column", "serial"), "no column 'serial'"),
        (b"1\n", ("--max-failures", "many"), "--max-failures"),
        (b"1\n", ("--max-failures", "100%"), "--max-failures"),
        (b"1\n", ("--max-failures", "-1"), "--max-failures"),
        (b"1\n", ("--max-failures=-1",), "--max-failures"),
        (b"1\n", ("--batch-size", "0"), "batch-size"),
        (b"1\n", ("--report", "out.txt"), ".csv"),
        (b"1\n", ("--report", "no/such/place.csv"), "cannot write"),
        (b"1\n", ("--account", "../x"), "account"),
        (b"1\n", ("--base-url", "http://example.com"), "https"),
    ],
)
def test_wrong_usage_is_one_message_and_2(
    fota: Fota, tmp_path: Path, content: bytes | None, options: tuple[str, ...], said: str
) -> None:
    fleet = tmp_path / "fleet.csv"
    if content is not None:
        fleet.write_bytes(content)

    code, stdout, stderr = fota("append", "--upgrade", UPGRADE, *options, str(fleet))

    assert (code, stdout) == (2, "")
    assert said in stderr
    assert "Traceback" not in stderr


def test_a_directory_is_no_device_list(fota: Fota, tmp_path: Path) -> None:
    code, stdout, stderr = fota("append", "--upgrade", UPGRADE, str(tmp_path))
    assert (code, stdout) == (2, "")
    assert "directory" in stderr


def test_a_malformed_upgrade_id_is_refused_before_anything_is_sent(
    fota: Fota, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text(imeis(1)[0])
    code, _, stderr = fota("append", "--upgrade", "not-a-uuid", str(fleet))
    assert code == 2
    assert "UUID" in stderr


def test_missing_variables_are_all_named(fota: Fota, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THINGSPACE_KEY")
    monkeypatch.delenv("THINGSPACE_PASSWORD")
    code, _, stderr = fota("append", "--upgrade", UPGRADE, "-")
    assert code == 2
    assert "THINGSPACE_KEY" in stderr
    assert "THINGSPACE_PASSWORD" in stderr


def test_max_failures_ends_a_run_with_3(fota: Fota, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("\n".join(imeis(3000, start=100_000)))

    code, stdout, stderr = fota(
        "append", "--upgrade", UPGRADE, "--json", "--max-failures", "0", "--concurrency", "1",
        "--batch-size", "500", str(fleet),
    )  # fmt: skip

    report = json.loads(stdout)
    assert (code, report["stopped"]) == (3, "max_failures")
    assert report["unsent"] > 0
    assert report["inputs"] == 3000
    assert "max_failures" in stderr


def test_a_wrong_password_costs_one_login_and_says_what_five_do(tmp_path: Path) -> None:
    # A simulator of its own: refused logins add up to a lock.
    with subprocess.Popen(
        [sys.executable, "-m", "fota_async", "simulate"], stdout=subprocess.PIPE, text=True
    ) as simulator:
        assert simulator.stdout is not None
        served = json.loads(simulator.stdout.readline())
        names = {f"THINGSPACE_{name.upper()}": value for name, value in served.items()}
        fleet = tmp_path / "fleet.txt"
        fleet.write_text("\n".join(imeis(3000)))
        done = subprocess.run(
            [sys.executable, "-m", "fota_async", "append", "--upgrade", UPGRADE, "--json", fleet],
            env={**os.environ, **names, "THINGSPACE_PASSWORD": "a wrong one"},
            capture_output=True,
            text=True,
            check=False,
        )
        with urllib.request.urlopen(f"{served['base_url']}/__stats") as answer:
            stats = json.load(answer)
        simulator.terminate()

    report = json.loads(done.stdout)
    assert (done.returncode, report["stopped"], report["unsent"]) == (1, "credentials", 3000)
    assert stats["refused_logins"] == 1
    assert "five" in done.stderr
    assert "interrupted" not in done.stderr
    assert "a wrong one" not in done.stderr


def test_standard_input_is_read_and_not_waited_for_after_a_stop() -> None:
    command = [sys.executable, "-m", "fota_async", "append", "--upgrade", UPGRADE, "--json", "-"]
    done = subprocess.run(
        command, input="imei\n" + "\n".join(imeis(50, start=70_000)), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 3}
    assert json.loads(done.stdout)["inputs"] == 50

    with subprocess.Popen(
        [*command, "--deadline", "0.2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stdin is not None
        assert waiting.stdout is not None
        waiting.stdin.write("\n".join(imeis(3000, start=80_000)) + "\n")
        waiting.stdin.flush()
        assert waiting.wait(20) == 3
        report = json.loads(waiting.stdout.read())
    assert (report["stopped"], report["input_complete"]) == ("deadline", False)


def test_the_demo_agrees_with_its_simulator(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--devices", "5000"]) == 0
    captured = capsys.readouterr()
    assert "5,000 inputs" in captured.out
    assert "agrees, device by device" in captured.err


@pytest.mark.parametrize("command", [[], ["append"], ["remove"], ["sync"], ["demo"], ["simulate"]])
def test_help_teaches(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    assert "Usage: fota" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["fly"], ["append"], ["append", "--password", "x", "y"]])
def test_what_is_no_command_is_2(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2
    assert capsys.readouterr().out == ""


def test_an_unknown_fault_is_named_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["simulate", "--fault", "fire=1"]) == 2
    assert "drop_after" in capsys.readouterr().err


def test_on_a_terminal_the_simulator_says_what_to_paste_into_another_one(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fota_async", "simulate"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    ) as simulator:
        assert simulator.stderr is not None
        lines = list(takewhile(lambda line: "Ctrl-C" not in line, simulator.stderr))
        pasted = "".join(line for line in lines if line.startswith(("export ", "fota ")))
        called = pasted.replace("fota ", f"'{sys.executable}' -m fota_async ")
        done = subprocess.run(
            ["/bin/sh", "-c", called], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        simulator.terminate()
    os.close(ours)
    os.close(theirs)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["id"] == UPGRADE


@pytest.mark.parametrize("option", ["--fault", "--rule"])
def test_a_name_that_does_not_exist_is_said_with_those_that_do(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert run(["simulate", option, "nix=2"]) == 2
    captured = capsys.readouterr()
    known = {"--fault": "drop_after", "--rule": "refuse_rate"}[option]
    assert "there is no 'nix'; " in captured.err
    assert known in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("linked", [False, True])
def test_the_report_does_not_overwrite_the_device_list(
    fota: Fota, tmp_path: Path, linked: bool
) -> None:
    fleet = tmp_path / "fleet.csv"
    fleet.write_text(imeis(1)[0])
    out = tmp_path / "out.csv" if linked else fleet
    if linked:
        out.symlink_to(fleet)

    code, stdout, stderr = fota("append", "--upgrade", UPGRADE, "--report", str(out), str(fleet))

    assert (code, stdout) == (2, "")
    assert "--report would overwrite" in stderr
    assert fleet.read_text() == imeis(1)[0]


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_device() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize(
    "open_stdout", [closed_pipe, *([full_device] if Path("/dev/full").exists() else [])]
)
def test_a_standard_output_that_takes_nothing_costs_no_report(
    tmp_path: Path, open_stdout: Callable[[], int]
) -> None:
    fleet, out = tmp_path / "fleet.txt", tmp_path / "out.csv"
    ids = imeis(3, start=95_000)
    fleet.write_text("\n".join(ids))
    stdout = open_stdout()
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "fota_async", "append"),
                *("--upgrade", UPGRADE, "--report", str(out), str(fleet)),
            ],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(stdout)

    with out.open(newline="") as file:
        states = {row["device_id"]: row["state"] for row in csv.DictReader(file)}
    assert states == dict.fromkeys(ids, "succeeded")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "standard output" in line


def test_threads_of_whoever_calls_it_do_not_end_the_process() -> None:
    code = (
        "import threading; from fota_async.cli.app import run; go_on = threading.Event(); "
        "threading.Thread(target=go_on.wait).start(); print('ended with', run(['--version'])); "
        "go_on.set()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.endswith("ended with 0\n")

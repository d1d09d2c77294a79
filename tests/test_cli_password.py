"""`fota password reset`: the answer is the only copy of the password."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import CREDENTIALS, LOGIN, Seen, Stub, drop, reply

RESET = "/api/m2m/v1/session/password/actions/reset"
NEW = "9Yq!new#password"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub()
    stub.at[RESET] = lambda _: reply({"newPassword": NEW})
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


def test_the_new_password_is_on_standard_output_and_nothing_else(fota: Fota, stub: Stub) -> None:
    code, stdout, stderr = fota("password", "reset", "--yes")

    assert (code, stdout) == (0, f"{NEW}\n")
    assert NEW not in stderr
    assert "THINGSPACE_PASSWORD" in stderr
    assert len(stub.asked(RESET)) == len(stub.asked(LOGIN)) == 1


def test_a_file_for_it_is_only_its_owners(fota: Fota, stub: Stub, tmp_path: Path) -> None:
    out = tmp_path / "new"

    code, stdout, stderr = fota("password", "reset", "--yes", "--out", str(out))

    assert (code, stdout, out.read_text()) == (0, "", f"{NEW}\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert NEW not in stderr
    assert len(stub.asked(RESET)) == 1


def test_a_file_that_is_there_or_cannot_be_is_refused_before_anything_is_sent(
    fota: Fota, stub: Stub, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.write_text("precious")
    for out in (there, tmp_path / "no" / "such", tmp_path):
        code, stdout, stderr = fota("password", "reset", "--yes", "--out", str(out))
        assert (code, stdout, stub.requests) == (2, "", [])
        assert "--out" in stderr
    assert there.read_text() == "precious"


def test_a_refusal_leaves_no_file_and_is_not_repeated(
    fota: Fota, stub: Stub, tmp_path: Path
) -> None:
    stub.at[RESET] = lambda _: reply({"errorCode": "NO", "errorMessage": "no"}, status=400)
    out = tmp_path / "new"

    code, stdout, _ = fota("password", "reset", "--yes", "--out", str(out))

    assert (code, stdout, out.exists(), len(stub.asked(RESET))) == (1, "", False, 1)


def test_a_lost_answer_is_not_repeated_and_said(fota: Fota, stub: Stub) -> None:
    stub.at[RESET] = drop

    code, stdout, stderr = fota("password", "reset", "--yes")

    [line] = stderr.splitlines()
    assert (code, stdout, len(stub.asked(RESET))) == (1, "", 1)
    assert "may be another one now" in line
    assert CREDENTIALS.password not in line


def test_an_answer_of_another_shape_is_kept_whole_and_is_no_success(
    fota: Fota, stub: Stub, tmp_path: Path
) -> None:
    stub.at[RESET] = lambda _: reply({"secret": NEW})
    out = tmp_path / "new"

    code, _, stderr = fota("password", "reset", "--yes", "--out", str(out))

    assert code == 1
    assert NEW in out.read_text()
    assert NEW not in stderr


def test_where_standard_output_is_full_the_only_copy_goes_to_standard_error(stub: Stub) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fota_async", "password", "reset", "--yes"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert NEW in done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    assert len(stub.asked(RESET)) == 1


def test_a_file_that_fills_up_sends_it_to_standard_output(
    fota: Fota, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, stdout, stderr = fota("password", "reset", "--yes", "--out", str(tmp_path / "new"))

    assert (code, stdout) == (0, f"{NEW}\n")
    assert "No space left" in stderr
    assert "on standard output" in stderr
    assert len(stub.asked(RESET)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_interrupts_it_while_it_waits_for_the_answer(
    fota: Fota, stub: Stub, number: signal.Signals
) -> None:
    main = threading.main_thread().ident or 0

    def interrupted(_: Seen) -> bytes:
        for _ in range(2):
            signal.pthread_kill(main, number)
        return reply({"newPassword": NEW})

    stub.at[RESET] = interrupted

    code, stdout, stderr = fota("password", "reset", "--yes")

    assert (code, stdout) == (0, f"{NEW}\n")
    assert "the only copy" in stderr

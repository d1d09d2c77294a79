"""What cannot be undone is asked about, and without an answer nothing is sent."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import UPGRADE, Stub, reply

pty = pytest.importorskip("pty")

DEVICE = "990013907835573"
ASKED = [
    ["upgrades", "cancel", UPGRADE],
    ["campaigns", "cancel", "--api", "v2", UPGRADE],
    ["campaigns", "cancel", "--api", "v3", UPGRADE],
    ["callbacks", "deregister", "--api", "v1"],
    ["callbacks", "deregister", "--api", "v2"],
    ["callbacks", "deregister", "--api", "v3"],
    ["licenses", "candidates", "delete", "--api", "v1"],
    ["licenses", "candidates", "delete", "--api", "v2"],
    ["password", "reset"],
]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub(lambda _: reply())
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let somebody type at a terminal."""

    def types(text: str) -> None:
        stdin = io.StringIO(text)
        stdin.isatty = lambda: True  # type: ignore[method-assign]  # a terminal, to the command
        monkeypatch.setattr(sys, "stdin", stdin)

    return types


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\n"))


@pytest.mark.parametrize("command", ASKED, ids=" ".join)
@pytest.mark.usefixtures("nobody")
def test_where_nobody_can_be_asked_nothing_is_sent(
    fota: Fota, stub: Stub, command: list[str]
) -> None:
    code, stdout, stderr = fota(*command)

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    assert "--yes" in line
    assert "nothing was sent" in line


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yesterday\n"])
def test_anything_but_yes_is_no(
    fota: Fota, stub: Stub, person: Callable[[str], None], answer: str
) -> None:
    person(answer)

    code, stdout, stderr = fota("upgrades", "cancel", UPGRADE)

    assert (code, stdout, stub.requests) == (2, "", [])
    assert UPGRADE in stderr
    assert "not approved; nothing was sent" in stderr


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " yes \n"])
def test_yes_goes_on(fota: Fota, stub: Stub, person: Callable[[str], None], answer: str) -> None:
    person(answer)

    code, _, _ = fota("upgrades", "cancel", UPGRADE)

    assert code == 0
    assert [seen.method for seen in stub.asked()] == ["DELETE"]


@pytest.mark.parametrize("command", [one for one in ASKED if one[0] != "password"], ids=" ".join)
def test_with_yes_nobody_is_asked(fota: Fota, stub: Stub, command: list[str]) -> None:
    code, _, stderr = fota(*command, "--yes")

    assert code == 0
    assert "y/N" not in stderr
    assert [seen.method for seen in stub.asked()] == ["DELETE"]


def test_a_question_can_be_interrupted(stub: Stub) -> None:
    leading, following = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fota_async", "upgrades", "cancel", UPGRADE],
        stdin=following,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stderr is not None
        while "Go on?" not in asking.stderr.readline():
            pass
        asking.send_signal(signal.SIGINT)
        assert asking.wait(20) == 130
        assert "Traceback" not in asking.stderr.read()
    os.close(leading)
    os.close(following)

    assert stub.requests == []

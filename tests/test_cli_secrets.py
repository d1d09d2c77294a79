"""Secrets come from the environment, the keyring or the terminal, and from nowhere else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import CREDENTIALS, LOGIN, TOKEN, Stub, reply
from keyring.errors import KeyringLocked

pty = pytest.importorskip("pty")

READ = ("subscriptions", "get", "--api", "v1")
NAMES = ("key", "secret", "username", "password")


@attrs.define
class Keyring:
    """A keyring that is no more than a dict."""

    kept: dict[tuple[str, str], str] = attrs.field(factory=dict)
    locked: bool = False

    def _open(self) -> None:
        if self.locked:
            raise KeyringLocked("nobody unlocked it")

    def get_password(self, service: str, name: str) -> str | None:
        self._open()
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self._open()
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        self._open()
        del self.kept[service, name]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A server whose address is known, and no secret."""
    stub = Stub(lambda _: reply({"accountName": "a"}))
    with in_thread(stub):
        point_at(stub, monkeypatch)
        for name in NAMES:
            monkeypatch.delenv(f"THINGSPACE_{name.upper()}")
        yield stub


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    keyring = Keyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: keyring)
    return keyring


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


def fill(keyring: Keyring, base_url: str) -> None:
    for name in NAMES:
        keyring.set_password(f"fota {base_url}", name, getattr(CREDENTIALS, name))


def sent(stub: Stub) -> tuple[str, Any]:
    """Return what the server was shown: the Authorization of the token, the body of the login."""
    [token], [login] = stub.asked(TOKEN), stub.asked(LOGIN)
    return token.headers["authorization"], msgspec.json.decode(login.body)


SHOWN = (
    CREDENTIALS.basic,
    {"username": CREDENTIALS.username, "password": CREDENTIALS.password},
)


def at_terminal(*arguments: str, answers: str) -> tuple[int, str]:
    """Run a command on a terminal of its own and type; return exit code and what the screen had."""
    leading, following = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fota_async", *arguments],
        stdin=following,
        stdout=subprocess.PIPE,
        stderr=following,
        start_new_session=True,  # or it would ask on the terminal of whoever runs this
    ) as process:
        os.close(following)
        screen = b""
        for answer in answers.splitlines(keepends=True):
            while not screen.rstrip(b"\r\n ").endswith(b":"):
                screen += os.read(leading, 1000)
            screen += b"|"  # what was asked before is answered
            if answer == "^C\n":
                process.send_signal(signal.SIGINT)
            else:
                os.write(leading, answer.encode())
        code = process.wait(60)
        assert process.stdout is not None
        process.stdout.read()
        screen += _rest(leading)
    os.close(leading)
    return code, screen.decode()


def _rest(terminal: int) -> bytes:
    rest = b""
    try:
        while more := os.read(terminal, 1000):
            rest += more
    except OSError:  # nobody holds the other end any more
        pass
    return rest


def test_where_none_is_there_the_error_names_them_and_the_three_ways(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_KEY", "k")
    monkeypatch.setenv("THINGSPACE_PASSWORD", "")

    code, stdout, stderr = fota(*READ)

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    assert "no secret, no username, no password" in line
    assert "THINGSPACE_SECRET, THINGSPACE_USERNAME, THINGSPACE_PASSWORD" in line
    assert "THINGSPACE_KEY" not in line
    for way in ("fota config remember", "terminal", "nothing was sent"):
        assert way in line


def test_without_the_extra_the_error_says_how_to_get_it(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    for command in (READ, ("config", "remember"), ("config", "forget")):
        code, _, stderr = fota(*command)
        assert (code, stub.requests) == (2, [])
        assert "pip install 'fota_async[keyring]'" in stderr


@pytest.mark.parametrize("command", ["remember", "forget"])
def test_a_machine_without_a_keyring_says_so(fota: Fota, command: str) -> None:
    code, _, stderr = fota("config", command)

    assert code == 2
    assert "no keyring" in stderr


def test_the_keyring_gives_what_the_environment_does_not(
    fota: Fota, stub: Stub, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(keyring, stub.base_url)
    keyring.kept[f"fota {stub.base_url}", "password"] = "not-this-one"
    monkeypatch.setenv("THINGSPACE_PASSWORD", CREDENTIALS.password)

    assert fota(*READ)[0] == 0
    assert sent(stub) == SHOWN

    code, stdout, _ = fota("config", "show", "--json")
    assert code == 0
    whence = {one["name"]: one["source"] for one in map(msgspec.json.decode, stdout.splitlines())}
    assert (whence["key"], whence["password"]) == ("keyring", "THINGSPACE_PASSWORD")
    assert CREDENTIALS.key not in stdout


def test_what_is_kept_for_one_server_goes_to_no_other(
    fota: Fota, stub: Stub, keyring: Keyring
) -> None:
    fill(keyring, "https://another.example")

    assert fota(*READ)[0] == 2
    assert stub.requests == []


def test_a_keyring_that_nobody_unlocks_is_as_good_as_none(
    fota: Fota, stub: Stub, keyring: Keyring
) -> None:
    keyring.locked = True

    code, _, stderr = fota(*READ)

    assert (code, stub.requests) == (2, [])
    assert "no key, no secret" in stderr


class BrokenKeyring(Keyring):
    """Its backend is out of reach, and what it raises repeats what it was given."""

    def _open(self) -> None:
        raise RuntimeError("the bus is gone")

    def set_password(self, *given: str) -> None:
        raise OSError(f"cannot write {given}")


def test_a_keyring_that_breaks_is_as_good_as_none(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyring.get_keyring", BrokenKeyring)

    code, _, stderr = fota(*READ)

    assert (code, stub.requests) == (2, [])
    assert "no key, no secret" in stderr


def test_what_a_broken_keyring_says_shows_no_secret(
    fota: Fota, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyring.get_keyring", BrokenKeyring)
    monkeypatch.setattr("fota_async.cli.groups.config.can_ask", lambda: True)
    monkeypatch.setattr("fota_async.cli.groups.config.ask", lambda _: "a-secret")

    code, stdout, stderr = fota("config", "remember")

    assert (code, stdout) == (2, "")
    assert "does not take them: OSError" in stderr
    assert "a-secret" not in stderr


def test_a_keyring_whose_settings_name_no_backend_is_as_good_as_none(
    fota: Fota, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Keyring:
        raise ModuleNotFoundError("no module named 'gone'", name="gone")

    monkeypatch.setattr("keyring.get_keyring", missing)

    assert fota("config", "show")[0] == 0
    for command in ("remember", "forget"):
        code, _, stderr = fota("config", command)
        assert code == 2
        assert "no keyring that can be used" in stderr
        assert "pip install" not in stderr


def test_a_keyring_that_waits_for_somebody_can_be_interrupted(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "waiting_keyring.py").write_text(
        "import sys, threading\n"
        "from keyring.backend import KeyringBackend\n"
        "class Waiting(KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, name):\n"
        "        print('asked', flush=True)\n"
        "        threading.Event().wait()\n"
        "    def set_password(self, service, name, value): ...\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "waiting_keyring.Waiting")
    with subprocess.Popen(
        [sys.executable, "-m", "fota_async", *READ], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(10)
        finally:
            process.kill()

    assert code == 130
    assert stub.requests == []


def test_a_full_environment_leaves_the_keyring_alone(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(stub, monkeypatch)
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert fota(*READ)[0] == 0


def test_remembering_asks_and_forgetting_deletes(
    fota: Fota, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {name: getattr(CREDENTIALS, name) for name in NAMES}
    monkeypatch.setattr("fota_async.cli.groups.config.can_ask", lambda: True)
    monkeypatch.setattr("fota_async.cli.groups.config.ask", answers.get)
    address = "https://here.example"

    code, stdout, stderr = fota("config", "remember", "--base-url", f"{address}/")

    assert (code, stdout) == (0, "")
    assert address in stderr
    assert keyring.kept == {(f"fota {address}", name): value for name, value in answers.items()}
    assert not any(value in stderr for value in answers.values())

    assert fota("config", "forget")[0] == 0
    assert len(keyring.kept) == 4
    code, _, stderr = fota("config", "forget", "--base-url", address)
    assert code == 0
    assert keyring.kept == {}
    assert all(name in stderr for name in NAMES)


def test_a_keyring_that_takes_nothing_is_an_error(
    fota: Fota, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.locked = True
    monkeypatch.setattr("fota_async.cli.groups.config.can_ask", lambda: True)
    monkeypatch.setattr("fota_async.cli.groups.config.ask", lambda _: "hunter2")

    code, _, stderr = fota("config", "remember")

    assert code == 2
    assert "does not take them" in stderr
    assert "hunter2" not in stderr


def test_remembering_needs_a_terminal(fota: Fota, keyring: Keyring) -> None:
    code, _, stderr = fota("config", "remember")

    assert (code, keyring.kept) == (2, {})
    assert "terminal" in stderr


def test_a_terminal_is_asked_and_shows_no_more_than_the_user_name(stub: Stub) -> None:
    answers = "".join(f"{getattr(CREDENTIALS, name)}\n" for name in NAMES)

    code, screen = at_terminal(*READ, answers=answers)

    assert code == 0, screen
    assert sent(stub) == SHOWN
    assert CREDENTIALS.username in screen
    for name in ("key", "secret", "password"):
        assert getattr(CREDENTIALS, name) not in screen


@pytest.mark.parametrize(("answers", "code"), [("k\ns\n\n", 2), ("k\n\n", 2), ("k\n^C\n", 130)])
def test_no_answer_sends_nothing(stub: Stub, answers: str, code: int) -> None:
    ended, screen = at_terminal(*READ, answers=answers)

    assert (ended, stub.requests) == (code, [])
    assert "Traceback" not in screen
    assert ("nothing was sent" in screen) == (code == 2)

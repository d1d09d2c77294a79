"""`fota listen` and `fota events`, as scripts and people meet them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from callback_helpers import FINISHED, Inbox, post, receiver_at, settled

from fota_async.callbacks import MessageState, serve
from fota_async.cli.app import run

HANDLED, DEAD = MessageState.HANDLED, MessageState.DEAD
FOTA = (sys.executable, "-m", "fota_async")


class Done(NamedTuple):
    code: int
    out: str
    err: str


Fota = Callable[..., Done]


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    def call(*arguments: object) -> Done:
        code = run([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a message that is dead and two that are handled."""
    path = tmp_path / "events.db"

    async def fill() -> None:
        receiver, inbox = receiver_at(path, options={"tries": 1}), Inbox(failures=1)
        receiver.add_handler(inbox)
        async with serve(receiver, port=0) as server:
            for number in range(3):
                await post(server, {**FINISHED, "upgradeId": f"u-{number}"})
                await inbox.wait(number + 1)
            await settled(path, DEAD, HANDLED, HANDLED)

    asyncio.run(fill())
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_store_holds_is_listed(fota: Fota, store: Path) -> None:
    code, out, _ = fota("events", "list", store)
    assert code == 0
    assert [(one["id"], one["state"]) for one in lines(out)] == [
        (1, "dead"),
        (2, "handled"),
        (3, "handled"),
    ]
    (dead,) = lines(fota("events", "list", store, "--state", "dead").out)

    assert dead["target_id"] == "u-0"
    assert dead["error"].startswith("ValueError: not this time")
    assert dead["raw"]["password"] == "***"


def test_what_is_dead_is_replayed_or_what_is_named(fota: Fota, store: Path) -> None:
    assert fota("events", "replay", store) == (0, "", "fota: 1 to be handled again\n")
    assert fota("events", "replay", store).err == "fota: 0 to be handled again\n"
    assert fota("events", "replay", store, 2, 3).err == "fota: 2 to be handled again\n"
    assert fota("events", "replay", store, 10**20).err == "fota: 0 to be handled again\n"
    assert fota("events", "replay", store, 2, 77) == (3, "", "fota: 0 to be handled again\n")
    assert len(lines(fota("events", "list", store, "--state", "waiting").out)) == 3


def test_what_is_no_store_is_wrong_usage(fota: Fota, tmp_path: Path) -> None:
    for command in ("list", "replay"):
        code, out, err = fota("events", command, tmp_path / "nowhere.db")
        assert (code, out) == (2, "")
        assert "there is no such file" in err
    code, _, err = fota("listen", "--store", tmp_path / "events.db")
    assert code == 2
    assert "ThingSpace sends to HTTPS only" in err
    code, _, err = fota(
        "listen", "--store", tmp_path / "x" / "y.db", "--port", 0, "--allow-loopback"
    )
    assert code == 2
    assert "cannot be used" in err


def test_half_of_the_credentials_are_wrong_usage(
    fota: Fota, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_CALLBACK_USERNAME", "listener")

    code, _, err = fota("listen", "--store", tmp_path / "events.db", "--allow-loopback")

    assert code == 2
    assert "set both THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD" in err


class Listener(NamedTuple):
    process: subprocess.Popen[str]
    port: int


@pytest.fixture
def listener(store: Path) -> Iterator[Listener]:
    """A `fota listen` that asks for credentials."""
    process = subprocess.Popen(
        [*FOTA, "listen", "--store", store, "--port", "0", "--allow-loopback", "--api", "v1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "THINGSPACE_CALLBACK_USERNAME": "listener",
            "THINGSPACE_CALLBACK_PASSWORD": "example-only",
        },
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert said.startswith("fota: listening on http://127.0.0.1:")
        yield Listener(process, int(said.rpartition(":")[2]))
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
        process.stderr.close()


def send(port: int, message: dict[str, Any], version: str = "v1") -> int:
    class Server:
        url = f"http://127.0.0.1:{port}"

    return asyncio.run(post(Server(), message, version))  # type: ignore[arg-type]  # all it needs


def test_it_prints_what_comes_and_what_is_replayed(
    fota: Fota, listener: Listener, store: Path
) -> None:
    process, port = listener
    assert process.stdout is not None
    assert send(port, {**FINISHED, "upgradeId": "u-9"}) == 200
    assert send(port, {**FINISHED, "password": "wrong"}) == 404
    assert send(port, FINISHED, "v2") == 404
    event = json.loads(process.stdout.readline())
    assert (event["id"], event["type"], event["target_id"]) == (4, "upgradeFinished", "u-9")
    assert event["raw"]["password"] == "***"

    fota("events", "replay", store)
    assert json.loads(process.stdout.readline())["id"] == 1
    asyncio.run(settled(store, *[HANDLED] * 4))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert process.stdout.read() == ""


def test_a_second_one_on_the_same_store_is_wrong_usage(
    fota: Fota, listener: Listener, store: Path
) -> None:
    del listener

    code, _, err = fota("listen", "--store", store, "--port", 0, "--allow-loopback")

    assert code == 2
    assert "another receiver is using it" in err


def test_what_nobody_reads_is_not_handled(listener: Listener, store: Path, fota: Fota) -> None:
    process, port = listener
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    assert send(port, {**FINISHED, "upgradeId": "u-9"}) == 200

    assert process.wait(20) == 1
    assert "could not be written to standard output" in process.stderr.read()
    (waiting,) = lines(fota("events", "list", store, "--state", "waiting").out)
    assert waiting["target_id"] == "u-9"

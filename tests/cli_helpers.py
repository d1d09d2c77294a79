"""What the tests of the command line use: servers in threads, commands in this process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import ACCOUNT, CREDENTIALS, Stub, credentials_of

from fota_async.cli.app import execute
from fota_async.simulator import Simulator

Fota = Callable[..., tuple[int, str, str]]


@contextmanager
def in_thread(server: Stub) -> Iterator[None]:
    """Let a stub run in a thread of its own: a command has the event loop of this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait_for(work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(10)

    wait_for(server.__aenter__())
    try:
        yield
    finally:
        wait_for(server.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def point_at(server: Simulator | Stub, patch: pytest.MonkeyPatch) -> None:
    """Have commands call this server."""
    known = isinstance(server, Simulator)
    environment(patch, server.base_url, credentials_of(server) if known else CREDENTIALS)


def environment(patch: pytest.MonkeyPatch, base_url: str, credentials: Any = CREDENTIALS) -> None:
    """Set the variables that a command needs."""
    for name in ("key", "secret", "username", "password"):
        patch.setenv(f"THINGSPACE_{name.upper()}", getattr(credentials, name))
    patch.setenv("THINGSPACE_ACCOUNT", ACCOUNT)
    patch.setenv("THINGSPACE_BASE_URL", base_url)


def runner(capsys: pytest.CaptureFixture[str]) -> Fota:
    """Return what runs a command in this process and returns exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = execute(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def listed(tmp_path: Path, ids: list[str]) -> str:
    """Write a device list, one id a line, and return its path."""
    file = tmp_path / "fleet.txt"
    file.write_text("".join(f"{one}\n" for one in ids))
    return str(file)

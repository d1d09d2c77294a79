"""Processes that log in as the same user do so one after the other."""

import hashlib
import secrets
import sqlite3
from contextlib import suppress
from pathlib import Path

from fota_async.cli.output import say
from fota_async.clock import Clock
from fota_async.errors import AuthError
from fota_async.sqlite_file.file import UnusableFileError
from fota_async.sqlite_file.lock import HeldError, Lock

_LOOK_EVERY = 0.1
_TELL_AFTER = 3.0
_MOST_SECONDS = 60.0
_HOLDER = "another command"


class LoginTurn:
    """The turn to log in as one user, which one process at a time has.

    A process that dies gives it up, too.

    Args:
        directory: Where the locks are; made if need be.
        base_url: Address of the API.
        username: Who logs in.
    """

    def __init__(self, directory: Path, base_url: str, username: str) -> None:
        self._directory = directory.absolute()
        # Locks stay behind, so there are 256 at most, and no name tells who logged in. That two
        # users share one costs a moment.
        user = hashlib.sha256(f"{base_url} {username}".encode()).hexdigest()
        self._lock = Lock(self._directory / f"turn-{user[:2]}", _HOLDER)

    async def take(self, clock: Clock) -> None:
        """Wait for the turn, and say so when it takes long; without it where no lock can be made.

        Args:
            clock: Whose seconds count.

        Raises:
            AuthError: Another process had it for 60 seconds.
        """
        with suppress(OSError, sqlite3.Error, UnusableFileError):
            self._check_that_locks_work()
            await self._wait(clock)

    def give_up(self) -> None:
        """Let the next one log in; nothing happens if the turn was not had."""
        self._lock.give_up()

    async def _wait(self, clock: Clock) -> None:
        started, told = clock.monotonic(), False
        while not self._taken():
            waited = clock.monotonic() - started
            if waited >= _MOST_SECONDS:
                raise AuthError(
                    f"nothing was sent: another command has been logging in as this user for "
                    f"{waited:.0f} s, and several at once may lock the user; try again when it has "
                    "ended",
                    sent="no",
                )
            if waited >= _TELL_AFTER and not told:
                told = True
                say("fota: waiting for another command that is logging in as this user")
            await clock.sleep(_LOOK_EVERY)

    def _taken(self) -> bool:
        try:
            self._lock.take()
        except HeldError:
            return False
        return True

    def _check_that_locks_work(self) -> None:
        # Some network drives call a lock held that nobody holds: one would wait there in vain.
        nobodys = Lock(self._directory / f"new-{secrets.token_hex(8)}", _HOLDER)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            nobodys.take()
        finally:
            nobodys.give_up()
            with suppress(OSError):
                nobodys.path.unlink(missing_ok=True)

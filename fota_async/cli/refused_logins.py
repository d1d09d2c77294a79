"""What every process of this user knows of logins that were refused, so that none repeats one."""

import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import attrs
import msgspec

from fota_async.cli.login_turn import LoginTurn
from fota_async.cli.output import fail
from fota_async.clock import Clock, SystemClock
from fota_async.credentials import Credentials
from fota_async.errors import ConfigurationError, LoginRefusedError, SessionEndedError
from fota_async.events import Event, TokenEvent

Why = Literal["refused", "lost", "replaced"]

_WORDS = {
    "refused": "this user name and password were refused",
    "lost": "three logins with this user name and password got no answer, and each may count",
    "replaced": "`fota password reset` replaced this password, or may have",
}
_SALT, _SALT_BYTES = "salt", 16
_WORK = {"n": 1 << 14, "r": 8, "p": 1}


class RefusedLogins:
    """A directory with a file for each, whose name is a salted hash of address, user and password.

    One file each, made whole before it gets its name: processes at once cannot spoil what another
    one wrote.

    Args:
        directory: Made when there is something to keep.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, base_url: str, credentials: Credentials) -> dict[str, str] | None:
        """Return what was kept of these credentials, None if nothing was.

        `since` and `why`, and an `id` by which two refusals differ.

        Raises:
            ConfigurationError: The directory cannot be read.
        """
        try:
            path = self._path(base_url, credentials)
            if path is None:
                return None
            return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None
        except msgspec.DecodeError:
            return {}  # its name says what counts

    def keep(self, base_url: str, credentials: Credentials, why: Why, now: datetime) -> None:
        """Keep that these credentials are not to be tried again.

        Raises:
            OSError: Nothing can be written there.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self.directory / _SALT).exists():
            self._make_salt()
        path = self._path(base_url, credentials)
        if path is None:
            raise OSError(f"{_SALT} is gone")
        kept = {"since": f"{now:%Y-%m-%d %H:%M} UTC", "why": why, "id": secrets.token_hex(8)}
        self._written(msgspec.json.encode(kept)).replace(path)

    def forget(self, base_url: str, credentials: Credentials) -> None:
        """Keep nothing of these credentials.

        Raises:
            OSError: It cannot be removed.
        """
        path = self._path(base_url, credentials)
        if path is not None:
            path.unlink(missing_ok=True)

    def _path(self, base_url: str, credentials: Credentials) -> Path | None:
        try:
            salt = (self.directory / _SALT).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        user = msgspec.json.encode([base_url, credentials.username, credentials.password])
        return self.directory / hashlib.scrypt(user, salt=salt, dklen=32, **_WORK).hex()

    def _make_salt(self) -> None:
        made = self._written(secrets.token_bytes(_SALT_BYTES))
        try:
            # Unlike a rename it leaves the salt alone that another process made meanwhile.
            (self.directory / _SALT).hardlink_to(made)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            made.replace(self.directory / _SALT)
        finally:
            made.unlink(missing_ok=True)

    def _written(self, content: bytes) -> Path:
        path = self.directory / f"new-{secrets.token_hex(8)}"
        try:
            with open(path, "xb", opener=_for_its_owner) as file:
                file.write(content)
        except OSError:  # a full disk, which an empty file must not fill further
            path.unlink(missing_ok=True)
            raise
        return path

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"{str(self.directory)!r} cannot be read, so nobody knows whether this login was "
            f"refused before: {error.strerror}; make it readable, or remove it; nothing was sent"
        )


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@attrs.define
class LoginGuard:
    """Keeps a command from a login that was refused before, and remembers one that is.

    Args:
        refused: What is known.
        base_url: Address of the API.
        credentials: What the command logs in with.
        clock: Whose seconds the wait for another process lasts.
        once: Whether the command logs in once at most.
    """

    refused: RefusedLogins
    base_url: str
    credentials: Credentials = attrs.field(repr=False)
    clock: Clock = attrs.field(factory=SystemClock)
    once: bool = False
    _logins: int = attrs.field(default=0, init=False)
    _lost: bool = attrs.field(default=False, init=False)
    _unreadable: bool = attrs.field(default=False, init=False)
    _waived: dict[str, str] | None = attrs.field(default=None, init=False)

    def check(self) -> None:
        """Make sure that this login was not refused before.

        Raises:
            LoginRefusedError: It was, and nothing was sent.
            ConfigurationError: What is known cannot be read.
        """
        if self._unreadable:
            return
        known = self.refused.find(self.base_url, self.credentials)
        if known is None or known == self._waived:
            return
        since = f" (on {known['since']})" if "since" in known else ""
        what = _WORDS.get(known.get("why", ""), _WORDS["refused"])
        raise LoginRefusedError(
            f"nothing was sent: {what}{since}; five refused logins in a row lock the user. Correct "
            "THINGSPACE_USERNAME and THINGSPACE_PASSWORD (or call `fota config remember`); if they "
            "are right, give --try-login-again once"
        )

    def waive(self) -> None:
        """Let the refusal that is known now not count; a later one does."""
        try:
            self._waived = self.refused.find(self.base_url, self.credentials)
        except ConfigurationError:
            self._unreadable = True

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Keep every other process of this user from logging in as the same user meanwhile.

        Five that begin at the same moment would else try a wrong password five times. Where no
        lock can be made, nobody waits for anybody.

        Raises:
            AuthError: Another process kept the turn for too long, and nothing was sent.
            LoginRefusedError: The login was refused meanwhile, and nothing was sent.
            SessionEndedError: The command logged in before, and may do so only once.
            ConfigurationError: What is known cannot be read.
        """
        if self.once and self._logins:
            raise SessionEndedError(
                "the session ended right after the login, and this command makes no second one; is "
                "somebody else logging in as the same user?"
            )
        turn = LoginTurn(self.refused.directory, self.base_url, self.credentials.username)
        await turn.take(self.clock)
        try:
            self.check()
            self._logins += 1
            yield
        finally:
            turn.give_up()

    def remember(self, why: Why) -> None:
        """Remember that these credentials are not to be tried again."""
        try:
            self.refused.keep(self.base_url, self.credentials, why, datetime.now(UTC))
        except OSError as error:
            fail(
                f"the next command cannot know that this login was refused, since nothing can be "
                f"written to {str(self.refused.directory)!r}: {error.strerror or error}"
            )

    def hear(self, event: Event) -> None:
        """Hear what became of a login."""
        if not isinstance(event, TokenEvent) or event.kind != "session":
            return
        if event.action == "refused":
            self.remember("lost" if self._lost else "refused")
        elif event.action == "fetched":
            self._forget()
        # The last of those that were lost is told as lost, and at once as refused.
        self._lost = event.action == "lost"

    def _forget(self) -> None:
        try:
            self.refused.forget(self.base_url, self.credentials)
        except OSError as error:
            fail(f"{str(self.refused.directory)!r} may still name this login: {error.strerror}")

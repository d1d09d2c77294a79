"""`fota password`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter

from fota_async.cli.access import OUTPUT, AccessFlags
from fota_async.cli.advice import advised
from fota_async.cli.arguments import Flat
from fota_async.cli.confirm import confirm
from fota_async.cli.exits import Exit
from fota_async.cli.output import fail, print_pieces, say
from fota_async.cli.signals import on_signals
from fota_async.errors import CallError, ConfigurationError, FotaError
from fota_async.printable import printable

app = App(
    name="password",
    help="""The password of the user in THINGSPACE_USERNAME.

    Example: fota password reset --out new-password
    """,
)


@attrs.frozen(kw_only=True)
class ResetFlags(AccessFlags):
    """The options of `fota password reset`."""

    out: Annotated[
        str | None,
        Parameter(
            group=OUTPUT,
            help="A new file for the new password, which only its owner may read; else it goes to "
            "standard output.",
        ),
    ] = None
    yes: Annotated[
        bool, Parameter(negative=(), group=OUTPUT, show_default=False, help="Do not ask.")
    ] = False


_NO_OPTIONS = ResetFlags()


@app.command
async def reset(*, flags: Annotated[ResetFlags, Flat] = _NO_OPTIONS) -> int:
    """Have the server make a new password; it works at once, and the old one no more.

    The answer is the only copy of it, so it is written before anything else, and nothing interrupts
    the command while it waits. Sent once. Asks first.

    Example: fota password reset --out new-password --yes
    """
    await confirm(
        "The server makes a new password for this user; the old one then opens nothing, and five "
        "logins with it lock the user.",
        yes=flags.yes,
    )
    client, guard = flags.guarded_client(lambda _: None)
    copy = _Copy(flags.out)
    async with client:
        with on_signals(lambda: say("fota: waiting for the answer: it is the only copy")):
            try:
                with advised("the password may be another one now; do not log in with the old one"):
                    answer = await client.session.reset_password()
            except FotaError as error:
                if isinstance(error, CallError) and error.sent == "maybe":
                    guard.remember("replaced")
                copy.discard()
                raise
            copy.write(answer.new_password or answer.answer)
            guard.remember("replaced")
    if answer.new_password is None:
        fail(f"the answer has no new password where it should be; all of it is {copy.place}")
        return Exit.ERROR
    say(
        f"The new password is {copy.place}. Put it into THINGSPACE_PASSWORD, or call "
        "`fota config remember`, before the next command: five logins with the old one lock the "
        "user."
    )
    return Exit.DONE


class _Copy:
    """Where the only copy goes; a file is opened before anything is sent."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: int | None = None
        self.place = "on standard output" if path is None else f"in {path}"
        if path is not None:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise ConfigurationError(
                    f"--out must name a new file that can be written, not {path!r}: "
                    f"{error.strerror}; nothing was sent"
                ) from None

    def discard(self) -> None:
        """Remove what was opened: there is nothing to write."""
        if self._file is not None and self._path is not None:
            os.close(self._file)
            Path(self._path).unlink()

    def write(self, text: str) -> None:
        """Write the copy, and where that fails to whatever else takes it."""
        if self._file is not None:
            try:
                with os.fdopen(self._file, "w", encoding="utf-8") as file:
                    file.write(f"{text}\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                fail(f"{self._path!r} could not be written: {error.strerror}")
            else:
                return
            self.place = "on standard output"
        if not print_pieces([printable(text) if sys.stdout.isatty() else text, "\n"]):
            say(text)
            self.place = "above, on standard error"

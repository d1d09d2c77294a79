"""A question before what cannot be undone."""

import sys

import anyio.to_thread

from fota_async.cli.output import say
from fota_async.errors import ConfigurationError


async def confirm(what: str, *, yes: bool, can_ask: bool = True) -> None:
    """Ask whether to go on; by itself if `yes`.

    Args:
        what: What would happen, in a sentence.
        yes: Whether the question was answered on the command line.
        can_ask: Whether standard input is free for an answer.

    Raises:
        ConfigurationError: The answer is no, or nobody can be asked; nothing was sent.
    """
    if yes:
        return
    if not (can_ask and sys.stdin.isatty()):
        raise ConfigurationError(
            f"{what} Nobody can be asked here: give --yes to go on; nothing was sent"
        )
    say(what)
    if not await answered_yes():
        raise ConfigurationError("not approved; nothing was sent")


async def answered_yes() -> bool:
    """Ask on the terminal; anything but yes is no."""
    say("Go on? [y/N]")
    # Abandoned when a signal comes, or the command would end only after an answer.
    answer = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return answer.strip().lower() in {"y", "yes"}

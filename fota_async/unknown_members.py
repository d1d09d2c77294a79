"""Members of answers that no model knows: told once each, so that somebody hears of them."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

from fota_async.events import EventHook, UnknownMemberEvent
from fota_async.wire.convert import noting_unknown_members

_MOST = 1000
# An object with ids or tokens for names would otherwise carry them into events and logs.
_NAME = re.compile(r"(?!.*\d{8})[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_NO_NAME = "(no name)"


class UnknownMembers:
    """What was told of them so far.

    Args:
        tell: Where `UnknownMemberEvent` goes.
    """

    def __init__(self, tell: EventHook) -> None:
        self._tell = tell
        self._told: set[tuple[str, str]] = set()

    def watched(self, secrets: Iterable[str]) -> AbstractContextManager[None]:
        """Return what tells of the answers that are read inside of it.

        Args:
            secrets: Texts that must not be told.
        """
        return noting_unknown_members(partial(self._note, secrets))

    def _note(self, secrets: Iterable[str], model: str, member: str) -> None:
        if (model, member) in self._told:
            return
        shown = member if _NAME.fullmatch(member) else _NO_NAME
        if any(secret in shown for secret in secrets if secret):
            shown = _NO_NAME
        if (model, shown) not in self._told and len(self._told) < _MOST:
            self._told.add((model, shown))
            self._tell(UnknownMemberEvent(model=model, member=shown))

"""The licences of an account, and the devices that are to lose theirs first."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Final

import attrs

from fota_async.simulator.rows import Row, Rows
from fota_async.simulator.rules import Rules

SUCCESS: Final = "Success"
PREEXISTING: Final = "Device license preexisting"
UNLICENSED: Final = "No license attached to device"
UNKNOWN_DEVICE: Final = "Device does not exist."
USED_UP: Final = "No license available"
"""Made up: what happens when no licence is left is not documented."""

_HELD: Final = Row("licensed")
"""The row of a device that holds a licence; its words never reach the wire."""


@attrs.frozen
class Verdict:
    """What became of one device.

    Args:
        device_id: Its id.
        done: Whether it is as it was asked for.
        reason: Why, or that it succeeded.

    """

    device_id: str
    done: bool
    reason: str


@attrs.define
class Licenses:
    """Who holds a licence.

    Args:
        total: Licences bought.
        updated: The moment `total` last changed.
        rows: A row for each device that holds one.

    """

    total: int
    updated: float
    rows: Rows = attrs.field(factory=Rows)
    _since: dict[str, float] = attrs.field(factory=dict)

    @property
    def used(self) -> int:
        """How many devices hold one."""
        return len(self.rows.current)

    def __contains__(self, device_id: str) -> bool:
        return device_id in self.rows.current

    def since(self, device_id: str) -> float:
        """Return the moment a device last got a licence."""
        return self._since[device_id]

    def assign(self, ids: Iterable[str], rules: Rules, now: float) -> list[Verdict]:
        """Give a licence to each device as long as there are any."""
        verdicts = []
        new: dict[str, None] = {}
        for device_id in ids:
            if device_id in self or device_id in new:
                verdict = Verdict(device_id, True, PREEXISTING)
            elif (reason := rules.refusal(device_id)) is not None:
                verdict = Verdict(device_id, False, reason)
            elif self.used + len(new) >= self.total:
                verdict = Verdict(device_id, False, USED_UP)
            else:
                new[device_id] = None
                verdict = Verdict(device_id, True, SUCCESS)
            verdicts.append(verdict)
        self.give(new, now)
        return verdicts

    def have(self, ids: Iterable[str], since: float) -> None:
        """Let devices hold a licence as if they always had, however many were bought."""
        self._since.update(dict.fromkeys(ids, since))
        self.rows.write_for_ever(dict.fromkeys(ids, _HELD))

    def give(self, ids: Iterable[str], now: float) -> None:
        """Let devices that hold none hold a licence, however many were bought."""
        self._since.update(dict.fromkeys(ids, now))
        self.rows.write(dict.fromkeys(ids, _HELD), now)

    def remove(
        self, ids: Iterable[str], in_use: Callable[[str, float], str | None], now: float
    ) -> list[Verdict]:
        """Take back the licence of each device that did not use it.

        Args:
            ids: The devices.
            in_use: Given a device and the moment it got its licence, tells why it has to
                keep it; None lets it go.
            now: The moment.

        """
        verdicts = []
        gone: dict[str, None] = {}
        for device_id in ids:
            if device_id not in self or device_id in gone:
                verdict = Verdict(device_id, False, UNLICENSED)
            elif (reason := in_use(device_id, self._since[device_id])) is not None:
                verdict = Verdict(device_id, False, reason)
            else:
                gone[device_id] = None
                verdict = Verdict(device_id, True, SUCCESS)
            verdicts.append(verdict)
        self.rows.write(gone, now)
        return verdicts

    def resize(self, total: int, first: Iterable[str], now: float) -> None:
        """Change how many are bought.

        Args:
            total: Licences bought from now on.
            first: Devices that lose theirs first; the oldest assignments follow.
            now: The moment.

        """
        self.total, self.updated = total, now
        oldest = sorted(self.rows.current, key=self._since.__getitem__)
        losers = dict.fromkeys(i for i in chain(first, oldest) if i in self)
        self.rows.write(dict.fromkeys(list(losers)[: max(0, self.used - total)]), now)


@attrs.define
class Candidates:
    """The cancellation candidates: who loses a licence first, in this order.

    Args:
        updated: The moment the list last changed.

    """

    updated: float
    _ids: dict[str, None] = attrs.field(factory=dict)
    _listed: Sequence[str] | None = None
    _undo: deque[tuple[float, Sequence[str]]] = attrs.field(factory=deque)

    def ids(self) -> Sequence[str]:
        """Return the devices in the order in which they came."""
        if self._listed is None:
            self._listed = list(self._ids)
        return self._listed

    def ids_at(self, moment: float) -> Sequence[str]:
        """Return the devices of that moment, as far back as `forget` left them."""
        later = (before for at, before in self._undo if at > moment)
        return next(later, self.ids())

    def replace(self, ids: Iterable[str], now: float) -> None:
        """Make `ids` the list."""
        self._undo.append((now, self.ids()))
        self._ids.clear()
        self._add(ids, now)

    def append(self, ids: Iterable[str], now: float) -> None:
        """Add `ids` at the end; those that are on the list keep their place."""
        self._undo.append((now, self.ids()))
        self._add(ids, now)

    def forget(self, moment: float) -> None:
        """Drop what is only needed to know the list before that moment."""
        while self._undo and self._undo[0][0] <= moment:
            self._undo.popleft()

    def _add(self, ids: Iterable[str], now: float) -> None:
        self._ids.update(dict.fromkeys(ids))
        self._listed = None
        self.updated = now

"""The devices of an upgrade or campaign, and what its list was like a moment ago."""

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Final

import attrs

REMOVED: Final = "DeviceRemoved"
"""Our own word: what the row of a removed device looks like, if it has one, is not documented."""

_OUTSIDE: Final = frozenset({"Device Rejected", "DeviceRejected", REMOVED})


@attrs.frozen
class Row:
    """A device's row in an upgrade or campaign.

    >>> row = simulator.rows()[imeis[0]]
    >>> row.status, row.reason, row.is_member
    ('Device Accepted', 'success', True)

    Args:
        status: Its state, word for word.
        reason: The row's `resultReason`, or None.
        turns_at: When the row turns into `then`.
        then: What it turns into.
    """

    status: str
    reason: str | None = None
    turns_at: float = inf
    then: "Row | None" = None

    def turning(self, then: "Row", turns_at: float) -> "Row":
        """Return this row, to become `then` at that moment.

        Args:
            then: What it becomes.
            turns_at: When, in seconds of the server's clock.
        """
        return Row(self.status, self.reason, turns_at, then)

    def at(self, now: float) -> "Row":
        """Return the row as it reads at that moment.

        Args:
            now: In seconds of the server's clock.
        """
        return self.then if self.then is not None and now >= self.turns_at else self

    @property
    def is_member(self) -> bool:
        """Whether the device is in the upgrade or campaign; a rejected or removed one is not."""
        return self.status not in _OUTSIDE


@attrs.frozen
class RowPage:
    """Some rows in the order of their device ids.

    Args:
        rows: Device ids and rows; ask each with `Row.at`.
        total: How many rows there are in all.
        more: Whether rows come after these.

    """

    rows: dict[str, Row]
    total: int
    more: bool


@attrs.define
class Rows:
    """The rows by device id, in the order in which they came, with their recent past.

    Args:
        current: The rows as they are; changed by `write` only.

    """

    current: dict[str, Row] = attrs.field(factory=dict)
    _undo: deque[tuple[float, dict[str, Row | None]]] = attrs.field(factory=deque)
    _written: int = 0
    _ids: list[str] = attrs.field(factory=list)
    _moved: set[str] = attrs.field(factory=set)
    _past: tuple[int, list[str], dict[str, Row]] | None = None

    def write(self, changes: Mapping[str, Row | None], now: float) -> None:
        """Set rows; None takes one away."""
        if not changes:
            return
        self._undo.append((now, {i: self.current.get(i) for i in changes}))
        self._written += 1
        self._set(changes)

    def write_for_ever(self, changes: Mapping[str, Row | None]) -> None:
        """Set rows as if they had been like that at any moment before."""
        self._past = None
        self._set(changes)

    def clear(self) -> None:
        """Forget all rows and their past."""
        self.write_for_ever(dict.fromkeys(self.current))
        self._undo.clear()

    def members(self, now: float) -> set[str]:
        """Return the devices whose rows do not read rejected or removed."""
        return {device_id for device_id, row in self.current.items() if row.at(now).is_member}

    def written_by(self, moment: float) -> dict[str, Row]:
        """Return the rows written by that moment, as far back as `forget` left them.

        Each may have turned since; ask it with `Row.at`.
        """
        rows = self.current.copy()
        for at, before in reversed(self._undo):
            if at <= moment:
                break
            for device_id, row in before.items():
                if row is None:
                    rows.pop(device_id, None)
                else:
                    rows[device_id] = row
        return rows

    def page(self, after: str, size: int, moment: float) -> RowPage:
        """Return the rows written by that moment whose device ids are larger than `after`."""
        ids, rows = self._sorted_by(moment)
        start = bisect_right(ids, after)
        return RowPage(
            rows={device_id: rows[device_id] for device_id in ids[start : start + size]},
            total=len(ids),
            more=len(ids) > start + size,
        )

    def forget(self, moment: float) -> None:
        """Drop what is only needed to know the rows before that moment."""
        while self._undo and self._undo[0][0] <= moment:
            self._undo.popleft()

    def _set(self, changes: Mapping[str, Row | None]) -> None:
        for device_id, row in changes.items():
            if row is None:
                del self.current[device_id]
                self._moved.add(device_id)
            else:
                if device_id not in self.current:
                    self._moved.add(device_id)
                self.current[device_id] = row

    def _sorted_by(self, moment: float) -> tuple[list[str], Mapping[str, Row]]:
        unseen = 0
        for at, _ in reversed(self._undo):
            if at <= moment:
                break
            unseen += 1
        if not unseen:
            return self._sorted_now(), self.current
        # Pages of one reading mostly see the same writes: sort for the first of them only.
        seen = self._written - unseen
        if self._past is None or self._past[0] != seen:
            rows = self.written_by(moment)
            self._past = (seen, sorted(rows), rows)
        return self._past[1:]

    def _sorted_now(self) -> list[str]:
        if self._moved:
            kept = [device_id for device_id in self._ids if device_id not in self._moved]
            kept += [device_id for device_id in self._moved if device_id in self.current]
            kept.sort()
            self._ids, self._moved = kept, set()
        return self._ids

"""A v1 upgrade: its state, its devices, and what it was like a moment ago."""

from collections import deque
from collections.abc import Collection
from math import inf
from typing import Final, Literal, Self

import attrs
import msgspec

from fota_async.simulator.licenses import UPGRADED
from fota_async.simulator.rules import STILL_IN_UPGRADE, Rules

Status = Literal[
    "RequestPending", "Queued", "InProgress", "Finished", "RequestFailed", "UpgradeFailed"
]
"""States of a v1 upgrade (page "Campaign Lifecycle Flow for v1")."""

OPEN: Final = frozenset({"RequestPending", "Queued"})
"""States in which devices come and go and the upgrade can be cancelled."""

CANCELLED: Final = "Cancelled"
"""Our own word, for the statistics: on the wire a cancelled upgrade is unknown."""


@attrs.frozen
class Row:
    """A device's row in an upgrade.

    Args:
        status: `RequestPending`, `Device Accepted` or `Device Rejected`.
        reason: The row's `resultReason`; None while the request is pending.
        turns_at: When the row turns into `then`.
        then: What it turns into.

    """

    status: str
    reason: str | None = None
    turns_at: float = inf
    then: "Row | None" = None

    @classmethod
    def doomed(cls, reason: str, turns_at: float) -> Self:
        """Return a row that is pending until it is rejected."""
        rejected = cls("Device Rejected", reason)
        return cls("RequestPending", turns_at=turns_at, then=rejected)

    def at(self, now: float) -> "Row":
        """Return the row as it reads at that moment."""
        return self.then if self.then is not None and now >= self.turns_at else self

    @property
    def is_member(self) -> bool:
        """Whether the device is in the upgrade; a rejected one is not."""
        return self.status != "Device Rejected"


PENDING: Final = Row("RequestPending")
ACCEPTED: Final = Row("Device Accepted", "success")


class DeviceResult(msgspec.Struct, frozen=True):
    """One item of the answer to a modify call, in the wire's spelling."""

    device_id: str = msgspec.field(name="deviceId")
    status: str = msgspec.field()
    reason: str = msgspec.field(name="Reason")


def _added(device_id: str) -> DeviceResult:
    return DeviceResult(device_id, "AddDeviceSucceed", "Device added Successfully")


# `AddDeviceSucceed` is the only success word the vendor documents. The other three, and
# all texts but its own, are made up after its pattern.


def _not_added(device_id: str, reason: str) -> DeviceResult:
    return DeviceResult(device_id, "AddDeviceFailed", reason)


def _removed(device_id: str) -> DeviceResult:
    return DeviceResult(device_id, "RemoveDeviceSucceed", "Device removed Successfully")


def _not_removed(device_id: str) -> DeviceResult:
    return DeviceResult(device_id, "RemoveDeviceFailed", "Device is not in the upgrade")


@attrs.define(kw_only=True)
class Upgrade:
    """One upgrade and its devices.

    Args:
        id: Its UUID.
        account: The account it belongs to.
        status: Its state, or `CANCELLED`.
        firmware_name: Image name.
        firmware_to: Version wanted.
        start_date: First day, `YYYY-MM-DD`.
        end_date: Last day, or None.

    """

    id: str
    account: str
    status: str
    firmware_name: str
    firmware_to: str
    start_date: str
    end_date: str | None = None
    rows: dict[str, Row] = attrs.field(factory=dict)
    _undo: deque[tuple[float, dict[str, Row | None]]] = attrs.field(factory=deque)
    _moved_at: float = -inf

    def append(self, ids: list[str], rules: Rules, now: float) -> list[DeviceResult]:
        """Add devices and return what became of each."""
        results = []
        changes: dict[str, Row | None] = {}
        for device_id in ids:
            row = changes.get(device_id) or self.rows.get(device_id)
            if row is not None and row.at(now).is_member:
                if rules.appended_twice == "succeed":
                    results.append(_added(device_id))
                else:
                    results.append(_not_added(device_id, STILL_IN_UPGRADE))
            elif (reason := rules.refusal(device_id)) is not None:
                results.append(_not_added(device_id, reason))
            else:
                changes[device_id] = self._new_row(device_id, rules, now)
                results.append(_added(device_id))
        self._write(changes, now)
        return results

    def remove(self, ids: list[str], rules: Rules, now: float) -> list[DeviceResult]:
        """Take devices off and return what became of each."""
        results = []
        changes: dict[str, Row | None] = {}
        for device_id in ids:
            if device_id in self.rows and device_id not in changes:
                changes[device_id] = None
                results.append(_removed(device_id))
            elif rules.removed_absent == "succeed":
                results.append(_removed(device_id))
            else:
                results.append(_not_removed(device_id))
        self._write(changes, now)
        return results

    def enlist(self, ids: list[str], rules: Rules, now: float) -> None:
        """Take the devices of a schedule call, which answers before any is judged."""
        for device_id in ids:
            reason = rules.refusal(device_id) or rules.later_rejection(device_id)
            self.rows[device_id] = (
                PENDING if reason is None else Row.doomed(reason, now + rules.reject_after)
            )

    def move_to(self, status: str, now: float) -> None:
        """Change the state; devices that wait are accepted when the upgrade is queued."""
        self.status = status
        self._moved_at = now
        if status == "Queued":
            self._write({i: ACCEPTED for i, row in self.rows.items() if row is PENDING}, now)

    def license_use(self, device_id: str, since: float, now: float) -> str | None:
        """Return how a device used a licence it has `since`, or None if it did not."""
        if device_id not in self.rows or not self.rows[device_id].at(now).is_member:
            return None
        if self.status == "InProgress":
            return "Device is being upgraded"
        return UPGRADED if self.status == "Finished" and since <= self._moved_at else None

    def withdraw(self, ids: Collection[str], now: float) -> None:
        """Take devices off, unless the upgrade has started."""
        if self.status in OPEN:
            self._write({device_id: None for device_id in ids if device_id in self.rows}, now)

    def cancel(self) -> None:
        """End the upgrade before it started."""
        self.status = CANCELLED
        self.rows.clear()
        self._undo.clear()

    def members(self, now: float) -> set[str]:
        """Return the devices in the upgrade; a rejected one is not."""
        return {device_id for device_id, row in self.rows.items() if row.at(now).is_member}

    def rows_at(self, moment: float) -> dict[str, Row]:
        """Return the rows written by that moment, as far back as `forget` left them.

        Each may have turned since; ask it with `Row.at`.
        """
        rows = self.rows.copy()
        for at, before in reversed(self._undo):
            if at <= moment:
                break
            for device_id, row in before.items():
                if row is None:
                    rows.pop(device_id, None)
                else:
                    rows[device_id] = row
        return rows

    def forget(self, moment: float) -> None:
        """Drop what is only needed to know the rows before that moment."""
        while self._undo and self._undo[0][0] <= moment:
            self._undo.popleft()

    def _new_row(self, device_id: str, rules: Rules, now: float) -> Row:
        reason = rules.later_rejection(device_id)
        if reason is not None:
            return Row.doomed(reason, now + rules.reject_after)
        return PENDING if self.status == "RequestPending" else ACCEPTED

    def _write(self, changes: dict[str, Row | None], now: float) -> None:
        if not changes:
            return
        self._undo.append((now, {device_id: self.rows.get(device_id) for device_id in changes}))
        for device_id, row in changes.items():
            if row is None:
                del self.rows[device_id]
            else:
                self.rows[device_id] = row

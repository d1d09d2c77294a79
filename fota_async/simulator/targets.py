"""What v1 upgrades and v2 and v3 campaigns have in common: a state and a list of devices."""

from collections.abc import Callable, Iterable
from math import inf

import attrs
import msgspec

from fota_async.simulator.draws import share
from fota_async.simulator.rows import REMOVED, Row, Rows
from fota_async.simulator.rules import STILL_IN_UPGRADE, Rules
from fota_async.simulator.versions import V1, Stage, Version


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
class Target:
    """An upgrade or a campaign with its devices.

    Args:
        id: Its UUID.
        account: The account it belongs to.
        version: The version of the API that knows it.
        status: Its state, word for word.
        start_date: First day, `YYYY-MM-DD`.
        end_date: Last day, or None where none was given.
        since: When it came into this state.
        started: When it began to run, or None.
        rows: Its devices.

    """

    id: str
    account: str
    version: Version
    status: str
    start_date: str
    end_date: str | None = None
    since: float = 0.0
    started: float | None = None
    rows: Rows = attrs.field(factory=Rows)

    @property
    def stage(self) -> Stage:
        """What its state means."""
        return self.version.stages[self.status]

    def takes_changes(self, rules: Rules) -> bool:
        """Return whether devices come and go and it can be cancelled."""
        if self.stage is Stage.PRESCHEDULED:
            return rules.prescheduled_is_open
        return self.stage in {Stage.PENDING, Stage.QUEUED}

    def append(
        self, ids: list[str], rules: Rules, now: float, room: float = inf, full: str = ""
    ) -> list[DeviceResult]:
        """Add devices and return what became of each.

        Args:
            ids: Well-formed device ids.
            rules: Say who is refused.
            now: The moment.
            room: How many devices more there may be; `full` is the reason for those beyond.
            full: See there.

        """
        results = []
        changes: dict[str, Row | None] = {}
        for device_id in ids:
            row = changes.get(device_id) or self.rows.current.get(device_id)
            if row is not None and row.at(now).is_member:
                if rules.appended_twice == "succeed":
                    results.append(_added(device_id))
                else:
                    results.append(_not_added(device_id, STILL_IN_UPGRADE))
                continue
            reason = rules.refusal(device_id, self.version.reasons)
            if reason is None and room <= 0:
                reason = full
            if reason is None:
                room -= 1
                changes[device_id] = self._new_row(device_id, rules, now)
                results.append(_added(device_id))
            else:
                results.append(_not_added(device_id, reason))
                if self.version.has_receipts:
                    changes[device_id] = Row(self.version.rejected, reason)
        self.rows.write(changes, now)
        return results

    def remove(self, ids: list[str], rules: Rules, now: float) -> list[DeviceResult]:
        """Take devices off and return what became of each."""
        results = []
        changes: dict[str, Row | None] = {}
        for device_id in ids:
            row = self.rows.current.get(device_id)
            if device_id not in changes and row is not None and row.status != REMOVED:
                changes[device_id] = self._trace(rules)
                results.append(_removed(device_id))
            elif rules.removed_absent == "succeed":
                results.append(_removed(device_id))
            else:
                results.append(_not_removed(device_id))
        self.rows.write(changes, now)
        return results

    def enlist(
        self, ids: Iterable[str], rules: Rules, now: float, room: float = inf, full: str = ""
    ) -> None:
        """Take the devices of a schedule call, which answers before any is judged."""
        rows: dict[str, Row | None] = {}
        for device_id in dict.fromkeys(ids):
            reason = rules.refusal(device_id, self.version.reasons) or rules.later_rejection(
                device_id, self.version.reasons
            )
            if reason is None and room <= 0:
                reason = full
            if reason is None:
                room -= 1
                rows[device_id] = self.version.pending
            else:
                rows[device_id] = self._doomed(reason, rules, now)
        self.rows.write_for_ever(rows)

    def move_to(self, status: str, rules: Rules, now: float, ends: float = inf) -> None:
        """Change the state, and the rows of the devices with it.

        Args:
            status: The new state.
            rules: Say whose upgrade fails.
            now: The moment.
            ends: When it will have run, if it begins to run now; each device gets its last
                word at a moment of its own until then.

        """
        self.status, self.since = status, now
        if self.stage is Stage.RUNNING:
            self.started = now
        if (row_of := self._rows_after(rules, now, ends)) is None:
            return
        rows = self.rows.current.items()
        if self.stage in {Stage.CANCELLED, Stage.ABORTED}:
            words = {row.status for row in self.version.waiting}
            struck = [device_id for device_id, row in rows if row.at(now).status in words]
        else:
            # By identity: a row of a test's own making, or one on its way to another, stays.
            waiting = {id(row) for row in self.version.waiting}
            struck = [device_id for device_id, row in rows if id(row) in waiting]
        self.rows.write({device_id: row_of(device_id) for device_id in struck}, now)

    def _rows_after(self, rules: Rules, now: float, ends: float) -> Callable[[str], Row] | None:
        """Return what the rows of waiting devices become in the state just reached."""
        words = self.version

        def last(device_id: str) -> Row:
            return rules.failed_upgrade(device_id, words.failures) or words.succeeded

        def running(device_id: str) -> Row:
            part = share(rules.seed, "last word", self.id, device_id)
            return words.running.turning(last(device_id), now + (ends - now) * part)

        match self.stage:
            case Stage.QUEUED:
                return lambda _: words.accepted
            case Stage.PRESCHEDULED:
                return lambda _: words.prescheduled
            case Stage.RUNNING:
                return running if ends < inf else lambda _: words.running
            case Stage.ENDED:
                return last
            case Stage.CANCELLED | Stage.ABORTED:
                over = Row(self.status)
                return lambda _: over
            case _:
                return None

    def _new_row(self, device_id: str, rules: Rules, now: float) -> Row:
        reason = rules.later_rejection(device_id, self.version.reasons)
        if reason is not None:
            return self._doomed(reason, rules, now)
        pending = self.stage is Stage.PENDING
        return self.version.pending if pending else self.version.accepted

    def _trace(self, rules: Rules) -> Row | None:
        """Return the row that a removed device leaves behind."""
        kept = rules.removed_rows == "kept" and self.version is not V1
        return Row(REMOVED, "Device removed Successfully") if kept else None

    def _doomed(self, reason: str, rules: Rules, now: float) -> Row:
        rejected = Row(self.version.rejected, reason)
        return self.version.pending.turning(rejected, now + rules.reject_after)

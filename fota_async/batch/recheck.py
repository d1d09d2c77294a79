"""Reading a target again after a run: what changed since its report."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import attrs

from fota_async.batch.ledger import outcome_of
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Row
from fota_async.batch.states import DeviceOutcome, State, Verdict


@attrs.frozen
class Change:
    """A device that is not, or no longer, what the report says.

    >>> simulator.seed(["990013907835573"], "Device Rejected", reason="Device not found")
    >>> for change in await report.recheck():
    ...     print(change.before.device_id, change.before.state, change.now.state, change.now.reason)
    990013907835573 succeeded failed Device not found

    Attributes:
        before: What the report says.
        now: What the target says now; `settled` is true.
    """

    before: DeviceOutcome
    now: DeviceOutcome


Recheck: TypeAlias = Callable[[Iterable[DeviceOutcome]], Awaitable[list[Change]]]
"""Reads a target once and compares outcomes with it."""


def recheck_with(session: BatchSession, operation: Operation) -> Recheck | None:
    """Return what rechecks outcomes of `operation`; None if its target cannot be read."""
    read = operation.read
    if read is None:
        return None

    async def recheck(outcomes: Iterable[DeviceOutcome]) -> list[Change]:
        sent = {o.device_id: o for o in outcomes if o.state is not State.INVALID}
        reading = await read(session, frozenset(sent))
        changes = []
        for device, before in sent.items():
            now = _now(before, reading.rows.get(device), operation)
            if _differs(before, now):
                changes.append(Change(before, now))
        return changes

    return recheck


def _now(before: DeviceOutcome, row: Row | None, operation: Operation) -> DeviceOutcome:
    decision = operation.decide(row)
    if isinstance(decision, Verdict):
        return outcome_of(before.device_id, decision)
    # What was taken and does not show may show later.
    state = State.PENDING if before.state is State.PENDING else State.FAILED
    reason = "in the list" if row else "not in the list"
    status = row.status if row else ""
    return DeviceOutcome(before.device_id, state, status, reason, settled=True)


def _differs(before: DeviceOutcome, now: DeviceOutcome) -> bool:
    """Whether the target contradicts the report; `unsent` devices are expected not to be done."""
    done_before = before.state is State.SUCCEEDED
    done_now = now.state is State.SUCCEEDED
    undecided = before.state in {State.UNKNOWN, State.PENDING}
    return done_before != done_now or undecided

"""One look at all devices of a report: which ones a page lists, and examples for each reason."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from fota_async.batch.report import BatchReport
from fota_async.batch.states import DeviceOutcome, State

MOST_ROWS: Final = 5000
MOST_GROUPS: Final = 30
_EXAMPLES = 3
_FINE = frozenset({State.SUCCEEDED, State.PENDING})
Reason = tuple[State, str, str]


@attrs.frozen
class Devices:
    """What a page shows of single devices.

    Attributes:
        listed: How many devices the report lists, of the states that are asked for.
        rows: Those that the page lists: all of them, or those that went wrong, or none.
        too_many: Whether there are more than a page lists.
        wrong_only: Whether `rows` are those that went wrong.
        examples: Ids by state, status and reason.
        states: The states that are asked for; None for all.
    """

    listed: int
    rows: Sequence[DeviceOutcome]
    too_many: bool
    wrong_only: bool
    examples: Mapping[Reason, Sequence[str]]
    states: Collection[State] | None = None


def gather(
    report: BatchReport, states: Collection[State] | None = None, *, most: int = MOST_ROWS
) -> Devices:
    """Go through the devices of a report once, keeping a bounded number of them.

    Args:
        report: What became of every device.
        states: List devices of these states only; examples are of all.
        most: The most devices that a page lists.
    """
    reasons = [(one.state, one.status, one.reason) for one in report.groups[:MOST_GROUPS]]
    examples: dict[Reason, list[str]] = {reason: [] for reason in reasons}
    listed = wrong = 0
    rows: list[DeviceOutcome] = []
    wrong_rows: list[DeviceOutcome] = []
    for one in report:
        known = examples.get((one.state, one.status, one.reason))
        if known is not None and len(known) < _EXAMPLES:
            known.append(one.device_id)
        if states is not None and one.state not in states:
            continue
        listed += 1
        if listed <= most:
            rows.append(one)
        if one.state not in _FINE:
            wrong += 1
            if wrong <= most:
                wrong_rows.append(one)
    if listed <= most:
        return Devices(listed, rows, False, False, examples, states)
    few = wrong_rows if wrong <= most else []
    return Devices(listed, few, True, bool(few), examples, states)

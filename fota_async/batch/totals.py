"""The counts of several reports as one; in whichever order they are added, the sum is the same."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

import attrs

from fota_async.batch.report import BatchReport, Group
from fota_async.batch.states import State

_ADDED: Final = (
    "reports",
    "inputs",
    "duplicates",
    *(state.value for state in State),
    "requests",
    "retries",
    "unasked",
    "dry_runs",
)


@attrs.frozen(kw_only=True)
class Totals:
    """What one or several reports count. The law of the report holds of it, as it does of them.

    Totals are added by `+` and by `sum`; `Totals()` is that of no report. A device that occurs in
    two reports is counted in both.

    >>> first = await fota.v1.upgrades.append_devices(upgrade_id, [*imeis, "12345"])
    >>> second = await fota.v1.upgrades.remove_devices(upgrade_id, imeis[:1])
    >>> totals = Totals.of(first, second)
    >>> totals.inputs, totals.succeeded, totals.invalid, totals.ok
    (5, 4, 1, False)
    >>> totals == Totals.of(first) + Totals.of(second) == sum([Totals.of(second), Totals.of(first)])
    True

    Attributes:
        reports: How many reports are added up.
        inputs: Input occurrences that were read.
        input_complete: Whether every input was read to its end.
        duplicates: Inputs that had occurred before in the same input.
        succeeded: Devices that succeeded.
        failed: Devices to which the API said no.
        pending: Devices taken, not yet decided.
        invalid: Inputs that are not device ids; never sent.
        unknown: Devices sent whose fate neither an answer nor a read-back decides.
        unsent: Devices that were surely not taken, because their run stopped first.
        requests: Requests of the operations that were written to the wire; of dry runs, those that
            would be.
        retries: Those of them that carried a device sent before.
        unasked: Answers about devices that nobody asked about.
        dry_runs: How many reports are of dry runs.
        seconds: How long the longest run took. Runs go on at the same time, so they do not add up.
        stopped: Why runs ended early, in one word each, and how many of them for that.
        groups: What did not succeed, by state, status and reason word for word, the largest first.
    """

    reports: int = 0
    inputs: int = 0
    input_complete: bool = True
    duplicates: int = 0
    succeeded: int = 0
    failed: int = 0
    pending: int = 0
    invalid: int = 0
    unknown: int = 0
    unsent: int = 0
    requests: int = 0
    retries: int = 0
    unasked: int = 0
    dry_runs: int = 0
    seconds: float = 0.0
    stopped: tuple[tuple[str, int], ...] = ()
    groups: tuple[Group, ...] = ()

    @classmethod
    def of(cls, *reports: BatchReport) -> Self:
        """Return the totals of these reports; a sync has two, `append` and `remove`.

        Args:
            reports: As many as there are.
        """
        return cls._sum([cls._of_one(report) for report in reports])

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and nothing is invalid, unknown or unsent."""
        return not (self.failed or self.invalid or self.unknown or self.unsent)

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Totals):
            return NotImplemented
        return self._sum([self, other])

    def __radd__(self, nought: int) -> Self:
        if nought != 0:  # what `sum` begins with
            return NotImplemented
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            **attrs.asdict(self),
            "seconds": round(self.seconds, 3),
            "stopped": dict(self.stopped),
            "groups": [attrs.asdict(group) for group in self.groups],
        }

    @classmethod
    def _of_one(cls, report: BatchReport) -> Self:
        return cls(
            reports=1,
            inputs=report.inputs,
            input_complete=report.input_complete,
            duplicates=report.duplicates,
            succeeded=report.succeeded,
            failed=report.failed,
            pending=report.pending,
            invalid=report.invalid,
            unknown=report.unknown,
            unsent=report.unsent,
            requests=report.requests,
            retries=report.retries,
            unasked=report.unasked,
            dry_runs=int(report.dry_run),
            seconds=report.seconds,
            stopped=() if report.stopped is None else ((report.stopped, 1),),
            groups=_in_order(report.groups),
        )

    @classmethod
    def _sum(cls, parts: Sequence[Self]) -> Self:
        stopped: Counter[str] = Counter()
        devices: Counter[tuple[State, str, str]] = Counter()
        for part in parts:
            stopped.update(dict(part.stopped))
            for group in part.groups:
                devices[group.state, group.status, group.reason] += group.devices
        added: dict[str, Any] = {
            name: sum(getattr(part, name) for part in parts) for name in _ADDED
        }
        return cls(
            **added,
            input_complete=all(part.input_complete for part in parts),
            seconds=max((part.seconds for part in parts), default=0.0),
            stopped=tuple(sorted(stopped.items())),
            groups=_in_order(Group(*words, count) for words, count in devices.items()),
        )


def _in_order(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Return groups in the one order in which equal totals have them."""
    return tuple(sorted(groups, key=lambda one: (-one.devices, one.state, one.status, one.reason)))

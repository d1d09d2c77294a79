"""A pilot: a campaign of few devices that shows whether the fleet may follow.

"At least 5 and at most 20 devices with a success rate of 50 % or more" (wire contract, "The ten
facts"; vendor page "Pilot Campaigns"). Whether devices that were rejected count is not documented,
so both ways of counting must come out well. No I/O and no clock.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from math import ceil
from typing import Final

import attrs

from fota_async.batch.reading import Row, is_rejected, upgrade_outcome
from fota_async.batch.report import BatchReport
from fota_async.batch.states import State

LEAST: Final = 5
MOST: Final = 20
RATE: Final = 0.5


class Judgement(Enum):
    """What a pilot says so far."""

    OPEN = auto()
    PASSED = auto()
    FAILED = auto()


@attrs.frozen
class PilotReport:
    """What was seen of a pilot.

    >>> campaign = {
    ...     "firmware_from": "SR1.2.0.0-10512",
    ...     "firmware_to": "SR1.2.0.0-10657",
    ...     "pilot_start_date": date(2027, 4, 1),
    ...     "pilot_end_date": date(2027, 4, 2),
    ...     "start_date": date(2027, 4, 5),
    ...     "end_date": date(2027, 5, 4),
    ... }
    >>> simulator.rules = Rules(
    ...     life_cycle=True, pending_for=0, queued_for=0, prescheduled_for=0, runs_for=5
    ... )
    >>> devices = [f"35693803564{n}" for n in range(4000, 4100)]
    >>> result = await fota.v3.campaigns.pilot_then_fleet(
    ...     "SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1",
    ...     devices,
    ...     **campaign,
    ...     pilot=10,
    ...     timeout=3600,
    ... )
    >>> result.pilot.succeeded, result.pilot.failed, result.pilot.undecided
    (10, 0, 0)

    Attributes:
        target: Id of its campaign.
        status: State of the campaign, word for word; empty if none was read.
        rows: For each device its row in the campaign devices report, word for word; None if it has
            none.
        report: What became of the devices when they were scheduled.
        is_over: Whether the campaign is in its last state, so that no row will change any more.
    """

    target: str
    status: str
    rows: Mapping[str, Row | None]
    report: BatchReport
    is_over: bool = False

    @property
    def devices(self) -> int:
        """How many devices the pilot has, rejected ones included."""
        return len(self.rows)

    @property
    def succeeded(self) -> int:
        """How many devices were upgraded."""
        return self._count(State.SUCCEEDED)

    @property
    def failed(self) -> int:
        """How many devices were not, and will not be: failed, cancelled, aborted, rejected."""
        return self._count(State.FAILED)

    @property
    def rejected(self) -> int:
        """How many of those were not even taken into the campaign."""
        return sum(row is not None and is_rejected(row.status) for row in self.rows.values())

    @property
    def undecided(self) -> int:
        """How many devices have no final word yet."""
        return self.devices - self.succeeded - self.failed

    def judge(self, success_rate: float) -> Judgement:
        """Say whether the fleet may follow.

        Args:
            success_rate: The share of devices that must succeed.
        """
        undecided = 0 if self.is_over else self.undecided
        # What has no row when all is over was never taken.
        absent = sum(row is None for row in self.rows.values()) if self.is_over else 0
        taken = self.devices - self.rejected - absent
        needed = ceil(success_rate * self.devices)
        if taken < LEAST or self.succeeded + undecided < needed:
            return Judgement.FAILED
        return Judgement.OPEN if undecided else Judgement.PASSED

    def __iter__(self) -> Iterator[tuple[str, Row | None]]:
        return iter(self.rows.items())

    def __str__(self) -> str:
        return (
            f"pilot {self.target} ({self.status}): {self.succeeded} of {self.devices} devices "
            f"succeeded, {self.failed} failed, {self.rejected} of them rejected, "
            f"{self.undecided} undecided"
        )

    def _count(self, state: State) -> int:
        return sum(upgrade_outcome(row) is state for row in self.rows.values())

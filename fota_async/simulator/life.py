"""The life of an upgrade or campaign when nobody interferes: what it comes to, and when."""

from datetime import date
from typing import Final

from fota_async.simulator.days import Calendar
from fota_async.simulator.rules import Rules
from fota_async.simulator.targets import Target
from fota_async.simulator.versions import V2, V3, Stage

_ON_DEMAND_WAIT: Final = 5_400.0
"""About 90 minutes (page "Campaign Timing")."""
_DAY: Final = 86_400.0
_WEEK: Final = 7 * _DAY


def next_move(target: Target, rules: Rules, calendar: Calendar) -> tuple[float, Stage] | None:
    """Return when it leaves its state and for which one, or None if it stays there.

    The states are those of the pages "Campaign Lifecycle Flow for v1", "... v2", "... v3".
    A target whose first day has begun is on demand: v2 skips the queue then, v1 and v3 wait
    in it for about 90 minutes.
    """
    since = target.since
    match target.stage:
        case Stage.PENDING:
            skips = target.version is V2 and _first_moment(target, calendar) <= since
            return since + rules.pending_for, Stage.RUNNING if skips else Stage.QUEUED
        case Stage.QUEUED:
            following = Stage.PRESCHEDULED if target.version is V3 else Stage.RUNNING
            if rules.queued_for is not None:
                return since + rules.queued_for, following
            first = _first_moment(target, calendar)
            return (first if first > since else since + _ON_DEMAND_WAIT), following
        case Stage.PRESCHEDULED:
            return since + rules.prescheduled_for, Stage.RUNNING
        case Stage.RUNNING:
            return end_of_run(target, since, rules, calendar), Stage.ENDED
    return None


def end_of_run(target: Target, started: float, rules: Rules, calendar: Calendar) -> float:
    """Return the moment at which it ends if it begins to run at `started`."""
    if rules.runs_for is not None:
        return started + rules.runs_for
    if target.version is V2 and started > _first_moment(target, calendar):
        return started + _WEEK
    last = 0.0
    if target.end_date is not None:
        last = calendar.end_of(date.fromisoformat(target.end_date))
    # How long it runs whose last day is over, or unknown, is not documented.
    return last if last > started else started + _DAY


def _first_moment(target: Target, calendar: Calendar) -> float:
    return calendar.start_of(date.fromisoformat(target.start_date))

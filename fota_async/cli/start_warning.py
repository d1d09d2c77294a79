"""The warning that a target starts soon: from then on its devices cannot be changed.

What is documented (wire contract, v1 timing): an upgrade with a date starts around 00:00 UTC of its
start date, one on demand within about two hours of being scheduled. Of campaigns the contract says
no hour; they are taken to start alike. Nor is the zone documented of a time that names none; it is
read as UTC.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fota_async.cli.pace import duration
from fota_async.events import TargetEvent
from fota_async.wire.timestamp import Timestamp

_NEAR = timedelta(hours=24)
_ENDS = "from then on its devices cannot be changed"


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class StartWarning:
    """Warns once when the start is near, and once when the run would not be done by then.

    Args:
        now: Tells the present moment, in UTC.
    """

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self._start: datetime | None = None
        self._near_told: datetime | None = None
        self._late_told: datetime | None = None

    def saw(self, event: TargetEvent) -> str | None:
        """Take in what was read of the target; return a warning, or None."""
        self._start = _moment(event.start_date)
        if self._start is None or self._start == self._near_told:
            return None
        left = self._start - self._now()
        # A target that is still open long after its date: the date says nothing about it.
        if not -_NEAR < left < _NEAR:
            return None
        self._near_told = self._start
        if left > timedelta(0):
            return f"the target starts around {self._when(left)}: {_ENDS}"
        return (
            f"the start date of the target, {self._start:%Y-%m-%d}, has begun: it can start at any "
            f"moment, and {_ENDS}"
        )

    def lasts(self, seconds: float | None) -> str | None:
        """Take in how long the run still takes, about; return a warning, or None."""
        if seconds is None or self._start is None or self._start == self._late_told:
            return None
        left = self._start - self._now()
        if not timedelta(0) < left < timedelta(seconds=seconds):
            return None
        self._late_told = self._start
        return (
            f"at the present rate this takes about {duration(seconds)} more, and the target starts "
            f"around {self._when(left)}: {_ENDS}, so some would come too late; a campaign can be "
            "moved with `fota campaigns dates`"
        )

    def _when(self, left: timedelta) -> str:
        return f"{self._start:%Y-%m-%d %H:%M} UTC, in {duration(left.total_seconds())}"


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else Timestamp(text).parsed
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

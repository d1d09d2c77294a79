"""The server's calendar: its day follows its clock."""

from datetime import UTC, date, datetime, time, timedelta

import attrs


@attrs.frozen
class Calendar:
    """Turns moments of the server's clock into days and times, and back.

    Args:
        first_day: The day that has just begun, UTC, at the moment `began`.
        began: Seconds of the clock.

    """

    first_day: date
    began: float

    def time_at(self, moment: float) -> datetime:
        """Return what a watch in UTC shows at that moment."""
        midnight = datetime.combine(self.first_day, time.min, UTC)
        return midnight + timedelta(seconds=moment - self.began)

    def day_at(self, moment: float) -> date:
        """Return the day of that moment."""
        return self.time_at(moment).date()

    def start_of(self, day: date) -> float:
        """Return the moment of 00:00 UTC of that day."""
        return self.began + (day - self.first_day).total_seconds()

    def end_of(self, day: date) -> float:
        """Return the moment at which that day is over."""
        return self.start_of(day) + 86_400


def rfc3339(time: datetime) -> str:
    """Write a time as most answers have it, `2018-04-01T16:03:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def go_text(time: datetime) -> str:
    """Write a time as the default text of Go has it, `2021-06-03 00:03:56.079 +0000 UTC`."""
    seconds = time.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
    return seconds.removesuffix("+00:00") + " +0000 UTC"

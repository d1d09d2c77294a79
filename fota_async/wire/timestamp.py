"""Times as the wire writes them: the text is kept, and read where one of its layouts fits."""

import re
from datetime import UTC, datetime, timedelta, timezone

_ZONE = r"(?P<zone>Z|[+-]\d\d:?\d\d)"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?)?"
_DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_IN_PROSE = re.compile(
    rf"(?P<day>\d{{1,2}}) (?P<month>{'|'.join(_MONTHS)}) (?P<year>\d\d|\d{{4}}) {_CLOCK} "
    r"(?P<zone>UTC|GMT|[+-]\d{4})",
    re.IGNORECASE,
)
_LAYOUTS = (
    re.compile(_DAY),
    re.compile(rf"{_DAY}T{_CLOCK}{_ZONE}", re.IGNORECASE),
    # Go's default: the name of the zone repeats its offset.
    re.compile(rf"{_DAY} {_CLOCK} (?P<zone>[+-]\d{{4}})(?: [A-Za-z0-9+-]+)?(?: m=\S+)?"),
    re.compile(rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}}) {_CLOCK}"),
    _IN_PROSE,
)
_NEVER = re.compile(r"0?1/0?1/1900 0?0:0?0:0?0")


class Timestamp(str):
    """A date or a time, word for word; equal to its text.

    The vendor writes six layouts, at times two of them in the same place.

    >>> seen = Timestamp("2020-08-27 14:48:17 +0000 UTC")
    >>> seen == "2020-08-27 14:48:17 +0000 UTC", seen.parsed
    (True, datetime.datetime(2020, 8, 27, 14, 48, 17, tzinfo=datetime.timezone.utc))
    >>> Timestamp("01/01/1900 0:0:0").is_never
    True
    """

    __slots__ = ()

    @property
    def parsed(self) -> datetime | None:
        """The moment it names, or None: a text in no known layout, or the marker for "never".

        It has a time zone only where the text names one; a bare date is its midnight.
        """
        if self.is_never:
            return None
        text = self.strip()
        found = next((match for one in _LAYOUTS if (match := one.fullmatch(text))), None)
        return _moment(found) if found else None

    @property
    def is_never(self) -> bool:
        """Whether it is `01/01/1900 0:0:0`: v1 writes that for a device never upgraded."""
        return _NEVER.fullmatch(self.strip()) is not None

    @classmethod
    def in_prose(cls, text: str) -> "Timestamp | None":
        """Return the time that a sentence names, such as `06 Oct 22 18:05 UTC`, or None.

        Args:
            text: For instance the reason of a device whose upgrade is pending (v3).
        """
        found = _IN_PROSE.search(text)
        return cls(found[0]) if found else None


def _moment(found: re.Match[str]) -> datetime | None:
    given = found.groupdict()
    year, month = given["year"], given["month"]
    hour, minute, second = (int(given.get(name) or 0) for name in ("hour", "minute", "second"))
    # Go writes up to nine digits; a datetime holds six.
    fraction = int((given.get("fraction") or "").ljust(6, "0")[:6])
    try:
        return datetime(
            int(year) + (2000 if len(year) == 2 else 0),
            int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1,
            int(given["day"]),
            hour,
            minute,
            second,
            fraction,
            tzinfo=_zone(given.get("zone")),
        )
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)

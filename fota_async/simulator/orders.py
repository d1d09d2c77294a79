"""The bodies of calls that schedule a campaign or change its dates: what they must have."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import attrs

from fota_async.simulator import refusals
from fota_async.simulator.campaigns import Details
from fota_async.simulator.exchange import Refused

_OTHER_NAMES: Final = {
    "softwareName": "software",
    "campaignTimeWindowList": "timeWindowList",
}
"""Second spellings of members (wire contract, rows 17 and 27)."""


@attrs.frozen(kw_only=True)
class Order:
    """Which members a body has, beside its device list.

    Args:
        texts: Texts it needs.
        days: Days it may have, beside the first and the last one, which it needs.
        windows: Lists of daily windows it may have.
        flags: Truth values it may have, False where they are left out.
        named: Whether it may have a `campaignName`.

    """

    texts: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    named: bool = True

    def read(self, members: Mapping[str, Any] | None) -> Details:
        """Return what was ordered, in the wire's spelling.

        Args:
            members: The members of the body by lower-case name.

        Raises:
            Refused: Something is missing or malformed. Which words v2 and v3 have for it is
                not documented; these are v1's and ones made up after them.

        """
        if members is None:
            raise _not_bound()
        details: Details = {}
        if self.named and (name := _member(members, "campaignName")) is not None:
            details["campaignName"] = _text(name)
        for name in self.texts:
            details[name] = _text(_member(members, name))
        for name in ("startDate", "endDate"):
            details[name] = _day(name, _member(members, name))
        if details["endDate"] < details["startDate"]:
            raise Refused(refusals.invalid_parameter("endDate is before startDate"))
        for name in self.days:
            if (value := _member(members, name)) is not None:
                details[name] = _day(name, value)
        for name in self.windows:
            if (value := _member(members, name)) is not None:
                details[name] = _windows(name, value)
        for name in self.flags:
            details[name] = _flag(_member(members, name))
        return details


_V2_TIMES: Final[dict[str, Any]] = {
    "days": ("downloadAfterDate", "installAfterDate"),
    "windows": ("downloadTimeWindowList", "installTimeWindowList"),
}
SOFTWARE: Final = Order(
    texts=("softwareName", "softwareFrom", "softwareTo", "distributionType"), **_V2_TIMES
)
FILE: Final = Order(texts=("fileName", "fileVersion", "distributionType"), **_V2_TIMES)
FIRMWARE: Final = Order(
    texts=("firmwareName", "firmwareFrom", "firmwareTo", "protocol"),
    windows=("campaignTimeWindowList",),
    flags=("autoAssignLicenseFlag", "autoAddDevicesFlag"),
)
DATES_V2: Final = Order(named=False, **_V2_TIMES)
DATES_V3: Final = Order(named=False, windows=("campaignTimeWindowList",))


def hours_as_numbers(details: Details) -> Details:
    """Return details whose hours are numbers, whatever they were sent as."""
    return {
        name: [{at: int(hour) for at, hour in window.items()} for window in value]
        if name.endswith("WindowList")
        else value
        for name, value in details.items()
    }


def _member(members: Mapping[str, Any], name: str) -> Any:
    value = members.get(name.lower())
    other = _OTHER_NAMES.get(name)
    return members.get(other.lower()) if value is None and other else value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _not_bound()
    return value


def _flag(value: object) -> bool:
    # Older SDKs send no flags.
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _not_bound()
    return value


def _day(name: str, value: object) -> str:
    try:
        day = date.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day != value:
        raise Refused(refusals.invalid_parameter(f"Invalid {name}"))
    return day


def _windows(name: str, value: object) -> list[dict[str, Any]]:
    """Return the windows with their hours as sent."""
    if not isinstance(value, list):
        raise _not_bound()
    windows = []
    for window in value:
        if not isinstance(window, dict):
            raise _not_bound()
        hours = {at.lower(): hour for at, hour in window.items()}
        start, end = hours.get("starttime"), hours.get("endtime")
        if not _is_hour(start, 0, 23) or not _is_hour(end, 1, 24):
            raise Refused(refusals.invalid_parameter(f"Invalid {name}"))
        windows.append({"startTime": start, "endTime": end})
    return windows


def _is_hour(value: object, first: int, last: int) -> bool:
    """Return whether a number, or a text of digits (row 16), is an hour in the range."""
    if isinstance(value, str) and len(value) <= 2 and value.isascii() and value.isdigit():
        value = int(value)
    return isinstance(value, int) and not isinstance(value, bool) and first <= value <= last


def _not_bound() -> Refused:
    return Refused(refusals.invalid_parameter("Input binding error"))

"""Moments in the layouts of the wire contract, "Dates and times"."""

import datetime
from typing import Final

NEVER_UPGRADED: Final = "01/01/1900 0:0:0"
"""What v1 says of a device that was never upgraded."""


def date(at: datetime.datetime) -> str:
    """Return `2018-04-01`."""
    return at.date().isoformat()


def rfc3339(at: datetime.datetime) -> str:
    """Return `2018-04-01T16:03:00.000Z`."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def go_text(at: datetime.datetime) -> str:
    """Return `2021-06-03 00:03:56.079 +0000 UTC`, the default text of Go."""
    return f"{at.replace(tzinfo=None).isoformat(' ', 'milliseconds')} +0000 UTC"


def us_text(at: datetime.datetime) -> str:
    """Return `10/22/2020 19:35:07`."""
    return at.strftime("%m/%d/%Y %H:%M:%S")

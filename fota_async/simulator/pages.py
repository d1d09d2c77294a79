"""Where a page begins, and what is on it (wire contract, "Pagination")."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import attrs

from fota_async.simulator import refusals
from fota_async.simulator.device_lists import is_device_id
from fota_async.simulator.exchange import Refused

FIRST: Final = "0"


@attrs.frozen
class Page:
    """Some ids of a list.

    Args:
        ids: The ids of this page.
        seen: How many ids of the list come before the next page.
        more: Whether there is a next page.

    """

    ids: Sequence[str]
    seen: int
    more: bool

    @property
    def last(self) -> str:
        """The last id, or `FIRST` for an empty page."""
        return self.ids[-1] if self.ids else FIRST


def after_device(ids: Sequence[str], cursor: str, size: int) -> Page:
    """Return the page of the ids larger than `cursor`.

    Args:
        ids: All ids, in ascending order.
        cursor: 0 or an IMEI. v1 hands it out as a number, so zeros in front may be missing.
        size: Most ids on a page.

    """
    last_seen = cursor.zfill(15)
    if not is_device_id(last_seen):
        raise Refused(refusals.invalid_parameter("LastSeenDeviceId Not Valid"))
    return _page(ids, bisect_right(ids, last_seen) if cursor != FIRST else 0, size)


def from_index(ids: Sequence[str], index: str, size: int) -> Page:
    """Return the page that begins after as many ids as `index` says."""
    if not (index.isascii() and index.isdigit()):
        raise Refused(refusals.invalid_parameter("Invalid index value"))
    # Fifteen digits are more than any list is long, and cannot make an int of any length.
    start = int(index[:15])
    if start > len(ids):
        raise Refused(refusals.invalid_parameter("Index exceeds number of devices in list"))
    return _page(ids, start, size)


def _page(ids: Sequence[str], start: int, size: int) -> Page:
    end = min(start + size, len(ids))
    return Page(ids[start:end], end, end < len(ids))

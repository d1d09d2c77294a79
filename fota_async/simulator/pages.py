"""Where a page begins, and what is on it (wire contract, "Pagination")."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import attrs

from fota_async.simulator import refusals
from fota_async.simulator.device_lists import is_device_id, is_stranger
from fota_async.simulator.exchange import Refused
from fota_async.simulator.rules import Rules
from fota_async.simulator.world import Account

FIRST: Final = "0"


@attrs.frozen
class Page:
    """Some ids of a list.

    Args:
        ids: The ids of this page.
        more: Whether there is a next page.

    """

    ids: Sequence[str]
    more: bool

    @property
    def last(self) -> str:
        """The last id, or `FIRST` for an empty page."""
        return self.ids[-1] if self.ids else FIRST


def last_seen(cursor: str, account: Account, rules: Rules) -> str:
    """Return the device after which a page begins, empty for the first page.

    Args:
        cursor: 0 or an IMEI. v1 hands it out as a number, so zeros in front may be missing.
        account: The account, which has to have the device.
        rules: Say whether every IMEI is as good as one of its own.

    """
    device_id = cursor.zfill(15)
    stranger = is_stranger(account, rules, device_id) and device_id not in account.licenses
    if cursor != FIRST and (not is_device_id(device_id) or stranger):
        raise Refused(refusals.invalid_parameter("LastSeenDeviceId Not Valid"))
    return "" if cursor == FIRST else device_id


def after_device(ids: Sequence[str], device_id: str, size: int) -> Page:
    """Return the page of the ids larger than `device_id`.

    Args:
        ids: All ids, in ascending order.
        device_id: As `last_seen` returns it.
        size: Most ids on a page.

    """
    return _page(ids, bisect_right(ids, device_id), size)


def place(index: str, length: int) -> int:
    """Return the number of items before a page, as a position by number says."""
    if not (index.isascii() and index.isdigit()):
        raise Refused(refusals.invalid_parameter("Invalid index value"))
    # Fifteen digits are more than any list is long, and cannot make an int of any length.
    start = int(index[:15])
    if start > length:
        raise Refused(refusals.invalid_parameter("Index exceeds number of devices in list"))
    return start


def from_index(ids: Sequence[str], index: str, size: int) -> Page:
    """Return the page that begins after as many ids as `index` says."""
    return _page(ids, place(index, len(ids)), size)


def _page(ids: Sequence[str], start: int, size: int) -> Page:
    end = start + size
    return Page(ids[start:end], end < len(ids))

"""Lists of devices without a state, and how they are read."""

from collections.abc import Callable
from typing import Any, TypeVar

from fota_async.api.pages import Pages
from fota_async.batch.device_ids import is_device_id
from fota_async.batch.reading import Reading, Row
from fota_async.errors import CallError
from fota_async.wire.paging import Page

P = TypeVar("P", bound=Page[Any])

_TRIES = 3


async def read_listed(
    pages: Pages[P],
    wanted: frozenset[str],
    *,
    id_of: Callable[[Any], str],
    total_of: Callable[[P], int | None],
) -> Reading:
    """Read a list to its end, and keep the devices asked about.

    Where pages are found by number, a list that changes meanwhile shifts, and a device can slip
    from one page to another unseen. The total that comes with each page tells; such a reading is
    made again.

    Args:
        pages: The list.
        wanted: The devices asked about.
        id_of: Returns the device of an item.
        total_of: Returns how many there are in all, as a page says, or None.

    Raises:
        CallError: A page cannot be read, or the list changed during each of three readings.
    """
    for _ in range(_TRIES):
        rows: dict[str, Row] = {}
        others = 0
        totals: set[int | None] = set()
        by_number = False
        async for page in pages.pages():
            totals.add(total_of(page))
            by_number |= bool(page.more) and not is_device_id(page.cursor or "")
            for device in map(id_of, page.items):
                if device in wanted:
                    rows[device] = Row()
                else:
                    others += 1
        if not by_number or len(totals) == 1:
            return Reading(rows, others=others)
    raise CallError("the list changed while it was read, three times", sent="no")

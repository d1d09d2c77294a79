"""The device list of a sync, read to its end before anything is compared."""

import asyncio
from collections import Counter

from fota_async.batch.device_ids import DeviceSet, Sieve
from fota_async.batch.errors import SyncRefused
from fota_async.batch.source import Source

_HINTS = 3


async def read_wanted(source: Source) -> tuple[DeviceSet, int]:
    """Return the devices of an input, and how many were there twice.

    Raises:
        SyncRefused: It is empty, or not all of it are device ids.
        SourceError: It cannot be read.
    """
    sieve = Sieve()
    duplicates = invalid = 0
    hints: Counter[str] = Counter()
    await source.open()
    try:
        while inputs := await source.read():
            sifted = sieve.sift(inputs)
            duplicates += sifted.duplicates
            invalid += len(sifted.malformed)
            hints.update(one.hint for one in sifted.malformed)
            await asyncio.sleep(0)  # a list in memory never waits, and others have work, too
    finally:
        await source.aclose()
    if invalid:
        said = ", ".join(f"{count:,}: {hint}" for hint, count in hints.most_common(_HINTS))
        raise SyncRefused(
            f"{invalid:,} inputs are no device ids ({said}); mend them first. Nothing was sent"
        )
    if not sieve.numbers:
        raise SyncRefused("the input is empty, so all devices would go; nothing was sent")
    return DeviceSet(sieve.numbers), duplicates

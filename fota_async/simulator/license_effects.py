"""What licences have to do with upgrades and campaigns.

Vendor page "Remove unused licenses from devices": a licence is unused while the device
was not upgraded since the assignment and is not being upgraded; taking it back cancels
what is scheduled for the device and has not started.
"""

from collections.abc import Collection, Iterable
from typing import Final

from fota_async.simulator.targets import Target
from fota_async.simulator.versions import Stage

UPGRADED: Final = "Device has been upgraded before"
"""A cause that the vendor names; its wording on the wire is not documented."""

BEING_UPGRADED: Final = "Device is being upgraded"
"""Likewise."""

_NOT_STARTED: Final = frozenset({Stage.PENDING, Stage.QUEUED, Stage.PRESCHEDULED})


def in_use(targets: Iterable[Target], device_id: str, since: float, now: float) -> str | None:
    """Return why a device has to keep its licence, or None.

    Args:
        targets: The upgrades and campaigns of its account.
        device_id: The device.
        since: The moment it got the licence.
        now: The moment.

    """
    return next(filter(None, (_use(target, device_id, since, now) for target in targets)), None)


def withdraw(targets: Iterable[Target], ids: Collection[str], now: float) -> None:
    """Take devices that lost their licence off whatever has not started.

    What becomes of their rows is not documented.
    """
    for target in targets:
        if target.stage in _NOT_STARTED:
            rows = target.rows
            rows.write({i: None for i in ids if i in rows.current}, now)


def _use(target: Target, device_id: str, since: float, now: float) -> str | None:
    row = target.rows.current.get(device_id)
    if row is None:
        return None
    read, words = row.at(now), target.version
    if read.status == words.succeeded.status:
        upgraded = target.since if read is row else row.turns_at
        return UPGRADED if since <= upgraded else None
    waiting = {row.status for row in words.waiting}
    running = target.stage is Stage.RUNNING and read.status in waiting
    return BEING_UPGRADED if running else None

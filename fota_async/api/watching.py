"""Watching a target: every change of its state and of its devices, reading by reading."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

import attrs

from fota_async.api.waiting import passes
from fota_async.api.wakeups import Wakeup
from fota_async.batch.reading import Row
from fota_async.clock import Clock
from fota_async.errors import CallError, ConfigurationError
from fota_async.wire.enums import CampaignStatus, UpgradeStatus


@attrs.frozen
class TargetChange:
    """An upgrade or a campaign came into another state.

    >>> simulator.set_status(upgrade_id, "Finished")
    >>> async for change in fota.v1.upgrades.watch(upgrade_id):
    ...     if isinstance(change, TargetChange):
    ...         print(change.before, "->", change.now)
    None -> Finished

    Attributes:
        target_id: Which one.
        before: Its state before; None at the first reading.
        now: Its state, word for word.
    """

    target_id: str
    before: str | None
    now: str


@attrs.frozen
class DeviceChange:
    """The row of a device changed.

    >>> simulator.set_status(upgrade_id, "Finished")
    >>> async for change in fota.v1.upgrades.watch(upgrade_id):
    ...     if isinstance(change, DeviceChange) and change.device_id == imeis[0]:
    ...         print(change.device_id, change.before, change.now)
    990003425730524 None Row(status='UpgradeSuccess', reason='success')

    Attributes:
        target_id: The upgrade or campaign.
        device_id: IMEI.
        before: Its row before; None if it had none, and at the first reading.
        now: Its row; None if it has none any more.
    """

    target_id: str
    device_id: str
    before: Row | None
    now: Row | None


@attrs.frozen
class Seen:
    """What one reading of a target showed.

    Attributes:
        status: Its state; None where the answer has none.
        rows: All its devices.
    """

    status: UpgradeStatus | CampaignStatus | None
    rows: Mapping[str, Row]


def _seconds(_watch: object, _attribute: object, value: Any) -> None:
    if not (isinstance(value, int | float) and value > 0):
        raise ConfigurationError(f"interval is a number of seconds above 0, not {value!r}")


@attrs.frozen
class Watch:
    """A watch over one target.

    Attributes:
        target_id: The upgrade or campaign.
        clock: Whose seconds count.
        wakeup: Told when somebody knows more.
        interval: Seconds between readings.

    Raises:
        ConfigurationError: The interval is no number of seconds above nought.
    """

    target_id: str
    clock: Clock
    wakeup: Wakeup
    interval: float = attrs.field(validator=_seconds)

    async def changes(
        self, read: Callable[[], Awaitable[Seen]]
    ) -> AsyncGenerator[TargetChange | DeviceChange]:
        """Read again and again, and yield what changed; ends after the last state.

        Args:
            read: Reads the target with all its devices.

        Raises:
            CallError: The target cannot be read, and waiting does not help.
        """
        status: str | None = None
        rows: Mapping[str, Row] = {}
        while True:
            try:
                seen = await read()
            except CallError as error:
                if not passes(error):
                    raise
            else:
                if seen.status is not None and seen.status != status:
                    yield TargetChange(self.target_id, status, str(seen.status))
                    status = str(seen.status)
                for device in seen.rows.keys() | rows.keys():
                    before, now = rows.get(device), seen.rows.get(device)
                    if before != now:
                        yield DeviceChange(self.target_id, device, before, now)
                rows = seen.rows
                if seen.status is not None and seen.status.is_final:
                    return
            await self.wakeup.sleep(self.clock, self.interval * random.uniform(0.8, 1.0))  # noqa: S311 - spreads readings, keeps no secret

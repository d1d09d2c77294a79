"""What upgrades and campaigns share: to be waited for, and to be watched."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import ClassVar, Generic, Protocol

from fota_async.api.context import Context
from fota_async.api.waiting import S, Wait, wanted_status
from fota_async.api.watching import DeviceChange, Seen, TargetChange, Watch
from fota_async.batch.reading import Row
from fota_async.models.campaigns import CampaignV2, CampaignV3
from fota_async.models.reports import CampaignDevicePageV2, CampaignDevicePageV3
from fota_async.wire.enums import CampaignStatus
from fota_async.wire.route import Route


class Awaited(ABC, Generic[S]):
    """A kind of target whose states can be waited for and watched."""

    _states: type[S]

    def __init__(self, context: Context) -> None:
        self._context = context

    @abstractmethod
    async def _read_status(self, target_id: str) -> S | None:
        """Read the state of a target."""

    @abstractmethod
    async def _read_devices(self, target_id: str) -> Seen:
        """Read the state of a target, and all its devices."""

    async def wait_for(
        self,
        target_id: str,
        status: S | str,
        *,
        timeout: float | None,  # noqa: ASYNC109 - counts seconds of the clock that was passed in
    ) -> S:
        """Wait until an upgrade or a campaign is in a state, or has passed it.

        Reads it at growing intervals of 5 to 300 seconds, which also keeps the session alive, so
        that no login is needed however long it takes; and at once when `FotaClient.wake` is called.
        An outage is waited through. What follows what: wire contract, "Life cycles"; some states
        are skipped, as on-demand v2 campaigns skip the queue.

        >>> await fota.v1.upgrades.wait_for(upgrade_id, "Queued", timeout=3600)
        <UpgradeStatus.QUEUED: 'Queued'>
        >>> campaign_id = simulator.add_campaign("v2")
        >>> await fota.v2.campaigns.wait_for(campaign_id, "CampaignRequestQueued", timeout=3600)
        <CampaignStatus.REQUEST_QUEUED: 'CampaignRequestQueued'>
        >>> campaign_id = simulator.add_campaign("v3", status="CampaignEnded")
        >>> await fota.v3.campaigns.wait_for(campaign_id, "CampaignScheduled", timeout=3600)
        <CampaignStatus.ENDED: 'CampaignEnded'>

        Args:
            target_id: UUID from the schedule answer.
            status: The state.
            timeout: Seconds after which to give up; None for never.

        Returns:
            The state it is in, which may be one behind `status`.

        Raises:
            NeverReached: It is in its last state, and that is another one.
            WaitTimeout: It was not reached in time.
            ConfigurationError: The id cannot be one, the vendor lists no such state, or the timeout
                is no number of seconds; nothing was sent.
            RefusedError: There is no such target; a v1 upgrade that was cancelled is gone, too.
            CallError: It cannot be read for another reason that waiting does not cure.
        """
        wanted = wanted_status(self._states, status)
        with self._context.wakeups.waiting_for(target_id) as wakeup:
            wait = Wait(target_id, self._context.session.clock, wakeup, timeout)
            return await wait.until(wanted, lambda: self._read_status(target_id))

    async def watch(
        self, target_id: str, *, interval: float = 60.0
    ) -> AsyncGenerator[TargetChange | DeviceChange]:
        """Yield every change of an upgrade or a campaign and of its devices, to its last state.

        The first reading yields its state and each of its devices as they are then; all rows are
        kept for comparison, some 200 bytes a device. What changed and changed back between two
        readings is not seen. Reads at once when `FotaClient.wake` is called. An outage is waited
        through.

        >>> campaign_id = simulator.add_campaign("v3", status="CampaignEnded")
        >>> simulator.seed(imeis[:1], target_id=campaign_id)
        >>> async for change in fota.v3.campaigns.watch(campaign_id, interval=300):
        ...     print(type(change).__name__, change.now)
        TargetChange CampaignEnded
        DeviceChange Row(status='UpgradePending', reason='Upgrade pending, waiting for the ...

        Args:
            target_id: UUID from the schedule answer.
            interval: Seconds between readings. Each reads all devices: v1 in one answer, v2 and v3
                1,000 a page.

        Raises:
            ConfigurationError: The id cannot be one, or the interval is not above 0; nothing was
                sent.
            RefusedError: There is no such target; a v1 upgrade that was cancelled is gone, too.
            CallError: It cannot be read for another reason that waiting does not cure.
        """
        with self._context.wakeups.waiting_for(target_id) as wakeup:
            watch = Watch(target_id, self._context.session.clock, wakeup, interval)
            async with aclosing(watch.changes(lambda: self._read_devices(target_id))) as changes:
                async for change in changes:
                    yield change


class ListedDevice(Protocol):
    """A device in the list of a target."""

    @property
    def device_id(self) -> str:
        """IMEI."""
        ...

    @property
    def status(self) -> str | None:
        """Word for word."""
        ...

    @property
    def reason(self) -> str | None:
        """Word for word."""
        ...


def rows_of(devices: Iterable[ListedDevice]) -> dict[str, Row]:
    """Return the rows of devices; equal ones are one object, since a fleet has few."""
    known: dict[Row, Row] = {}
    rows = {}
    for device in devices:
        row = Row(device.status or "", device.reason or "")
        rows[str(device.device_id)] = known.setdefault(row, row)
    return rows


class AwaitedCampaigns(Awaited[CampaignStatus]):
    """Campaigns, whose devices are in a report of their own."""

    _states = CampaignStatus
    _devices: ClassVar[Route[CampaignDevicePageV2] | Route[CampaignDevicePageV3]]

    @abstractmethod
    async def get(self, campaign_id: str) -> CampaignV2 | CampaignV3:
        """Read a campaign."""

    async def _read_status(self, target_id: str) -> CampaignStatus | None:
        return (await self.get(target_id)).status

    async def _read_devices(self, target_id: str) -> Seen:
        status = await self._read_status(target_id)
        devices = self._context.pages(self._devices, "lastSeenDeviceId", campaign_id=target_id)
        return Seen(status, rows_of([device async for device in devices]))

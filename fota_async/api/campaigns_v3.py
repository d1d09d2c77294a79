"""v3 campaigns: firmware, a list of LWM2M devices, dates and hours.

Until a pilot with the same firmware succeeded, at least 5 devices of at most 20 with a success
rate of 50 %, a campaign holds at most 20 devices (vendor page "Pilot Campaigns").
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, Unpack

from fota_async.api.awaited import AwaitedCampaigns
from fota_async.api.campaign_devices import GET_V3, modify_campaign_v3
from fota_async.api.context import check_dates
from fota_async.api.reports import LIST_DEVICES_V3
from fota_async.api.schedule_v3 import SchedulesV3
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices, open_source
from fota_async.batch.sync import Approve, Sync, SyncReport
from fota_async.models.campaigns import (
    CampaignDatesV3,
    CampaignV3,
    TimeWindow,
)
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, or_nothing, put

CHANGE_DATES = put(
    "/api/fota/v3/campaigns/firmware/{account}/{campaign_id}/dates", CampaignV3, Repeat.IDEMPOTENT
)
CANCEL = or_nothing(delete("/api/fota/v3/campaigns/{account}/{campaign_id}", SuccessFlag))


class CampaignsV3(AwaitedCampaigns, SchedulesV3):
    """v3 campaigns, for LWM2M devices.

    Vendor pages "Campaign Lifecycle Flow for v3", "Get Upgrade Information", "Pilot Campaigns".

    >>> scheduled = await fota.v3.campaigns.schedule(
    ...     "SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1",
    ...     imeis,
    ...     firmware_from="SR1.2.0.0-10512",
    ...     firmware_to="SR1.2.0.0-10657",
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ... )
    >>> report = await fota.v3.campaigns.append_devices(scheduled.id, ["356938035643809"])
    >>> scheduled.report.pending, report.succeeded
    (3, 1)
    >>> synced = await fota.v3.campaigns.sync_devices(scheduled.id, imeis, max_removals=5)
    >>> synced.append.inputs, synced.remove.succeeded, synced.unchanged
    (0, 1, 3)
    >>> report = await fota.v3.campaigns.remove_devices(scheduled.id, imeis[:1])
    >>> report.succeeded
    1
    >>> (await fota.v3.campaigns.get(scheduled.id)).status
    <CampaignStatus.REQUEST_PENDING: 'CampaignRequestPending'>
    >>> days = {"start_date": date(2027, 4, 2), "end_date": date(2027, 4, 9)}
    >>> (await fota.v3.campaigns.change_dates(scheduled.id, **days)).start_date
    '2027-04-02'
    >>> await fota.v3.campaigns.cancel(scheduled.id)
    """

    _devices = LIST_DEVICES_V3

    async def get(self, campaign_id: str) -> CampaignV3:
        """Read a campaign; its devices are in `reports.list_campaign_devices`.

        Args:
            campaign_id: UUID from the schedule answer.

        Raises:
            ConfigurationError: The id cannot be part of a path; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V3, campaign_id=campaign_id)

    def append_devices(
        self,
        campaign_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Add devices to a campaign; possible until it is scheduled.

        Args:
            campaign_id: UUID from the schedule answer.
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes.

        Raises:
            ConfigurationError: The id is no UUID or an option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        return self._run("append", campaign_id, devices, column, options)

    def remove_devices(
        self,
        campaign_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Take devices off a campaign; possible until it is scheduled.

        Arguments, result and errors are those of `append_devices`.
        """
        return self._run("remove", campaign_id, devices, column, options)

    async def sync_devices(
        self,
        campaign_id: str,
        devices: Devices,
        *,
        max_removals: int = 0,
        approve: Approve | None = None,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> SyncReport:
        """Bring a campaign to a wanted list of devices; possible until it is scheduled.

        For what it does see `fota.v1.upgrades.sync_devices`: arguments, result and errors are the
        same. What a campaign with `auto_add_devices` added by itself is not wanted either, unless
        the list names it.
        """
        sync = Sync(
            self._context.session,
            modify_campaign_v3("append", self._context.account, campaign_id),
            modify_campaign_v3("remove", self._context.account, campaign_id),
            max_removals=max_removals,
            approve=approve,
            options=options,
        )
        return await sync.run(open_source(devices, column))

    async def change_dates(
        self,
        campaign_id: str,
        *,
        start_date: date,
        end_date: date,
        windows: Sequence[TimeWindow] = (),
    ) -> CampaignV3:
        """Change dates and hours: give all of them, also those that stay as they are.

        Before the start everything may change. After it the end may move, to no earlier than 24
        hours from now. Repeated after a lost answer.

        Args:
            campaign_id: UUID from the schedule answer.
            start_date: First day.
            end_date: Last day.
            windows: Hours of a day in which devices are upgraded.

        Raises:
            ConfigurationError: Dates in the wrong order, or an id that cannot be part of a path;
                nothing was sent.
            CallError: The call did not give its result.
        """
        check_dates(start_date, end_date)
        body = CampaignDatesV3(
            start_date=start_date, end_date=end_date, campaign_time_window_list=tuple(windows)
        )
        return await self._context.call(CHANGE_DATES, body=body, campaign_id=campaign_id)

    async def cancel(self, campaign_id: str) -> None:
        """Cancel a campaign that has not started.

        The vendor's pages disagree on whether one that has started can be aborted. Repeated after
        a lost answer; the second answer may then be a refusal.

        Args:
            campaign_id: UUID from the schedule answer.

        Raises:
            ConfigurationError: The id cannot be part of a path; nothing was sent.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        await self._context.call(CANCEL, campaign_id=campaign_id)

    def _run(
        self,
        name: Literal["append", "remove"],
        campaign_id: str,
        devices: Devices,
        column: str | None,
        options: RunOptions,
    ) -> BatchRun:
        operation = modify_campaign_v3(name, self._context.account, campaign_id)
        return self._context.run(operation, devices, column, options)

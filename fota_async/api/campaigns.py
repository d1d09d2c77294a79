"""v2 campaigns: software or a file, a list of HTTP devices, dates and hours.

Until a pilot with the same firmware succeeded, at least 5 devices of at most 20 with a success
rate of 50 %, a campaign holds at most 20 devices (vendor page "Pilot Campaigns").
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, Unpack

from fota_async.api.awaited import AwaitedCampaigns
from fota_async.api.campaign_devices import GET_V2, modify_campaign_v2
from fota_async.api.context import check_dates
from fota_async.api.reports import LIST_DEVICES_V2
from fota_async.api.schedule_v2 import SchedulesV2
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices, open_source
from fota_async.batch.sync import Approve, Sync, SyncReport
from fota_async.models.campaigns import (
    CampaignDatesV2,
    CampaignV2,
    TimeWindow,
)
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, or_nothing, put

CHANGE_DATES = put(
    "/api/fota/v2/campaigns/{account}/{campaign_id}/dates", CampaignV2, Repeat.IDEMPOTENT
)
CANCEL = or_nothing(delete("/api/fota/v2/campaigns/{account}/{campaign_id}", SuccessFlag))


class CampaignsV2(AwaitedCampaigns, SchedulesV2):
    """v2 campaigns, for HTTP devices.

    Vendor pages "Schedule an Upgrade", "Add or Remove Devices in an Upgrade",
    "Campaign Lifecycle Flow for v2", "Pilot Campaigns".

    >>> days = {"start_date": date(2027, 4, 1), "end_date": date(2027, 4, 8)}
    >>> scheduled = await fota.v2.campaigns.schedule_software(
    ...     "FOTA_Verizon_Model-A_02To03_HF",
    ...     imeis,
    ...     software_from="FOTA_Verizon_Model-A_00To01_HF",
    ...     software_to="FOTA_Verizon_Model-A_02To03_HF",
    ...     **days,
    ... )
    >>> report = await fota.v2.campaigns.append_devices(scheduled.id, ["990000473475989"])
    >>> scheduled.report.pending, report.pending
    (3, 1)
    >>> wanted = [*imeis, "990000473475989"]
    >>> synced = await fota.v2.campaigns.sync_devices(scheduled.id, wanted)
    >>> synced.append.inputs, synced.remove.inputs, synced.unchanged
    (0, 0, 4)
    >>> report = await fota.v2.campaigns.remove_devices(scheduled.id, imeis[:1], settle=True)
    >>> report.succeeded
    1
    >>> (await fota.v2.campaigns.get(scheduled.id)).status
    <CampaignStatus.REQUEST_PENDING: 'CampaignRequestPending'>
    >>> later = {"start_date": date(2027, 4, 2), "end_date": date(2027, 4, 9)}
    >>> (await fota.v2.campaigns.change_dates(scheduled.id, **later)).start_date
    '2027-04-02'
    >>> await fota.v2.campaigns.cancel(scheduled.id)

    A campaign with a file, and one in the general form:
    >>> scheduled = await fota.v2.campaigns.schedule_file(
    ...     "config.bin", imeis, file_version="1.0", **days
    ... )
    >>> scheduled.report.pending
    3
    >>> scheduled = await fota.v2.campaigns.schedule(
    ...     "FOTA_Verizon_Model-A_02To03_HF",
    ...     imeis,
    ...     software_from="FOTA_Verizon_Model-A_00To01_HF",
    ...     software_to="FOTA_Verizon_Model-A_02To03_HF",
    ...     distribution_type="HTTP",
    ...     **days,
    ... )
    >>> scheduled.report.pending
    3

    A pilot, here of a server that upgrades it within seconds, and then the fleet:
    >>> simulator.rules = Rules(life_cycle=True, pending_for=0, queued_for=0, runs_for=5)
    >>> pilot = {"pilot_start_date": date(2027, 4, 1), "pilot_end_date": date(2027, 4, 2)}
    >>> fleet = {"start_date": date(2027, 4, 5), "end_date": date(2027, 5, 4)}
    >>> result = await fota.v2.campaigns.pilot_then_fleet_file(
    ...     "config.bin",
    ...     [f"35693803564{n}" for n in range(4000, 4100)],
    ...     file_version="1.0",
    ...     timeout=3600,
    ...     **pilot,
    ...     **fleet,
    ... )
    >>> result.pilot.succeeded, result.fleet.report.pending
    (20, 80)
    """

    _devices = LIST_DEVICES_V2

    async def get(self, campaign_id: str) -> CampaignV2:
        """Read a campaign; its devices are in `reports.list_campaign_devices`.

        Args:
            campaign_id: UUID from the schedule answer.

        Raises:
            ConfigurationError: The id cannot be part of a path; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V2, campaign_id=campaign_id)

    def append_devices(
        self,
        campaign_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Add devices to a campaign; possible while it is pending or queued.

        v2 answers with a receipt, so a device is `pending` where nobody waits for more. Nothing
        that a receipt took is sent again.

        Args:
            campaign_id: UUID from the schedule answer.
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            settle: Whether to read the campaign devices report, now and then, until it shows what
                became of each device: accepted is `succeeded`, rejected is `failed`. What does not
                show within `settle_limit` seconds of its receipt stays `pending`. An old row cannot
                be told from a new one: of a device that the campaign had rejected before, a
                rejection that stands for two readings, `settle_delay` apart, counts; where
                receipts take longer than that, `report.recheck()` tells.
            options: See `RunOptions`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes.

        Raises:
            ConfigurationError: The id is no UUID or an option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        return self._run("append", campaign_id, devices, column, options, settle=settle)

    def remove_devices(
        self,
        campaign_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Take devices off a campaign; possible while it is pending or queued.

        Arguments, result and errors are those of `append_devices`. With `settle`, what two readings
        do not show any more is `succeeded`.
        """
        return self._run("remove", campaign_id, devices, column, options, settle=settle)

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
        """Bring a campaign to a wanted list of devices; possible while it is pending or queued.

        Reads the campaign devices report, appends what is missing, waits up to `settle_limit` until
        the report shows it, then removes what is not wanted. For the rest see
        `fota.v1.upgrades.sync_devices`: arguments, result and errors are the same.
        """
        sync = Sync(
            self._context.session,
            modify_campaign_v2("append", self._context.account, campaign_id, settle=True),
            modify_campaign_v2("remove", self._context.account, campaign_id, settle=True),
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
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
    ) -> CampaignV2:
        """Change dates and hours: give all of them, also those that stay as they are.

        Before the start everything may change. After it the end may move, to no earlier than 24
        hours from now, and windows may be added but not removed. Repeated after a lost answer.

        Args:
            campaign_id: UUID from the schedule answer.
            start_date: First day.
            end_date: Last day.
            download_after_date: First day on which devices download.
            download_windows: Hours of a day in which they do.
            install_after_date: First day on which devices install.
            install_windows: Hours of a day in which they do.

        Raises:
            ConfigurationError: Dates in the wrong order, or an id that cannot be part of a path;
                nothing was sent.
            CallError: The call did not give its result.
        """
        check_dates(start_date, end_date)
        body = CampaignDatesV2(
            start_date=start_date,
            end_date=end_date,
            download_after_date=download_after_date,
            download_time_window_list=tuple(download_windows),
            install_after_date=install_after_date,
            install_time_window_list=tuple(install_windows),
        )
        return await self._context.call(CHANGE_DATES, body=body, campaign_id=campaign_id)

    async def cancel(self, campaign_id: str) -> None:
        """Cancel a campaign; one that has started is aborted, and what is upgraded stays so.

        The vendor's SDK says that a started campaign cannot be cancelled. Repeated after a lost
        answer; the second answer may then be a refusal.

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
        *,
        settle: bool,
    ) -> BatchRun:
        operation = modify_campaign_v2(name, self._context.account, campaign_id, settle=settle)
        return self._context.run(operation, devices, column, options)

"""Scheduling v3 campaigns: firmware, a list of LWM2M devices, dates and hours.

Until a pilot with the same firmware succeeded, at least 5 devices of at most 20 with a success
rate of 50 %, a campaign holds at most 20 devices (vendor page "Pilot Campaigns").
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Unpack

import attrs

from fota_async.api.campaign_devices import modify_campaign_v3
from fota_async.api.context import Context, check_dates
from fota_async.api.reports import ReportsV3
from fota_async.api.schedule import ScheduledCampaign, schedule_campaign, schedule_run
from fota_async.batch.operation import Operation
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.models.campaigns import CampaignV3, TimeWindow
from fota_async.models.schedule_campaigns import ScheduleFirmwareCampaign
from fota_async.wire.route import post

SCHEDULE = post("/api/fota/v3/campaigns/firmware/{account}", CampaignV3)


class SchedulesV3(ABC):
    """The calls of `fota_async.api.campaigns_v3.CampaignsV3` that schedule.

    Vendor pages "Schedule an Upgrade" (v3), "Pilot Campaigns".
    """

    _context: Context

    @abstractmethod
    async def get(self, campaign_id: str) -> CampaignV3:
        """Read a campaign."""

    def schedule(
        self,
        firmware_name: str,
        devices: Devices,
        *,
        firmware_from: str,
        firmware_to: str,
        protocol: str = "LWM2M",
        start_date: date,
        end_date: date,
        campaign_name: str | None = None,
        windows: Sequence[TimeWindow] = (),
        auto_assign_license: bool = False,
        auto_add_devices: bool = False,
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> ScheduleRun[ScheduledCampaign[CampaignV3]]:
        """Schedule a campaign, with the first batch of a device list; append the rest.

        An answer means accepted, not scheduled: the step shows in `get`. The request is never
        repeated after a lost answer, since a repeat can create a second campaign.

        Before a pilot with this firmware succeeded, a campaign holds at most 20 devices.
        `pilot_then_fleet` has the pilot, looks at it, and schedules for the rest.

        Args:
            firmware_name: Name from the firmware listing.
            devices: Ids one by one, sync or async, or the path of a file.
            firmware_from: Version that a device must have.
            firmware_to: Version that it then has.
            protocol: Passed on as it is.
            start_date: First day.
            end_date: Last day; the vendor advises at most a month after the first.
            campaign_name: A name of your own.
            windows: Hours of a day in which devices are upgraded.
            auto_assign_license: Whether devices get licences by themselves.
            auto_add_devices: Whether the campaign grows by itself. Its list then shows devices
                that nobody appended.
            column: Header of the device ids in a CSV.
            settle: Whether to wait until the campaign devices report shows each device of the
                first batch, up to `settle_limit` seconds; else those are `pending`.
            options: See `RunOptions`. With `journal`, the same call goes on after a crash, and
                never schedules twice.

        Returns:
            A run: `await` it for the `ScheduledCampaign` with its `id` and its `report` over all
            devices, or enter it to iterate over outcomes. See `ScheduleRun` for what it raises.

        Raises:
            ConfigurationError: Dates in the wrong order, or an option cannot work.
            TypeError: `devices` is a bare string or no device list at all.
        """
        check_dates(start_date, end_date)
        body = ScheduleFirmwareCampaign(
            campaign_name=campaign_name,
            firmware_name=firmware_name,
            firmware_from=firmware_from,
            firmware_to=firmware_to,
            protocol=protocol,
            start_date=start_date,
            end_date=end_date,
            campaign_time_window_list=tuple(windows),
            device_list=(),
            auto_assign_license_flag=auto_assign_license,
            auto_add_devices_flag=auto_add_devices,
        )
        account = self._context.account

        def append(campaign_id: str) -> Operation:
            return attrs.evolve(modify_campaign_v3("append", account, campaign_id), awaits=settle)

        schedule = schedule_campaign(
            self._context,
            SCHEDULE,
            body,
            append=append,
            get=self.get,
            list_campaigns=ReportsV3(self._context).list_campaigns,
        )
        result = ScheduledCampaign[CampaignV3]
        return schedule_run(self._context, schedule, devices, column, options, result=result)

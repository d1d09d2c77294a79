"""Scheduling v3 campaigns: firmware, a list of LWM2M devices, dates and hours.

Until a pilot with the same firmware succeeded, at least 5 devices of at most 20 with a success
rate of 50 %, a campaign holds at most 20 devices (vendor page "Pilot Campaigns").
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Unpack

import attrs

from fota_async.api.campaign_devices import modify_campaign_v3
from fota_async.api.context import Context, check_dates
from fota_async.api.pilot import Pilot, PilotResult, pilot_name
from fota_async.api.reports import ReportsV3
from fota_async.api.schedule import ScheduledCampaign, schedule_campaign, schedule_run
from fota_async.api.watching import Seen
from fota_async.batch.operation import Operation
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices, open_source
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

    @abstractmethod
    async def _read_devices(self, target_id: str) -> Seen:
        """Read a campaign with its devices."""

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

    async def pilot_then_fleet(
        self,
        firmware_name: str,
        devices: Devices,
        *,
        firmware_from: str,
        firmware_to: str,
        pilot_start_date: date,
        pilot_end_date: date,
        start_date: date,
        end_date: date,
        timeout: float | None,  # noqa: ASYNC109 - counts seconds of the clock that was passed in
        pilot: int | Sequence[str] = 20,
        success_rate: float = 0.5,
        protocol: str = "LWM2M",
        campaign_name: str | None = None,
        windows: Sequence[TimeWindow] = (),
        auto_assign_license: bool = False,
        auto_add_devices: bool = False,
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> PilotResult[CampaignV3]:
        """Schedule a pilot; when it has succeeded, schedule a campaign for all other devices.

        A pilot succeeds with 5 to 20 devices of which half are upgraded; before, a campaign holds
        at most 20 devices (vendor page "Pilot Campaigns"). Waits until each device of the pilot has
        its final word, or too many have failed: it reads at growing intervals of 5 to 300 seconds,
        and at once when `FotaClient.wake` is called. `PilotEvent` tells of each reading.

        With `journal="fleet.db"` the same call goes on after a crash: never a second pilot, never a
        second campaign for the fleet. The pilot is recorded beside it, in `fleet-pilot.db`.

        When the API counts a pilot as succeeded is not documented. If it refuses the fleet all the
        same, the same call with the same journal asks again.

        >>> simulator.rules = Rules(
        ...     life_cycle=True, pending_for=0, queued_for=0, prescheduled_for=0, runs_for=5
        ... )
        >>> result = await fota.v3.campaigns.pilot_then_fleet(
        ...     "SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1",
        ...     [f"35693803564{n}" for n in range(4000, 4100)],
        ...     firmware_from="SR1.2.0.0-10512",
        ...     firmware_to="SR1.2.0.0-10657",
        ...     pilot_start_date=date(2027, 4, 1),
        ...     pilot_end_date=date(2027, 4, 2),
        ...     start_date=date(2027, 4, 5),
        ...     end_date=date(2027, 5, 4),
        ...     timeout=3600,
        ... )
        >>> result.pilot.succeeded, result.fleet.report.inputs
        (20, 80)

        Args:
            firmware_name: Name from the firmware listing.
            devices: Ids one by one, sync or async, or the path of a file.
            firmware_from: Version that a device must have.
            firmware_to: Version that it then has.
            pilot_start_date: First day of the pilot.
            pilot_end_date: Last day of the pilot.
            start_date: First day of the fleet.
            end_date: Last day of the fleet.
            timeout: Seconds after which the pilot is waited for no longer; None for never.
            pilot: How many devices from the beginning of the list are the pilot, or which ones: 5
                to 20. Those of the list that are in the pilot are not in the fleet's campaign.
            success_rate: The share of the pilot's devices that must succeed, rejected ones
                included: 0.5 or more.
            protocol: Passed on as it is.
            campaign_name: A name of your own, for the fleet; the pilot's has "pilot" behind it.
            windows: Hours of a day in which devices are upgraded.
            auto_assign_license: Whether devices get licences by themselves.
            auto_add_devices: Whether the fleet's campaign grows by itself; the pilot's does not.
            column: Header of the device ids in a CSV.
            settle: As in `schedule`, for the fleet.
            options: See `RunOptions`; `deadline` and `max_failures` count for each of the two.

        Returns:
            What was seen of the pilot, and the fleet's campaign with its report.

        Raises:
            PilotStopped: The pilot did not succeed, or not in time; carries what was seen.
            ConfigurationError: Fewer than 5 devices, none beside the pilot, dates in the wrong
                order, or an option cannot work; nothing was sent.
            FotaError: What `schedule` raises, for the pilot or for the fleet; a note says which.
            TypeError: `devices` is a bare string or no device list at all.
        """
        schedule = partial(
            self.schedule,
            firmware_name,
            firmware_from=firmware_from,
            firmware_to=firmware_to,
            protocol=protocol,
            windows=windows,
            auto_assign_license=auto_assign_license,
        )
        one = Pilot(
            context=self._context,
            read=self._read_devices,
            schedule=schedule,
            of_pilot={
                "start_date": pilot_start_date,
                "end_date": pilot_end_date,
                "campaign_name": pilot_name(campaign_name),
            },
            of_fleet={
                "start_date": start_date,
                "end_date": end_date,
                "campaign_name": campaign_name,
                "auto_add_devices": auto_add_devices,
                "settle": settle,
            },
            devices=pilot,
            success_rate=success_rate,
            timeout=timeout,
            options=options,
        )
        return await one.run(open_source(devices, column))

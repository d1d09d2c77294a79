"""Scheduling v2 campaigns: software or a file, a list of HTTP devices, dates and hours.

Until a pilot with the same software or file succeeded, at least 5 devices of at most 20 with a
success rate of 50 %, a campaign holds at most 20 devices (vendor page "Pilot Campaigns").
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Unpack

from fota_async.api.campaign_devices import modify_campaign_v2
from fota_async.api.context import Context, check_dates
from fota_async.api.pilot import Pilot, PilotResult, pilot_name
from fota_async.api.reports import ReportsV2
from fota_async.api.schedule import ScheduledCampaign, schedule_campaign, schedule_run
from fota_async.api.watching import Seen
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices, open_source
from fota_async.models.campaigns import CampaignV2, TimeWindow
from fota_async.models.schedule_campaigns import (
    ScheduleCampaign,
    ScheduleFileCampaign,
    ScheduleSoftwareCampaign,
    TextTimeWindow,
)
from fota_async.wire.route import Route, post

SCHEDULE = post("/api/fota/v2/campaigns/{account}", CampaignV2)
SCHEDULE_SOFTWARE = post("/api/fota/v2/campaigns/software/{account}", CampaignV2)
SCHEDULE_FILE = post("/api/fota/v2/campaigns/files/{account}", CampaignV2)


class SchedulesV2(ABC):
    """The calls of `fota_async.api.campaigns.CampaignsV2` that schedule.

    Vendor pages "Schedule an Upgrade", "Pilot Campaigns".
    """

    _context: Context

    @abstractmethod
    async def get(self, campaign_id: str) -> CampaignV2:
        """Read a campaign."""

    @abstractmethod
    async def _read_devices(self, target_id: str) -> Seen:
        """Read a campaign with its devices."""

    def schedule(
        self,
        software_name: str,
        devices: Devices,
        *,
        software_from: str,
        software_to: str,
        distribution_type: str,
        start_date: date,
        end_date: date,
        campaign_name: str | None = None,
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> ScheduleRun[ScheduledCampaign[CampaignV2]]:
        """Schedule a campaign in the general form.

        The vendor's current index lists `schedule_software` and `schedule_file` instead; arguments,
        result and errors are those of `schedule_software`.
        """
        check_dates(start_date, end_date)
        body = ScheduleCampaign(
            campaign_name=campaign_name,
            software_name=software_name,
            software_from=software_from,
            software_to=software_to,
            distribution_type=distribution_type,
            start_date=start_date,
            end_date=end_date,
            download_after_date=download_after_date,
            download_time_window_list=tuple(download_windows),
            install_after_date=install_after_date,
            install_time_window_list=tuple(install_windows),
            device_list=(),
        )
        return self._schedule(SCHEDULE, body, devices, column, options, settle=settle)

    def schedule_software(
        self,
        software_name: str,
        devices: Devices,
        *,
        software_from: str,
        software_to: str,
        distribution_type: str = "HTTP",
        start_date: date,
        end_date: date,
        campaign_name: str | None = None,
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> ScheduleRun[ScheduledCampaign[CampaignV2]]:
        """Schedule a campaign with software for HTTP devices, and the first batch of a device list.

        The rest of the list is appended. An answer means accepted, not scheduled: the step shows in
        `get`. The request is never repeated after a lost answer, since a repeat can create a second
        campaign.

        Before a pilot with this software succeeded, a campaign holds at most 20 devices.
        `pilot_then_fleet` has the pilot, looks at it, and schedules for the rest.

        Args:
            software_name: Name from the software listing.
            devices: Ids one by one, sync or async, or the path of a file.
            software_from: Version that a device must have.
            software_to: Version that it then has.
            distribution_type: Protocol, for instance `HTTP`; passed on as it is.
            start_date: First day.
            end_date: Last day.
            campaign_name: A name of your own.
            download_after_date: First day on which devices download.
            download_windows: Hours of a day in which they do.
            install_after_date: First day on which devices install.
            install_windows: Hours of a day in which they do.
            column: Header of the device ids in a CSV.
            settle: Whether to wait until the campaign devices report shows each device, as in
                `append_devices`; else those that were taken are `pending`.
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
        body = ScheduleSoftwareCampaign(
            campaign_name=campaign_name,
            software_name=software_name,
            software_from=software_from,
            software_to=software_to,
            distribution_type=distribution_type,
            start_date=start_date,
            end_date=end_date,
            download_after_date=download_after_date,
            download_time_window_list=_texts(download_windows),
            install_after_date=install_after_date,
            install_time_window_list=_texts(install_windows),
            device_list=(),
        )
        return self._schedule(SCHEDULE_SOFTWARE, body, devices, column, options, settle=settle)

    def schedule_file(
        self,
        file_name: str,
        devices: Devices,
        *,
        file_version: str,
        distribution_type: str = "HTTP",
        start_date: date,
        end_date: date,
        campaign_name: str | None = None,
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> ScheduleRun[ScheduledCampaign[CampaignV2]]:
        """Schedule a campaign that brings a file to HTTP devices.

        Arguments, result and errors are those of `schedule_software`, and:

        Args:
            file_name: The server's name of the file, from the upload answer or the file listing.
            devices: Ids one by one, sync or async, or the path of a file.
            file_version: Its version.
            distribution_type: Protocol, for instance `HTTP`; passed on as it is.
            start_date: First day.
            end_date: Last day.
            campaign_name: A name of your own.
            download_after_date: First day on which devices download.
            download_windows: Hours of a day in which they do.
            install_after_date: First day on which devices install.
            install_windows: Hours of a day in which they do.
            column: Header of the device ids in a CSV.
            settle: Whether to wait until the campaign devices report shows each device.
            options: See `RunOptions`.
        """
        check_dates(start_date, end_date)
        body = ScheduleFileCampaign(
            campaign_name=campaign_name,
            file_name=file_name,
            file_version=file_version,
            distribution_type=distribution_type,
            start_date=start_date,
            end_date=end_date,
            download_after_date=download_after_date,
            download_time_window_list=_texts(download_windows),
            install_after_date=install_after_date,
            install_time_window_list=_texts(install_windows),
            device_list=(),
        )
        return self._schedule(SCHEDULE_FILE, body, devices, column, options, settle=settle)

    async def pilot_then_fleet(
        self,
        software_name: str,
        devices: Devices,
        *,
        software_from: str,
        software_to: str,
        pilot_start_date: date,
        pilot_end_date: date,
        start_date: date,
        end_date: date,
        timeout: float | None,  # noqa: ASYNC109 - counts seconds of the clock that was passed in
        pilot: int | Sequence[str] = 20,
        success_rate: float = 0.5,
        distribution_type: str = "HTTP",
        campaign_name: str | None = None,
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> PilotResult[CampaignV2]:
        """Schedule a pilot with software; when it has succeeded, schedule all other devices.

        What it does, its result and errors, and the arguments about the pilot are those of
        `fota.v3.campaigns.pilot_then_fleet`; the other arguments are those of `schedule_software`.
        The pilot downloads and installs in the same hours as the fleet, from its own first day on.

        >>> simulator.rules = Rules(life_cycle=True, pending_for=0, queued_for=0, runs_for=5)
        >>> result = await fota.v2.campaigns.pilot_then_fleet(
        ...     "FOTA_Verizon_Model-A_02To03_HF",
        ...     [f"35693803564{n}" for n in range(4000, 4100)],
        ...     software_from="FOTA_Verizon_Model-A_00To01_HF",
        ...     software_to="FOTA_Verizon_Model-A_02To03_HF",
        ...     pilot_start_date=date(2027, 4, 1),
        ...     pilot_end_date=date(2027, 4, 2),
        ...     start_date=date(2027, 4, 5),
        ...     end_date=date(2027, 5, 4),
        ...     timeout=3600,
        ... )
        >>> result.pilot.succeeded, result.fleet.report.pending
        (20, 80)
        """
        schedule = partial(
            self.schedule_software,
            software_name,
            software_from=software_from,
            software_to=software_to,
            distribution_type=distribution_type,
            download_windows=download_windows,
            install_windows=install_windows,
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
                "download_after_date": download_after_date,
                "install_after_date": install_after_date,
                "settle": settle,
            },
            devices=pilot,
            success_rate=success_rate,
            timeout=timeout,
            options=options,
        )
        return await one.run(open_source(devices, column))

    async def pilot_then_fleet_file(
        self,
        file_name: str,
        devices: Devices,
        *,
        file_version: str,
        pilot_start_date: date,
        pilot_end_date: date,
        start_date: date,
        end_date: date,
        timeout: float | None,  # noqa: ASYNC109 - counts seconds of the clock that was passed in
        pilot: int | Sequence[str] = 20,
        success_rate: float = 0.5,
        distribution_type: str = "HTTP",
        campaign_name: str | None = None,
        download_after_date: date | None = None,
        download_windows: Sequence[TimeWindow] = (),
        install_after_date: date | None = None,
        install_windows: Sequence[TimeWindow] = (),
        column: str | None = None,
        settle: bool = False,
        **options: Unpack[RunOptions],
    ) -> PilotResult[CampaignV2]:
        """Schedule a pilot with a file; when it has succeeded, schedule all other devices.

        What it does, its result and errors, and the arguments about the pilot are those of
        `fota.v3.campaigns.pilot_then_fleet`; the other arguments are those of `schedule_file`.
        The pilot downloads and installs in the same hours as the fleet, from its own first day on.
        """
        schedule = partial(
            self.schedule_file,
            file_name,
            file_version=file_version,
            distribution_type=distribution_type,
            download_windows=download_windows,
            install_windows=install_windows,
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
                "download_after_date": download_after_date,
                "install_after_date": install_after_date,
                "settle": settle,
            },
            devices=pilot,
            success_rate=success_rate,
            timeout=timeout,
            options=options,
        )
        return await one.run(open_source(devices, column))

    def _schedule(
        self,
        route: Route[CampaignV2],
        body: object,
        devices: Devices,
        column: str | None,
        options: RunOptions,
        *,
        settle: bool,
    ) -> ScheduleRun[ScheduledCampaign[CampaignV2]]:
        schedule = schedule_campaign(
            self._context,
            route,
            body,
            append=partial(modify_campaign_v2, "append", self._context.account, settle=settle),
            get=self.get,
            list_campaigns=ReportsV2(self._context).list_campaigns,
        )
        result = ScheduledCampaign[CampaignV2]
        return schedule_run(self._context, schedule, devices, column, options, result=result)


def _texts(windows: Sequence[TimeWindow]) -> tuple[TextTimeWindow, ...]:
    return tuple(TextTimeWindow(str(one.start_time), str(one.end_time)) for one in windows)

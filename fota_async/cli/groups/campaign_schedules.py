"""The commands of `fota campaigns` that schedule."""

from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter

from fota_async.batch.run import Run
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.arguments import Api23, File, Flat
from fota_async.cli.groups.campaign_dates import AllDates, HttpDates, refuse
from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.schedules import APPEND, drive_schedule
from fota_async.client import FotaClient

Name = Annotated[str | None, Parameter(help="A name of your own for the campaign.")]
Protocol = Annotated[str, Parameter(help="Protocol of the devices; passed on as it is.")]
From = Annotated[str, Parameter(name="--from", help="Version that the devices have now.")]
To = Annotated[str, Parameter(name="--to", help="Version that they are to have.")]
Image = Annotated[
    str,
    Parameter(help="Name from `fota firmware list --api v3`, or for v2 from `fota software list`."),
]
OddProtocol = Annotated[
    str | None, Parameter(help="Protocol of the devices; else LWM2M in v3, HTTP in v2.")
]


@attrs.frozen(kw_only=True)
class ScheduleFlags(RecordFlags):
    """The options of a command that schedules a campaign."""

    settle: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Read the campaign until it shows what became of each device; what was taken is "
            "else reported as pending.",
        ),
    ] = False


SCHEDULE = ScheduleFlags()
Schedule = Annotated[ScheduleFlags, Flat]


def add_to(app: App) -> None:
    """Add the commands to a group."""
    for command in (schedule, schedule_software, schedule_file):
        app.command(command)


async def schedule(
    file: File,
    /,
    *,
    api: Api23,
    name: Image,
    from_: From,
    to: To,
    dates: Annotated[AllDates, Flat],
    campaign_name: Name = None,
    protocol: OddProtocol = None,
    auto_assign_license: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="v3: devices get licences by themselves."),
    ] = False,
    auto_add_devices: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="v3: the campaign grows by itself, by devices that nobody appended.",
        ),
    ] = False,
    flags: Schedule = SCHEDULE,
) -> int:
    """Schedule a campaign with the first batch of a device list, and append the rest.

    For v3 it brings firmware, for v2 software; for v2 the vendor's current index lists
    schedule-software and schedule-file instead. It is never scheduled twice: if an answer is lost,
    what it may have made is looked for.

    Example: fota campaigns schedule --api v3 --name SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1
    --from SR1.2.0.0-10512 --to SR1.2.0.0-10657 --start-date 2027-04-01 --end-date 2027-04-08
    --window 18-22 fleet.csv
    """
    when = dates.of(api)
    if api == "v2":
        refuse(api, auto_assign_license=auto_assign_license, auto_add_devices=auto_add_devices)

    def make_run(client: FotaClient, devices: Devices, options: RunOptions) -> Run[Any]:
        if api == "v2":
            return client.v2.campaigns.schedule(
                name,
                devices,
                software_from=from_,
                software_to=to,
                distribution_type=protocol or "HTTP",
                campaign_name=campaign_name,
                settle=flags.settle,
                **when,
                **options,
            )
        return client.v3.campaigns.schedule(
            name,
            devices,
            firmware_from=from_,
            firmware_to=to,
            protocol=protocol or "LWM2M",
            campaign_name=campaign_name,
            auto_assign_license=auto_assign_license,
            auto_add_devices=auto_add_devices,
            settle=flags.settle,
            **when,
            **options,
        )

    return await drive_schedule(make_run, file, flags, APPEND[api])


async def schedule_software(
    file: File,
    /,
    *,
    name: Annotated[str, Parameter(help="Software name from `fota software list`.")],
    from_: From,
    to: To,
    dates: Annotated[HttpDates, Flat],
    campaign_name: Name = None,
    protocol: Protocol = "HTTP",
    flags: Schedule = SCHEDULE,
) -> int:
    """Schedule a v2 campaign that brings software to HTTP devices; a list of any length.

    Example: fota campaigns schedule-software --name FOTA_Verizon_Model-A_02To03_HF --from 2 --to 3
    --start-date 2027-04-01 --end-date 2027-04-08 --download-window 20-24 fleet.csv
    """
    when = dates.of_v2()

    def make_run(client: FotaClient, devices: Devices, options: RunOptions) -> Run[Any]:
        return client.v2.campaigns.schedule_software(
            name,
            devices,
            software_from=from_,
            software_to=to,
            distribution_type=protocol,
            campaign_name=campaign_name,
            settle=flags.settle,
            **when,
            **options,
        )

    return await drive_schedule(make_run, file, flags, APPEND["v2"])


async def schedule_file(
    file: File,
    /,
    *,
    file_name: Annotated[str, Parameter(help="The server's name of it, from `fota files list`.")],
    file_version: Annotated[str, Parameter(help="The version it was uploaded with.")],
    dates: Annotated[HttpDates, Flat],
    campaign_name: Name = None,
    protocol: Protocol = "HTTP",
    flags: Schedule = SCHEDULE,
) -> int:
    """Schedule a v2 campaign that brings a file to HTTP devices; a list of any length.

    Example: fota campaigns schedule-file --file-name make-model-config.txt --file-version 1.0
    --start-date 2027-04-01 --end-date 2027-04-08 fleet.csv
    """
    when = dates.of_v2()

    def make_run(client: FotaClient, devices: Devices, options: RunOptions) -> Run[Any]:
        return client.v2.campaigns.schedule_file(
            file_name,
            devices,
            file_version=file_version,
            distribution_type=protocol,
            campaign_name=campaign_name,
            settle=flags.settle,
            **when,
            **options,
        )

    return await drive_schedule(make_run, file, flags, APPEND["v2"])

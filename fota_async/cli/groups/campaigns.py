"""`fota campaigns`."""

from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.arguments import (
    Api23,
    CampaignId,
    DeviceId,
    File,
    Flat,
    devices_in,
    status_of,
)
from fota_async.cli.calls import (
    CALL,
    DANGER,
    LIST,
    Call,
    Danger,
    List,
    show,
    show_list,
    version,
)
from fota_async.cli.confirm import confirm
from fota_async.cli.groups.awaited import WAIT, WATCH, Wait, Watch, show_changes, show_reached
from fota_async.cli.groups.campaign_dates import AllDates, HttpDates, refuse
from fota_async.cli.run_flags import source_of
from fota_async.models import CampaignStatus

app = App(
    name="campaigns",
    help="""v2 and v3 campaigns: software, a file or firmware, a list of devices, dates and hours.

    Until a pilot with the same firmware succeeded a campaign holds at most 20 devices.

    Example: fota campaigns list --api v3 --status CampaignRequestQueued
    """,
)

_BEFORE_AGAIN = (
    "look at `fota campaigns list --status CampaignRequestPending` and "
    "`... CampaignRequestQueued` before you schedule it again"
)


_Name = Annotated[str | None, Parameter(help="A name of your own.")]
_Protocol = Annotated[str, Parameter(help="Protocol of the devices; passed on as it is.")]
_From = Annotated[str, Parameter(name="--from", help="Version that a device must have.")]
_To = Annotated[str, Parameter(name="--to", help="Version that it then has.")]


@app.command(name="list")
async def list_(
    *,
    api: Api23,
    status: Annotated[str, Parameter(help=f"{', '.join(CampaignStatus)}.")],
    flags: List = LIST,
) -> int:
    """List the campaigns in a state.

    Example: fota campaigns list --api v2 --status CampaignScheduled
    """
    wanted = status_of(CampaignStatus, status)
    return await show_list(
        lambda client: version(client, api).reports.list_campaigns(wanted), flags
    )


@app.command
async def get(campaign_id: CampaignId, /, *, api: Api23, flags: Call = CALL) -> int:
    """Read a campaign.

    Example: fota campaigns get --api v2 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    return await show(lambda client: version(client, api).campaigns.get(campaign_id), flags)


@app.command
async def devices(campaign_id: CampaignId, /, *, api: Api23, flags: List = LIST) -> int:
    """List the devices of a campaign with their states.

    Example: fota campaigns devices --api v3 60b5d639-ccdc-4db8-8824-069bd94c95bf > devices.ndjson
    """
    return await show_list(
        lambda client: version(client, api).reports.list_campaign_devices(campaign_id), flags
    )


@app.command
async def schedule(
    file: File,
    /,
    *,
    api: Api23,
    name: Annotated[
        str, Parameter(help="From `fota firmware list --api v3` or `fota software list`.")
    ],
    from_: _From,
    to: _To,
    dates: Annotated[AllDates, Flat],
    campaign_name: _Name = None,
    protocol: Annotated[
        str | None, Parameter(help="Protocol; else LWM2M in v3 and HTTP in v2.")
    ] = None,
    auto_assign_license: Annotated[
        bool, Parameter(negative=(), help="v3: devices get licences by themselves.")
    ] = False,
    auto_add_devices: Annotated[
        bool, Parameter(negative=(), help="v3: the campaign grows by itself.")
    ] = False,
    flags: Call = CALL,
) -> int:
    """Schedule a campaign: of firmware (v3), or of software in the general form (v2).

    For v2 the vendor's current index lists schedule-software and schedule-file instead.

    Example: fota campaigns schedule --api v3 --name SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1
    --from SR1.2.0.0-10512 --to SR1.2.0.0-10657 --start-date 2027-04-01 --end-date 2027-04-08
    --window 18-22 pilot.csv
    """
    when = dates.of(api)
    if api == "v2":
        refuse(api, auto_assign_license=auto_assign_license, auto_add_devices=auto_add_devices)
    ids = await devices_in(source_of(file, None))
    if api == "v2":
        return await show(
            lambda client: client.v2.campaigns.schedule(
                name,
                ids,
                software_from=from_,
                software_to=to,
                distribution_type=protocol or "HTTP",
                campaign_name=campaign_name,
                **when,
            ),
            flags,
            if_lost=_BEFORE_AGAIN,
        )
    return await show(
        lambda client: client.v3.campaigns.schedule(
            name,
            ids,
            firmware_from=from_,
            firmware_to=to,
            protocol=protocol or "LWM2M",
            campaign_name=campaign_name,
            auto_assign_license=auto_assign_license,
            auto_add_devices=auto_add_devices,
            **when,
        ),
        flags,
        if_lost=_BEFORE_AGAIN,
    )


@app.command
async def schedule_software(
    file: File,
    /,
    *,
    name: Annotated[str, Parameter(help="Software name from `fota software list`.")],
    from_: _From,
    to: _To,
    dates: Annotated[HttpDates, Flat],
    campaign_name: _Name = None,
    protocol: _Protocol = "HTTP",
    flags: Call = CALL,
) -> int:
    """Schedule a v2 campaign that brings software to HTTP devices.

    Example: fota campaigns schedule-software --name FOTA_Verizon_Model-A_02To03_HF --from 2 --to 3
    --start-date 2027-04-01 --end-date 2027-04-08 --download-window 20-24 pilot.csv
    """
    when = dates.of_v2()
    ids = await devices_in(source_of(file, None))
    return await show(
        lambda client: client.v2.campaigns.schedule_software(
            name,
            ids,
            software_from=from_,
            software_to=to,
            distribution_type=protocol,
            campaign_name=campaign_name,
            **when,
        ),
        flags,
        if_lost=_BEFORE_AGAIN,
    )


@app.command
async def schedule_file(
    file: File,
    /,
    *,
    file_name: Annotated[str, Parameter(help="The server's name of it, from `fota files list`.")],
    file_version: Annotated[str, Parameter(help="Its version.")],
    dates: Annotated[HttpDates, Flat],
    campaign_name: _Name = None,
    protocol: _Protocol = "HTTP",
    flags: Call = CALL,
) -> int:
    """Schedule a v2 campaign that brings a file to HTTP devices.

    Example: fota campaigns schedule-file --file-name make-model-config.txt --file-version 1.0
    --start-date 2027-04-01 --end-date 2027-04-08 pilot.csv
    """
    when = dates.of_v2()
    ids = await devices_in(source_of(file, None))
    return await show(
        lambda client: client.v2.campaigns.schedule_file(
            file_name,
            ids,
            file_version=file_version,
            distribution_type=protocol,
            campaign_name=campaign_name,
            **when,
        ),
        flags,
        if_lost=_BEFORE_AGAIN,
    )


@app.command
async def dates(
    campaign_id: CampaignId,
    /,
    *,
    api: Api23,
    dates: Annotated[AllDates, Flat],
    flags: Call = CALL,
) -> int:
    """Change dates and hours: give all of them, also those that stay as they are.

    Example: fota campaigns dates --api v3 --start-date 2027-04-01 --end-date 2027-04-15
    --window 18-22 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    when = dates.of(api)
    return await show(
        lambda client: version(client, api).campaigns.change_dates(campaign_id, **when),
        flags,
        if_lost="look at `fota campaigns get`",
    )


@app.command
async def cancel(campaign_id: CampaignId, /, *, api: Api23, flags: Danger = DANGER) -> int:
    """Cancel a campaign; one that has started may be aborted, or refused. Asks first.

    Example: fota campaigns cancel --api v2 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    await confirm(f"This cancels campaign {campaign_id} for all its devices.", yes=flags.yes)
    return await show(
        lambda client: version(client, api).campaigns.cancel(campaign_id),
        flags,
        nothing=f"campaign {campaign_id} is cancelled",
        if_lost="look at `fota campaigns get`",
    )


@app.command
async def history(device_id: DeviceId, /, *, api: Api23, flags: List = LIST) -> int:
    """Read the upgrades of a device.

    Example: fota campaigns history --api v2 990013907835573
    """
    return await show_list(
        lambda client: version(client, api).reports.get_device_history(device_id), flags
    )


@app.command
async def wait_for(
    campaign_id: CampaignId,
    /,
    *,
    api: Api23,
    status: Annotated[str, Parameter(help=f"{', '.join(CampaignStatus)}.")],
    flags: Wait = WAIT,
) -> int:
    """Wait until a campaign is in a state, or has passed it; ends with 3 if --wait was too short.

    Example: fota campaigns wait-for --api v2 --status CampaignEnded
    60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    wanted = status_of(CampaignStatus, status)
    return await show_reached(
        lambda client: version(client, api).campaigns.wait_for(
            campaign_id, wanted, timeout=flags.wait
        ),
        flags,
    )


@app.command
async def watch(campaign_id: CampaignId, /, *, api: Api23, flags: Watch = WATCH) -> int:
    """Print every change of a campaign and of its devices, to its last state.

    Example: fota campaigns watch --api v3 60b5d639-ccdc-4db8-8824-069bd94c95bf > changes.ndjson
    """
    return await show_changes(
        lambda client: version(client, api).campaigns.watch(campaign_id, interval=flags.interval),
        flags,
    )

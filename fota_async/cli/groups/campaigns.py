"""`fota campaigns`."""

from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.arguments import (
    Api23,
    CampaignId,
    DeviceId,
    Flat,
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
from fota_async.cli.groups import campaign_schedules, pilots
from fota_async.cli.groups.awaited import WAIT, WATCH, Wait, Watch, show_changes, show_reached
from fota_async.cli.groups.campaign_dates import AllDates
from fota_async.models import CampaignStatus

app = App(
    name="campaigns",
    help="""v2 and v3 campaigns: software, a file or firmware, a list of devices, dates and hours.

    Until a pilot with the same firmware succeeded a campaign holds at most 20 devices.

    Example: fota campaigns list --api v3 --status CampaignRequestQueued
    """,
)
campaign_schedules.add_to(app)
pilots.add_to(app)


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

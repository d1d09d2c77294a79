"""`fota reports`: what `fota upgrades` and `fota campaigns` show, for any version alike."""

from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.arguments import Api, DeviceId
from fota_async.cli.calls import LIST, List, show_list, version
from fota_async.cli.groups import campaigns, upgrades

app = App(
    name="reports",
    help="""What is in which state, and what was done to a device, in any version.

    Example: fota reports history --api v1 990013907835573
    """,
)


@app.command(name="list")
async def list_(
    *,
    api: Api,
    status: Annotated[
        str,
        Parameter(
            help="A state; --help of `fota upgrades list` (v1) and `fota campaigns list` name them."
        ),
    ],
    flags: List = LIST,
) -> int:
    """List upgrades (v1) or campaigns (v2, v3) in a state.

    Example: fota reports list --api v1 --status Queued
    """
    if api == "v1":
        return await upgrades.list_(status=status, flags=flags)
    return await campaigns.list_(api=api, status=status, flags=flags)


@app.command
async def history(device_id: DeviceId, /, *, api: Api, flags: List = LIST) -> int:
    """Read the upgrades of a device.

    Example: fota reports history --api v3 990013907835573
    """
    return await show_list(
        lambda client: version(client, api).reports.get_device_history(device_id), flags
    )

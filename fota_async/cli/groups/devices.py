"""`fota devices`."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from fota_async.api.pages import Pages
from fota_async.cli.arguments import Api, File, Flat
from fota_async.cli.calls import LIST, List, show_list
from fota_async.cli.readings import READ, ReadFlags, read_devices
from fota_async.client import FotaClient

app = App(
    name="devices",
    help="""The devices of the account: what they are, what they run.

    Example: fota devices list --api v3 > devices.ndjson
    """,
)


@app.command(name="list")
async def list_(
    *,
    api: Api,
    protocol: Annotated[
        str | None,
        Parameter(help="Only devices of this protocol, such as LWM2M, OMADM or HTTP."),
    ] = None,
    flags: List = LIST,
) -> int:
    """List the devices, by ascending IMEI.

    Example: fota devices list --api v2 --protocol HTTP --limit 100
    """

    def found(client: FotaClient) -> Pages[Any]:
        if api == "v1":
            return client.v1.devices.list(client_type=protocol)
        if api == "v2":
            return client.v2.devices.list(distribution_type=protocol)
        return client.v3.devices.list(protocol=protocol)

    return await show_list(found, flags)


@app.command
async def details(file: File, /, *, flags: Annotated[ReadFlags, Flat] = READ) -> int:
    """Read details of the v3 devices of a list.

    Example: fota devices details --batch-size 100 fleet.csv > details.ndjson
    """
    return await read_devices(
        lambda client, devices, options: client.v3.devices.get_details(devices, **options),
        file,
        flags,
    )

"""`fota firmware`."""

from collections.abc import Awaitable, Sequence
from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.arguments import Api13, DeviceId, File, Flat
from fota_async.cli.calls import CALL, LIST, Call, List, show, show_list
from fota_async.cli.readings import READ, ReadFlags, read_devices
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError
from fota_async.models import FirmwareV1, FirmwareV3

app = App(
    name="firmware",
    help="""Firmware: the images there are, and what devices run.

    Example: fota firmware list --api v3
    """,
)


@app.command(name="list")
async def list_(
    *,
    api: Api13,
    protocol: Annotated[
        str | None, Parameter(help="v3: protocol of the devices; else LWM2M.")
    ] = None,
    flags: List = LIST,
) -> int:
    """List the images there are for the devices of the account.

    Example: fota firmware list --api v1
    """
    if api == "v1" and protocol is not None:
        raise ConfigurationError("--protocol has no place in v1; nothing was sent")

    def found(client: FotaClient) -> Awaitable[Sequence[FirmwareV1 | FirmwareV3]]:
        if api == "v1":
            return client.v1.firmware.list()
        return client.v3.firmware.list(protocol or "LWM2M")

    return await show_list(found, flags)


@app.command
async def sync(file: File, /, *, flags: Annotated[ReadFlags, Flat] = READ) -> int:
    """Read the firmware that the FOTA server holds for the v3 devices of a list.

    Example: fota firmware sync fleet.csv > firmware.ndjson
    """
    return await read_devices(
        lambda client, devices, options: client.v3.firmware.sync(devices, **options), file, flags
    )


@app.command
async def report(device_id: DeviceId, /, *, flags: Call = CALL) -> int:
    """Wake a v3 device and have it report its firmware; `fota devices details` shows it later.

    Example: fota firmware report 990013907835573
    """
    return await show(lambda client: client.v3.firmware.report_device(device_id), flags)

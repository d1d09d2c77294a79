"""`fota logging`."""

from cyclopts import App

from fota_async.cli.arguments import DeviceId, File
from fota_async.cli.calls import CALL, LIST, Call, List, show, show_list
from fota_async.cli.run_flags import RECORD, Record
from fota_async.cli.runs import drive

app = App(
    name="logging",
    help="""Logs of HTTP devices (v2): on for 20 devices at a time, for 7 days, kept for 30 days.

    Example: fota logging list
    """,
)


@app.command(name="list")
async def list_(*, flags: List = LIST) -> int:
    """List the devices that have logging on.

    Example: fota logging list
    """
    return await show_list(lambda client: client.v2.logging.list(), flags)


@app.command
async def enable(file: File, /, *, flags: Record = RECORD) -> int:
    """Turn logging on for the devices of a list, for 7 days.

    It may be on for 20 devices at a time, those included that have it on already.

    Example: fota logging enable devices.txt
    """
    return await drive(
        lambda client, devices, options: client.v2.logging.enable(devices, **options),
        file,
        flags,
        "logging enable",
    )


@app.command
async def disable(file: File, /, *, flags: Record = RECORD) -> int:
    """Turn logging off for the devices of a list.

    Example: fota logging disable devices.txt
    """
    return await drive(
        lambda client, devices, options: client.v2.logging.disable(devices, **options),
        file,
        flags,
        "logging disable",
    )


@app.command
async def enable_device(device_id: DeviceId, /, *, flags: Call = CALL) -> int:
    """Turn logging on for a device, for 7 days.

    Example: fota logging enable-device 990013907835573
    """
    return await show(lambda client: client.v2.logging.enable_device(device_id), flags)


@app.command
async def disable_device(device_id: DeviceId, /, *, flags: Call = CALL) -> int:
    """Turn logging off for a device.

    Example: fota logging disable-device 990013907835573
    """
    return await show(
        lambda client: client.v2.logging.disable_device(device_id),
        flags,
        nothing=f"logging is off for {device_id}",
    )


@app.command
async def logs(device_id: DeviceId, /, *, flags: List = LIST) -> int:
    """Read the logs of a device, from 24 hours after logging was turned on.

    Example: fota logging logs --json 990013907835573 > logs.ndjson
    """
    return await show_list(lambda client: client.v2.logging.list_logs(device_id), flags)


@app.command
async def history(device_id: DeviceId, /, *, flags: List = LIST) -> int:
    """Read when a device asked the server for news (check-ins), whether or not logging is on.

    Example: fota logging history 990013907835573
    """
    return await show_list(lambda client: client.v2.logging.list_check_ins(device_id), flags)

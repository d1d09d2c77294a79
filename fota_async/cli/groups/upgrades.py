"""`fota upgrades`."""

from datetime import date
from typing import Annotated

from cyclopts import App, Parameter

from fota_async.api.context import check_dates
from fota_async.api.schedule import ScheduledUpgrade
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.arguments import DeviceId, File, UpgradeId, status_of
from fota_async.cli.calls import CALL, DANGER, LIST, Call, Danger, List, show, show_list
from fota_async.cli.confirm import confirm
from fota_async.cli.groups.awaited import WAIT, WATCH, Wait, Watch, show_changes, show_reached
from fota_async.cli.run_flags import RECORD, Record
from fota_async.cli.schedules import APPEND_V1, drive_schedule
from fota_async.client import FotaClient
from fota_async.models import UpgradeStatus

app = App(
    name="upgrades",
    help="""v1 upgrades: a firmware image, a list of OMA-DM or LWM2M devices, a start date.

    Example: fota upgrades list --status Queued
    """,
)


@app.command(name="list")
async def list_(
    *,
    status: Annotated[str, Parameter(help=f"{', '.join(UpgradeStatus)}.")],
    flags: List = LIST,
) -> int:
    """List the upgrades in a state, the oldest first.

    Example: fota upgrades list --status RequestPending --limit 10
    """
    wanted = status_of(UpgradeStatus, status)
    return await show_list(lambda client: client.v1.reports.list_upgrades(wanted), flags)


@app.command
async def get(upgrade_id: UpgradeId, /, *, flags: Call = CALL) -> int:
    """Read an upgrade with all its devices.

    Example: fota upgrades get 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    return await show(lambda client: client.v1.upgrades.get(upgrade_id), flags)


@app.command
async def schedule(
    file: File,
    /,
    *,
    firmware_name: Annotated[str, Parameter(help="Name from `fota firmware list --api v1`.")],
    firmware_to: Annotated[str, Parameter(help="Version wanted on the devices.")],
    start_date: Annotated[
        date, Parameter(help="First day, YYYY-MM-DD; it starts around 00:00 UTC.")
    ],
    end_date: Annotated[
        date | None,
        Parameter(help="Last day, YYYY-MM-DD; the vendor's current documents require it."),
    ] = None,
    flags: Record = RECORD,
) -> int:
    """Schedule an upgrade with the first batch of a device list, and append the rest.

    It is never scheduled twice: if an answer is lost, what it may have made is looked for.

    Example: fota upgrades schedule --firmware-name FOTA_Verizon_Model-A_01To02_HF --firmware-to
    VerizonFirmwareVersion-02 --start-date 2027-04-01 --end-date 2027-04-08 --journal enrol.db
    fleet.csv
    """
    check_dates(start_date, end_date or start_date)

    def make_run(
        client: FotaClient, devices: Devices, options: RunOptions
    ) -> ScheduleRun[ScheduledUpgrade]:
        return client.v1.upgrades.schedule(
            firmware_name,
            firmware_to,
            devices,
            start_date=start_date,
            end_date=end_date,
            **options,
        )

    return await drive_schedule(make_run, file, flags, APPEND_V1)


@app.command
async def cancel(upgrade_id: UpgradeId, /, *, flags: Danger = DANGER) -> int:
    """Cancel an upgrade that has not started. Asks first.

    Example: fota upgrades cancel 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    await confirm(f"This cancels upgrade {upgrade_id} for all its devices.", yes=flags.yes)
    return await show(
        lambda client: client.v1.upgrades.cancel(upgrade_id),
        flags,
        nothing=f"upgrade {upgrade_id} is cancelled",
        if_lost="look at `fota upgrades get`",
    )


@app.command
async def history(device_id: DeviceId, /, *, flags: List = LIST) -> int:
    """Read the upgrades of a device in the last six months.

    Example: fota upgrades history 990013907835573
    """
    return await show_list(lambda client: client.v1.reports.get_device_history(device_id), flags)


@app.command
async def wait_for(
    upgrade_id: UpgradeId,
    /,
    *,
    status: Annotated[str, Parameter(help=f"{', '.join(UpgradeStatus)}.")],
    flags: Wait = WAIT,
) -> int:
    """Wait until an upgrade is in a state, or has passed it; ends with 3 if --wait was too short.

    Example: fota upgrades wait-for --status Queued --wait 3600
    60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    wanted = status_of(UpgradeStatus, status)
    return await show_reached(
        lambda client: client.v1.upgrades.wait_for(upgrade_id, wanted, timeout=flags.wait), flags
    )


@app.command
async def watch(upgrade_id: UpgradeId, /, *, flags: Watch = WATCH) -> int:
    """Print every change of an upgrade and of its devices, to its last state.

    Example: fota upgrades watch --interval 300 60b5d639-ccdc-4db8-8824-069bd94c95bf
    """
    return await show_changes(
        lambda client: client.v1.upgrades.watch(upgrade_id, interval=flags.interval), flags
    )

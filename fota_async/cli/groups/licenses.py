"""`fota licenses`."""

from typing import Annotated

import attrs
from cyclopts import App, Parameter

from fota_async.cli.access import OUTPUT
from fota_async.cli.arguments import Api, Api12, File, Flat
from fota_async.cli.calls import (
    DANGER,
    LIST,
    Danger,
    List,
    ListFlags,
    show,
    show_list,
    version,
)
from fota_async.cli.confirm import confirm
from fota_async.cli.run_flags import DANGER_RECORD, RECORD, DangerRecord, Record
from fota_async.cli.runs import confirm_run, drive
from fota_async.client import FotaClient
from fota_async.models import LicensePage

app = App(
    name="licenses",
    help="""Licences, which monthly billed accounts assign to devices before they schedule anything.

    Example: fota licenses status --api v3
    """,
)
candidates = App(
    name="candidates",
    help="""Devices that lose their licences first when a subscription shrinks (v1, v2).

    Example: fota licenses candidates list --api v2
    """,
)
app.command(candidates)


@attrs.frozen
class LicenseTotals:
    """How many licences an account has."""

    account_name: str | None
    total_licenses: int | None
    assigned_licenses: int | None


@attrs.frozen(kw_only=True)
class StatusFlags(ListFlags):
    """The options of `fota licenses status`."""

    devices: Annotated[
        bool,
        Parameter(
            negative=(), group=OUTPUT, show_default=False, help="List the devices that hold one."
        ),
    ] = False


_STATUS = StatusFlags()


@app.command
async def status(*, api: Api, flags: Annotated[StatusFlags, Flat] = _STATUS) -> int:
    """Read how many licences there are, or with --devices which devices hold one.

    Example: fota licenses status --api v1 --devices > licensed.ndjson
    """
    if flags.devices:
        return await show_list(lambda client: version(client, api).licenses.get_status(), flags)

    async def totals(client: FotaClient) -> LicenseTotals:
        page: LicensePage = await version(client, api).licenses.get_status()
        return LicenseTotals(page.account_name, page.total_licenses, page.assigned_licenses)

    return await show(totals, flags)


@app.command
async def assign(file: File, /, *, api: Api, flags: Record = RECORD) -> int:
    """Assign a licence to each device of a list.

    Example: fota licenses assign --api v3 --report out.csv fleet.csv
    """
    return await drive(
        lambda client, devices, options: version(client, api).licenses.assign(devices, **options),
        file,
        flags,
        f"licenses assign --api {api}",
    )


@app.command
async def remove(file: File, /, *, api: Api, flags: DangerRecord = DANGER_RECORD) -> int:
    """Take back the unused licences of a list of devices. Asks first.

    An upgrade that is scheduled for such a device and has not started is cancelled.

    Example: fota licenses remove --api v3 --journal remove.db fleet.csv
    """
    await confirm_run(
        "This takes the licences of all devices of the list, and cancels the upgrades that are "
        "scheduled for them.",
        file,
        flags,
    )
    return await drive(
        lambda client, devices, options: version(client, api).licenses.remove(devices, **options),
        file,
        flags,
        f"licenses remove --api {api}",
    )


@candidates.command(name="list")
async def list_(*, api: Api12, flags: List = LIST) -> int:
    """List the candidates.

    Example: fota licenses candidates list --api v1
    """
    return await show_list(lambda client: version(client, api).cancel_candidates.list(), flags)


@candidates.command
async def append(file: File, /, *, api: Api12, flags: Record = RECORD) -> int:
    """Add the devices of a list to the candidates.

    Example: fota licenses candidates append --api v2 retired.csv
    """
    return await drive(
        lambda client, devices, options: version(client, api).cancel_candidates.append(
            devices, **options
        ),
        file,
        flags,
        f"licenses candidates append --api {api}",
    )


@candidates.command
async def replace(file: File, /, *, api: Api12, flags: DangerRecord = DANGER_RECORD) -> int:
    """Store the devices of a list as candidates, and forget those stored before. Asks first.

    Example: fota licenses candidates replace --api v2 --yes retired.csv
    """
    await confirm_run("This forgets all candidates that are stored now.", file, flags)
    return await drive(
        lambda client, devices, options: version(client, api).cancel_candidates.replace(
            devices, **options
        ),
        file,
        flags,
        # Replacing again would forget those that were stored.
        f"licenses candidates append --api {api}",
    )


@candidates.command
async def delete(*, api: Api12, flags: Danger = DANGER) -> int:
    """Forget the stored list. Asks first.

    Example: fota licenses candidates delete --api v2 --yes
    """
    await confirm("This deletes the whole list of candidates.", yes=flags.yes)
    return await show(
        lambda client: version(client, api).cancel_candidates.clear(),
        flags,
        nothing="the list of candidates is deleted",
        if_lost="look at `fota licenses candidates list`",
    )

"""`fota licenses`."""

from typing import Annotated

import attrs
from cyclopts import App, Parameter

from fota_async.cli.access import OUTPUT
from fota_async.cli.arguments import Api, Api12, Flat
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


@candidates.command(name="list")
async def list_(*, api: Api12, flags: List = LIST) -> int:
    """List the candidates.

    Example: fota licenses candidates list --api v1
    """
    return await show_list(lambda client: version(client, api).cancel_candidates.list(), flags)


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

"""`fota software`."""

from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.calls import LIST, List, show_list

app = App(
    name="software",
    help="""The software for HTTP devices (v2).

    Example: fota software list
    """,
)


@app.command(name="list")
async def list_(
    *,
    protocol: Annotated[
        str | None, Parameter(help="Only software of this protocol, such as HTTP.")
    ] = None,
    flags: List = LIST,
) -> int:
    """List the software there is for the devices of the account.

    Example: fota software list --protocol HTTP
    """
    return await show_list(
        lambda client: client.v2.software.list(distribution_type=protocol), flags
    )

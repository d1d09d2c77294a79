"""`fota files`."""

from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli.calls import CALL, LIST, Call, List, show, show_list

app = App(
    name="files",
    help="""The files that v2 campaigns can bring to HTTP devices.

    Example: fota files list
    """,
)


@app.command(name="list")
async def list_(
    *,
    protocol: Annotated[str, Parameter(help="Protocol of the devices.")] = "HTTP",
    flags: List = LIST,
) -> int:
    """List the uploaded files; the API lists at most 100.

    Example: fota files list --json
    """
    return await show_list(lambda client: client.v2.files.list(protocol), flags)


@app.command
async def upload(
    file: Annotated[str, Parameter(allow_leading_hyphen=True, help="The file to upload.")],
    /,
    *,
    file_version: Annotated[str, Parameter(help="Version to give it.")],
    make: Annotated[str, Parameter(help="Maker of the devices it is for.")],
    model: Annotated[str, Parameter(help="Model of the devices it is for.")],
    local_target_path: Annotated[str, Parameter(help="Where it goes on a device.")],
    flags: Call = CALL,
) -> int:
    """Upload a file for campaigns; the answer names it as `schedule-file` wants it.

    Example: fota files upload --file-version 1.0 --make SEQUANS --model GM01Q
    --local-target-path /VZWFOTA/config.txt config.txt
    """
    return await show(
        lambda client: client.v2.files.upload(
            file,
            file_version=file_version,
            make=make,
            model=model,
            local_target_path=local_target_path,
        ),
        flags,
        if_lost="look at `fota files list` before you upload it again",
    )

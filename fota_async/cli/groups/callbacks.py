"""`fota callbacks`."""

import os
from typing import Annotated, Literal

from cyclopts import App, Parameter

from fota_async.cli.arguments import Api, Api23
from fota_async.cli.calls import (
    CALL,
    DANGER,
    LIST,
    Call,
    CallFlags,
    Danger,
    List,
    show,
    show_list,
    version,
)
from fota_async.cli.confirm import confirm
from fota_async.errors import ConfigurationError

app = App(
    name="callbacks",
    help="""The address at which the account hears of firmware and of its upgrades.

    Example: fota callbacks get --api v2
    """,
)

_Url = Annotated[str, Parameter(help="HTTPS address that the vendor's data centers can reach.")]
_Username = Annotated[str | None, Parameter(help="v1: in place of THINGSPACE_CALLBACK_USERNAME.")]
_IF_LOST = "look at what is registered"


@app.command(name="list")
async def list_(*, flags: List = LIST) -> int:
    """List the v1 listeners; their passwords are not shown.

    Example: fota callbacks list
    """
    return await show_list(lambda client: client.v1.callbacks.list(), flags)


@app.command
async def get(*, api: Api23, flags: Call = CALL) -> int:
    """Read the v2 or v3 listener.

    Example: fota callbacks get --api v3
    """
    return await show(
        lambda client: version(client, api).callbacks.get(), flags, nothing="none is registered"
    )


@app.command
async def register(
    url: _Url, /, *, api: Api, username: _Username = None, flags: Call = CALL
) -> int:
    """Register a listener; it replaces the one registered before, if any.

    In v1 THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD, where they are set, come
    back in every message, in clear text; `fota listen` compares them.

    Example: fota callbacks register --api v2 https://fleet.example.com:50559/fota
    """
    return await _put("register", url, api, username, flags)


@app.command
async def ensure(url: _Url, /, *, api: Api, username: _Username = None, flags: Call = CALL) -> int:
    """Have this listener registered: read, register where needed, and read again.

    In v1 THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD, where they are set, come
    back in every message, in clear text; `fota listen` compares them. Where a reading does not show
    them as they are set, the listener is registered anew.

    Example: fota callbacks ensure --api v3 https://fleet.example.com:50559/fota
    """
    return await _put("ensure", url, api, username, flags)


async def _put(
    method: Literal["register", "ensure"],
    url: str,
    api: Literal["v1", "v2", "v3"],
    username: str | None,
    flags: CallFlags,
) -> int:
    secrets = {}
    if api == "v1":
        secrets = {
            "username": username or os.environ.get("THINGSPACE_CALLBACK_USERNAME"),
            "password": os.environ.get("THINGSPACE_CALLBACK_PASSWORD"),
        }
    elif username is not None:
        raise ConfigurationError(f"--username has no place in {api}; nothing was sent")
    return await show(
        lambda client: getattr(version(client, api).callbacks, method)(url, **secrets),
        flags,
        if_lost=_IF_LOST,
    )


@app.command
async def modify(url: _Url, /, *, api: Api23, flags: Call = CALL) -> int:
    """Change the listener's address; it replaces the one registered before, if any.

    Example: fota callbacks modify --api v3 https://fleet.example.com:50559/fota
    """
    return await show(
        lambda client: version(client, api).callbacks.modify(url), flags, if_lost=_IF_LOST
    )


@app.command
async def deregister(*, api: Api, flags: Danger = DANGER) -> int:
    """Remove the listener. Asks first.

    Example: fota callbacks deregister --api v1 --yes
    """
    await confirm(
        f"The account hears no more of what happens in {api}, and its listener is forgotten.",
        yes=flags.yes,
    )
    return await show(
        lambda client: version(client, api).callbacks.deregister(),
        flags,
        nothing=f"the {api} listener is deregistered",
        if_lost=_IF_LOST,
    )

"""`fota listen`: callback messages as lines of JSON."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.callbacks import (
    VENDOR_ADDRESSES,
    CallbackCredentials,
    CallbackEvent,
    CallbackReceiver,
    ReceiverOptions,
    serve,
)
from fota_async.callbacks.events import VERSIONS, Version
from fota_async.callbacks.server import DEFAULT_PORT
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import fail, say
from fota_async.cli.signals import on_signals
from fota_async.errors import ConfigurationError

_USERNAME, _PASSWORD = "THINGSPACE_CALLBACK_USERNAME", "THINGSPACE_CALLBACK_PASSWORD"


@attrs.frozen(kw_only=True)
class ListenOptions:
    """The options of `fota listen`."""

    store: Annotated[str, Parameter(help="File that keeps the messages; made if it is not there.")]
    host: Annotated[str, Parameter(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1"
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="Port; 0 takes a free one.")
    ] = DEFAULT_PORT
    path: Annotated[
        str, Parameter(help="What comes before /v1, /v2 and /v3; best something nobody can guess.")
    ] = ""
    api: Annotated[
        list[Version], Parameter(negative=(), help="Versions to listen for; all if not given.")
    ] = attrs.field(factory=lambda: [*VERSIONS])
    cert: Annotated[
        str | None, Parameter(help="PEM file of a certificate by a public authority.")
    ] = None
    key: Annotated[str | None, Parameter(help="PEM file of its key.")] = None
    behind_proxy: Annotated[
        list[str],
        Parameter(
            negative=(),
            help="Address or network of a proxy that does the TLS and adds to X-Forwarded-For.",
        ),
    ] = attrs.field(factory=list)
    allow: Annotated[
        list[str],
        Parameter(
            negative=(),
            help="Address or network that messages may come from, instead of the vendor's.",
        ),
    ] = attrs.field(factory=lambda: [*VENDOR_ADDRESSES])
    allow_loopback: Annotated[
        bool, Parameter(negative=(), help="Take messages from this machine, too.")
    ] = False


async def listen(*, options: Annotated[ListenOptions, Flat]) -> int:
    """Receive callback messages until interrupted, and print each as a line of JSON.

    A message is in the store before it is acknowledged, and handled when its line is written: after
    a crash its line comes again. THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD are
    what a v1 listener was registered with.

    Example: fota listen --store events.db --host 0.0.0.0 --cert fullchain.pem --key privkey.pem
    """
    receiver = CallbackReceiver(
        options.store,
        credentials=_credentials(),
        allow=options.allow,
        allow_loopback=options.allow_loopback,
        trusted_proxies=options.behind_proxy,
        versions=options.api,
        # One line after another.
        options=ReceiverOptions(concurrency=1),
    )
    server = serve(
        receiver,
        host=options.host,
        port=options.port,
        certificate=options.cert,
        key=options.key,
        path=options.path,
    )
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    broken: list[OSError] = []

    @receiver.on()
    def show(event: CallbackEvent) -> None:
        # Not async: whoever reads our lines may be slow, and messages must not wait for that.
        try:
            sys.stdout.write(json.dumps(event.to_dict()) + "\n")
            sys.stdout.flush()
        except OSError as error:
            broken.append(error)
            loop.call_soon_threadsafe(ended.set)
            raise

    with on_signals(ended.set) as received:
        async with server:
            say(f"fota: listening on {server.url}")
            await ended.wait()
    if broken:
        fail(f"a line could not be written to standard output: {broken[0]}")
        _leave_stdout()
        return Exit.ERROR
    return 128 + received.signal if received.signal else Exit.DONE


def _leave_stdout() -> None:
    # Python would complain again when it flushes at exit.
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def _credentials() -> CallbackCredentials | None:
    username, password = os.environ.get(_USERNAME), os.environ.get(_PASSWORD)
    if not username and not password:
        return None
    if not username or not password:
        raise ConfigurationError(f"set both {_USERNAME} and {_PASSWORD}, or neither")
    return CallbackCredentials(username, password)

"""`fota append` and `fota remove`: one operation over one device list."""

from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from fota_async.api.upgrades import modify_upgrade
from fota_async.batch.batcher import DeviceBatcher
from fota_async.cli.arguments import File, Flat
from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.runs import drive


@attrs.frozen(kw_only=True)
class Options(RecordFlags):
    """The options of `fota append` and `fota remove`."""

    upgrade: Annotated[str, Parameter(help="Id of the upgrade, from when it was scheduled.")]


async def append(file: File, /, *, options: Annotated[Options, Flat]) -> int:
    """Add devices to a scheduled upgrade; possible until it starts.

    Example: fota append --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --report out.csv fleet.csv
    """
    return await _modify("append", file, options)


async def remove(file: File, /, *, options: Annotated[Options, Flat]) -> int:
    """Take devices off a scheduled upgrade; possible until it starts.

    Example: fota remove --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf fleet.csv
    """
    return await _modify("remove", file, options)


async def _modify(name: Literal["append", "remove"], file: str, options: Options) -> int:
    return await drive(
        lambda client, devices, run_options: DeviceBatcher(
            client.session, modify_upgrade(name, client.account, options.upgrade), **run_options
        ).run(devices),
        file,
        options,
    )

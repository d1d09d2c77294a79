"""`fota append` and `fota remove`: one operation over one device list."""

from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.arguments import File, Flat
from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.runs import drive
from fota_async.client import FotaClient


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
    def make_run(client: FotaClient, devices: Devices, run_with: RunOptions) -> BatchRun:
        upgrades = client.v1.upgrades
        method = upgrades.append_devices if name == "append" else upgrades.remove_devices
        return method(options.upgrade, devices, **run_with)

    return await drive(make_run, file, options)

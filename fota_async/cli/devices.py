"""`fota append` and `fota remove`: one operation over one device list."""

from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.arguments import File, Flat
from fota_async.cli.run_flags import RECORD, Record, RecordFlags
from fota_async.cli.runs import drive
from fota_async.cli.target import TARGET, Target
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class ReceiptTarget(Target):
    """The options that say which upgrade or campaign, and what to make of receipts."""

    settle: Annotated[
        bool,
        Parameter(
            negative=(),
            group=TARGET,
            show_default=False,
            help="v2: read the campaign until it shows what became of each device; v2 answers with "
            "receipts, and what was taken with one is else reported as pending.",
        ),
    ] = False


_NONE = ReceiptTarget()
_Target = Annotated[ReceiptTarget, Flat]


async def append(file: File, /, *, target: _Target = _NONE, flags: Record = RECORD) -> int:
    """Add devices to a scheduled upgrade or campaign; possible until it starts.

    An upgrade starts around 00:00 UTC of its start date. What was not taken is told at the end,
    with the command that sends only that again.

    Example: fota append --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --report out.csv fleet.csv

    Example: fota append --campaign 60b5d639-ccdc-4db8-8824-069bd94c95bf --api v2 --settle fleet.csv
    """
    return await _modify("append", file, target, flags)


async def remove(file: File, /, *, target: _Target = _NONE, flags: Record = RECORD) -> int:
    """Take devices off a scheduled upgrade or campaign; possible until it starts.

    Example: fota remove --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf fleet.csv

    Example: fota remove --campaign 60b5d639-ccdc-4db8-8824-069bd94c95bf --api v3 fleet.csv
    """
    return await _modify("remove", file, target, flags)


async def _modify(
    name: Literal["append", "remove"], file: str, target: ReceiptTarget, flags: RecordFlags
) -> int:
    if target.settle and target.api != "v2":
        raise ConfigurationError("--settle is for v2 campaigns; nothing was sent")

    def make_run(client: FotaClient, devices: Devices, options: RunOptions) -> BatchRun:
        operation = target.operation(name, client.account, settle=target.settle)
        options["settle_limit"] = target.settle_limit
        return DeviceBatcher(client.session, operation, **options).run(devices)

    return await drive(make_run, file, flags, f"{name} {target.words}")

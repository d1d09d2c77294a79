"""asyncio client library for Verizon ThingSpace Software Management (FOTA), built for fleets.

    async with FotaClient.from_env() as fota:
        report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
        print(report)

Not affiliated with Verizon.
"""

from fota_async._version import __version__
from fota_async.api.upgrades import modify_upgrade
from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.errors import DevicesFailed, RunStopped, StopCause
from fota_async.batch.recheck import Change
from fota_async.batch.report import BatchReport
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.states import DeviceOutcome, State
from fota_async.client import FotaClient
from fota_async.credentials import Credentials, TokenProvider, Tokens
from fota_async.errors import *  # noqa: F403 - the whole tree, as its __all__ says
from fota_async.errors import __all__ as _errors
from fota_async.models import Callback, FirmwareUpgrade, UpgradeDevice, UpgradeStatus
from fota_async.options import SessionOptions
from fota_async.retry import RetryPolicy
from fota_async.session import SessionManager

__all__ = [  # noqa: PLE0604 - _errors holds strings
    "BatchReport",
    "BatchRun",
    "Callback",
    "Change",
    "Credentials",
    "DeviceBatcher",
    "DeviceOutcome",
    "DevicesFailed",
    "FirmwareUpgrade",
    "FotaClient",
    "RetryPolicy",
    "RunOptions",
    "RunStopped",
    "SessionManager",
    "SessionOptions",
    "State",
    "StopCause",
    "TokenProvider",
    "Tokens",
    "UpgradeDevice",
    "UpgradeStatus",
    "__version__",
    "modify_upgrade",
    *_errors,
]

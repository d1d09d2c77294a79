"""asyncio client library for Verizon ThingSpace Software Management (FOTA), built for fleets.

    async with FotaClient.from_env() as fota:
        report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
        print(report)

Every public name has examples, as they look in `python -m asyncio`, where `await` needs no function
around it. All of them begin with these lines, which need no account: the simulator is a server on
this machine, and `clock` has an hour pass in half a minute. Those in another module, for instance
`fota_async.callbacks`, have the names of that module as well.

>>> from datetime import date
>>> from pathlib import Path
>>> from fota_async import *
>>> from fota_async.clock import ScaledClock
>>> from fota_async.simulator import Faults, Rules, Simulator
>>> clock = ScaledClock(120)
>>> simulator = Simulator(clock=clock, today=date(2027, 3, 1))
>>> await simulator.start()
>>> environ = {
...     "THINGSPACE_KEY": simulator.key,
...     "THINGSPACE_SECRET": simulator.secret,
...     "THINGSPACE_USERNAME": simulator.username,
...     "THINGSPACE_PASSWORD": simulator.password,
...     "THINGSPACE_ACCOUNT": simulator.account,
...     "THINGSPACE_BASE_URL": simulator.base_url,
... }
>>> fota = FotaClient.from_env(environ=environ, clock=clock)
>>> upgrade_id = simulator.upgrade_id
>>> imeis = ["990003425730524", "990003425730535", "990013907835573"]
>>> report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
>>> print(report)
append on 60b5d639-ccdc-4db8-8824-069bd94c95bf of account 0402196254-00001: done after ... s
             3 inputs
             3 succeeded
             1 requests, 0 of them retries

Where to look:

- Making a client: `FotaClient`, `Credentials`, `SessionOptions`, `RetryPolicy`. What hangs on it,
  as `fota.v1.upgrades` does: `fota_async.client`. What its calls return: `fota_async.models`.
- Runs over a device list: `BatchRun`, `RunOptions`, `BatchReport`, `DeviceOutcome`, `State`,
  `read_journal`. Wanted state: `SyncPlan`, `SyncReport`. Scheduling: `ScheduleRun`, `PilotResult`.
  Many accounts in one job: `AccountRuns`, `Overview`, `Totals`.
- Errors, as a tree: `fota_async.errors`. What happens meanwhile: `fota_async.events`,
  `fota_async.observe`.
- Receiving messages: `fota_async.callbacks`.
- Testing code of yours: `fota_async.testing`, `fota_async.simulator`, `fota_async.clock`.

Not affiliated with Verizon.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fota_async._version import __version__ as __version__

__docformat__ = "google"

if TYPE_CHECKING:
    from fota_async._public import *  # noqa: F403 - its __all__ is ours
else:
    # Loading it takes a quarter of a second, aiohttp most of it: whoever runs pytest without a
    # test of ours, where this is imported as a plugin's parent, should not pay for that.
    def __getattr__(name: str) -> object:
        if name == "__all__" or not name.startswith("_"):
            public = import_module("fota_async._public")
            shown = {one: getattr(public, one) for one in ("__all__", *public.__all__)}
            globals().update(shown)
            if name in globals():
                return globals()[name]
        raise AttributeError(f"module 'fota_async' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *import_module("fota_async._public").__all__})

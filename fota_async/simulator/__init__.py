"""The API's twin on a real socket: for tests, demonstrations and your own code.

It follows the wire contract, not our client: it shares no code with it, so that
the two cannot agree on a mistake. `Rules` say how the server behaves by nature,
`Faults` what goes wrong on the way; `Simulator.members`, `rows`, `licensed`,
`candidates` and `logging` tell the truth whatever was answered. Both kinds of
chance are hashes of what they are about, so one seed means the same under any
concurrency.

>>> async with Simulator(faults=Faults(drop_after=0.5), clock=clock) as sim:
...     there = {**environ, "THINGSPACE_BASE_URL": sim.base_url}
...     async with FotaClient.from_env(environ=there, clock=clock) as client:
...         fleet = [f"35693803564{n}" for n in range(4000, 4100)]
...         report = await client.v1.upgrades.append_devices(upgrade_id, fleet, batch_size=10)
...     assert sim.members() == set(fleet)
>>> report.succeeded
100
"""

from fota_async.simulator.faults import Faults
from fota_async.simulator.poster import CallbackRecord
from fota_async.simulator.request_log import RequestRecord
from fota_async.simulator.routes import ROUTES, Guard, Route
from fota_async.simulator.rows import Row
from fota_async.simulator.rules import REASONS, Rules
from fota_async.simulator.simulator import Simulator
from fota_async.simulator.thread import SimulatorThread

__all__ = [
    "REASONS",
    "ROUTES",
    "CallbackRecord",
    "Faults",
    "Guard",
    "RequestRecord",
    "Route",
    "Row",
    "Rules",
    "Simulator",
    "SimulatorThread",
]

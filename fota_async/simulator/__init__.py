"""The API's twin on a real socket: for tests, demonstrations and your own code.

::

    from fota_async.simulator import Faults, Rules, Simulator

    async with Simulator(rules=Rules(refuse_rate=0.01), faults=Faults(drop_after=0.05)) as sim:
        ...  # point a client at sim.base_url, with sim.key, sim.secret and so on
        assert sim.members() == expected

It follows the wire contract, not our client: it shares no code with it, so that
the two cannot agree on a mistake. `Rules` say how the server behaves by nature,
`Faults` what goes wrong on the way; `Simulator.members`, `rows`, `licensed`,
`candidates` and `logging` tell the truth whatever was answered. Both kinds of
chance are hashes of what they are about, so one seed means the same under any
concurrency.
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

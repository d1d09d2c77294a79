"""CPU a device: this library beside a bare loop and the vendor's SDK, at several batch sizes."""

from typing import TypeAlias

from benchmarks import bare, library, vendor
from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.names import BARE, BARE_NO_GC, JOURNAL, LIBRARY, SDK
from benchmarks.plot import bars
from benchmarks.servers import Servers, running
from benchmarks.turn import Turn

CONCURRENCY = 32
AIMS = {100: 1.0, 1000: 0.8, 5000: 0.8}
QUICK = {
    *((batch, client) for batch in AIMS for client in (LIBRARY, BARE)),
    (1000, JOURNAL),
    (1000, SDK),
}
SDK_AIMS = {100: 8.0, 500: 8.0, 1000: 12.0, 5000: 8.0}
Costs: TypeAlias = dict[tuple[int, str], float]
"""CPU microseconds a device, by batch size and client."""
TEXT = """\
CPU microseconds a device of the client's process, user and system, all threads. The library does
all it does: validation, deduplication, the learned limit, a full report (`keep="all"`); where it
says so, a journal too. The bare loop is aiohttp and orjson by hand, and keeps the answers as
dicts. Measure is the loop as it is usually run, with Python's garbage collector, which looks at
all these dicts again and again; beside it stands the same loop after `gc.disable()`. The
vendor's SDK sends one request after another, {sdk:,} devices: what it costs a device does not
depend on how many there are. The others have {counts}. At most {concurrency} requests in flight,
answers without delay.

In batches of 100 what a request costs decides: by a sampling profiler half of the library's time
is spent in aiohttp, the event loop and the kernel, the rest in many small steps."""


def measure(scale: Scale) -> Section:
    """Measure what the clients cost."""
    devices = {
        100: scale.pick(1_000_000, 200_000),
        500: scale.pick(1_000_000, 200_000),
        1000: scale.pick(1_000_000, 200_000),
        5000: scale.pick(1_000_000, 200_000),
    }
    sdk_devices = scale.pick(100_000, 20_000)
    with running() as servers:
        found = medians(
            {
                (batch, client): turn
                for batch, count in devices.items()
                for client, turn in _clients(servers, batch, count, sdk_devices).items()
                if not scale.quick or (batch, client) in QUICK
            },
            scale.rounds,
        )
    costs = {
        (batch, client): 1e6 * figures["cpu"] / (sdk_devices if client == SDK else devices[batch])
        for (batch, client), figures in found.items()
    }
    shown = {client for _, client in costs}
    clients = [one for one in (LIBRARY, JOURNAL, BARE, BARE_NO_GC, SDK) if one in shown]
    batches = list(dict.fromkeys(batch for batch, _ in costs))
    counts = ", ".join(f"{devices[batch]:,} in batches of {batch:,}" for batch in batches)
    return Section(
        "CPU a device",
        TEXT.format(concurrency=CONCURRENCY, counts=counts, sdk=sdk_devices),
        [
            table(
                ["microseconds a device (x bare loop)", *(f"{batch:,}" for batch in batches)],
                [
                    [client, *(_cell(costs, batch, client) for batch in batches)]
                    for client in clients
                ],
            )
        ],
        _aims(costs),
        {
            "cpu.svg": bars(
                "CPU microseconds a device, by devices a request (logarithmic)",
                [f"{batch:,}" for batch in batches],
                {client: [costs.get((batch, client)) for batch in batches] for client in clients},
            )
        },
    )


def _clients(servers: Servers, batch: int, devices: int, sdk_devices: int) -> dict[str, Turn]:
    """Return the turn of each client."""
    job = devices, batch, CONCURRENCY
    clients = {LIBRARY: servers.turn(0, library.append, *job)}
    if batch == 1000:
        clients[JOURNAL] = servers.turn(0, library.append, *job, journal=True)
    return clients | {
        BARE: servers.turn(0, bare.append, *job),
        BARE_NO_GC: servers.turn(0, bare.append, *job, collector=False),
        SDK: servers.turn(0, vendor.append, sdk_devices, batch),
    }


def _aims(costs: Costs) -> list[Aim]:
    aims = [
        Aim(
            f"CPU a device x bare loop, batches of {batch:,}",
            costs[batch, LIBRARY] / costs[batch, BARE],
            aim,
        )
        for batch, aim in AIMS.items()
    ]
    journal = costs[1000, JOURNAL] / costs[1000, BARE]
    aims.append(Aim("CPU a device x bare loop, with a journal, batches of 1,000", journal, 1.2))
    return aims + [
        Aim(
            f"times less CPU than the vendor's SDK, batches of {batch:,}",
            costs[batch, SDK] / costs[batch, LIBRARY],
            aim,
            at_least=True,
        )
        for batch, aim in SDK_AIMS.items()
        if (batch, SDK) in costs
    ]


def _cell(costs: Costs, batch: int, client: str) -> str:
    cost = costs.get((batch, client))
    return "" if cost is None else f"{cost:.2f} ({cost / costs[batch, BARE]:.2f})"

"""How punctual a loop stays that a run shares with others' work."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import bare, fleet, library
from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.names import BARE, IDLE, JOURNAL, LIBRARY
from benchmarks.plot import bars
from benchmarks.server import UPGRADE_ID
from benchmarks.servers import running
from benchmarks.turn import Figures, Turn, fresh

DEVICES = 1_000_000
BATCH = 1000
CONCURRENCY = 32
TICK = 0.005
IDLE_TICKS = 200
MANY = 10
LATENCIES = (0.02, 0.0)
TEXT = """\
A task that wants to wake every {tick:g} ms, on a fixed schedule, while a run of {devices:,}
devices in batches of {batch:,} goes on in the same loop, in a fresh process each time: by how many
milliseconds it is late. The last column counts the CPU that the process used between two ticks
beyond those {tick:g} ms: what of the lateness is its own, whatever else the machine does. An idle
loop beside it shows what the machine itself does. Once in some millions of devices Python's garbage
collector looks at all that a process has imported: where {many} runs follow one another, that is
the worst of the ticks, and `gc.freeze()` after start-up spares most of it."""

AGAIN = f"fota_async, {MANY} runs"
FROZEN = f"fota_async, {MANY} runs after gc.freeze()"


def measure(scale: Scale) -> Section:
    """Measure the lateness."""
    with running(LATENCIES) as servers:
        turns: dict[tuple[str, float], Turn] = {}
        for latency in LATENCIES:
            turns[LIBRARY, latency] = servers.turn(latency, beside_library)
            turns[JOURNAL, latency] = servers.turn(latency, beside_library, journal=True)
            turns[BARE, latency] = servers.turn(latency, beside_bare)
        turns[AGAIN, LATENCIES[0]] = servers.turn(LATENCIES[0], beside_library, runs=MANY)
        turns[FROZEN, LATENCIES[0]] = servers.turn(
            LATENCIES[0], beside_library, runs=MANY, frozen=True
        )
        turns[IDLE, LATENCIES[-1]] = fresh(beside_nothing)
        found = medians(turns, scale.rounds)

    def late(client: str, latency: float, figure: str = "p999") -> float:
        return 1000 * found[client, latency][figure]

    return Section(
        "Punctuality of the loop",
        TEXT.format(tick=1000 * TICK, devices=DEVICES, batch=BATCH, many=MANY),
        [
            table(
                ["ms late", "p50", "p99", "p99.9", "most", "p99.9, own CPU"],
                [
                    [
                        _name(client, latency),
                        *(
                            f"{late(client, latency, figure):.1f}"
                            for figure in ("p50", "p99", "p999", "most", "held")
                        ),
                    ]
                    for client, latency in found
                ],
            )
        ],
        [
            Aim(
                f"p99.9 of how late 5 ms ticks are, {_name(client, latency)}",
                late(client, latency),
                10,
                "ms",
            )
            for client in (LIBRARY, JOURNAL)
            for latency in LATENCIES
        ],
        {
            "ticks.svg": bars(
                "Milliseconds that ticks are late, p99.9 (logarithmic)",
                [_latency(latency) for latency in LATENCIES],
                {
                    client: [
                        late(client, latency) if (client, latency) in found else None
                        for latency in LATENCIES
                    ]
                    for client in (LIBRARY, JOURNAL, BARE, IDLE)
                },
            )
        },
    )


def beside_library(
    base_url: str, /, *, journal: bool = False, runs: int = 1, frozen: bool = False
) -> Figures:
    """Return how late ticks are beside runs of this library."""

    async def run(folder: Path) -> Figures:
        ids = fleet.in_a_row(DEVICES)
        numbers = count()
        async with library.client(base_url) as fota:

            async def append(ids: list[str]) -> None:
                await fota.v1.upgrades.append_devices(
                    UPGRADE_ID,
                    ids,
                    batch_size=BATCH,
                    concurrency=CONCURRENCY,
                    journal=folder / f"{next(numbers)}.db" if journal else None,
                )

            return await _beside(append, ids, runs=runs, frozen=frozen)

    with TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


def beside_bare(base_url: str, /) -> Figures:
    """Return how late ticks are beside bare loops."""

    async def run() -> Figures:
        ids = fleet.in_a_row(DEVICES)
        async with bare.loop(base_url, CONCURRENCY) as append_all:

            async def append(ids: list[str]) -> None:
                await append_all(fleet.in_batches(ids, BATCH))

            return await _beside(append, ids)

    return asyncio.run(run())


def beside_nothing() -> Figures:
    """Return how late ticks are beside nothing."""

    async def run() -> Figures:
        ticking = Ticking()
        await asyncio.sleep(IDLE_TICKS * TICK)
        return ticking.stop()

    return asyncio.run(run())


async def _beside(
    append: Callable[[list[str]], Awaitable[None]],
    ids: list[str],
    *,
    runs: int = 1,
    frozen: bool = False,
) -> Figures:
    await append(ids[:1])
    gc.collect()  # of what the imports made; nothing of it is the runs'
    if frozen:
        gc.freeze()
    ticking = Ticking()
    for _ in range(runs):
        await append(ids)
    return {**ticking.stop(), "sent": 1 + runs * len(ids)}


class Ticking:
    """A task that notes how late each tick is; those that were missed meanwhile are late, too."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._held: list[float] = []
        self._task = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        cpu = time.process_time()
        for due in count(loop.time() + TICK, TICK):
            await asyncio.sleep(due - loop.time())
            self.late.append(max(0.0, loop.time() - due))
            before, cpu = cpu, time.process_time()
            self._held.append(max(0.0, cpu - before - TICK))

    def stop(self) -> Figures:
        """End it and return the figures, in seconds.

        ``held`` is the p99.9 of the CPU that this process used between two ticks beyond what it
        may: how much of the lateness is its own.
        """
        self._task.cancel()
        late, held = sorted(self.late), sorted(self._held)

        def of(share: float, values: list[float]) -> float:
            return values[int(share * len(values))]

        return {
            "p50": of(0.5, late),
            "p99": of(0.99, late),
            "p999": of(0.999, late),
            "most": late[-1],
            "held": of(0.999, held),
        }


def _latency(latency: float) -> str:
    return f"answers after {1000 * latency:g} ms" if latency else "answers without delay"


def _name(client: str, latency: float) -> str:
    return client if client == IDLE else f"{client}, {_latency(latency)}"

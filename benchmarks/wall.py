"""Wall time of a large run, against what the latency alone would take."""

from math import ceil

from benchmarks import bare, library, vendor
from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.names import BARE, LIBRARY, SDK, SDK_THREADS
from benchmarks.plot import bars
from benchmarks.servers import Servers, running
from benchmarks.turn import Turn

BATCH = 1000
AIMS = {0.2: 1.1, 0.05: 1.25}
TEXT = """\
{devices:,} devices in batches of {batch:,}, at most {concurrency} requests in flight, each
answered after a latency. The ideal is ceil(requests / {concurrency}) x latency. The clients are
warm: the library's has sent so many requests of one device that its limit, which begins with 8
and rises by one each round trip, is no less than {concurrency}; the bare loop has its
connections. The vendor's SDK has fewer devices ({sdk:,} one request after another,
{sdk_threads:,} with {concurrency} threads) and is held against the ideal of so many."""


def measure(scale: Scale) -> Section:
    """Measure how long runs take."""
    latencies = [0.2] if scale.quick else list(AIMS)
    clients = [LIBRARY] if scale.quick else [LIBRARY, BARE, SDK, SDK_THREADS]
    concurrency = scale.pick(32, 16)
    ten_waves = 10 * concurrency * BATCH
    devices = {
        LIBRARY: scale.pick(1_000_000, ten_waves),
        BARE: scale.pick(1_000_000, ten_waves),
        SDK: concurrency * BATCH,
        SDK_THREADS: ten_waves,
    }
    with running(latencies) as servers:
        found = medians(
            {
                (latency, client): _clients(servers, latency, devices, concurrency)[client]
                for latency in latencies
                for client in clients
            },
            scale.rounds,
        )

    def ratio(latency: float, client: str) -> float:
        ideal = ceil(devices[client] / BATCH / concurrency) * latency
        return found[latency, client]["wall"] / ideal

    def cell(latency: float, client: str) -> str:
        return f"{ratio(latency, client):.2f} ({found[latency, client]['wall']:.2f} s)"

    names = [f"{1000 * latency:g} ms" for latency in latencies]
    return Section(
        "Wall time",
        TEXT.format(
            devices=devices[LIBRARY],
            batch=BATCH,
            concurrency=concurrency,
            sdk=devices[SDK],
            sdk_threads=devices[SDK_THREADS],
        ),
        [
            table(
                ["x ideal, answers after", *names],
                [
                    [
                        f"{client}, {devices[client]:,} devices",
                        *(cell(latency, client) for latency in latencies),
                    ]
                    for client in clients
                ],
            )
        ],
        [
            Aim(f"wall time x ideal, answers after {name}", ratio(latency, LIBRARY), AIMS[latency])
            for name, latency in zip(names, latencies, strict=True)
        ],
        {
            "wall.svg": bars(
                "Wall time x ideal, by latency (logarithmic)",
                names,
                {client: [ratio(latency, client) for latency in latencies] for client in clients},
            )
        },
    )


def _clients(
    servers: Servers, latency: float, devices: dict[str, int], concurrency: int
) -> dict[str, Turn]:
    """Return the turn of each client."""
    job = devices[LIBRARY], BATCH, concurrency
    rise = sum(range(concurrency + 1))
    return {
        LIBRARY: servers.turn(latency, library.append, *job, warm_up=rise),
        BARE: servers.turn(latency, bare.append, *job, warm_up=concurrency),
        SDK: servers.turn(latency, vendor.append, devices[SDK], BATCH),
        SDK_THREADS: servers.turn(latency, vendor.append, devices[SDK_THREADS], BATCH, concurrency),
    }

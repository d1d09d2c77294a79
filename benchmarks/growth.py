"""CPU a device as runs become longer: what grows with the square would show."""

from benchmarks import library
from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.servers import running

BATCH = 1000
CONCURRENCY = 32
TEXT = f"""\
CPU microseconds a device, out of a list, everything on but the journal; batches of {BATCH:,}, at
most {CONCURRENCY} requests in flight, answers without delay."""


def measure(scale: Scale) -> Section:
    """Measure runs of several lengths."""
    lengths = [10**5, 5 * 10**5] if scale.quick else [10**5, 10**6, 10**7]
    with running() as servers:
        found = medians(
            {
                length: servers.turn(0, library.append, length, BATCH, CONCURRENCY)
                for length in lengths
            },
            scale.rounds,
        )
    costs = {length: found[length]["cpu"] * 1e6 / length for length in lengths}
    least, most = lengths[0], lengths[-1]
    return Section(
        "CPU a device of long runs",
        TEXT,
        [
            table(
                ["devices", *(f"{length:,}" for length in lengths)],
                [["microseconds a device", *(f"{cost:.2f}" for cost in costs.values())]],
            )
        ],
        [Aim(f"CPU a device of {most:,} x that of {least:,}", costs[most] / costs[least], 1.5)],
    )

"""Memory: of a full report, and of runs that are streamed, as they become longer."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

from itertools import islice
from typing import Any

from benchmarks import fleet, library
from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.names import NO_DEDUPLICATION, SCATTERED, TYPE_CODES
from benchmarks.plot import lines
from benchmarks.servers import running
from benchmarks.turn import Figures, Turn, fresh
from benchmarks.usage import measured

BATCH = 1000
CONCURRENCY = 32
MB = 1e6
TEXT = """\
Batches of {batch:,}, at most {concurrency} requests in flight, answers without delay. The report
is that of {devices:,} devices out of a list: what the run added to the peak of the process, less
what the deduplication of these ids alone adds; what is in flight is in it. Streamed runs get
their ids from a generator, keep no outcomes (`keep="none"`), and deduplicate; the figure is the
peak of the whole process, interpreter and imports included: a run of one device has it at
{least:.0f} MB. Type codes: {type_codes} of them, serials without gaps, check digits, as in real
fleets. Scattered: random numbers of 15 digits, the worst there is for the deduplication; no
fleet has them."""


def measure(scale: Scale) -> Section:
    """Measure what reports and streamed runs take."""
    devices = scale.pick(1_000_000, 500_000)
    lengths = [10**5, 5 * 10**5] if scale.quick else [10**5, 10**6, 10**7]
    kinds: dict[str, dict[str, Any]] = {TYPE_CODES: {"ids": TYPE_CODES}}
    if not scale.quick:
        kinds[SCATTERED] = {"ids": SCATTERED}
        if fresh(library.can_leave_duplicates)()["can"]:
            kinds[NO_DEDUPLICATION] = {"ids": TYPE_CODES, "dedupe": False}
    with running() as servers:

        def append(devices: int, **options: Any) -> Turn:
            return servers.turn(0, library.append, devices, BATCH, CONCURRENCY, **options)

        found = medians(
            {
                ("report", devices): append(devices, keep="all"),
                ("no report", devices): append(devices, keep="none"),
                ("deduplication", devices): fresh(deduplicate, devices),
                (TYPE_CODES, 1): append(1, keep="none", ids=TYPE_CODES),
                **{
                    (kind, length): append(length, keep="none", **options)
                    for kind, options in kinds.items()
                    for length in lengths
                },
            },
            scale.rounds,
        )

    def growth(name: str) -> float:
        return found[name, devices]["growth"]

    peaks = {
        kind: {length: found[kind, length]["peak"] / MB for length in lengths} for kind in kinds
    }
    a_device = (growth("report") - growth("deduplication")) / devices
    longest = lengths[-1]
    added = (peaks[TYPE_CODES][longest] - peaks[TYPE_CODES][lengths[0]]) * MB
    return Section(
        "Memory",
        TEXT.format(
            batch=BATCH,
            concurrency=CONCURRENCY,
            devices=devices,
            least=found[TYPE_CODES, 1]["peak"] / MB,
            type_codes=fleet.TYPE_CODES,
        ),
        [
            table(
                [f"{devices:,} devices", "bytes a device"],
                [
                    [f'added by the run, `keep="{keep}"`', f"{growth(name) / devices:.1f}"]
                    for name, keep in (("report", "all"), ("no report", "none"))
                ]
                + [
                    ["added by the deduplication alone", f"{growth('deduplication') / devices:.1f}"]
                ],
            ),
            table(
                ["streamed, peak MB", *(f"{length:,}" for length in lengths)],
                [[kind, *(f"{mb:.1f}" for mb in by.values())] for kind, by in peaks.items()],
            ),
            f"From {lengths[0]:,} to {longest:,} devices of type codes the peak grows by "
            f"{added / (longest - lengths[0]):.2f} bytes a device.",
        ],
        [
            Aim("memory of the full report, a device", a_device, 40, "bytes"),
            Aim(
                f"peak of a streamed run of {longest:,} devices",
                peaks[TYPE_CODES][longest],
                120,
                "MB",
            ),
        ],
        {"memory.svg": lines("Peak MB of a streamed run, by devices (logarithmic)", peaks, "MB")},
    )


def deduplicate(devices: int) -> Figures:
    """Measure what remembering ids takes, and nothing else."""
    from fota_async.batch.device_ids import Sieve

    ids = iter(fleet.in_a_row(devices))
    with measured() as figures:
        sieve = Sieve()
        while part := list(islice(ids, 1024)):
            sieve.sift(part)
    return figures

"""From the path of a large CSV to batches, without a network."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

import asyncio
import csv
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import fleet, library
from benchmarks.frame import Scale, Section, medians, table
from benchmarks.server import UPGRADE_ID
from benchmarks.turn import Figures, fresh
from benchmarks.usage import measured

BATCH = 1000
TEXT = """\
CPU a line of a CSV with {lines:,} lines and two columns, the device id and a model, from its
path to batches of {batch:,}. It is the path of a real run up to the sending (`dry_run=True`,
`keep="none"`): lines are counted first, rows read in a thread, ids validated, deduplicated, cut
into batches, and entered in the report. The source alone hands out the cells of the column.
`csv.reader` alone makes the rows; plain iteration makes the lines."""


def measure(scale: Scale) -> Section:
    """Measure several ways to read the same file."""
    lines = scale.pick(10_000_000, 300_000)
    with TemporaryDirectory() as folder:
        path = Path(folder, "fleet.csv")
        with path.open("w") as file:
            file.write("imei,model\n")
            file.writelines(f"{one},Model-A\n" for one in fleet.of_type_codes(lines))
        turns = {
            "plain iteration": fresh(iterate, str(path)),
            "csv.reader": fresh(make_rows, str(path)),
            "the source alone": fresh(read_source, str(path)),
            "into batches": fresh(into_batches, str(path), lines),
        }
        if fresh(library.can_leave_duplicates)()["can"]:
            turns["into batches, dedupe=False"] = fresh(
                into_batches, str(path), lines, dedupe=False
            )
        found = medians(turns, scale.rounds)
    base = found["csv.reader"]["cpu"]
    rows = [
        [name, f"{figures['cpu'] * 1e9 / lines:.0f}", f"{figures['cpu'] / base:.2f}"]
        for name, figures in found.items()
    ]
    return Section(
        "Reading a CSV",
        TEXT.format(lines=lines, batch=BATCH),
        [table(["", "nanoseconds a line", "x csv.reader"], rows)],
    )


def iterate(path: str) -> Figures:
    """Do nothing with each line."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file, measured() as figures:
        deque(file, maxlen=0)
    return figures


def make_rows(path: str) -> Figures:
    """Do nothing with each row."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file, measured() as figures:
        deque(csv.reader(file), maxlen=0)
    return figures


def read_source(path: str) -> Figures:
    """Do nothing with each slice that the library reads."""
    from fota_async.batch.source import open_source

    async def run() -> Figures:
        source = open_source(Path(path))
        with measured() as figures:
            while await source.read():
                pass
            await source.aclose()
        return figures

    return asyncio.run(run())


def into_batches(path: str, lines: int, **options: Any) -> Figures:
    """Make batches, and send none."""

    async def run() -> Figures:
        async with library.client("http://127.0.0.1:9") as fota:
            with measured() as figures:
                report = await fota.v1.upgrades.append_devices(
                    UPGRADE_ID, Path(path), batch_size=BATCH, dry_run=True, keep="none", **options
                )
        if report.unsent != lines or report.requests != -(-lines // BATCH):
            raise RuntimeError(str(report))
        return figures

    return asyncio.run(run())

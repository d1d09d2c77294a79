"""A sync as text, piece by piece: both of its runs, one behind the other."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from fota_async.batch.report import BatchReport, csv_lines
from fota_async.batch.states import DeviceOutcome
from fota_async.batch.sync import SyncReport
from fota_async.reports.texts import as_plain, json_pieces

OutcomesOf: TypeAlias = Callable[[BatchReport], Iterable[DeviceOutcome]]
"""Returns the devices of a run that are to be listed."""


def sync_csv_lines(sync: SyncReport, outcomes_of: OutcomesOf) -> Iterator[str]:
    """Yield CSV as that of a run is, with the operation in a last column."""
    [header] = csv_lines(())
    yield f"{header[:-1]},operation\n"
    for run in (sync.append, sync.remove):
        for line in islice(csv_lines(outcomes_of(run)), 1, None):
            yield f"{line[:-1]},{run.operation}\n"


def sync_json_pieces(sync: SyncReport, outcomes_of: OutcomesOf) -> Iterator[str]:
    """Yield one JSON object with what a run's has under `append` and under `remove`."""
    yield '{"append": '
    yield from json_pieces(sync.append, outcomes_of(sync.append))
    yield ', "remove": '
    yield from json_pieces(sync.remove, outcomes_of(sync.remove))
    counts = {"unchanged": sync.unchanged, "duplicates": sync.duplicates}
    yield f", {json.dumps(counts).removeprefix('{')}\n"


def sync_ndjson_lines(sync: SyncReport, outcomes_of: OutcomesOf) -> Iterator[str]:
    """Yield one JSON object a line, one a device, each with its operation."""
    for run in (sync.append, sync.remove):
        for outcome in outcomes_of(run):
            yield f"{json.dumps({**as_plain(outcome), 'operation': run.operation})}\n"

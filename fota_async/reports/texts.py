"""Reports as JSON, piece by piece."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from fota_async.batch.report import BatchReport
from fota_async.batch.states import DeviceOutcome


def json_pieces(report: BatchReport, outcomes: Iterable[DeviceOutcome]) -> Iterator[str]:
    """Yield one JSON object, however many devices there are: counts, groups, `devices`."""
    groups = [attrs.asdict(group) for group in report.groups]
    yield json.dumps({**report.summary(), "groups": groups}).removesuffix("}")
    yield ', "devices": ['
    separator = ""
    for outcome in outcomes:
        yield f"{separator}\n{json.dumps(as_plain(outcome))}"
        separator = ","
    yield "]}\n"


def ndjson_lines(outcomes: Iterable[DeviceOutcome]) -> Iterator[str]:
    """Yield one JSON object a line, one a device."""
    for outcome in outcomes:
        yield f"{json.dumps(as_plain(outcome))}\n"


def as_plain(outcome: DeviceOutcome) -> dict[str, Any]:
    """Return an outcome as plain values; `detail` is there only where an answer said more."""
    plain: dict[str, Any] = {
        "device_id": outcome.device_id,
        "state": outcome.state.value,
        "status": outcome.status,
        "reason": outcome.reason,
        "settled": outcome.settled,
    }
    if outcome.detail is not None:
        plain["detail"] = attrs.asdict(outcome.detail)  # type: ignore[arg-type]  # details are models
    return plain

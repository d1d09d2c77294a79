"""What a page says of how runs went: over time, when throttled, in doubt, start by start."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fota_async.batch.journal.read_journal import UNFINISHED
from fota_async.batch.report import BatchReport
from fota_async.batch.run_start import RunStart
from fota_async.batch.states import State
from fota_async.reports import charts
from fota_async.reports.record import RunRecord
from fota_async.reports.words import CAUSES, duration, number, plural


def over_time(runs: Sequence[BatchReport], record: RunRecord | None) -> dict[str, Any]:
    """Return what a page shows over time."""
    dry_run = any(run.dry_run for run in runs)
    named = len(runs) > 1
    return {
        "recorded": record is not None and record.began is not None and not dry_run,
        "dry_run": dry_run,
        "throughput": record and charts.throughput(record),
        "failures": record and charts.failures(record),
        "slowest": [
            {
                "took": duration(one.seconds),
                "at": duration(one.at),
                "place": f"{one.place + 1:,}",
                "devices": number(one.devices),
                "outcome": f"{one.operation}: {one.outcome}" if named else one.outcome,
                "reason": one.reason,
            }
            for one in (record.slowest if record else ())
        ],
    }


def throttling(record: RunRecord | None) -> dict[str, Any]:
    """Return what a page says of throttling."""
    if record is None:
        return {"throttling": "", "requests": None, "limit": None, "answers": [], "retries": []}
    if record.pauses:
        said = (
            f"{plural(record.refused_for_rate, 'request')} refused for rate made "
            f"{plural(record.pauses, 'pause')}, {duration(record.paused)} in all; the longest was "
            f"to be {duration(record.longest_pause)}."
        )
    else:
        said = "The API did not throttle."
    if record.limit is not None:
        rate = (
            "no rate was learned"
            if record.rate is None
            else f"the rate {number(round(record.rate, 1))} requests a second"
        )
        said += f" At the end the limit was {record.limit} requests at once; {rate}."
    return {
        "throttling": said,
        "requests": charts.requests(record),
        "limit": charts.limit(record),
        "answers": [(word, number(count)) for word, count in record.answers.most_common()],
        "retries": [(word, number(count)) for word, count in record.retries.most_common()],
    }


def doubts(runs: Sequence[BatchReport], record: RunRecord | None) -> dict[str, Any]:
    """Return what a page says of doubts."""
    settled: Counter[State] = Counter()
    for run in runs:
        settled.update(run.settled)
    of = number(sum(settled.values()))
    dry_run = any(run.dry_run for run in runs)
    unknown = sum(run.unknown for run in runs)
    resumed = record is not None and record.earlier is not None
    here = " in this start" if resumed else ""
    said = []
    if record is not None and record.lost_batches:
        devices = plural(sum(record.lost.values()), "device")
        answers = plural(record.lost_batches, "answer was", "answers were")
        said.append(
            f"{answers} lost or did not decide{here}, about {devices}. What became of those is "
            f"read back from the target and never guessed: what had arrived counts, what had not "
            f"is sent again."
        )
    elif dry_run:
        said.append("Nothing was sent, so nothing is in doubt.")
    elif record is not None:
        said.append(f"Every answer came and decided{here}.")
    if settled:
        over = ", over all starts" if resumed else ""
        said.append(f"Readings of the target decided {of} of all devices{over}.")
    elif record is None and not dry_run:
        said.append("No device had to be decided by a reading of the target.")
    if unknown:
        said.append(f"{plural(unknown, 'device')} could not be settled, and are unknown.")
    return {
        "doubts": " ".join(said),
        "lost": [
            (word or "not told", number(count))
            for word, count in (record.lost.most_common() if record else ())
        ],
        "settled": [(state.value, number(count)) for state, count in settled.most_common()],
    }


def starts(report: BatchReport, record: RunRecord | None) -> dict[str, Any]:
    """Return what a page says of the starts of a run."""
    several = len(report.starts) > 1
    source = "of the earlier ones as the journal has it, the last one as recorded"
    return {
        "starts": [
            {
                "end": _end(one, is_last=one is report.starts[-1]),
                "requests": number(one.requests),
                "retries": number(one.retries),
                "took": duration(one.seconds),
            }
            for one in (report.starts if several else ())
        ],
        "endless": any(not one.ended for one in report.starts[:-1]),
        "starts_caption": f"What each start took: {source if record else 'as the journal has it'}",
    }


def _end(start: RunStart, *, is_last: bool) -> str:
    if not start.ended or start.stopped == UNFINISHED:
        return "goes on, or was killed" if is_last else "no end is on record"
    if start.stopped is None:
        return "came to its end"
    return f"stopped: {CAUSES.get(start.stopped, start.stopped)}"

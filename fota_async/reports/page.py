"""The page: what a report and the record of its run say, in HTML."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fota_async._version import __version__
from fota_async.batch.journal.read_journal import UNFINISHED
from fota_async.batch.report import BatchReport
from fota_async.batch.run_start import RunStart
from fota_async.batch.states import State
from fota_async.printable import printable
from fota_async.reports import charts
from fota_async.reports.gather import MOST_GROUPS, Devices
from fota_async.reports.record import RunRecord
from fota_async.reports.svg import shares
from fota_async.reports.words import CAUSES, MEANINGS, duration, number, plural, share, verdict_of


@cache
def _sources() -> tuple[Template, str, str]:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("fota_async.reports", "page"),
        undefined=StrictUndefined,
    )
    environment.filters["printable"] = printable
    loader = environment.loader
    assert loader is not None  # noqa: S101 - given above
    style, script = (
        loader.get_source(environment, f"{name}")[0] for name in ("style.css", "script.js")
    )
    return environment.get_template("report.html"), style, script


def page_pieces(
    report: BatchReport,
    record: RunRecord | None,
    devices: Devices,
    beside: str | None = None,
    *,
    now: datetime | None = None,
) -> Iterator[str]:
    """Yield the page, piece by piece.

    Args:
        report: What became of every device.
        record: What happened when, if that was recorded.
        devices: The devices to list.
        beside: Name of the file beside that lists them all, if the page cannot.
        now: When it is written; None for now.
    """
    template, style, script = _sources()
    return template.generate(
        version=__version__,
        written=_moment(now or datetime.now(UTC)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        title=f"{report.operation} on {report.target}: {verdict_of(report).headline}",
        kind=f"{report.operation} · {report.target}",
        verdict=verdict_of(report),
        key=_key(report),
        facts=_facts(report, record),
        **_counts(report),
        **_groups(report, devices),
        **_over_time(report, record),
        **_throttling(record),
        **_doubts(report, record),
        **_starts(report, record),
        **_devices(report, devices, beside),
    )


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _key(report: BatchReport) -> list[tuple[str, str, str]]:
    devices = report.inputs - report.duplicates
    decided = report.succeeded + report.failed + report.pending
    sent = "requests that would be sent" if report.dry_run else "requests"
    again = f"{number(report.retries)} of them again" if report.retries else ""
    told = [
        ("devices", number(devices), f"{plural(report.inputs, 'input')}"),
        ("succeeded", share(report.succeeded, devices), plural(report.succeeded, "device")),
        (sent, number(report.requests), again),
    ]
    if report.seconds:
        rate = f"{number(round(decided / report.seconds, 1))} devices a second"
        told.append(("time", duration(report.seconds), rate if decided else ""))
    return told


def _facts(report: BatchReport, record: RunRecord | None) -> list[tuple[str, str]]:
    facts = [
        ("operation", report.operation),
        ("target", report.target),
        ("account", report.account),
    ]
    if record is not None:
        facts += record.asked.items()
        if record.began is not None:
            facts.append(("began", _moment(record.began)))
    if report.starts:
        facts.append(
            ("started", "once" if len(report.starts) == 1 else f"{len(report.starts)} times")
        )
    return facts


def _counts(report: BatchReport) -> dict[str, Any]:
    counted = [(name, getattr(report, name)) for name in MEANINGS]
    parts = [f"{number(count)} {name}" for name, count in counted if count]
    law = f"{plural(report.inputs, 'input')} = {' + '.join(parts) or '0'}"
    return {
        "shares": shares("shares", counted, law) if report.inputs else "",
        "law": law,
        "inputs": number(report.inputs),
        "input_complete": report.input_complete,
        "counts": [
            (name, number(count), share(count, report.inputs), MEANINGS[name])
            for name, count in counted
        ],
    }


def _groups(report: BatchReport, devices: Devices) -> dict[str, Any]:
    groups = report.groups
    more = groups[MOST_GROUPS:]
    said = plural(sum(group.devices for group in more), "device")
    return {
        "groups": [
            {
                "devices": number(group.devices),
                "state": group.state.value,
                "status": group.status,
                "reason": group.reason,
                "examples": devices.examples[group.state, group.status, group.reason],
            }
            for group in groups[:MOST_GROUPS]
        ],
        "more_groups": f"{plural(len(more), 'reason')} more, of {said}" if more else "",
    }


def _over_time(report: BatchReport, record: RunRecord | None) -> dict[str, Any]:
    resumed = ""
    if record is not None and record.earlier is not None:
        before = record.earlier
        resumed = (
            f"This is start {before.starts + 1} of the run. What is drawn over time is this start "
            f"alone; {plural(before.decided, 'device')} had been decided before it, and counts and "
            f"totals elsewhere on this page are of all starts."
        )
    return {
        "recorded": record is not None and record.began is not None and not report.dry_run,
        "dry_run": report.dry_run,
        "resumed": resumed,
        "throughput": record and charts.throughput(record),
        "failures": record and charts.failures(record),
        "slowest": [
            {
                "took": duration(one.seconds),
                "at": duration(one.at),
                "place": f"{one.place + 1:,}",
                "devices": number(one.devices),
                "outcome": one.outcome,
                "reason": one.reason,
            }
            for one in (record.slowest if record else ())
        ],
    }


def _throttling(record: RunRecord | None) -> dict[str, Any]:
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


def _doubts(report: BatchReport, record: RunRecord | None) -> dict[str, Any]:
    settled = report.settled
    of = number(sum(settled.values()))
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
    elif report.dry_run:
        said.append("Nothing was sent, so nothing is in doubt.")
    elif record is not None:
        said.append(f"Every answer came and decided{here}.")
    if settled:
        over = ", over all starts" if resumed else ""
        said.append(f"Readings of the target decided {of} of all devices{over}.")
    elif record is None and not report.dry_run:
        said.append("No device had to be decided by a reading of the target.")
    if report.unknown:
        said.append(f"{plural(report.unknown, 'device')} could not be settled, and are unknown.")
    return {
        "doubts": " ".join(said),
        "lost": [
            (word or "not told", number(count))
            for word, count in (record.lost.most_common() if record else ())
        ],
        "settled": [(state.value, number(count)) for state, count in settled.items()],
    }


def _starts(report: BatchReport, record: RunRecord | None) -> dict[str, Any]:
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


def _devices(report: BatchReport, devices: Devices, beside: str | None) -> dict[str, Any]:
    chosen = [state.value for state in State if devices.states and state in devices.states]
    which = f" that are {' or '.join(chosen)}" if chosen else ""
    if devices.too_many:
        listed = plural(devices.listed, "device")
        said = f"The {listed}{which} are listed in the file beside this page:"
    elif devices.listed:
        said = f"The list has {plural(devices.listed, 'device')}{which}."
    else:
        said = f"There are no devices{which} to list."
    distinct = report.inputs - report.duplicates
    if not chosen and devices.listed < distinct:
        said = f"The run kept {number(devices.listed)} of {plural(distinct, 'device')}. " + said
    return {
        "listing": said,
        "beside": beside if devices.too_many else None,
        "rows": devices.rows,
        "rows_caption": (
            "Those that did not succeed" if devices.wrong_only else "In the order of the input"
        ),
        "states": [
            state.value for state in State if any(row.state is state for row in devices.rows)
        ],
    }

"""The page: what a report and the record of its run say, in HTML."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fota_async._version import __version__
from fota_async.batch.report import BatchReport
from fota_async.batch.sync import SyncReport
from fota_async.printable import printable
from fota_async.reports.course import doubts, over_time, starts, throttling
from fota_async.reports.gather import Devices
from fota_async.reports.part import APPEND, REMOVE, RUN, part_of
from fota_async.reports.record import RunRecord
from fota_async.reports.words import (
    duration,
    number,
    plural,
    share,
    verdict_of,
    verdict_of_sync,
)


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
    verdict = verdict_of(report)
    return _pieces(
        [report],
        record,
        now,
        kind=f"{report.operation} · {report.target}",
        title=f"{report.operation} on {report.target}: {verdict.headline}",
        verdict=verdict,
        key=_key(report),
        facts=_facts(report, record),
        note=_resumed(record),
        parts=[part_of(report, devices, beside, RUN)],
    )


def sync_page_pieces(
    sync: SyncReport,
    record: RunRecord | None,
    devices: Sequence[Devices],
    beside: str | None = None,
    *,
    now: datetime | None = None,
) -> Iterator[str]:
    """Yield the page of a sync, piece by piece.

    Args:
        sync: What became of every device.
        record: What happened when, if that was recorded.
        devices: The devices to list, of the appending and of the removing.
        beside: Name of the file beside that lists them all, if the page cannot.
        now: When it is written; None for now.
    """
    runs = [sync.append, sync.remove]
    parts = [
        part_of(run, listed, beside, words)
        for run, listed, words in zip(runs, devices, (APPEND, REMOVE), strict=True)
    ]
    verdict = verdict_of_sync(sync)
    return _pieces(
        runs,
        record,
        now,
        kind=f"sync · {sync.append.target}",
        title=f"sync of {sync.append.target}: {verdict.headline}",
        verdict=verdict,
        key=_key_of_sync(sync, record),
        facts=_facts_of_sync(sync, record),
        note=(
            "What is drawn over time is the whole sync: it reads the target, appends, makes sure "
            "that the target shows what was appended, and removes."
        ),
        parts=parts,
    )


def _pieces(
    runs: Sequence[BatchReport], record: RunRecord | None, now: datetime | None, **more: Any
) -> Iterator[str]:
    template, style, script = _sources()
    return template.generate(
        version=__version__,
        written=_moment(now or datetime.now(UTC)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        **more,
        **over_time(runs, record),
        **throttling(record),
        **doubts(runs, record),
        **starts(runs[-1], record),
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


def _key_of_sync(sync: SyncReport, record: RunRecord | None) -> list[tuple[str, str, str]]:
    runs = (sync.append, sync.remove)
    told = [
        (done, number(run.succeeded), f"of {plural(run.inputs, 'device')}")
        for done, run in zip(("appended", "removed"), runs, strict=True)
    ]
    again = plural(sync.duplicates, "duplicate input") if sync.duplicates else ""
    sent = "requests that would be sent" if sync.append.dry_run else "requests"
    retries = sum(run.retries for run in runs)
    seconds = record.seconds if record else sum(run.seconds for run in runs)
    return [
        *told,
        ("unchanged", number(sync.unchanged), again),
        (
            sent,
            number(sum(run.requests for run in runs)),
            f"{number(retries)} of them again" if retries else "",
        ),
        ("time", duration(seconds), ""),
    ]


def _facts(report: BatchReport, record: RunRecord | None) -> list[tuple[str, str]]:
    facts = [
        ("operation", report.operation),
        ("target", report.target),
        ("account", report.account),
    ]
    facts += _recorded_facts(record)
    if report.starts:
        facts.append(
            ("started", "once" if len(report.starts) == 1 else f"{len(report.starts)} times")
        )
    return facts


def _facts_of_sync(sync: SyncReport, record: RunRecord | None) -> list[tuple[str, str]]:
    facts = [("operation", "sync"), ("target", sync.append.target)]
    return [*facts, ("account", sync.append.account), *_recorded_facts(record)]


def _recorded_facts(record: RunRecord | None) -> list[tuple[str, str]]:
    if record is None:
        return []
    began = [] if record.began is None else [("began", _moment(record.began))]
    return [*record.asked.items(), *began]


def _resumed(record: RunRecord | None) -> str:
    if record is None or record.earlier is None:
        return ""
    before = record.earlier
    return (
        f"This is start {before.starts + 1} of the run. What is drawn over time is this start "
        f"alone; {plural(before.decided, 'device')} had been decided before it, and counts and "
        f"totals elsewhere on this page are of all starts."
    )

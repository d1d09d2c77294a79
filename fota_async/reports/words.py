"""Numbers, times and verdicts in words."""

from typing import Final

import attrs

from fota_async.batch.journal.read_journal import UNFINISHED
from fota_async.batch.report import BatchReport
from fota_async.batch.sync import SyncReport

MEANINGS: Final = {
    "succeeded": "done, as an answer or a reading of the target says",
    "failed": "the API said no to this device",
    "pending": "taken by the API, not yet decided",
    "invalid": "not a device id, never sent",
    "unknown": "sent, and neither an answer nor a reading decides",
    "unsent": "the run stopped first; surely not taken",
    "duplicates": "occurred in the list before, and counts once",
}
"""The states, and duplicates, which together are the inputs."""

DRY_RUN: Final = "in a dry run nothing is sent; the reason says what would be"
"""What `unsent` means there."""

CAUSES: Final = {
    "closed": "the target has started or is over",
    "refused": "the request itself was refused, whatever devices it carried",
    "credentials": "there were no tokens to be had",
    "max_failures": "more devices failed than were accepted beforehand",
    "deadline": "its deadline passed",
    "throttled": "the API asked for a longer pause than was accepted",
    "source": "the device list broke off",
    "journal": "the journal could not be written",
    "lost": "a request to schedule was not answered",
    "error": "an error of the connection or the API ended it",
    "interrupted": "it was interrupted",
}
"""Why runs are stopped."""


def number(count: float) -> str:
    """Return a count with separators: 1,048,576; of small fractions what is telling."""
    if isinstance(count, int) or abs(count) >= 100 or count == int(count):
        return f"{count:,.0f}"
    return f"{count:,.1f}" if abs(count) >= 1 else f"{count:,.2g}"


def share(part: int, whole: int) -> str:
    """Return a part in percent; never 0% or 100% where that is not so."""
    if not part or not whole:
        return "0%"
    percent = 100 * part / whole
    if part < whole and percent > 99.9:
        return "> 99.9%"
    if percent < 0.1:
        return "< 0.1%"
    return f"{percent:.1f}".removesuffix(".0") + "%"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count and its noun."""
    return f"{number(count)} {one if count == 1 else many or f'{one}s'}"


def duration(seconds: float) -> str:
    """Return seconds in the two units that tell most: 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    left = round(seconds)
    for size, unit, small, lesser in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if left >= size:
            rest = left % size // small
            return f"{left // size:,} {unit}" + (f" {rest} {lesser}" if rest else "")
    return f"{left} s"


@attrs.frozen
class Verdict:
    """How a run went, at a glance.

    Attributes:
        tone: `good`, `mixed` or `bad`.
        mark: A sign beside the label, so that colour is not all that tells.
        label: In a word or two.
        headline: In a sentence.
        sentence: What else to know first.
    """

    tone: str
    mark: str
    label: str
    headline: str
    sentence: str


def verdict_of(report: BatchReport) -> Verdict:
    """Return how a run went."""
    devices = report.inputs - report.duplicates
    wrong = report.failed + report.invalid + report.unknown + report.unsent
    well = f"{number(report.succeeded)} of {plural(devices, 'device')} succeeded"
    rest = _rest(report)
    if report.stopped is None and not report.dry_run and not wrong and devices:
        return _all_well(report, devices, well)
    if report.dry_run:
        said = f"{plural(report.requests, 'request')} would be sent."
        return Verdict("mixed", "○", "Dry run", "Nothing was sent", said)
    if report.stopped == UNFINISHED:
        said = "Started again with its journal, the run goes on. " + rest
        return Verdict("mixed", "…", "Not finished", f"So far {well}", said)
    if report.stopped is not None:
        why = CAUSES.get(report.stopped, report.stopped)
        return Verdict(
            "bad", "■", "Stopped early", f"Stopped early: {well}", f"Because {why}. {rest}"
        )
    if not devices:
        return Verdict("mixed", "○", "Nothing to do", "The device list was empty", "")
    return Verdict("bad" if 2 * wrong > devices else "mixed", "!", "Needs attention", well, rest)


def verdict_of_sync(sync: SyncReport) -> Verdict:
    """Return how a sync went."""
    runs = (sync.append, sync.remove)
    inputs = sum(run.inputs for run in runs)
    unsent = sum(run.unsent for run in runs)
    wrong = unsent + sum(run.failed + run.invalid + run.unknown for run in runs)
    stopped = sync.append.stopped or sync.remove.stopped
    counts = " and ".join(
        f"{number(run.succeeded)} of {number(run.inputs)} {done}"
        for run, done in zip(runs, ("appended", "removed"), strict=True)
    )
    if sync.append.dry_run:
        said = (
            f"{plural(sync.append.inputs, 'device')} would be appended, "
            f"{number(sync.remove.inputs)} removed, {number(sync.unchanged)} are as they should be."
        )
        return Verdict("mixed", "○", "Dry run", "Nothing was sent", said)
    if not inputs:
        said = f"The target has the {plural(sync.unchanged, 'device')} of the list, and no other."
        return Verdict("good", "✓", "Complete", "Nothing had to change", said)
    if stopped is None and not wrong:
        said = "Nothing failed, and nothing is in doubt."
        if any(run.pending for run in runs):
            said = f"{plural(sum(run.pending for run in runs), 'device')} not yet decided."
        return Verdict("good", "✓", "Complete", counts, said)
    rest = _rest(*runs)
    if stopped is not None or unsent:
        why = f"Because {CAUSES.get(stopped, stopped)}. " if stopped else "Nothing was removed. "
        left = " The same command does what is left."
        return Verdict("bad", "■", "Stopped early", f"Stopped early: {counts}", why + rest + left)
    return Verdict("bad" if 2 * wrong > inputs else "mixed", "!", "Needs attention", counts, rest)


def _rest(*reports: BatchReport) -> str:
    """Return what became of the devices that did not succeed."""
    names = ("failed", "pending", "invalid", "unknown", "unsent")
    counts = {name: sum(getattr(one, name) for one in reports) for name in names}
    details = [f"{number(count)} {name}" for name, count in counts.items() if count]
    return f"The others: {', '.join(details)}." if details else ""


def _all_well(report: BatchReport, devices: int, well: str) -> Verdict:
    if report.pending:
        said = f"{plural(report.pending, 'device')} taken, and not yet decided."
        return Verdict("good", "✓", "Complete", f"{well}, none failed", said)
    all_ = f"All {plural(devices, 'device')} succeeded" if devices > 1 else "The device succeeded"
    return Verdict("good", "✓", "Complete", all_, "Nothing failed, and nothing is in doubt.")

"""What a page says of one run: its counts, its reasons, its devices."""

import os
from typing import Any, Final
from urllib.parse import quote

import attrs

from fota_async.batch.report import BatchReport
from fota_async.batch.states import State
from fota_async.reports.gather import MOST_GROUPS, Devices
from fota_async.reports.svg import shares
from fota_async.reports.words import DRY_RUN, MEANINGS, number, plural, share


@attrs.frozen(kw_only=True)
class Words:
    """How the parts about a run are called.

    Attributes:
        key: Before the names of its elements, which differ from those of another run.
        counts: Heading of the counts.
        reasons: Heading of the reasons.
        devices: Heading of the devices.
        nothing: What to say in place of counts that are all nought; empty to show them.
    """

    key: str
    counts: str
    reasons: str
    devices: str
    nothing: str


RUN: Final = Words(
    key="",
    counts="What became of every input",
    reasons="Why devices did not succeed",
    devices="Devices",
    nothing="",
)
APPEND: Final = Words(
    key="append-",
    counts="What became of the devices to append",
    reasons="Why devices were not appended",
    devices="Devices to append",
    nothing="There was nothing to append.",
)
REMOVE: Final = Words(
    key="remove-",
    counts="What became of the devices to remove",
    reasons="Why devices were not removed",
    devices="Devices to remove",
    nothing="There was nothing to remove.",
)


def part_of(report: BatchReport, devices: Devices, beside: str | None, words: Words) -> Any:
    """Return what the template shows of a run.

    Args:
        report: What became of every device.
        devices: The devices to list.
        beside: Name of the file beside the page that lists them all, if the page cannot.
        words: How the parts are called.
    """
    return {
        "words": words,
        "nothing": "" if report.inputs else words.nothing,
        **_counts(report, words.key),
        **_groups(report, devices),
        **_devices(report, devices, beside),
    }


def _counts(report: BatchReport, key: str) -> dict[str, Any]:
    counted = [(name, getattr(report, name)) for name in MEANINGS]
    parts = [f"{number(count)} {name}" for name, count in counted if count]
    meanings = {**MEANINGS, "unsent": DRY_RUN} if report.dry_run else MEANINGS
    law = f"{plural(report.inputs, 'input')} = {' + '.join(parts) or '0'}"
    return {
        "shares": shares(f"{key}shares", counted, law) if report.inputs else "",
        "law": law,
        "inputs": number(report.inputs),
        "input_complete": report.input_complete,
        "counts": [
            (name, number(count), share(count, report.inputs), meanings[name])
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
        # A name may hold what is no text: a link is made of its bytes.
        "link": quote(os.fsencode(beside)) if beside and devices.too_many else "",
        "rows": devices.rows,
        "rows_caption": (
            "Those that did not succeed" if devices.wrong_only else "In the order of the input"
        ),
        "states": [
            state.value for state in State if any(row.state is state for row in devices.rows)
        ],
    }

"""What to say after a run in which not every device succeeded: which ones, and what to do next."""

import re
import shlex
from collections.abc import Iterator, Mapping

import attrs

from fota_async.batch.device_ids import is_device_id
from fota_async.batch.report import BatchReport, Group
from fota_async.batch.states import State
from fota_async.cli.access import AccessFlags

_GROUPS = 5
_EXAMPLES = 3
_LONGEST = 40
_ACCESS = ("config", "account", "base_url", "cluster", "cluster_ca", "cluster_cert", "cluster_key")
_ID = re.compile(r"[0-9A-Fa-f-]{36}")


@attrs.frozen(kw_only=True)
class Kept:
    """What is left of a run for the next one.

    Attributes:
        again: The command that does the same to a device list, without the list, or nothing if
            there is none; `{target}` stands for what the run was about.
        report: File with the report, if there is one.
        journal: File of the journal, if there is one.
        goes_on: Whether the same command does what is left, whatever was kept.
    """

    again: str
    report: str | None = None
    journal: str | None = None
    goes_on: bool = False

    @property
    def csv(self) -> str | None:
        """The report, if a shell can pick devices from it."""
        return self.report if self.report and self.report.lower().endswith(".csv") else None


def failures_in_words(report: BatchReport, kept: Kept) -> str:
    """Return which devices did not succeed, by example, and what to do; nothing if all did."""
    bad = [group for group in report.groups if _is_bad(group, dry_run=report.dry_run)]
    if not bad:
        return ""
    shown = {group: report.examples(group, _EXAMPLES) for group in bad[:_GROUPS]}
    lines = ["these did not succeed, for example:", *(_line(*one) for one in shown.items())]
    if len(bad) > _GROUPS:
        lines.append(f"  and {len(bad) - _GROUPS} more for other reasons")
    if not report.dry_run:
        again = kept.again and f"fota {kept.again.replace('{target}', report.target)}"
        # A run that was to schedule, and made nothing, has no id.
        if "{target}" in kept.again and not _ID.fullmatch(report.target):
            again = ""
        lines += _what_to_do(report, attrs.evolve(kept, again=again), _failed_in(shown, bad))
    return "\n".join(lines)


def with_access(command: str, flags: AccessFlags) -> str:
    """Return a command with those flags that say which account is meant, where, and from where.

    What the environment or the file of settings says, it says to the next command, too.
    """
    from fota_async.cli.settings import load  # noqa: PLC0415 - the help needs none of it

    if not command:
        return ""
    words = [command]
    is_set = {setting.name: setting.value for setting in load(flags.config)}
    for name in _ACCESS:
        value = getattr(flags, name, None)
        if value is not None and value != is_set.get(name):
            words += [f"--{name.replace('_', '-')}", shlex.quote(value)]
    return " ".join(words)


def _is_bad(group: Group, *, dry_run: bool) -> bool:
    if dry_run:
        return group.state is State.INVALID
    return group.state is not State.PENDING


def _line(group: Group, examples: list[str]) -> str:
    said = ": ".join(filter(None, (group.status, group.reason)))
    more = ", ..." if group.devices > len(examples) else ""
    # What is no device id can be any text, and a long one.
    ids = ", ".join(one if is_device_id(one) else repr(one[:_LONGEST]) for one in examples)
    return f"  {group.devices:,} {group.state} ({said}): {ids}{more}"


def _failed_in(shown: Mapping[Group, list[str]], bad: list[Group]) -> list[str] | None:
    """Return all devices that failed, if they are so few that all were shown."""
    failed = [group for group in bad if group.state is State.FAILED]
    if any(len(shown.get(group, ())) < group.devices for group in failed):
        return None
    return [device for group in failed for device in shown[group]]


def _what_to_do(report: BatchReport, kept: Kept, failed: list[str] | None) -> Iterator[str]:
    if kept.goes_on:
        if kept.report is not None:
            yield _where_all_are(kept)
        yield "the same command does what is left"
        return
    yield _where_all_are(kept)
    if report.invalid:
        yield "the invalid inputs were not sent: mend them in the list"
    if report.unknown and report.stopped and kept.journal is not None:
        yield "the unknown devices: the same command settles them first"
    elif report.unknown:
        yield "see whether the unknown devices were taken before you send them again"
    if report.unsent and kept.journal is not None:
        yield "the unsent devices: the same command goes on from its journal"
    elif report.unsent and kept.csv is not None and kept.again:
        yield f"send the unsent devices: {_picked('unsent', kept.csv)} | {kept.again} -"
    elif report.unsent:
        yield (
            "nothing was done about the unsent devices: send them once what stopped the run is over"
        )
    mended = "send the failed devices again, once the reasons are mended:"
    if not (report.failed and kept.again):
        return
    if kept.journal is not None:
        journal = shlex.quote(kept.journal)
        yield f"{mended} fota report {journal} --state failed | {kept.again} -"
    elif kept.csv is not None:
        yield f"{mended} {_picked('failed', kept.csv)} | {kept.again} -"
    elif failed is not None:
        yield f"{mended} printf '%s\\n' {' '.join(failed)} | {kept.again} -"


def _where_all_are(kept: Kept) -> str:
    if kept.report is not None:
        return f"all of them, each with its reason: {kept.report}"
    if kept.journal is not None:
        return f"all of them, each with its reason: fota report {shlex.quote(kept.journal)}"
    return "the whole list was not kept: --report FILE.csv or --journal FILE keeps it"


def _picked(state: str, csv: str) -> str:
    """Return the command that picks the devices of a state from a report."""
    # Given as an argument, a file such as a=b.csv would be an assignment to awk.
    return f"""awk -F, '$2 == "{state}" {{ print $1 }}' < {shlex.quote(csv)}"""

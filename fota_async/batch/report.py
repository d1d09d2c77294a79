"""The report of a run: what became of every device, counted once."""

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from fota_async.batch.device_ids import DeviceSet
from fota_async.batch.errors import DevicesFailed
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.operation import Operation
from fota_async.batch.recheck import Change, Recheck
from fota_async.batch.run_start import RunStart
from fota_async.batch.states import DeviceOutcome, State, Verdict
from fota_async.errors import MisuseError

_CSV_HEADER = ("device_id", "state", "status", "reason", "settled")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_RUNS_IN_A_SPREADSHEET = re.compile(r"(^|[;\r\n])(?=[=+@\t\r-])")
"""Where a formula would begin; some spreadsheets part cells at semicolons, whatever is quoted."""
_MAY_RUN = re.compile(r"[=+@\t\r-]")
_GROUPS_SHOWN = 10


@attrs.frozen
class Group:
    """Devices that did not succeed for the same reason, word for word."""

    state: State
    status: str
    reason: str
    devices: int


class BatchReport:
    """The merged outcomes of a run.

    The law: every input occurrence is counted once, so `inputs == succeeded + failed + pending +
    invalid + unknown + unsent + duplicates`. Counts are devices, never attempts. Iterating yields
    a `DeviceOutcome` for each distinct input that the run's `keep` kept, in the order of the
    input, malformed inputs last.

    >>> simulator.rules = Rules(refused={"356938035643809": "Device not found"})
    >>> devices = [*imeis, imeis[0], "356938035643809", "12345"]
    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, devices)
    >>> print(report)
    append on 60b5d639-ccdc-4db8-8824-069bd94c95bf of account 0402196254-00001: done after ... s
                 6 inputs
                 3 succeeded
                 1 failed
                 1 invalid
                 1 duplicates
                 1 requests, 0 of them retries
    by reason:
                 1 invalid: 5 digits, not 15
                 1 failed: AddDeviceFailed: Device not found
    >>> [outcome.device_id for outcome in report if outcome.state is State.FAILED]
    ['356938035643809']

    Attributes:
        operation: In one word, for instance `append` or `remove`.
        account: Billing account.
        target: Id of the upgrade, or what else the run was about.
        input_complete: Whether the input was read to its end.
        requests: Requests of the operation that were written to the wire; in a dry run, those that
            would be if nothing went wrong.
        retries: Those of them that carried a device sent before.
        seconds: How long the run took.
        stopped: Why the run ended early, in one word, or None.
        unasked: Answers about devices that nobody asked about.
        dry_run: Whether nothing was sent because nothing should be.
        starts: What each start of the run took, the last one last; earlier ones are those of its
            journal.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        operation: str,
        account: str,
        target: str,
        input_complete: bool,
        requests: int,
        retries: int,
        seconds: float,
        stopped: str | None,
        unasked: int = 0,
        dry_run: bool = False,
        starts: Sequence[RunStart] = (),
        recheck: Recheck | None = None,
    ) -> None:
        self._ledger = ledger
        self.operation = operation
        self.account = account
        self.target = target
        self.input_complete = input_complete
        self.requests = requests
        self.retries = retries
        self.seconds = seconds
        self.stopped = stopped
        self.unasked = unasked
        self.dry_run = dry_run
        self.starts = tuple(starts)
        self._recheck = recheck

    @property
    def inputs(self) -> int:
        """Input occurrences that were read."""
        return self._ledger.inputs

    @property
    def duplicates(self) -> int:
        """Inputs that had occurred before."""
        return self._ledger.duplicates

    @property
    def invalid(self) -> int:
        """Distinct inputs that are not device ids; never sent."""
        return self._ledger.invalid

    @property
    def succeeded(self) -> int:
        """Append: devices taken into the target's list. Remove: no longer in it. Read: answered."""
        return self._ledger.states[State.SUCCEEDED]

    @property
    def failed(self) -> int:
        """Devices to which the API said no."""
        return self._ledger.states[State.FAILED]

    @property
    def pending(self) -> int:
        """Devices taken, not yet decided."""
        return self._ledger.states[State.PENDING]

    @property
    def unknown(self) -> int:
        """Devices sent whose fate neither an answer nor a read-back decides."""
        return self._ledger.states[State.UNKNOWN]

    @property
    def unsent(self) -> int:
        """Devices that were surely not taken, because the run stopped first."""
        return self._ledger.states[State.UNSENT]

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and nothing is invalid, unknown or unsent."""
        return not (self.failed or self.invalid or self.unknown or self.unsent)

    @property
    def groups(self) -> list[Group]:
        """What did not succeed, by state, status and reason word for word, the largest first."""
        counts: Counter[tuple[State, str, str]] = Counter()
        for verdict, devices in self._ledger.groups.items():
            if verdict.state is not State.SUCCEEDED:
                counts[verdict.state, verdict.status, verdict.reason] += devices
        return [Group(*words, devices) for words, devices in counts.most_common()]

    def examples(self, group: Group, most: int = 3) -> list[str]:
        """Return some of the devices of a group, as far as the run's `keep` kept them.

        Args:
            group: One of `groups`.
            most: How many at most.
        """
        words = Verdict(group.state, group.status, group.reason)
        return self._ledger.examples(words, most)

    @property
    def settled(self) -> dict[State, int]:
        """How many devices a reading of the target decided, by what became of them."""
        counts: Counter[State] = Counter()
        for verdict, devices in self._ledger.groups.items():
            counts[verdict.state] += devices if verdict.settled else 0
        return {state: counts[state] for state in State if counts[state]}

    def __iter__(self) -> Iterator[DeviceOutcome]:
        return self._ledger.outcomes()

    def raise_for_failures(self) -> None:
        """Raise unless every device succeeded or is pending.

        Raises:
            DevicesFailed: With this report.
        """
        if not self.ok:
            raise DevicesFailed(self)

    async def recheck(self) -> list[Change]:
        """Read the target again and return what is not as this report says.

        A device that was taken at first may be rejected later. Devices of unknown or pending
        outcome are always among the changes. One reading is made, and it may lag.

        Raises:
            MisuseError: The report did not keep every outcome, was unpickled, or its operation
                cannot read its target.
            CallError: The target cannot be read.
        """
        if self._recheck is None or self._ledger.keep != "all":
            raise MisuseError(
                "this report cannot be rechecked: it needs keep='all', a target that can be read, "
                "and the process and client of its run"
            )
        return await self._recheck(self)

    def __getstate__(self) -> dict[str, Any]:
        # The way back to the target holds a session, and a session holds secrets.
        return {**self.__dict__, "_recheck": None}

    def summary(self) -> dict[str, Any]:
        """Return the counts and what the run was, as plain values."""
        return {
            "operation": self.operation,
            "account": self.account,
            "target": self.target,
            "inputs": self.inputs,
            "input_complete": self.input_complete,
            "duplicates": self.duplicates,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "pending": self.pending,
            "invalid": self.invalid,
            "unknown": self.unknown,
            "unsent": self.unsent,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped,
            "dry_run": self.dry_run,
        }

    def to_json(self) -> str:
        """Return the summary and the groups as one JSON object, and the details if there are any.

        `details` has an object for each device of which the answers said more than a status, by
        device id.
        """
        return json.dumps(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return what `to_json` writes, as plain values."""
        told = {**self.summary(), "groups": [attrs.asdict(group) for group in self.groups]}
        details = self._ledger.details()
        return {**told, "details": details} if details else told

    def to_csv(self, path: Path | str | None = None) -> str:
        """Write one row for each distinct input; the file is valid input of another run.

        Ids keep their leading zeros. Text that a spreadsheet would run is defused by an
        apostrophe. What the answers say beyond a status and a reason is in `to_json` only.

        Args:
            path: File to write; None returns the text instead.
        """
        if path is None:
            return "".join(csv_lines(self))
        # A text that UTF-8 cannot hold must not cost the report.
        with Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(csv_lines(self))
        return ""

    def __str__(self) -> str:
        lines = [
            f"{self.operation} on {self.target} of account {self.account}: "
            + (f"stopped ({self.stopped})" if self.stopped else self._done)
            + f" after {self.seconds:.1f} s",
            f"  {self.inputs:>12,} inputs" + ("" if self.input_complete else " read, more to come"),
        ]
        for name in (*(state.value for state in State), "duplicates"):
            count = getattr(self, name)
            lines += [f"  {count:>12,} {name}"] if count else []
        if self.dry_run:
            lines.append(f"  {self.requests:>12,} requests would be sent")
        else:
            lines.append(f"  {self.requests:>12,} requests, {self.retries:,} of them retries")
        groups = self.groups
        if groups:
            lines.append("by reason:")
        for group in groups[:_GROUPS_SHOWN]:
            said = ": ".join(part for part in (group.status, group.reason) if part)
            lines.append(f"  {group.devices:>12,} {group.state}: {said}")
        if len(groups) > _GROUPS_SHOWN:
            lines.append(f"  and {len(groups) - _GROUPS_SHOWN} reasons more")
        return "\n".join(lines)

    @property
    def _done(self) -> str:
        return "dry run, nothing was sent," if self.dry_run else "done"

    def __repr__(self) -> str:
        return f"<BatchReport {self.summary()}>"


def unsent_report(
    operation: Operation, devices: DeviceSet, reason: str, *, dry_run: bool
) -> BatchReport:
    """Return the report of a run that did not begin."""
    ledger = Ledger()
    ledger.take_in(len(devices), 0, ())
    if devices:
        verdict = Verdict(State.UNSENT, reason=reason)
        ledger.enter(Column(0, array("Q", devices.numbers), verdict))
    return BatchReport(
        ledger,
        operation=operation.name,
        account=operation.account,
        target=operation.target,
        input_complete=True,
        requests=0,
        retries=0,
        seconds=0.0,
        stopped=None,
        dry_run=dry_run,
    )


def csv_lines(outcomes: Iterable[DeviceOutcome]) -> Iterator[str]:
    """Yield `outcomes` as CSV, a header and one row a device; see `BatchReport.to_csv`."""
    # Not csv.writer: before Python 3.13 it leaves a lone carriage return unquoted, which every
    # reader takes for the end of the row.
    yield ",".join(_CSV_HEADER) + "\n"
    for outcome in outcomes:
        cells = (
            csv_cell(outcome.device_id),
            outcome.state.value,
            csv_cell(outcome.status),
            csv_cell(outcome.reason),
            "yes" if outcome.settled else "no",
        )
        yield ",".join(cells) + "\n"


def csv_cell(text: str) -> str:
    """Return a text as a cell of a CSV that no spreadsheet runs."""
    if _MAY_RUN.search(text):  # what is plain is told apart quickly, and nearly all is
        text = _RUNS_IN_A_SPREADSHEET.sub(r"\1'", text)
    if _NEEDS_QUOTES.search(text):
        text = text.replace('"', '""')
        return f'"{text}"'
    return text

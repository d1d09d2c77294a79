"""What many runs came to: their reports side by side, and their sum."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import attrs

from fota_async.batch.errors import AccountsFailed, RunStopped
from fota_async.batch.report import BatchReport, csv_cell, csv_lines
from fota_async.batch.states import State
from fota_async.batch.totals import Totals
from fota_async.printable import printable

_SHOWN: Final = 20
_GROUPS_SHOWN: Final = 10
_LONGEST_NAME: Final = 40
_COLUMNS: Final = ("inputs", *(state.value for state in State), "duplicates")


@attrs.frozen(kw_only=True, eq=False)
class Overview:
    """What became of many accounts, each with its report, and of all devices together.

    >>> run = fota.v1.upgrades.append_devices(upgrade_id, [*imeis, "12345"])
    >>> overview = await AccountRuns({"first": run})
    >>> overview.ok, overview.not_ok, overview.reports["first"].invalid, overview.totals.succeeded
    (False, ['first'], 1, 3)
    >>> print(overview)
    1 accounts, 1 of them not ok
      account  inputs  succeeded  invalid
      first         4          3        1
      all           4          3        1
    1 requests, 0 of them retries; the longest run took ... s
    by reason:
                 1 invalid: 5 digits, not 15

    Attributes:
        reports: Of each account; true at any moment, also of a run that did not begin.
        errors: What stopped a run or kept it from its beginning: a `RunStopped` with its cause, or
            the error that awaiting the run alone would raise.
        unfinished: Accounts whose run goes on, or was not begun yet.
    """

    reports: Mapping[str, BatchReport]
    errors: Mapping[str, Exception]
    unfinished: frozenset[str]

    @property
    def totals(self) -> Totals:
        """What all reports count together, with the reasons over all."""
        return Totals.of(*self.reports.values())

    @property
    def ok(self) -> bool:
        """Whether every run came to its end, and every report is `ok`."""
        return not self.not_ok

    @property
    def not_ok(self) -> list[str]:
        """Accounts that were stopped, did not begin, have not ended, or whose report is not ok."""
        return [name for name, report in self.reports.items() if not self._is_ok(name, report)]

    @property
    def causes(self) -> dict[str, int]:
        """Why runs ended early or did not begin, in one word, and how many of them for that.

        The word is a `StopCause`, or the name of an error.
        """
        return dict(Counter(map(_cause, self.errors.values())).most_common())

    def raise_for_failures(self) -> None:
        """Raise unless every run came to its end, and every device succeeded or is pending.

        Raises:
            AccountsFailed: With this overview.
        """
        if not self.ok:
            raise AccountsFailed(self._headline(), self)

    def to_json(self) -> str:
        """Return the totals and each account's report, with what stopped it, as one JSON object."""
        accounts = {
            name: {
                **report.as_dict(),
                "finished": name not in self.unfinished,
                "cause": _cause(self.errors[name]) if name in self.errors else None,
                "error": str(self.errors[name]) if name in self.errors else None,
            }
            for name, report in self.reports.items()
        }
        return json.dumps({"ok": self.ok, "totals": self.totals.as_dict(), "accounts": accounts})

    def to_csv(self, path: Path | str | None = None) -> str:
        """Write one row for each distinct input of each account; see `BatchReport.to_csv`.

        The account comes first. The file is valid input of another run.

        Args:
            path: File to write; None returns the text instead.
        """
        if path is None:
            return "".join(self._csv_lines())
        # A text that UTF-8 cannot hold must not cost the overview.
        with Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(self._csv_lines())
        return ""

    def __str__(self) -> str:
        totals = self.totals
        lines = [self._headline(), *self._table(totals)]
        if totals.dry_runs:
            lines.append(f"{totals.dry_runs:,} of them dry runs, which sent nothing")
        lines.append(
            f"{totals.requests:,} requests, {totals.retries:,} of them retries; "
            f"the longest run took {totals.seconds:.1f} s"
        )
        if totals.groups:
            lines.append("by reason:")
        for group in totals.groups[:_GROUPS_SHOWN]:
            said = ": ".join(part for part in (group.status, group.reason) if part)
            lines.append(f"  {group.devices:>12,} {group.state}: {printable(said)}")
        if len(totals.groups) > _GROUPS_SHOWN:
            lines.append(f"  and {len(totals.groups) - _GROUPS_SHOWN} reasons more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Overview {self._headline()}>"

    def _is_ok(self, name: str, report: BatchReport) -> bool:
        return report.ok and name not in self.errors and name not in self.unfinished

    def _headline(self) -> str:
        said = f"{len(self.reports):,} accounts, "
        if self.unfinished:
            said += f"{len(self.unfinished):,} of them unfinished, "
        said += f"{len(self.not_ok):,} of them not ok" if self.not_ok else "all ok"
        causes = ", ".join(f"{runs:,} {cause}" for cause, runs in self.causes.items())
        return f"{said}: {causes}" if causes else said

    def _table(self, totals: Totals) -> Iterator[str]:
        columns = [name for name in _COLUMNS if name == "inputs" or getattr(totals, name)]
        shown = self.not_ok[:_SHOWN]
        rows = [("account", columns)]
        rows += [(_short(name), _counts(self.reports[name], columns)) for name in shown]
        rows += [("all", _counts(totals, columns))]
        lines = list(_aligned(rows))
        yield lines[0]
        for name, line in zip(shown, lines[1:-1], strict=True):
            yield line
            yield from self._words(name)
        if len(self.not_ok) > _SHOWN:
            yield f"  and {len(self.not_ok) - _SHOWN:,} accounts more that are not ok"
        yield lines[-1]

    def _words(self, name: str) -> Iterator[str]:
        error = self.errors.get(name)
        if error is not None:
            said = " ".join(str(error).split())
            yield "    " + printable(said if isinstance(error, RunStopped) else _named(error))
        elif name in self.unfinished:
            yield "    not ended yet"

    def _csv_lines(self) -> Iterator[str]:
        [header] = csv_lines(())
        yield f"account,{header}"
        for name, report in self.reports.items():
            account = csv_cell(name)
            for line in islice(csv_lines(report), 1, None):
                yield f"{account},{line}"


def _cause(error: Exception) -> str:
    return error.cause.value if isinstance(error, RunStopped) else type(error).__name__


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _counts(counted: BatchReport | Totals, columns: Iterable[str]) -> list[str]:
    return [f"{getattr(counted, name):,}" for name in columns]


def _aligned(rows: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Yield rows with the names to the left, and the counts to the right of their columns."""
    longest = max(len(name) for name, _ in rows)
    widths = [max(map(len, column)) for column in zip(*(cells for _, cells in rows), strict=True)]
    for name, cells in rows:
        counts = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield "  ".join(("", f"{name:<{longest}}", *counts))

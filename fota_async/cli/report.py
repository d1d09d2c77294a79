"""`fota report`: what a journal says."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from fota_async.batch.journal.read_journal import UNFINISHED, read_journal
from fota_async.batch.report import BatchReport, csv_lines
from fota_async.batch.states import DeviceOutcome, State
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import check_report_path, fail, print_pieces, say
from fota_async.cli.plain import printable_lines
from fota_async.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class ReportOptions:
    """The options of `fota report`."""

    state: Annotated[
        list[State] | None,
        Parameter(
            negative=(), help="List devices of this state only; can be given more than once."
        ),
    ] = None
    csv: Annotated[
        str | None, Parameter(help="CSV file to write, in place of standard output.")
    ] = None
    json: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="One JSON object: counts, groups by reason, and devices.",
        ),
    ] = False


_NO_OPTIONS = ReportOptions()


def report(
    journal: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="The file that a run was given as --journal."),
    ],
    /,
    *,
    options: Annotated[ReportOptions, Flat] = _NO_OPTIONS,
) -> int:
    """Print what a journal says of every device, as CSV; possible while the run goes on.

    Example: fota report enrol.db --csv out.csv

    The output is valid input of another run: what failed is sent again, or a run undone, by

    fota report enrol.db --state failed | fota append --upgrade ... -

    fota report enrol.db --state succeeded | fota remove --upgrade ... -
    """
    if options.json and options.csv is not None:
        raise ConfigurationError("give --json or --csv, not both")
    if options.csv is not None:
        check_report_path(options.csv, journal, option="--csv")
    told = read_journal(journal)
    if told.stopped == UNFINISHED:
        say(f"fota: the run in {journal!r} has not come to its end; start it again to go on")
    outcomes = (one for one in told if not options.state or one.state in options.state)
    if options.csv is not None:
        return _write_csv(options.csv, outcomes)
    pieces = _json_pieces(told, outcomes) if options.json else csv_lines(outcomes)
    if sys.stdout.isatty():
        pieces = map(printable_lines, pieces)
    return Exit.DONE if print_pieces(pieces) else Exit.ERROR


def _write_csv(path: str, outcomes: Iterable[DeviceOutcome]) -> int:
    try:
        with Path(path).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(csv_lines(outcomes))
    except OSError as error:
        fail(f"the report could not be written to {path!r}: {error.strerror}")
        return Exit.ERROR
    return Exit.DONE


def _json_pieces(report: BatchReport, outcomes: Iterable[DeviceOutcome]) -> Iterator[str]:
    """Yield one JSON object, however many devices there are."""
    yield json.dumps(report.as_dict()).removesuffix("}")
    yield ', "devices": ['
    separator = ""
    for outcome in outcomes:
        device = attrs.asdict(outcome)
        del device["detail"]  # the journal does not hold it
        yield f"{separator}\n{json.dumps(device)}"
        separator = ","
    yield "]}\n"

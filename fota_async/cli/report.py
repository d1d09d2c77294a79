"""`fota report`: what a journal says."""

import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from fota_async.batch.journal.read_journal import UNFINISHED, read_journal
from fota_async.batch.report import BatchReport, csv_lines
from fota_async.batch.states import State
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import check_report_path, fail, print_pieces, say
from fota_async.cli.plain import printable_lines
from fota_async.errors import ConfigurationError
from fota_async.reports import write_report
from fota_async.reports.texts import json_pieces


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
    report: Annotated[
        str | None,
        Parameter(
            help="File to write, in place of standard output, as its ending says: .csv, .json, "
            ".ndjson, .xlsx, or .html, a page to show to others."
        ),
    ] = None


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
    if options.json + (options.csv is not None) + (options.report is not None) > 1:
        raise ConfigurationError("give one of --report, --csv and --json")
    file = options.csv or options.report
    if file is not None:
        option = "--csv" if options.csv is not None else "--report"
        check_report_path(file, journal, option=option)
        if options.csv is not None and Path(file).suffix.lower() != ".csv":
            raise ConfigurationError(f"--csv writes a file that ends in .csv, not {file!r}")
    told = read_journal(journal)
    if told.stopped == UNFINISHED:
        say(f"fota: the run in {journal!r} has not come to its end; start it again to go on")
    if file is not None:
        return _write(told, file, options.state)
    outcomes = (one for one in told if not options.state or one.state in options.state)
    pieces = json_pieces(told, outcomes) if options.json else csv_lines(outcomes)
    if sys.stdout.isatty():
        pieces = map(printable_lines, pieces)
    return Exit.DONE if print_pieces(pieces) else Exit.ERROR


def _write(told: BatchReport, file: str, states: list[State] | None) -> int:
    try:
        write_report(told, file, states=states or None)
    except OSError as error:
        fail(f"the report could not be written to {file!r}: {error.strerror}")
        return Exit.ERROR
    return Exit.DONE

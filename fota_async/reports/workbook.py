"""A report as a workbook, written row by row."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from fota_async.batch.report import BatchReport
from fota_async.batch.states import DeviceOutcome
from fota_async.batch.sync import SyncReport
from fota_async.reports.sync_texts import OutcomesOf

ROWS = 1_048_576
"""What a sheet of Excel holds, its header included."""
_LONGEST = 32_767
"""Characters in a cell."""
_HEADER = ("device_id", "state", "status", "reason", "settled")
_WIDTHS = {"A": 20, "B": 12, "C": 24, "D": 64, "E": 10}


def write_workbook(
    report: BatchReport, outcomes: Iterable[DeviceOutcome], path: Path, *, rows: int = ROWS
) -> None:
    """Write the devices, on as many sheets as they need, and what the report counts.

    A text is never a formula, and characters that a cell cannot hold are shown by their escapes.

    Args:
        report: What became of every device.
        outcomes: The devices to list.
        path: File to write.
        rows: The most rows of a sheet.
    """
    with _saved(path) as book:
        _write_devices(book, outcomes, rows, "Devices")
        _write_summary(book, report, "Summary")
        _write_reasons(book, report, "Reasons")


def write_sync_workbook(
    sync: SyncReport, outcomes_of: OutcomesOf, path: Path, *, rows: int = ROWS
) -> None:
    """Write both runs of a sync as those of a workbook are, on sheets that name the operation.

    Args:
        sync: What became of every device.
        outcomes_of: Returns the devices of a run that are to be listed.
        path: File to write.
        rows: The most rows of a sheet.
    """
    with _saved(path) as book:
        counts = _sheet(book, "Sync", ("what", "value"))
        counts.append(["unchanged", sync.unchanged])
        counts.append(["duplicates", sync.duplicates])
        for run in (sync.append, sync.remove):
            name = run.operation.capitalize()
            _write_devices(book, outcomes_of(run), rows, f"{name} devices")
            _write_summary(book, run, f"{name} summary")
            _write_reasons(book, run, f"{name} reasons")


@contextmanager
def _saved(path: Path) -> Iterator[Workbook]:
    book = Workbook(write_only=True)
    try:
        yield book
    finally:
        # Whatever happened: closing and saving removes the files that are kept meanwhile.
        for sheet in book.worksheets:
            sheet.close()
        archive = ZipFile(path, "w", ZIP_DEFLATED)
        try:
            ExcelWriter(book, archive).save()
        except OSError:
            # No room. What is left open would complain again when it is collected.
            with suppress(OSError):
                archive.close()
            raise


def _write_devices(book: Workbook, outcomes: Iterable[DeviceOutcome], rows: int, name: str) -> None:
    for number, devices in enumerate(_sheets_of(iter(outcomes), rows - 1), 1):
        sheet = _sheet(book, name if number == 1 else f"{name} {number}", _HEADER)
        for outcome in devices:
            sheet.append(
                [
                    _text(sheet, outcome.device_id, number_format="@"),
                    outcome.state.value,
                    _text(sheet, outcome.status),
                    _text(sheet, outcome.reason),
                    "yes" if outcome.settled else "no",
                ]
            )
        sheet.auto_filter.ref = f"A1:E{sheet._max_row}"  # noqa: SLF001 - the only count of rows that is kept while writing


def _sheets_of(outcomes: Iterator[DeviceOutcome], rows: int) -> Iterator[Iterator[DeviceOutcome]]:
    """Yield what goes on each sheet; the first is there without devices, too."""
    yield islice(outcomes, rows)
    for first in outcomes:
        yield chain([first], islice(outcomes, rows - 1))


def _write_summary(book: Workbook, report: BatchReport, name: str) -> None:
    sheet = _sheet(book, name, ("what", "value"))
    for what, value in report.summary().items():
        shown = "" if value is None else value
        if isinstance(shown, bool):
            shown = "yes" if shown else "no"
        sheet.append([what, _text(sheet, shown) if isinstance(shown, str) else shown])


def _write_reasons(book: Workbook, report: BatchReport, name: str) -> None:
    sheet = _sheet(book, name, ("devices", "state", "status", "reason"))
    for group in report.groups:
        words = [_text(sheet, text) for text in (group.status, group.reason)]
        sheet.append([group.devices, group.state.value, *words])


def _sheet(book: Workbook, title: str, header: Iterable[str]) -> Any:
    sheet: Worksheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for column, width in _WIDTHS.items():
        sheet.column_dimensions[column].width = width
    cells = [WriteOnlyCell(sheet, name) for name in header]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    return sheet


def _text(sheet: Worksheet, text: str, number_format: str | None = None) -> Any:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    cell = WriteOnlyCell(sheet, "".join(map(_fit, text)) if not text.isprintable() else text)
    cell.data_type = "s"  # what begins with = is no formula, and #N/A no error
    if number_format is not None:
        cell.number_format = number_format
    return cell


def _fit(one: str) -> str:
    """Return a character as XML can hold it."""
    fits = one in "\t\n" or (one >= " " and not "\ud800" <= one <= "\udfff")
    return (
        one if fits and one not in "\ufffe\uffff" else one.encode("unicode_escape").decode("ascii")
    )

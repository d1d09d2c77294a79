"""A report as a file: which format, and never half a one under its name."""

import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

import attrs

from fota_async.batch.report import BatchReport, csv_lines
from fota_async.batch.states import DeviceOutcome, State
from fota_async.errors import ConfigurationError
from fota_async.reports.record import RunRecord
from fota_async.reports.texts import json_pieces, ndjson_lines


@attrs.frozen
class Content:
    """What a file is to hold.

    Attributes:
        report: What became of every device.
        record: What happened when, if that was recorded.
        states: List devices of these states only; None for all.
    """

    report: BatchReport
    record: RunRecord | None
    states: Collection[State] | None

    @property
    def outcomes(self) -> Iterator[DeviceOutcome]:
        """The devices to list, each time anew."""
        states = self.states
        return (one for one in self.report if states is None or one.state in states)


@attrs.frozen
class _Format:
    """How files of one ending are written.

    Attributes:
        write: Writes the content; gets the file that is to appear, and where to write until then.
        package: What it needs beyond this library, or None.
        extra: The extra that brings it.
    """

    write: Callable[[Content, Path, Path], object]
    package: str | None = None
    extra: str = ""


def write_report(
    report: BatchReport,
    path: str | os.PathLike[str],
    record: RunRecord | None = None,
    *,
    states: Collection[State] | None = None,
) -> None:
    r"""Write a report as a file, of a format that its ending names.

    `.csv`, `.json` (one object: counts, groups by reason, devices), `.ndjson` (an object a device),
    `.xlsx` (a workbook, ids as text; extra `xlsx`) or `.html` (one page to show to others; extra
    `report`). A page about more than 5,000 devices lists them in a file beside it, which
    `companion_of` names. Devices are never all in memory. A file of that name is replaced when the
    new one is whole.

    Args:
        report: What became of every device.
        path: File to write.
        record: What happened when; only a page shows it.
        states: List devices of these states only. Counts stay those of the whole run.

    Raises:
        ConfigurationError: No format has this ending, or the extra for it is missing; nothing was
            written.
        JournalError: The journal that holds the devices is not there any more, or damaged.
        OSError: The file cannot be written; one that was there is as it was.

    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
    >>> write_report(report, "out.csv")
    >>> print(*Path("out.csv").read_text().splitlines()[:2], sep="\n")
    device_id,state,status,reason,settled
    990003425730524,succeeded,AddDeviceSucceed,Device added Successfully,no
    """
    check_format(path)
    target = Path(path).resolve()  # a link stays one
    with replacing(target) as unfinished:
        _format_of(target).write(Content(report, record, states), target, unfinished)


def check_format(path: str | os.PathLike[str]) -> None:
    """Make sure that a report can be written in the format that an ending names.

    Raises:
        ConfigurationError: No format has it, or the extra for it is missing.
    """
    format_ = _format_of(Path(path))
    if format_.package is not None and find_spec(format_.package) is None:
        raise ConfigurationError(
            f"a report that ends in {Path(path).suffix.lower()} needs the package "
            f"{format_.package}: pip install 'fota_async[{format_.extra}]'"
        )


def companion_of(path: str | os.PathLike[str]) -> Path | None:
    """Return the file beside a page that lists its devices if they are many; None of others."""
    page = Path(path)
    return page.with_suffix(".devices.csv") if page.suffix.lower() == ".html" else None


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield where to write a file that appears under its name when it is whole."""
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield unfinished
        if target.exists():
            shutil.copymode(target, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """Open a new file for text, of which UTF-8 may not hold all."""
    with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield file


def _write_pieces(pieces: Iterable[str], path: Path) -> None:
    with opened(path) as file:
        file.writelines(pieces)


def _write_csv(content: Content, _: Path, path: Path) -> None:
    _write_pieces(csv_lines(content.outcomes), path)


def _write_json(content: Content, _: Path, path: Path) -> None:
    _write_pieces(json_pieces(content.report, content.outcomes), path)


def _write_ndjson(content: Content, _: Path, path: Path) -> None:
    _write_pieces(ndjson_lines(content.outcomes), path)


def _write_xlsx(content: Content, _: Path, path: Path) -> None:
    from fota_async.reports.workbook import write_workbook  # noqa: PLC0415 - of an extra

    write_workbook(content.report, content.outcomes, path)


def _write_html(content: Content, target: Path, path: Path) -> None:
    from fota_async.reports.gather import gather  # noqa: PLC0415 - for this format only
    from fota_async.reports.page import page_pieces  # noqa: PLC0415 - of an extra

    devices = gather(content.report, content.states)
    beside = companion_of(target)
    if devices.too_many and beside is not None:
        with replacing(beside) as unfinished:
            _write_csv(content, beside, unfinished)
    name = None if beside is None else beside.name
    pieces = page_pieces(content.report, content.record, devices, name)
    _write_pieces(pieces, path)


_FORMATS: Final[Mapping[str, _Format]] = {
    ".csv": _Format(_write_csv),
    ".json": _Format(_write_json),
    ".ndjson": _Format(_write_ndjson),
    ".xlsx": _Format(_write_xlsx, "openpyxl", "xlsx"),
    ".html": _Format(_write_html, "jinja2", "report"),
}


def _format_of(path: Path) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise ConfigurationError(
            f"the ending of a report names its format: {', '.join(_FORMATS)}, not {path.name!r}"
        ) from None

"""What a person sees: the report on stdout, everything else on stderr."""

import io
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fota_async.cli.plain import printable_lines
from fota_async.errors import ConfigurationError
from fota_async.reports.files import check_format, companion_of

if TYPE_CHECKING:
    from fota_async.batch.report import BatchReport


def say(text: str) -> None:
    """Print text on stderr."""
    sys.stderr.write(f"{printable_lines(text)}\n")
    sys.stderr.flush()


def fail(text: str) -> None:
    """Print what went wrong, in one line."""
    say(f"fota: {' '.join(text.split())}")


def told(error: Exception) -> str:
    """Return what an error says, with what was noted about it on its way."""
    return "; ".join([str(error), *getattr(error, "__notes__", ())])


def print_report(report: "BatchReport", *, as_json: bool) -> bool:
    """Print the report on stdout: one JSON object, or text for a person.

    Returns:
        Whether it could be written.
    """
    text = json.dumps(report.summary()) if as_json else printable_lines(str(report))
    return print_pieces([text, "\n"])


def print_pieces(pieces: Iterable[str]) -> bool:
    """Print text that may be long on stdout; what a terminal must not get is taken out before.

    Returns:
        Whether it could be written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding lacks must not cut the text short.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except OSError as error:
        fail(f"standard output could not be written: {error}")
        # Python would complain again when it flushes at exit.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
        return False
    return True


def check_report_path(path: str, *sources: str | None, option: str = "--report") -> None:
    """Make sure before a run that its report can be written after it.

    Args:
        path: Where the report goes.
        sources: Files that the report must not overwrite.
        option: Who wants it.

    Raises:
        ConfigurationError: It cannot.
    """
    check_format(path)
    file = Path(path)
    beside = companion_of(file)
    for source in filter(None, sources):
        for written in (file, beside):
            if written is not None and _is_same(written, Path(source)):
                raise ConfigurationError(f"{option} would overwrite {source!r} itself")
    why = _why_unwritable(file)
    if why:
        raise ConfigurationError(f"{option} cannot write {path!r}: {why}; nothing was sent")


def _why_unwritable(file: Path) -> str:
    if file.is_dir():
        return "it is a folder"
    folder = file.resolve().parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}"
    if not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        return "this user may not write there"
    return ""


def _is_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (
        one.exists() and other.exists() and one.samefile(other)
    )

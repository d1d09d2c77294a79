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
from fota_async.reports.files import check_format, companion_of, unfinished_of

if TYPE_CHECKING:
    from fota_async.batch.report import BatchReport


_FORBIDDEN = "this user may not write there"


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
    for written in filter(None, (file, companion_of(file))):
        why = _why_unwritable(written)
        if why:
            raise ConfigurationError(
                f"{option} cannot write {str(written)!r}: {why}; nothing was sent"
            )
        for source in filter(None, sources):
            if _is_same(written, Path(source)):
                raise ConfigurationError(f"{option} would overwrite {source!r} itself")


def _why_unwritable(file: Path) -> str:
    try:
        return _try_to_write(file.resolve())
    except PermissionError:
        return _FORBIDDEN
    except OSError as error:
        return error.strerror or str(error)
    except RuntimeError:  # as some versions of Python tell it
        return "it is a link that leads to itself"


def _try_to_write(target: Path) -> str:
    if target.exists() and not target.is_file():
        return "it is a folder" if target.is_dir() else "it is no ordinary file"
    if not target.parent.is_dir():
        return f"there is no folder {str(target.parent)!r}"
    if target.exists() and not os.access(target, os.W_OK):
        return _FORBIDDEN
    # Only writing tells: a folder can be no place for files, whatever its mode is.
    probe = unfinished_of(target)
    probe.open("xb").close()
    probe.unlink()
    return ""


def _is_same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (
        one.exists() and other.exists() and one.samefile(other)
    )

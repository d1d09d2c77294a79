"""What a person sees: the report on stdout, everything else on stderr."""

import json
import os
import sys
from pathlib import Path

from fota_async.batch.report import BatchReport
from fota_async.errors import ConfigurationError


def say(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def fail(text: str) -> None:
    """Print what went wrong, in one line."""
    say(f"fota: {text}")


def print_report(report: BatchReport, *, as_json: bool) -> None:
    """Print the report on stdout: one JSON object, or text for a person."""
    sys.stdout.write((json.dumps(report.summary()) if as_json else str(report)) + "\n")
    sys.stdout.flush()


def check_report_path(path: str) -> None:
    """Make sure before a run that its report can be written after it.

    Raises:
        ConfigurationError: It cannot.
    """
    file = Path(path)
    if file.suffix.lower() != ".csv":
        raise ConfigurationError(f"--report writes CSV, so its file ends in .csv, not {path!r}")
    if file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ConfigurationError(f"--report cannot write {path!r}")

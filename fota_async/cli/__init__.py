"""The command `fota`."""

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line; return its exit code."""
    try:
        from fota_async.cli.app import run  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        if error.name not in {"cyclopts", "platformdirs", "rich", "typed_settings"}:
            raise
        sys.stderr.write("fota: the command line needs `pip install 'fota_async[cli]'`\n")
        return 1
    return run(sys.argv[1:])

"""The command `fota`."""

import sys
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("cyclopts", "platformdirs", "rich", "typed_settings")


def main() -> int:
    """Run the command line; return its exit code."""
    # Looked for beforehand: some are imported only by the commands that need them.
    if any(find_spec(name) is None for name in _NEEDED):
        sys.stderr.write("fota: the command line needs `pip install 'fota_async[cli]'`\n")
        return 1
    from fota_async.cli.app import run  # noqa: PLC0415 - the extra may be missing

    return run(sys.argv[1:])

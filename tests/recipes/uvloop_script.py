"""The same script under uvloop, which does not exist on Windows.

The client asks nothing special of an event loop, only that it stays on the one of its first use.
"""

import sys
from pathlib import Path

from recipes.script import main

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run


if __name__ == "__main__":
    sys.exit(run(main(sys.argv[1], Path(sys.argv[2]))))

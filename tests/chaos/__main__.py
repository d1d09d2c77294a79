"""`python tests/chaos --seeds 0 5000`: more seeds than the test suite runs."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

# Not `python -m tests.chaos`: the vendor's SDK installs a package of its own called `tests`.
sys.path[0] = str(Path(__file__).parents[1])

from chaos.seeds import run_seeds  # noqa: E402 - see above


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/chaos", description=__doc__)
    parser.add_argument("--seeds", nargs=2, type=int, metavar=("FROM", "TO"), default=(0, 500))
    parser.add_argument("--no-shrink", action="store_true", help="show failing cases as they are")
    options = parser.parse_args()
    started = time.monotonic()
    tally = asyncio.run(run_seeds(range(*options.seeds), shrink=not options.no_shrink))
    for failure in tally.failures:
        print(failure)  # noqa: T201 - it is a command
    seconds = time.monotonic() - started
    print(f"{tally}; {len(tally.failures)} failed, {seconds:.0f} s")  # noqa: T201 - as above
    return bool(tally.failures)


if __name__ == "__main__":
    raise SystemExit(main())

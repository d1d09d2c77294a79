"""What importing the library takes, above aiohttp, which it cannot do without."""

import subprocess
import sys
from functools import partial

from benchmarks.frame import Aim, Scale, Section, medians, table
from benchmarks.turn import ENV, ROOT, Figures

ROUNDS = 7
# Where Python was told to write no byte code, compiling is most of what an import takes.
WITH_BYTE_CODE = {name: text for name, text in ENV.items() if name != "PYTHONDONTWRITEBYTECODE"}
ONE_AFTER_ANOTHER = ("import aiohttp", "import fota_async", "from fota_async import FotaClient")
TEXT = """\
Milliseconds, the median of {rounds} fresh processes each, byte code compiled before. `import
fota_async` defers the work until the first name is used, so that what one part of a program
needs costs the other parts nothing; `from fota_async import FotaClient`, beside it, does nearly all
of it. More than half of that are the classes of attrs, whose methods are compiled as they are
made."""


def measure(scale: Scale) -> Section:
    """Measure the imports."""
    rounds = max(scale.rounds, ROUNDS)
    time_statements(*ONE_AFTER_ANOTHER)  # compiles the byte code
    found = medians(
        {
            "alone": partial(time_statements, "import fota_async"),
            "together": partial(time_statements, ONE_AFTER_ANOTHER[-1]),
            "one after another": partial(time_statements, *ONE_AFTER_ANOTHER),
        },
        rounds,
    )
    behind = found["one after another"]
    aiohttp, lazy, client = (behind[statement] for statement in ONE_AFTER_ANOTHER)
    rows = {
        "`import aiohttp`": aiohttp,
        "`import fota_async` behind it": lazy,
        "`from fota_async import FotaClient` behind both": client,
        "`import fota_async` in a process of its own": found["alone"]["import fota_async"],
        "`from fota_async import FotaClient` in a process of its own": found["together"][
            ONE_AFTER_ANOTHER[-1]
        ],
    }
    return Section(
        "Import",
        TEXT.format(rounds=rounds),
        [table(["", "ms"], [[name, f"{1000 * seconds:.1f}"] for name, seconds in rows.items()])],
        [
            Aim("`import fota_async` above aiohttp", 1000 * lazy, 60, "ms"),
            Aim("`import fota_async` above aiohttp x `import aiohttp`", lazy / aiohttp, 0.4),
        ],
    )


def time_statements(*statements: str) -> Figures:
    """Return the seconds of each statement, one after another in a process that imported nothing.

    `benchmarks.turn` would import modules that are to be measured.
    """
    timed = "\n".join(
        f"begin = time.perf_counter()\n{statement}\nprint(time.perf_counter() - begin)"
        for statement in statements
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import time\n{timed}"],
        cwd=ROOT,
        env=WITH_BYTE_CODE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(zip(statements, map(float, done.stdout.split()), strict=True))

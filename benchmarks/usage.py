"""What a piece of work needs of the machine."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.turn import Figures


@contextmanager
def measured() -> Iterator[Figures]:
    """Measure what the body needs, and nothing of what the process did before.

    The figures, there at the end of the body:

    - ``wall``: seconds from its start to its end;
    - ``cpu``: CPU seconds of the process (user and system, all threads) in that time;
    - ``growth``: bytes by which it raised the peak memory of the process;
    - ``peak``: bytes of that peak.
    """
    figures: Figures = {}
    gc.collect()
    memory = peak_memory()
    cpu = time.process_time()
    wall = time.perf_counter()
    yield figures
    figures["wall"] = time.perf_counter() - wall
    figures["cpu"] = time.process_time() - cpu
    figures["peak"] = peak_memory()
    figures["growth"] = figures["peak"] - memory


def peak_memory() -> int:
    """Return the most memory the process has used so far, in bytes.

    When input was made last, this is also about what is in use. On Linux a process begins with
    the peak of the one that started it, which is therefore kept small.
    """
    if sys.platform == "win32":
        raise SystemExit("the benchmark needs Linux or macOS, which tell the most memory ever used")
    else:  # noqa: RET506 - where a type checker for Windows does not look
        import resource  # noqa: PLC0415 - not there on Windows

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

"""A Dask cluster of processes on this machine that end with this one.

Its sockets are on loopback, which the other users of a machine reach too: TLS with certificates
that only these processes know keeps them out.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from multiprocessing import resource_tracker
from typing import Any

from fota_async.cli.secret_sources import variable
from fota_async.errors import NotSentError

_QUIET = logging.CRITICAL + 1
_SETTINGS: dict[str, object] = {
    # An HTTP server that cannot be left out has nothing to show.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Messages that are kept hold device lists: with 1,000 of them memory would grow by 100 MB.
    "distributed.admin.low-level-log-length": 10,
    # One that is killed comes back, however long that takes on a busy machine.
    "distributed.deploy.lost-worker-timeout": "1h",
}
"""Of Dask, for this process and for the workers it starts."""
_IGNORE_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""Run by every worker: where signals cannot be held back, Ctrl+C reaches all on a console."""


@asynccontextmanager
async def local_cluster(workers: int, threads: int) -> AsyncIterator[tuple[str, Any]]:
    """Start worker processes, and a scheduler in a thread of this one.

    Yields its address, and the certificates of the cluster.

    Args:
        workers: How many processes.
        threads: How many tries each makes at once.

    Raises:
        NotSentError: They could not be started.
    """
    import dask.config  # noqa: PLC0415 - an extra

    loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    # For as long as the cluster is there: a worker that dies is started again.
    with _nothing_to_inherit(), dask.config.set(_SETTINGS):
        starting = loop.run_in_executor(thread, _start, workers, threads)
        try:
            cluster = await asyncio.shield(starting)
            yield cluster.scheduler_address, cluster.security
        finally:
            # A start that is interrupted cannot be given up half-way without leaving processes.
            cluster = await asyncio.shield(starting)
            await loop.run_in_executor(thread, cluster.close)
            thread.shutdown(wait=False)


def silence() -> None:
    """Let Dask say nothing: what a user has to know of it, reports and errors of ours tell."""
    import distributed  # noqa: F401, PLC0415 - it makes its handlers

    for name in ("distributed", "tornado"):
        # Of the handlers, since loggers below have levels of their own.
        for handler in logging.getLogger(name).handlers:
            handler.setLevel(_QUIET)


def _start(workers: int, threads: int) -> Any:
    import distributed  # noqa: PLC0415 - an extra

    make: Any = distributed.LocalCluster  # which is not annotated
    security: Any = distributed.Security
    with _signals_held_back():
        try:
            return make(
                n_workers=workers,
                threads_per_worker=threads,
                processes=True,
                host="tls://127.0.0.1",
                security=security.temporary(),
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                silence_logs=_QUIET,
                memory_limit=None,
                preload=[_IGNORE_INTERRUPTS],
            )
        except Exception as error:  # noqa: BLE001 - whatever kept them from starting
            raise NotSentError(
                f"the worker processes could not be started ({type(error).__name__}: {error}); "
                "nothing was sent"
            ) from None


@contextmanager
def _nothing_to_inherit() -> Iterator[None]:
    """Take what is set for this command, secrets among it, out of what processes inherit."""
    prefix = variable("")
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefix)}
    try:
        yield
    finally:
        os.environ.update(taken)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let what this thread starts, threads and their processes too, not get SIGINT and SIGTERM.

    They go to all processes at once, from a terminal or a service manager, and workers must go on
    for as long as the run has its grace.
    """
    # Which Windows lacks.
    hold: Any = getattr(signal, "pthread_sigmask", None)
    block, restore = getattr(signal, "SIG_BLOCK", 0), getattr(signal, "SIG_SETMASK", 0)
    if hold is None:
        yield
        return
    _start_tracker()  # else the thread that needs it first starts it, and takes both signals again
    before = hold(block, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        hold(restore, before)


def _start_tracker() -> None:
    """Start the process that tidies up after all others; it does not tell of it on the terminal."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:multiprocessing.resource_tracker"
    try:
        resource_tracker.ensure_running()
    finally:
        del os.environ["PYTHONWARNINGS"]
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before

"""A run told from its first moment to its last, so that what happens meanwhile can be put to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from fota_async.batch.protocol import BatchSession
from fota_async.batch.stopping import Stop
from fota_async.events import RunEndedEvent, RunStartedEvent, current_run

_numbers = count(1)


@contextmanager
def told_as_run(
    session: BatchSession, operation: str, target: str, stop: Callable[[], Stop | None]
) -> Iterator[None]:
    """Tell the hook that a run began, and in the end that it is over.

    What tasks of the block do, and tasks that they start, is told as part of this run.

    Args:
        session: Whose clock counts and where events go.
        operation: What the run does.
        target: The upgrade or campaign, or what else is changed.
        stop: Returns in the end why the run ended early, or None.
    """
    began, parent, error = session.clock.monotonic(), current_run.get(), None
    token = current_run.set(next(_numbers))
    try:
        session.tell(RunStartedEvent(operation=operation, target=target, parent=parent))
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        stopped = stop()
        try:
            session.tell(
                RunEndedEvent(
                    operation=operation,
                    target=target,
                    seconds=session.clock.monotonic() - began,
                    stopped=stopped.cause.value if stopped else None,
                    error=error,
                )
            )
        finally:  # a hook may end the process, and the caller may go on with its clearing up
            current_run.reset(token)

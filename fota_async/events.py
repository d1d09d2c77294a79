"""What happens, told as it happens: frozen events of plain values for one hook.

Give `on_event=` to `fota_async.SessionManager` or `fota_async.FotaClient`. The hook is a plain
function, called in the event loop; it should return at once. Progress bars, logs, metrics and
traces are made from these events and from nothing else; see `fota_async.observe`. No event carries
a secret or an IMEI.

>>> from collections import Counter
>>> from fota_async.events import Event, ProgressEvent, RequestEvent
>>> seen = Counter()
>>> def hear(event: Event) -> None:
...     seen[type(event).__name__] += 1
...     if isinstance(event, RequestEvent) and "upgrade" in event.route:
...         print(event.route, event.status)
...     if isinstance(event, ProgressEvent) and event.finished:
...         print(event.succeeded, "of", event.inputs)
>>> async with FotaClient.from_env(environ=environ, on_event=hear) as client:
...     report = await client.v1.upgrades.append_devices(upgrade_id, imeis)
PUT /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id} 200
3 of 3
>>> seen["TokenEvent"]
2
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Literal, TypeAlias

import attrs

__all__ = [
    "BatchEvent",
    "Event",
    "EventHook",
    "JournalEvent",
    "LimitEvent",
    "PauseEvent",
    "PilotEvent",
    "ProgressEvent",
    "RequestEvent",
    "RetryEvent",
    "RunEndedEvent",
    "RunStartedEvent",
    "TargetEvent",
    "TokenEvent",
    "UnknownMemberEvent",
    "WorkersEvent",
    "current_run",
]

BatchOutcome: TypeAlias = Literal["answered", "lost", "refused", "requeued", "settled"]

logger = logging.getLogger("fota_async")
logger.addHandler(logging.NullHandler())

current_run: ContextVar[int | None] = ContextVar("fota_async.current_run", default=None)
"""Number of the run that the running task belongs to; events of its making take it from here."""


def _current_run() -> int | None:
    return current_run.get()


@attrs.frozen(kw_only=True)
class _OfRun:
    """What may have happened on behalf of a run.

    `run` is its number, unique in the process; None for single calls.
    """

    run: int | None = attrs.field(factory=_current_run)


@attrs.frozen(kw_only=True)
class RequestEvent(_OfRun):
    """One try of one request ended: with a status, or with the name of an error.

    `started` is the Unix time at which it began, `server` the scheme, host and port it went to.
    `resends` is how often this call had been on the wire before, replays with new tokens included.
    """

    route: str
    attempt: int
    seconds: float
    status: int | None = None
    error: str | None = None
    started: float = 0.0
    server: str = ""
    resends: int = 0


@attrs.frozen(kw_only=True)
class RetryEvent(_OfRun):
    """A call is about to be tried again, `wait` seconds from now."""

    route: str
    attempt: int
    wait: float
    reason: str


@attrs.frozen(kw_only=True)
class TokenEvent:
    """Something happened to one of the two tokens."""

    kind: Literal["bearer", "session"]
    action: Literal["fetched", "refused", "ended", "revoked", "lost"]


@attrs.frozen(kw_only=True)
class PauseEvent:
    """The API throttled: nobody sends for `seconds`."""

    seconds: float
    reason: str


@attrs.frozen(kw_only=True)
class LimitEvent:
    """What an account may be asked changed, as its answers taught.

    `limit` is the number of requests in flight at once, `rate` requests a second or None before
    the first throttling; a rate is told when it changed by a twentieth.
    """

    account: str
    limit: int
    rate: float | None


@attrs.frozen(kw_only=True)
class WorkersEvent:
    """A cluster that makes the requests of runs has no worker to wait for, or has some again.

    `workers` is how many it has; while it is nought, nothing is sent through it. `reason` says why
    none is known, where it is not simply that there is none. Told by an executor to its own hook.
    """

    workers: int
    reason: str = ""


@attrs.frozen(kw_only=True)
class UnknownMemberEvent:
    """An answer has a member that its model does not know: the API says more than it did.

    Told once for each model and member of a session manager. `member` is its name as sent, or
    `(no name)` for a text that does not look like one; the value is never told. Rows of devices in
    the answers of appends and removals, and in readings of a v1 upgrade, are not looked at: they
    are read the fast way.
    """

    model: str
    member: str


@attrs.frozen(kw_only=True)
class RunStartedEvent(_OfRun):
    """A run begins: told in its own task, where what was current for its caller still is.

    `parent` is the run that it is part of: the removal of a sync is part of the sync.
    """

    operation: str
    target: str
    parent: int | None = None


@attrs.frozen(kw_only=True)
class RunEndedEvent(_OfRun):
    """A run is over, however it ended; told once for each `RunStartedEvent`.

    `stopped` is the cause why it ended early (`fota_async.StopCause`), `error` the name of an
    error that is no `RunStopped`.
    """

    operation: str
    target: str
    seconds: float
    stopped: str | None = None
    error: str | None = None


@attrs.frozen(kw_only=True)
class BatchEvent(_OfRun):
    """Something was decided about a batch, or about some of its devices.

    `place` is where in the input the batch came from. `seconds` is how long the API took to answer,
    waits and retries included; None where no request just ended.
    """

    operation: str
    target: str
    devices: int
    outcome: BatchOutcome
    reason: str = ""
    place: int = 0
    seconds: float | None = None


@attrs.frozen(kw_only=True)
class JournalEvent(_OfRun):
    """A run goes on from its journal.

    `decided` devices are not sent again, `doubtful` ones are settled first. `starts` counts the
    earlier ones; `finished` is whether the last of them came to its end.
    """

    operation: str
    target: str
    starts: int
    decided: int
    doubtful: int
    finished: bool


@attrs.frozen(kw_only=True)
class ProgressEvent(_OfRun):
    """Where a run stands. Counts are devices, never attempts; `seconds` since its start.

    `total` is the number of inputs where it is known beforehand. `doubtful` devices were sent
    and wait to be settled. `failures` are the three most frequent reasons of failed devices and
    how many devices each; long numbers in them, which may be device ids, are masked. Where there
    are very many different reasons, the counts may lag behind by a twentieth. The
    `earlier_` ones are those among the counts that were decided by an earlier start, as the journal
    says.
    """

    operation: str
    target: str
    inputs: int
    total: int | None
    succeeded: int
    failed: int
    pending: int
    invalid: int
    unknown: int
    unsent: int
    duplicates: int
    doubtful: int
    requests: int
    retries: int
    seconds: float
    finished: bool
    earlier_succeeded: int = 0
    earlier_failed: int = 0
    earlier_pending: int = 0
    failures: tuple[tuple[str, int], ...] = ()


@attrs.frozen(kw_only=True)
class TargetEvent:
    """A run read its target: told at first, and when what it says changed.

    `status` and `start_date` are word for word, and a target need not have a start date. A run
    reads its target beside its second batch, to settle doubts, and where a sync begins.
    """

    operation: str
    target: str
    status: str
    start_date: str | None


@attrs.frozen(kw_only=True)
class PilotEvent:
    """Where a pilot stands: told after each reading.

    Counts are devices; `failed` ones include those that were rejected. `seconds` since the wait
    began.
    """

    target: str
    status: str
    devices: int
    succeeded: int
    failed: int
    undecided: int
    seconds: float


Event: TypeAlias = (
    RequestEvent
    | RetryEvent
    | TokenEvent
    | PauseEvent
    | LimitEvent
    | UnknownMemberEvent
    | WorkersEvent
    | RunStartedEvent
    | RunEndedEvent
    | BatchEvent
    | JournalEvent
    | PilotEvent
    | ProgressEvent
    | TargetEvent
)
EventHook: TypeAlias = Callable[[Event], object]

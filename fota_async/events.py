"""What happens, told as it happens: frozen events of plain values for one hook.

Give `on_event=` to `fota_async.SessionManager` or `fota_async.FotaClient`. The hook is a plain
function, called in the event loop; it should return at once. Progress bars, metrics and logs are
made from these events and from nothing else. No event carries a secret or an IMEI.
"""

import logging
from collections.abc import Callable
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
    "TokenEvent",
    "UnknownMemberEvent",
    "event_sink",
]

BatchOutcome: TypeAlias = Literal["answered", "lost", "refused", "requeued", "settled"]

logger = logging.getLogger("fota_async")
logger.addHandler(logging.NullHandler())


@attrs.frozen(kw_only=True)
class RequestEvent:
    """One try of one request ended: with a status, or with the name of an error."""

    route: str
    attempt: int
    seconds: float
    status: int | None = None
    error: str | None = None


@attrs.frozen(kw_only=True)
class RetryEvent:
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
class BatchEvent:
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
class JournalEvent:
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
class ProgressEvent:
    """Where a run stands. Counts are devices, never attempts; `seconds` since its start.

    `total` is the number of inputs where it is known beforehand. `doubtful` devices were sent
    and wait to be settled. The `earlier_` ones are those among the counts that were decided by an
    earlier start, as the journal says.
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
    | BatchEvent
    | JournalEvent
    | PilotEvent
    | ProgressEvent
)
EventHook: TypeAlias = Callable[[Event], object]

_LEVELS = {
    JournalEvent: logging.INFO,
    PilotEvent: logging.INFO,
    TokenEvent: logging.INFO,
    PauseEvent: logging.WARNING,
    RetryEvent: logging.INFO,
    UnknownMemberEvent: logging.INFO,
}


def event_sink(hook: EventHook | None) -> EventHook:
    """Return the one place events go to: the logger `fota_async`, then `hook`.

    A hook that raises is logged and never harms the call or run that told it something.
    """

    def tell(event: Event) -> None:
        level = _LEVELS.get(type(event), logging.DEBUG)
        if logger.isEnabledFor(level):
            logger.log(level, "%s", event)
        if hook is not None:
            try:
                hook(event)
            except Exception:
                logger.exception("the on_event hook raised; the event was %s", event)

    return tell

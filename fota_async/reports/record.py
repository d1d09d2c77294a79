"""The record of a run over time, made of the library's events."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf
from types import MappingProxyType

import attrs

from fota_async.clock import Clock, SystemClock
from fota_async.events import (
    BatchEvent,
    Event,
    JournalEvent,
    LimitEvent,
    PauseEvent,
    ProgressEvent,
    RequestEvent,
    RetryEvent,
    TokenEvent,
)
from fota_async.reports.bins import Bins, Timeline

OTHERS = "other"
_MOST_WORDS = 50
_SLOWEST = 10
_THROTTLED = "ThrottledError"
_ENDED = frozenset({"answered", "lost", "refused"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class SlowBatch:
    """A batch that took long.

    Attributes:
        seconds: How long its request took, waits and retries included.
        at: When it ended, in seconds from the start.
        place: Place of the batch in the input.
        devices: How many devices the event was about.
        outcome: What came of it, as `fota_async.events.BatchEvent` says.
        reason: Why, if the event says.
        operation: Of which run it was.
    """

    seconds: float
    at: float
    place: int
    devices: int
    outcome: str
    reason: str
    operation: str


class RunRecord:
    """What happened when in one start of a run; give it as `on_event=`, or call it from a hook.

    Its size does not grow with the run. It begins with the first event. It is about all that its
    client does, so let a run that it records be the only one of its time.

    Args:
        asked: What was asked for, in words to show beside the report: what, and how much of it.
            Never a secret.
        clock: Whose seconds count; the one of the client.
        now: Returns the time of day.

    Attributes:
        asked: As given.
        began: When the first event came, or None.
        seconds: From the first event to the last.
        pauses: How often the API throttled.
        paused: Seconds in which nobody was to send.
        longest_pause: Seconds of the longest pause, as it was told.
        limit: Requests in flight at once that were allowed last, or None.
        rate: Requests a second that were allowed last; None for any number.
        earlier: What the journal told of earlier starts, or None.
        answers: How tries of requests ended: a status, or the name of an error.
        tokens: What happened to tokens.
        retries: Why calls were tried again.
        lost: Devices whose answers were lost, by why; batches with such devices in `lost_batches`.
        settled: Devices that readings of the target decided.
        progress: The last progress that was told, or None.

    >>> record = RunRecord(asked={"device list": "fleet.csv"})
    >>> async with FotaClient.from_env(environ=environ, on_event=record) as client:
    ...     report = await client.v1.upgrades.append_devices(upgrade_id, imeis)
    >>> record.progress.succeeded, record.pauses, len(record.slowest)
    (3, 0, 1)
    """

    def __init__(
        self,
        *,
        asked: Mapping[str, str] = _NOTHING,
        clock: Clock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.asked = dict(asked)
        self._clock = clock or SystemClock()
        self._now = now
        self._zero: float | None = None
        self._bins = Bins()
        self._told: dict[tuple[str, str], ProgressEvent] = {}
        self._paused_until = -inf
        self._slowest: list[SlowBatch] = []
        self.began: datetime | None = None
        self.seconds = 0.0
        self.pauses = 0
        self.paused = 0.0
        self.longest_pause = 0.0
        self.limit: int | None = None
        self.rate: float | None = None
        self.earlier: JournalEvent | None = None
        self.answers: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.lost_batches = 0
        self.settled = 0
        self.progress: ProgressEvent | None = None

    def __call__(self, event: Event) -> None:
        """Take an event of now."""
        at = self._clock.monotonic()
        if self._zero is None:
            self._zero, self.began = at, self._now()
        self.note(event, at - self._zero)

    def note(self, event: Event, at: float) -> None:
        """Take an event of a moment.

        Args:
            event: The event.
            at: Seconds from the start; never less than the last time.
        """
        self._pass_time(at)
        if isinstance(event, RequestEvent):
            self._request(event, at)
        elif isinstance(event, BatchEvent):
            self._batch(event, at)
        elif isinstance(event, ProgressEvent):
            self._progress(event, at)
        elif isinstance(event, LimitEvent):
            self.limit, self.rate = event.limit, event.rate
            now = self._bins.at(at)
            now.limit, now.rate = event.limit, event.rate
        elif isinstance(event, PauseEvent):
            self.pauses += 1
            self.longest_pause = max(self.longest_pause, event.seconds)
            self._paused_until = max(self._paused_until, at + event.seconds)
        elif isinstance(event, RetryEvent):
            count(self.retries, event.reason)
        elif isinstance(event, TokenEvent):
            count(self.tokens, f"{event.kind} {event.action}")
        elif isinstance(event, JournalEvent):
            self.earlier = event

    @property
    def refused_for_rate(self) -> int:
        """Tries that were refused because too many were made."""
        return self.answers[_THROTTLED]

    @property
    def slowest(self) -> list[SlowBatch]:
        """The batches that took longest, the slowest first."""
        return list(self._slowest)

    def timeline(self, at_most: int = 80) -> Timeline:
        """Return what happened when.

        Args:
            at_most: Into how many stretches time is divided.
        """
        return self._bins.timeline(at_most)

    def _pass_time(self, at: float) -> None:
        # Only what has passed: a pause may outlive the run.
        since, self.seconds = self.seconds, max(self.seconds, at)
        end = min(self.seconds, self._paused_until)
        while since < end:
            until = min(end, self._bins.end_of(since))
            self._bins.at(since).paused += until - since
            self.paused += until - since
            since = until

    def _request(self, event: RequestEvent, at: float) -> None:
        count(self.answers, event.error or str(event.status))
        now = self._bins.at(at)
        now.requests += 1
        now.refused += event.error == _THROTTLED

    def _batch(self, event: BatchEvent, at: float) -> None:
        if event.outcome == "lost":
            self.lost_batches += 1
            count(self.lost, event.reason, event.devices)
        elif event.outcome == "settled":
            self.settled += event.devices
        if event.seconds is None or event.outcome not in _ENDED:
            return
        slow = SlowBatch(
            seconds=event.seconds,
            at=at,
            place=event.place,
            devices=event.devices,
            outcome=event.outcome,
            reason=event.reason,
            operation=event.operation,
        )
        # Of an answer that leaves devices in doubt two events tell, the second of all devices.
        others = [one for one in self._slowest if _request_of(one) != _request_of(slow)]
        self._slowest = sorted([*others, slow], key=lambda one: -one.seconds)[:_SLOWEST]

    def _progress(self, event: ProgressEvent, at: float) -> None:
        run = (event.operation, event.target)
        before = self._told.pop(run, None)
        if not event.finished:
            self._told[run] = event
        self.progress = event
        now = self._bins.at(at)
        done, done_before = _of_this_start(event), _of_this_start(before)
        now.succeeded += max(0, done[0] - done_before[0])
        now.failed += max(0, done[1] - done_before[1])
        more_pending = done[2] - done_before[2]
        now.pending += max(0, more_pending)
        self._bins.no_longer_pending(max(0, -more_pending))
        now.unknown += max(0, done[3] - done_before[3])


def _request_of(batch: SlowBatch) -> tuple[str, int, float]:
    return batch.operation, batch.place, batch.seconds


def _of_this_start(event: ProgressEvent | None) -> tuple[int, int, int, int]:
    if event is None:
        return 0, 0, 0, 0
    return (
        event.succeeded - event.earlier_succeeded,
        event.failed - event.earlier_failed,
        event.pending - event.earlier_pending,
        event.unknown,
    )


def count(words: Counter[str], word: str, by: int = 1) -> None:
    """Count a word, of which there may be so many that the rest counts as `OTHERS`."""
    if word not in words and len(words) >= _MOST_WORDS:
        word = OTHERS
    words[word] += by

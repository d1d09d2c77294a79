"""Where a run stands, put together from the library's events and worded for a person."""

from fota_async.cli.pace import Pace, duration
from fota_async.events import (
    Event,
    LimitEvent,
    PauseEvent,
    ProgressEvent,
    RequestEvent,
    TokenEvent,
    WorkersEvent,
)
from fota_async.printable import printable


class Standing:
    """What the events of a command told so far. Moments are of one clock, in seconds."""

    def __init__(self) -> None:
        self.progress: ProgressEvent | None = None
        self._pace = Pace()
        self._requests = 0
        self._pauses = 0
        self._paused_until = 0.0
        self._logins = 0
        self._limit = ""
        self._waiting = ""

    def take(self, event: Event, moment: float) -> None:
        """Take in an event, at the moment at which it came."""
        if isinstance(event, RequestEvent):
            self._requests += 1
        elif isinstance(event, PauseEvent):
            self._pauses += 1
            self._paused_until = max(self._paused_until, moment + event.seconds)
        elif isinstance(event, LimitEvent):
            self._limit = _limit_in_words(event)
        elif isinstance(event, WorkersEvent):
            self._waiting = "" if event.workers else waiting_in_words(event)
        elif isinstance(event, TokenEvent):
            self._logins += event.kind == "session" and event.action == "fetched"
        elif isinstance(event, ProgressEvent):
            before = self.progress
            if before is None or (before.operation, before.target) != (
                event.operation,
                event.target,
            ):
                self._pace = Pace()
            self.progress = event
            self._pace.note(moment, self._done_here)

    @property
    def done(self) -> int:
        """Inputs that nothing more is done about."""
        now = self.progress
        if now is None:
            return 0
        decided = now.succeeded + now.failed + now.pending + now.unknown + now.unsent
        return decided + now.invalid + now.duplicates

    @property
    def _done_here(self) -> int:
        """Those of them that no earlier start decided; a journal tells of the others at once."""
        now = self.progress
        if now is None:
            return 0
        return self.done - now.earlier_succeeded - now.earlier_failed - now.earlier_pending

    @property
    def total(self) -> int | None:
        """Inputs in all, or None while nobody knows."""
        return None if self.progress is None else self.progress.total

    def paused(self, moment: float) -> float:
        """Return how many seconds the present pause still lasts; nought if there is none."""
        finished = self.progress is not None and self.progress.finished
        return 0.0 if finished else max(0.0, self._paused_until - moment)

    def left(self, moment: float) -> float | None:
        """Return about how many seconds the run still takes; None while nobody can tell."""
        if self.progress is None or self.progress.finished or self.total is None:
            return None
        to_send = self.total - self.done - self.progress.doubtful
        # What is being settled takes as long as readings take, which no rate tells.
        seconds = self._pace.left(moment, self.total - self.done) if to_send > 0 else None
        return None if seconds is None else seconds + self.paused(moment)

    def speed(self, moment: float) -> list[str]:
        """Return how far and how fast: devices done, devices a second, the time left."""
        now = self.progress
        if now is None:
            # A sync, for instance, reads its target first, which can take many requests.
            return ["starting", *([f"{self._requests:,} requests"] if self._requests else [])]
        said = [f"{self.done:,}" + (f" of {self.total:,}" if self.total else "")]
        if now.finished:
            mean = self._done_here / now.seconds if now.seconds >= 1.0 else 0.0
            said.append(f"ended after {duration(now.seconds)}")
            return [*said, f"{mean:,.0f}/s on average"] if mean else said
        rate = self._pace.rate(moment)
        said += [] if rate is None else [f"{rate:,.0f}/s"]
        left = self.left(moment)
        return said if left is None else [*said, f"about {duration(max(1.0, left))} left"]

    def notes(self, moment: float) -> list[str]:
        """Return what else there is to know: devices that are not well, pauses, the limit."""
        now = self.progress
        notes = []
        if now is not None:
            notes.append(f"{now.failed:,} failed")
            for count, name in (
                (now.unknown, "unknown"),
                (now.invalid, "invalid"),
                (now.pending, "pending"),
                (now.unsent, "unsent"),
                (now.doubtful, "being settled"),
            ):
                notes += [f"{count:,} {name}"] if count else []
        for name, count in (("pauses", self._pauses), ("new logins", max(0, self._logins - 1))):
            notes += [f"{name}: {count:,}"] if count else []
        still = self.paused(moment)
        notes += [f"paused for {duration(still)} more"] if still >= 1.0 else []
        notes += [self._limit] if self._limit else []
        finished = now is not None and now.finished
        return [*notes, self._waiting] if self._waiting and not finished else notes

    def failures(self) -> list[str]:
        """Return the most frequent reasons of failed devices, each with its count."""
        reasons = () if self.progress is None else self.progress.failures
        return [
            f"{devices:,} failed: {printable(reason) or 'no reason was given'}"
            for reason, devices in reasons
        ]


def waiting_in_words(event: WorkersEvent) -> str:
    """Return what requests wait for while there is no worker."""
    return "waiting for a worker" + (f": {event.reason}" if event.reason else "")


def _limit_in_words(event: LimitEvent) -> str:
    if event.rate is None:
        return f"limit: {event.limit} at once"
    digits = 0 if event.rate >= 10 else 1
    return f"limit: {event.limit} at once, {event.rate:,.{digits}f} requests/s"

"""Progress on stderr, made of the library's events and of nothing else."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from fota_async.cli.output import say
from fota_async.events import (
    Event,
    JournalEvent,
    LimitEvent,
    PauseEvent,
    PilotEvent,
    ProgressEvent,
    TokenEvent,
)

_LINE_EVERY = 10.0


class _Rate(ProgressColumn):
    """Devices a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


def _in_words(event: LimitEvent) -> str:
    if event.rate is None:
        return f"limit: {event.limit} at once"
    return (
        f"limit: {event.limit} at once, {event.rate:,.{0 if event.rate >= 10 else 1}f} requests/s"
    )


class ProgressDisplay:
    """A bar on a terminal, a line now and then elsewhere. Use as a context manager and hook."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._pauses = 0
        self._logins = 0
        self._limit = ""
        self._next_line = _LINE_EVERY
        if sys.stderr.isatty():
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                _Rate(),
                TextColumn("{task.fields[notes]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("starting", total=None, notes="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def pause(self) -> None:
        """Give the terminal up until there is something new to show."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Take an event of the library."""
        if isinstance(event, PauseEvent):
            self._pauses += 1
        elif isinstance(event, LimitEvent):
            self._limit = _in_words(event)
        elif isinstance(event, TokenEvent):
            self._logins += event.kind == "session" and event.action == "fetched"
        elif isinstance(event, JournalEvent):
            self._say(_going_on(event))
        elif isinstance(event, PilotEvent):
            self._say(_about_pilot(event))
        elif isinstance(event, ProgressEvent):
            self._show(event)

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, highlight=False)
        else:
            say(text)

    def _show(self, event: ProgressEvent) -> None:
        decided = event.succeeded + event.failed + event.pending + event.unknown + event.unsent
        done = decided + event.invalid + event.duplicates
        notes = [f"{event.failed:,} failed"]
        for count, name in (
            (event.unknown, "unknown"),
            (event.invalid, "invalid"),
            (event.doubtful, "being settled"),
        ):
            notes += [f"{count:,} {name}"] if count else []
        for name, count in (("pauses", self._pauses), ("new logins", max(0, self._logins - 1))):
            notes += [f"{name}: {count:,}"] if count else []
        notes += [self._limit] if self._limit else []
        if self._bar is not None:
            self._bar.start()
            self._bar.update(
                self._task,
                description=event.operation,
                total=event.total,
                completed=done,
                notes=", ".join(notes),
            )
        elif event.seconds >= self._next_line:
            self._next_line = event.seconds + _LINE_EVERY
            share = f" of {event.total:,}" if event.total else ""
            rate = done / event.seconds
            say(f"{event.operation}: {done:,}{share}, {rate:,.0f}/s, {', '.join(notes)}")


def _going_on(event: JournalEvent) -> str:
    decided = f"{event.decided:,} devices are decided and are not sent again"
    if event.finished:
        return f"The run of this journal was finished: {decided}."
    doubtful = f", {event.doubtful:,} may have been sent and are settled first"
    return f"Going on from the journal: {decided}{doubtful if event.doubtful else ''}."


def _about_pilot(event: PilotEvent) -> str:
    return (
        f"The pilot {event.target} is {event.status}: {event.succeeded} of {event.devices} devices "
        f"succeeded, {event.failed} failed, {event.undecided} are undecided."
    )

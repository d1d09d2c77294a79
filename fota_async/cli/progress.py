"""Progress on stderr, made of the library's events and of nothing else."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fota_async.cli.output import say
from fota_async.cli.plain import printable_lines
from fota_async.cli.standing import Standing
from fota_async.cli.start_warning import StartWarning
from fota_async.events import (
    Event,
    JournalEvent,
    PauseEvent,
    PilotEvent,
    ProgressEvent,
    TargetEvent,
    WorkersEvent,
)

_LINE_EVERY = 10.0


class ProgressDisplay:
    """A live display on a terminal, a line now and then elsewhere. Context manager and hook.

    Args:
        clock: Seconds that never run backwards.
        starts: Warns of the moment from which the target takes no changes.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        starts: StartWarning | None = None,
    ) -> None:
        self._clock = clock
        self._starts = starts or StartWarning()
        self._standing = Standing()
        self._lock = threading.Lock()  # the display is drawn in a thread of its own
        self._next_line = _LINE_EVERY
        self._told = False
        self._live: Live | None = None
        console = Console(stderr=True)
        if sys.stderr.isatty() and not console.is_dumb_terminal:
            self._live = Live(
                get_renderable=self._drawn,
                console=console,
                # What is printed for another program must not end in the display.
                redirect_stdout=sys.stdout.isatty(),
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def pause(self) -> None:
        """Give the terminal up, and leave nothing on it, until there is something new to show."""
        if self._live is not None:
            self._live.transient = True
            self._live.stop()
            self._live.transient = False

    def __call__(self, event: Event) -> None:
        """Take an event of the library."""
        moment = self._clock()
        with self._lock:
            self._standing.take(event, moment)
            texts = list(self._worth_a_line(event, moment))
        for text in texts:  # no longer locked: whoever draws waits for the lock
            self._say(text)
        if isinstance(event, ProgressEvent):
            if self._live is not None:
                self._live.start()
            else:
                self._say_now_and_then(event, moment)
        elif _nothing_will_happen(event):
            if self._live is None:
                say(self._line(moment))
            elif isinstance(event, WorkersEvent):
                self._live.start()  # a run that has none at first tells no progress

    def _worth_a_line(self, event: Event, moment: float) -> Iterator[str]:
        if isinstance(event, JournalEvent):
            yield _going_on(event)
        elif isinstance(event, PilotEvent):
            yield _about_pilot(event)
        elif isinstance(event, TargetEvent) and (warning := self._starts.saw(event)):
            yield f"fota: {warning}"
        elif isinstance(event, ProgressEvent):
            late = self._starts.lasts(self._standing.left(moment))
            if late:
                yield f"fota: {late}"

    def _say(self, text: str) -> None:
        if self._live is not None and self._live.is_started:
            self._live.console.print(Text(printable_lines(text)))
        else:
            say(text)

    def _say_now_and_then(self, event: ProgressEvent, moment: float) -> None:
        if event.seconds >= self._next_line or (event.finished and self._told):
            self._next_line = event.seconds + _LINE_EVERY
            self._told = not event.finished
            if event.finished:
                self._next_line = _LINE_EVERY  # another run may follow
            say(self._line(moment))

    def _line(self, moment: float) -> str:
        standing = self._standing
        failures = standing.failures()
        reasons = f" ({'; '.join(failures)})" if failures else ""
        parts = ", ".join([*standing.speed(moment), *standing.notes(moment)])
        return f"{_name(standing)}: {parts}{reasons}"

    def _drawn(self) -> RenderableType:
        with self._lock:
            moment, standing = self._clock(), self._standing
            total, done = standing.total, standing.done
            lines = [standing.speed(moment), standing.notes(moment)]
            failures = standing.failures()
            name = _name(standing)
            finished = standing.progress is not None and standing.progress.finished
        bar = Table.grid(expand=True, padding=(0, 1))
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        share = f"{100 * done // total}%" if total else ""  # 100% is the end, and nothing before it
        known = total if total is not None or not finished else done
        bar.add_row(name, ProgressBar(known, done, pulse=known is None), share)
        return Group(bar, *map(_Flow, lines), *(_cut(f"  {one}") for one in failures))


class _Flow:
    """Short texts, put beside each other where they fit and never broken in their middle."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = parts

    def __rich_console__(
        self,
        console: Console,
        options: ConsoleOptions,
    ) -> Iterator[Text]:
        line = ""
        for part in self._parts:
            longer = f"{line}, {part}" if line else part
            if line and len(longer) > options.max_width - 1:
                yield _cut(f"{line},")
                longer = part
            line = longer
        if line:
            yield _cut(line)


def _cut(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _nothing_will_happen(event: Event) -> bool:
    if isinstance(event, PauseEvent):
        return event.seconds >= _LINE_EVERY
    return isinstance(event, WorkersEvent) and not event.workers


def _name(standing: Standing) -> str:
    return standing.progress.operation if standing.progress is not None else "fota"


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

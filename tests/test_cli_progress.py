"""Progress: what the library's events mean to a person, on a terminal and in a log."""

import io
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from fota_async.cli.pace import Pace, duration
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.standing import Standing
from fota_async.cli.start_warning import StartWarning
from fota_async.events import (
    LimitEvent,
    PauseEvent,
    ProgressEvent,
    RequestEvent,
    TargetEvent,
    WorkersEvent,
)

UPGRADE = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
NOON = datetime(2027, 3, 31, 12, tzinfo=UTC)


class Time:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def progress(done: int, seconds: float, **others: Any) -> ProgressEvent:
    names = ("failed", "pending", "invalid", "unknown", "unsent", "duplicates", "doubtful")
    counts = dict.fromkeys(names, 0) | {"requests": 5, "retries": 0}
    values = {"operation": "append", "target": UPGRADE, "total": 1000, "finished": False}
    return ProgressEvent(**{
        **counts, **values, "inputs": done, "succeeded": done, "seconds": seconds, **others
    })  # fmt: skip


def target(start_date: str | None) -> TargetEvent:
    return TargetEvent(operation="append", target=UPGRADE, status="Queued", start_date=start_date)


# How fast, and how long still


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for second in range(101):
        pace.note(float(second), second * 1000)
    for second in range(101, 141):
        pace.note(float(second), 100_000 + (second - 100) * 10)

    assert pace.rate(140.0) == pytest.approx(10)
    assert pace.left(140.0, 600) == pytest.approx(60)


def test_the_rate_falls_while_nothing_comes() -> None:
    pace = Pace()
    for second in range(11):
        pace.note(float(second), second * 100)

    assert pace.rate(10.0) == pytest.approx(100)
    assert pace.rate(20.0) == pytest.approx(50)
    assert pace.rate(100.0) == pytest.approx(0, abs=5)


def test_many_notes_a_second_count_as_few_do() -> None:
    pace = Pace()
    for step in range(10_000):
        pace.note(step / 100, step)

    assert pace.rate(99.99) == pytest.approx(100, rel=0.05)


def test_no_time_is_told_while_nobody_knows_it() -> None:
    pace = Pace()
    assert pace.rate(0.0) is None
    pace.note(0.0, 0)
    pace.note(2.0, 100)
    assert pace.left(2.0, 1000) is None  # too short a time to tell from
    pace.note(10.0, 100)
    pace.note(60.0, 100)
    assert pace.left(120.0, 1000) is None  # nothing moves


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5000, "83 min"), (6000, "1 h 40 min"),
     (86_399, "23 h 59 min"), (3 * 86_400, "3 days")],
)  # fmt: skip
def test_durations_are_as_exact_as_a_person_wants(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_what_is_only_being_settled_has_no_time_left() -> None:
    standing = Standing()
    for second in range(11):
        standing.take(progress(second * 90, float(second), doubtful=100), float(second))
    assert standing.left(10.0) is None

    standing.take(progress(900, 10.0, doubtful=50), 10.0)
    assert standing.left(10.0) == pytest.approx(100 / 90)


def test_a_pause_is_told_with_the_time_it_still_lasts_and_counts_into_the_time_left() -> None:
    standing = Standing()
    for second in range(11):
        standing.take(progress(second * 50, float(second)), float(second))
    standing.take(PauseEvent(seconds=20.0, reason="429"), 10.0)

    assert "paused for 20 s more" in standing.notes(10.0)
    assert "paused for 5 s more" in standing.notes(25.0)
    assert not [note for note in standing.notes(31.0) if "paused" in note]
    assert standing.left(10.0) == pytest.approx(30)


def test_the_next_run_of_a_command_has_a_rate_of_its_own() -> None:
    standing = Standing()
    for second in range(11):
        standing.take(progress(second * 100, float(second)), float(second))
    standing.take(progress(0, 0.0, operation="remove"), 11.0)
    standing.take(progress(10, 10.0, operation="remove"), 21.0)

    assert "1/s" in standing.speed(21.0)


def test_what_an_earlier_start_decided_is_no_speed_of_this_one() -> None:
    standing = Standing()
    standing.take(progress(0, 0.0), 0.0)
    for second in range(1, 11):
        now = progress(900 + second * 5, float(second), earlier_succeeded=900)
        standing.take(now, float(second))

    assert standing.speed(10.0)[:2] == ["950 of 1,000", "5/s"]
    assert standing.left(10.0) == pytest.approx(10)

    standing.take(progress(1000, 20.0, earlier_succeeded=900, finished=True), 20.0)
    assert standing.speed(20.0)[-1] == "5/s on average"


def test_what_happens_before_anything_is_sent_is_told() -> None:
    standing = Standing()
    assert standing.speed(0.0) == ["starting"]
    for attempt in range(3):
        standing.take(RequestEvent(route="GET", attempt=attempt, seconds=0.1, status=200), 1.0)

    assert standing.speed(1.0) == ["starting", "3 requests"]


# In a log


def test_a_log_gets_a_line_every_ten_seconds_and_a_last_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    time = Time()
    display = ProgressDisplay(time)
    failures = (("AddDeviceFailed: no\x1b[2J licence", 7),)
    display(LimitEvent(account="a", limit=12, rate=48.4))
    for second in range(25):
        time.seconds += 1
        display(progress(second * 40, second + 1.0, failed=7, failures=failures))
    time.seconds += 1
    display(progress(1000, 26.0, failed=7, failures=failures, finished=True))

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "367 of 1,000, 40/s, about 16 s left, 7 failed" in lines[0]
    assert "limit: 12 at once, 48 requests/s" in lines[0]
    assert r"(7 failed: AddDeviceFailed: no\x1b[2J licence)" in lines[0]
    assert "ended after 26 s" in lines[2]


def test_a_log_gets_nothing_of_a_short_run(capsys: pytest.CaptureFixture[str]) -> None:
    display = ProgressDisplay(Time())
    display(progress(10, 0.5))
    display(progress(1000, 1.0, finished=True))

    assert capsys.readouterr().err == ""


def test_a_long_pause_is_told_when_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    display = ProgressDisplay(Time())
    display(progress(10, 0.5))
    display(PauseEvent(seconds=60.0, reason="429"))

    assert "paused for 60 s more" in capsys.readouterr().err


def test_that_no_worker_is_there_is_told_at_once_and_until_there_is_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = ProgressDisplay(Time())
    display(WorkersEvent(workers=0))
    assert capsys.readouterr().err == "fota: starting, waiting for a worker\n"

    display(progress(10, 0.5))
    display(WorkersEvent(workers=0, reason="its scheduler cannot be reached (TimeoutError)"))
    assert "waiting for a worker: its scheduler cannot be reached" in capsys.readouterr().err

    display(WorkersEvent(workers=2))
    display(PauseEvent(seconds=60.0, reason="429"))
    assert "waiting for a worker" not in capsys.readouterr().err


# On a terminal


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Make standard error a terminal for the rest of the test."""
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]  # a terminal, to the display
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_line_of_the_display_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    terminal_of(monkeypatch)
    time = Time()
    display = ProgressDisplay(time)
    display(PauseEvent(seconds=30.0, reason="429"))
    display(LimitEvent(account="a", limit=12, rate=48.4))
    long = (("AddDeviceFailed: " + "a reason that goes on " * 20, 12_345),)
    for second in range(12):
        time.seconds += 1
        display(
            progress(second * 40, float(second), failed=12_345, unknown=3, doubtful=17,
                     total=100_000, failures=long)
        )  # fmt: skip

    plain = Console(width=width, file=io.StringIO(), color_system=None)
    with plain.capture() as captured:
        plain.print(display._drawn())
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(lines)
    for part in ("append", "12%", "12,788 of 100,000", "40/s", "left", "12,345 failed",
                 "3 unknown", "17 being settled", "pauses: 1", "limit: 12 at once"):  # fmt: skip
        assert part in text, part
    display.pause()


def test_messages_stand_above_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    tomorrow = StartWarning(lambda: NOON)
    with ProgressDisplay(Time(), tomorrow) as display:
        display(progress(10, 0.5))
        display(target("2027-04-01"))

    screen = terminal.getvalue()
    assert "the target starts around 2027-04-01 00:00 UTC" in " ".join(screen.split())
    assert "append" in screen
    assert sys.stderr is terminal


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    with ProgressDisplay(Time()) as display:
        display(progress(10, 10.5))

    assert terminal.getvalue().startswith("append: 10 of 1,000")
    assert "\x1b" not in terminal.getvalue()


def test_what_goes_to_another_program_does_not_end_in_the_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = terminal_of(monkeypatch)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with ProgressDisplay(Time()) as display:
            display(progress(10, 0.5))
            sys.stdout.write('{"device_id": "990013907835573"}')
        monkeypatch.undo()
    with os.fdopen(reading) as end:
        assert "990013907835573" in end.read()
    assert "990013907835573" not in terminal.getvalue()


# The moment at which the target starts


@pytest.mark.parametrize(
    ("start_date", "said"),
    [
        ("2027-04-01", "around 2027-04-01 00:00 UTC, in 12 h 0 min: from then on"),
        ("2027-04-01T08:00:00Z", "around 2027-04-01 08:00 UTC, in 20 h 0 min"),
        ("2027-03-31", "the start date of the target, 2027-03-31, has begun"),
        ("2027-04-02", None),
        ("2020-08-21", None),  # long over, and still open: it says nothing
        ("soon", None),
        (None, None),
    ],
)
def test_a_start_that_is_near_is_warned_of_once(start_date: str | None, said: str | None) -> None:
    warning = StartWarning(lambda: NOON)

    first = warning.saw(target(start_date))

    assert (first is None) if said is None else (first is not None and said in first)
    assert warning.saw(target(start_date)) is None


def test_a_run_that_would_end_after_the_start_is_warned_of_once() -> None:
    now = NOON - timedelta(days=2)
    warning = StartWarning(lambda: now)
    assert warning.lasts(1e9) is None  # nothing is known of the start
    assert warning.saw(target("2027-04-01")) is None

    assert warning.lasts(None) is None
    assert warning.lasts(2.4 * 86_400) is None
    late = warning.lasts(2.6 * 86_400)
    assert late is not None
    assert "some would come too late" in late
    assert warning.lasts(2.6 * 86_400) is None


def test_the_display_warns_when_the_rate_is_too_slow(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    display = ProgressDisplay(time, StartWarning(lambda: NOON - timedelta(days=1)))
    display(target("2027-04-01"))
    for second in range(9):
        time.seconds += 1
        display(progress(second, second + 1.0, total=1_000_000))

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "at the present rate this takes about 12 days more" in lines[0]

"""Runs with a journal, started, killed and started again at random: the books always agree.

A process dies where a test wants it to: the journal's files are copied as they are at that moment,
and the run they were of never reaches the server again.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import (
    ADDED,
    FakeSession,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    run_over,
    trickle,
)
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fota_async import (
    BatchReport,
    BatchRun,
    DeviceOutcome,
    InvalidRequestError,
    NotSentError,
    RunStopped,
    ServerError,
    State,
    ThrottledError,
    read_journal,
)
from fota_async.batch.device_ids import is_device_id
from fota_async.models.device_answers import DeviceAnswers

DEVICES = imeis(24)
NEVER_ALONE = frozenset(DEVICES[5::11])
"""Each request with one of these is refused as a whole."""
NEVER = frozenset(DEVICES[3::7]) - NEVER_ALONE
"""The answer says no to these."""
MALFORMED = ["", "bad", "4.90E+14", "49-015420-323751-8", "nul \0", "half \ud83d"]
MOST_FATES = 10
FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.PENDING})

lines = st.lists(
    st.sampled_from(DEVICES) | st.sampled_from([f" {DEVICES[0]}\n", *MALFORMED]), max_size=18
)
fates = st.lists(
    st.sampled_from(
        [*["answered"] * 5, "applied_and_lost", "lost", "missing", "odd", "throttled", "not_sent"]
    ),
    max_size=MOST_FATES,
)
moments = st.none() | st.integers(1, 30)


@attrs.define
class Server:
    """What outlives every start: the upgrade, and every request that reached it."""

    members: set[str] = attrs.field(factory=set)
    asked: set[str] = attrs.field(factory=set)


class Dead(Exception):  # noqa: N818 - what a process is that reaches nobody
    """This start was killed."""


class Life:
    """One start of the run, in a process that may die.

    Args:
        server: What it talks to.
        fates: What becomes of its requests, in the order they are sent; good luck then.
        journal: Its journal.
        death: After so many requests, answers, readings and streamed outcomes it dies.
        leave: After so many of them the run is stopped.
        deaf: Whether the upgrade cannot be read.
        grave: Where the journal's files are copied to when it dies.
    """

    def __init__(
        self,
        server: Server,
        fates: list[str],
        journal: Path,
        *,
        death: int | None,
        leave: int | None,
        deaf: bool,
        grave: Path,
    ) -> None:
        self.server = server
        self.session = FakeSession(self._meet)
        self.session.members = server.members
        self.dead = False
        self.left = False
        self.streamed: list[DeviceOutcome] = []
        self.run: BatchRun | None = None
        self.stopping: Callable[[], object] = lambda: None
        self._fates = iter(fates)
        self._journal = journal
        self._death = death
        self._leave = leave
        self._grave = grave
        self._moment = 0
        if deaf:
            self.session._read = self._unreadable  # type: ignore[method-assign]

    def _unreadable(self, *_: object) -> Any:
        raise ServerError("it fell over", status=500)

    def pass_moment(self) -> None:
        """Time goes on, and this may have been the last moment."""
        assert self.run is not None
        self._moment += 1
        if self._moment == self._leave:
            self.left = True
            self.stopping()
        if self._moment == self._death:
            bury(self._journal, self._grave)
            self.dead = True
            self.session._read = self._unreadable  # type: ignore[method-assign]
            self.run.stop()
            self.run.stop()

    def _alive(self) -> None:
        if self.dead:
            raise Dead

    async def _meet(self, ids: list[str]) -> DeviceAnswers:
        self._alive()
        assert self.run is not None
        assert_law(self.run.report)
        stored = read_journal(self._journal)
        assert set(ids) <= set(ids_of(stored, State.UNKNOWN)), "the intent is not on disk"
        self.server.asked.update(ids)
        self.pass_moment()
        self._alive()
        await asyncio.sleep(0)
        self._alive()
        fate = next(self._fates, "answered")
        # From here to the moment nobody else's turn comes: what is applied is applied.
        answer = self._apply(fate, ids)
        self.pass_moment()
        self._alive()
        await asyncio.sleep(0)
        self._alive()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _apply(self, fate: str, ids: list[str]) -> DeviceAnswers | Exception:
        if fate == "throttled":
            return ThrottledError("wait", status=429, retry_after=0.1)
        if fate == "not_sent":
            self.left = True  # a session gives up after many tries, and then the run does
            return NotSentError("connection refused")
        if fate == "lost":
            return ServerError("it fell over", status=500)
        if not NEVER_ALONE.isdisjoint(ids):
            return InvalidRequestError("no", status=400, code="INVALID_PARAMETER", text="no")
        # What is shelved is not taken.
        offered = ids[1:] if fate == "odd" else ids
        self.server.members.update(device for device in offered if device not in NEVER)
        if fate == "applied_and_lost":
            return ServerError("it fell over", status=500)
        said = ids[1:] if fate == "missing" else ids
        words = [_word(device) for device in said]
        if fate == "odd":
            words = ["Shelved", *words[1:]]
        return DeviceAnswers(said, words, [f"{word}, they said" for word in words])

    async def live(self, run: BatchRun, *, stream: bool) -> BatchReport | None:
        """Run to the end, whichever it is; return the report unless the process died."""
        self.run = run
        self.stopping = run.stop
        with suppress(RunStopped):
            if stream:
                await self._stream(run)
            else:
                await run
        assert_no_task_left()
        assert self.session.claims == 0
        return None if self.dead else run.report

    async def _stream(self, run: BatchRun) -> None:
        async with run:
            async for outcome in run:
                if self.dead:
                    return
                self.streamed.append(outcome)
                self.pass_moment()


def _word(device: str) -> str:
    return "AddDeviceFailed" if device in NEVER else ADDED[0]


def bury(journal: Path, grave: Path) -> None:
    """Copy a journal as its process would leave it if it died now."""
    log = journal.with_name(f"{journal.name}-wal")
    while True:
        before = journal.read_bytes()
        written = log.read_bytes() if log.exists() else b""
        # Between the two the log may have been moved into the file.
        if journal.read_bytes() == before:
            break
    grave.mkdir()
    (grave / journal.name).write_bytes(before)
    if written:
        (grave / log.name).write_bytes(written)


def assert_counts(stored: BatchReport) -> None:
    """Hold the counts of a journal against the law; it may list more than the last input held."""
    counted = sum(getattr(stored, state.value) for state in State)
    assert stored.inputs == counted + stored.duplicates
    assert len({(one.device_id, one.state) for one in stored}) == len(list(stored)) >= counted


def states(report: BatchReport) -> dict[str, State]:
    """Return the states of the devices of a report."""
    return {one.device_id: one.state for one in report if one.state is not State.INVALID}


class Enrolment(RuleBasedStateMachine):
    """One fleet whose list changes, one upgrade, one journal, and lives that end at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.server = Server()
        self.input: list[str] = list(DEVICES[:12])
        self.lives = 0
        self.journal = Path(self._folder.name) / "0" / "enrol.db"
        self.journal.parent.mkdir()
        self.final: dict[str, State] = {}
        self.listed: set[str] = set()
        self.requests = 0
        self.finished: BatchReport | None = None
        self.finished_input: list[str] = []

    def teardown(self) -> None:
        self._folder.cleanup()

    # What the user does between the starts

    @rule(given=lines)
    def give_another_list(self, given: list[str]) -> None:
        self.input = given

    @rule(more=lines)
    def add_to_the_list(self, more: list[str]) -> None:
        self.input = [*self.input, *more]

    @rule(start=st.integers(0, 10), step=st.integers(1, 3))
    def take_from_the_list(self, start: int, step: int) -> None:
        self.input = self.input[:start] + self.input[start::step]

    # Starts

    @rule(
        fates=fates,
        size=st.integers(1, 6),
        concurrency=st.integers(1, 3),
        shape=st.sampled_from([list, iter, trickle]),
        stream=st.booleans(),
    )
    def start_undisturbed(self, **choices: Any) -> None:
        self._start(**choices)

    @rule(
        fates=fates,
        size=st.integers(1, 6),
        concurrency=st.integers(1, 3),
        shape=st.sampled_from([list, iter, trickle]),
        stream=st.booleans(),
        death=st.integers(1, 30),
        leave=moments,
    )
    def start_and_die(self, **choices: Any) -> None:
        self._start(**choices)

    @rule(
        fates=fates,
        size=st.integers(1, 6),
        concurrency=st.integers(1, 3),
        shape=st.sampled_from([list, iter, trickle]),
        stream=st.booleans(),
        leave=st.integers(1, 12),
        deaf=st.booleans(),
    )
    def start_and_stop(self, **choices: Any) -> None:
        self._start(**choices)

    # No precondition: threads take turns as they like, and rules must not depend on that.
    @rule(size=st.integers(1, 6), stream=st.booleans())
    def start_again_although_it_is_finished(self, *, size: int, stream: bool) -> None:
        if self.finished is None or self.input != self.finished_input:
            self._start([], size, 2, list, stream=stream)
        before = self.finished
        assert before is not None
        life = self._start([], size, 1, list, stream=stream)
        assert (life.session.sent, life.session.reads) == ([], 0)
        assert self.finished is not None
        assert self.finished.summary() == before.summary()
        assert Counter(self.finished) == Counter(before)
        assert Counter(self.finished.groups) == Counter(before.groups)

    def _start(
        self,
        fates: list[str],
        size: int,
        concurrency: int,
        shape: Callable[[list[str]], Any],
        *,
        stream: bool,
        death: int | None = None,
        leave: int | None = None,
        deaf: bool = False,
    ) -> Life:
        self.lives += 1
        grave = self.journal.parent.with_name(str(self.lives))
        life = Life(
            self.server, fates, self.journal, death=death, leave=leave, deaf=deaf, grave=grave
        )
        given = list(self.input)

        async def main() -> BatchReport | None:
            run = run_over(
                life.session,
                shape(given),
                journal=self.journal,
                batch_size=size,
                concurrency=concurrency,
                max_rounds=2 * MOST_FATES,  # nothing is given up for bad luck
            )
            return await life.live(run, stream=stream)

        report = asyncio.run(main())
        self._never_sent_what_must_not_be(life)
        if report is None:
            self.journal = grave / self.journal.name
            self._go_on_from_the_copy(life)
        else:
            self._ended(life, report, disturbed=life.left or deaf)
        return life

    def _never_sent_what_must_not_be(self, life: Life) -> None:
        sent = {device for ids in life.session.sent for device in ids}
        assert sent.isdisjoint(self.final), "a decided device was sent again"
        assert sent <= {line.strip() for line in self.input}

    def _go_on_from_the_copy(self, life: Life) -> None:
        self.finished = None
        stored = read_journal(self.journal)
        assert_counts(stored)
        for outcome in life.streamed:
            if outcome.state is not State.INVALID:
                assert outcome in list(stored), "it was reported before it was on disk"
        self._remember(stored)

    def _ended(self, life: Life, report: BatchReport, *, disturbed: bool) -> None:
        self._true(report)
        read = [line.strip() for line in self.input[: report.inputs]]
        devices = {text for text in read if is_device_id(text)}
        assert report.duplicates == len(read) - len(set(read))
        assert report.invalid == len(set(read) - devices)
        assert set(states(report)) == devices
        if not disturbed:
            assert report.stopped is None
        if report.stopped is None:
            assert (report.inputs, report.input_complete) == (len(self.input), True)
            assert report.unsent == 0
        if not disturbed:
            given_up = {d for d, state in self.final.items() if state is State.UNKNOWN}
            assert set(ids_of(report, State.UNKNOWN)) <= given_up
            assert set(ids_of(report, State.FAILED)) <= (NEVER | NEVER_ALONE)
        assert report.requests >= self.requests
        if not disturbed:
            assert report.requests == self.requests + len(life.session.sent)
        stored = read_journal(self.journal)
        self._equal(stored, report, devices)
        self._remember(stored)
        self.finished = None
        if report.stopped is None:
            self.finished = report
            self.finished_input = list(self.input)
            # Of these, too, that its input does not hold any more.
            self.final |= dict.fromkeys(ids_of(stored, State.UNKNOWN), State.UNKNOWN)

    def _equal(self, stored: BatchReport, report: BatchReport, devices: set[str]) -> None:
        assert stored.summary() == report.summary()
        assert Counter(stored.groups) == Counter(report.groups)
        of_input = [one for one in stored if one.state is State.INVALID or one.device_id in devices]
        assert Counter(of_input) == Counter(report)

    def _true(self, report: BatchReport) -> None:
        assert_law(report)
        assert set(ids_of(report, State.SUCCEEDED)) <= self.server.members
        refused = ids_of(report, State.FAILED) + ids_of(report, State.UNSENT)
        assert self.server.members.isdisjoint(refused)

    def _remember(self, stored: BatchReport) -> None:
        """Take in what a journal says, and hold it against what is known."""
        by_id = states(stored)
        assert set(ids_of(stored, State.SUCCEEDED)) <= self.server.members
        refused = ids_of(stored, State.FAILED) + ids_of(stored, State.UNSENT)
        assert self.server.members.isdisjoint(refused)
        assert self.server.asked <= set(by_id), "a device was sent that is not in the journal"
        assert self.listed <= set(by_id), "a device is not listed any more"
        for device, state in self.final.items():
            assert by_id[device] is state, "a final outcome changed"
        self.listed = set(by_id)
        self.final |= {device: state for device, state in by_id.items() if state in FINAL}
        assert stored.requests >= self.requests
        self.requests = stored.requests

    @invariant()
    def what_is_final_is_true(self) -> None:
        for device, state in self.final.items():
            assert (device in self.server.members) == (state is State.SUCCEEDED) or (
                state is State.UNKNOWN
            )


COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


class TestEnrolment(Enrolment.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=25, stateful_step_count=8, **COMMON)


@pytest.mark.slow
class TestManyEnrolments(Enrolment.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=200, stateful_step_count=10, **COMMON)

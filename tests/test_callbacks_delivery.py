"""Handlers: each message at least once, again after a failure, and no answer waits for them."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from callback_helpers import (
    FINISHED,
    SCHEDULED,
    UPGRADE,
    Inbox,
    post,
    receiver_at,
    settled,
    states,
)

from fota_async import ConfigurationError, MisuseError
from fota_async.callbacks import (
    CallbackEvent,
    CallbackReceiver,
    MessageState,
    UpgradeScheduledEvent,
    serve,
)
from fota_async.clock import ManualClock

HANDLED, WAITING, DEAD = MessageState.HANDLED, MessageState.WAITING, MessageState.DEAD
OTHER = {"type": "campaignAborted", "campaignId": "c-1"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


async def test_a_handler_gets_its_types_and_another_one_the_rest(store: Path) -> None:
    receiver = receiver_at(store)
    finished, rest = Inbox(), Inbox()
    receiver.on("upgradeFinished", "UpgradeScheduled")(finished)
    receiver.on()(rest)
    async with serve(receiver, port=0) as server:
        for message in (FINISHED, SCHEDULED, OTHER, {}):
            await post(server, message)
        events = await finished.wait(2)
        others = await rest.wait(2)
        await settled(store, *[HANDLED] * 4)

    assert {event.type for event in events} == {"upgradeFinished", "upgradeScheduled"}
    assert {event.type for event in others} == {"campaignAborted", None}
    (scheduled,) = (event for event in events if isinstance(event, UpgradeScheduledEvent))
    assert scheduled.target_id == UPGRADE
    assert scheduled.raw["password"] == "***"


async def test_types_that_no_handler_is_for_count_as_handled(store: Path) -> None:
    receiver, inbox = receiver_at(store), Inbox()
    receiver.add_handler(inbox, "upgradeFinished")
    async with serve(receiver, port=0) as server:
        await post(server, OTHER)
        await post(server, FINISHED)
        await inbox.wait(1)
        await settled(store, HANDLED, HANDLED)

    assert len(inbox.events) == 1


async def test_a_type_has_one_handler(store: Path) -> None:
    receiver = receiver_at(store)
    receiver.add_handler(print, "upgradeFinished")
    receiver.add_handler(print)

    with pytest.raises(ConfigurationError, match="'upgradefinished' has a handler already"):
        receiver.add_handler(print, "UpgradeFinished")
    with pytest.raises(ConfigurationError, match="everything else has a handler already"):
        receiver.add_handler(print)
    with pytest.raises(ConfigurationError, match="must be a function"):
        receiver.add_handler("print", "x")  # type: ignore[arg-type]  # as users may


class Called:
    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def sync(self, _: CallbackEvent) -> None:
        self.threads.append(threading.current_thread())

    async def coroutine(self, _: CallbackEvent) -> None:
        self.threads.append(threading.current_thread())

    def returns_one(self, event: CallbackEvent) -> Any:
        return self.coroutine(event)

    async def __call__(self, event: CallbackEvent) -> None:
        await self.coroutine(event)


@pytest.mark.parametrize(
    ("which", "in_loop"),
    [
        (lambda called: called.sync, False),
        (lambda called: partial(called.sync), False),
        (lambda called: called.coroutine, True),
        (lambda called: partial(called.coroutine), True),
        (lambda called: called.returns_one, True),
        (lambda called: called, True),
    ],
)
async def test_a_handler_may_be_any_function(
    store: Path, which: Callable[[Called], Any], in_loop: bool
) -> None:
    receiver, called = receiver_at(store), Called()
    receiver.add_handler(which(called))
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await settled(store, HANDLED)

    assert [thread is threading.current_thread() for thread in called.threads] == [in_loop]


async def test_a_failure_is_tried_again_later_and_later_and_then_dead(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    clock, inbox = ManualClock(), Inbox(failures=5)
    options = {"tries": 5, "backoff": 2.0, "max_backoff": 10.0}
    receiver = receiver_at(store, options=options, clock=clock)
    receiver.add_handler(inbox)
    waits = []
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        for tries in range(1, 5):
            await inbox.wait(tries)
            waits.append(await turn_until(clock, lambda n=tries: len(inbox.events) > n))
        await settled(store, DEAD)
        (dead,) = await receiver.dead_letters()

    assert waits == [2, 4, 8, 10]
    assert [event.tries for event in inbox.events] == [0, 1, 2, 3, 4]
    assert {event.id for event in inbox.events} == {1}
    assert dead.event.tries == 5
    assert dead.error is not None
    assert dead.error.startswith("ValueError: not this time (")
    assert "callback_helpers.py:" in dead.error
    assert "message 1 ('upgradeFinished') is dead" in caplog.text
    assert "not this time" not in caplog.text


async def turn_until(clock: ManualClock, true: Callable[[], bool]) -> int:
    """Turn a clock second by second until something is true; return the seconds it took."""
    for seconds in range(1000):
        for _ in range(50):
            if true():
                return seconds
            await asyncio.sleep(0.001)
        clock.turn(1)
    raise AssertionError("it never came")


async def test_a_failure_does_not_hold_up_others(store: Path) -> None:
    receiver = receiver_at(store, options={"concurrency": 1, "backoff": 100.0})
    inbox = Inbox(failures=1)
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        for number in range(5):
            await post(server, {"id": number})
        await inbox.wait(5)
        await settled(store, WAITING, *[HANDLED] * 4)


@pytest.mark.parametrize("slow", ["async", "thread"])
async def test_a_slow_handler_delays_no_answer(store: Path, slow: str) -> None:
    release, leave = threading.Event(), asyncio.Event()
    running, most = 0, 0

    def block(_: CallbackEvent) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        release.wait(20)
        running -= 1

    async def wait(_: CallbackEvent) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await leave.wait()
        running -= 1

    receiver = receiver_at(store, options={"concurrency": 3})
    receiver.add_handler(block if slow == "thread" else wait)
    loop = asyncio.get_running_loop()
    slowest = 0.0
    async with serve(receiver, port=0) as server:
        for number in range(20):
            begin = loop.time()
            assert await post(server, {"id": number}) == 200
            slowest = max(slowest, loop.time() - begin)
        assert set(states(store).values()) == {WAITING}
        release.set()
        leave.set()
        await settled(store, *[HANDLED] * 20)

    assert slowest < 5
    assert most == 3


async def test_an_async_handler_that_hangs_is_cancelled_and_has_failed(store: Path) -> None:
    ended = []

    async def hang(_: CallbackEvent) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    receiver = receiver_at(store, options={"handler_seconds": 0.05, "tries": 1})
    receiver.add_handler(hang)
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await settled(store, DEAD)
        (dead,) = await receiver.dead_letters()

    assert ended == [True]
    assert dead.error is not None
    assert dead.error.startswith("TimeoutError: took longer than 0.05 s")


class WithoutTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it has none")


@pytest.mark.parametrize(
    "error",
    [
        StopIteration(5),
        TimeoutError("of its own"),
        asyncio.CancelledError(),
        WithoutTextError(),
        "\ud800",
    ],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_whatever_a_handler_raises_is_a_failure(store: Path, error: Any, kind: str) -> None:
    raised = ValueError(error) if isinstance(error, str) else error

    def fail(_: CallbackEvent) -> None:
        raise raised

    async def fail_async(_: CallbackEvent) -> None:
        raise raised

    receiver = receiver_at(store, options={"tries": 1})
    receiver.add_handler(fail if kind == "sync" else fail_async)
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await settled(store, DEAD)


async def test_closing_lets_handlers_end_and_what_did_not_end_comes_again(store: Path) -> None:
    receiver = receiver_at(store, options={"grace": 0.2})
    started: list[str | None] = []

    async def handle(event: CallbackEvent) -> None:
        started.append(event.target_id)
        if event.target_id == "slow":
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)

    receiver.add_handler(handle)
    async with serve(receiver, port=0) as server:
        await post(server, {"id": "quick"})
        await post(server, {"id": "slow"})
        async with asyncio.timeout(5):
            while len(started) < 2:  # noqa: ASYNC110 - as soon as may be
                await asyncio.sleep(0)
    assert [*states(store).values()] == [HANDLED, WAITING]

    async with receiver_at(store) as again:
        inbox = Inbox()
        again.add_handler(inbox)
        (event,) = await inbox.wait(1)
    assert (event.target_id, event.tries) == ("slow", 0)


def our_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("fota")]


async def test_closing_leaves_no_task_and_no_thread_behind(store: Path) -> None:
    receiver = receiver_at(store)
    receiver.add_handler(lambda _: None)
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await settled(store, HANDLED)
        assert our_threads()
    del server

    for _ in range(3):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with asyncio.timeout(5):
        while our_threads():  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0.01)


async def test_an_event_of_the_iterator_is_handled_when_the_next_is_asked_for(store: Path) -> None:
    receiver = receiver_at(store)
    async with serve(receiver, port=0) as server:
        for number in range(3):
            await post(server, {"id": number})
        seen: list[str | None] = []
        async with aclosing(receiver.events()) as events:
            async for event in events:
                if seen:
                    await settled(store, *[HANDLED] * len(seen), *[WAITING] * (3 - len(seen)))
                seen.append(event.target_id)
                if len(seen) == 3:
                    break

        assert seen == ["0", "1", "2"]
        # The one at which the loop was left comes first.
        async with aclosing(receiver.events()) as events:
            assert (await anext(events)).target_id == "2"
            asking = asyncio.ensure_future(anext(events))
            await settled(store, *[HANDLED] * 3)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking


async def test_an_event_at_which_an_iterator_was_left_comes_again_after_a_restart(
    store: Path,
) -> None:
    for _ in range(2):
        receiver = receiver_at(store)
        async with serve(receiver, port=0) as server:
            if not states(store):
                await post(server, FINISHED)
            async with aclosing(receiver.events()) as events:
                event = await anext(events)
                assert (event.id, event.tries) == (1, 0)
        assert [*states(store).values()] == [WAITING]


async def test_iterators_share_the_events_and_end_with_the_receiver(store: Path) -> None:
    receiver = receiver_at(store)
    seen: list[list[str | None]] = [[], []]

    async def consume(mine: list[str | None]) -> None:
        async for event in receiver.events():
            mine.append(event.target_id)
            await asyncio.sleep(0.01)

    async with serve(receiver, port=0) as server:
        consuming = [asyncio.create_task(consume(mine)) for mine in seen]
        for number in range(10):
            await post(server, {"id": number})
        await settled(store, *[HANDLED] * 10)
    async with asyncio.timeout(5):
        await asyncio.gather(*consuming)

    assert all(seen)
    assert sorted(seen[0] + seen[1], key=str) == [str(number) for number in range(10)]


async def test_handlers_and_iterators_exclude_each_other(store: Path) -> None:
    receiver = receiver_at(store)
    with pytest.raises(MisuseError, match="open the receiver"):
        await anext(aiter(receiver.events()))
    async with receiver:
        waiting = asyncio.ensure_future(anext(aiter(receiver.events())))
        await asyncio.sleep(0)
        with pytest.raises(MisuseError, match="iterated over"):
            receiver.add_handler(print)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        # Events that an iterator left are offered to iterators only.
        with pytest.raises(MisuseError, match="iterated over"):
            receiver.add_handler(print)
    async with receiver:
        receiver.add_handler(print)
        with pytest.raises(MisuseError, match="have handlers"):
            await anext(aiter(receiver.events()))


@attrs.define
class Told:
    events: list[CallbackEvent] = attrs.field(factory=list)

    def __call__(self, event: CallbackEvent) -> None:
        self.events.append(event)


@pytest.fixture
async def told(store: Path) -> AsyncIterator[tuple[CallbackReceiver, Any]]:
    receiver = receiver_at(store)
    async with serve(receiver, port=0) as server:
        yield receiver, server


async def test_a_subscriber_is_told_when_a_message_about_its_target_is_stored(
    told: tuple[CallbackReceiver, Any], store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, server = told
    one, same, other, broken = Told(), Told(), Told(), []

    def fail(event: CallbackEvent) -> None:
        broken.append(event)
        raise ValueError("not ours")

    receiver.subscribe(UPGRADE, fail)
    stop = receiver.subscribe(UPGRADE.upper(), one)
    receiver.subscribe(UPGRADE, same)
    receiver.subscribe("c-1", other)
    caplog.set_level(logging.CRITICAL, "fota_async")

    await post(server, SCHEDULED)
    assert len(states(store)) == 1
    assert [event.target_id for event in one.events] == [UPGRADE]
    await post(server, OTHER)
    # Its id is where nobody says that it is.
    await post(server, {"type": "upgradeFinished", "data": [{"upgrade": UPGRADE}]})
    await post(server, FINISHED)
    stop()
    stop()
    await post(server, SCHEDULED)

    assert [event.id for event in one.events] == [1, 3]
    assert [event.id for event in same.events] == [1, 3, 5]
    assert [event.id for event in other.events] == [2]
    assert [event.id for event in broken] == [1, 3, 5]
    assert same.events[-1].repeat
    assert set(states(store).values()) == {WAITING}

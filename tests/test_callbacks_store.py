"""The store: what it survives, what it refuses, what it forgets."""

import asyncio
import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from callback_helpers import FINISHED, Inbox, post, receiver_at, settled, states

from fota_async import ConfigurationError, MisuseError, StoreError
from fota_async.callbacks import (
    MessageState,
    ReceiverOptions,
    count_messages,
    read_store,
    replay,
    serve,
)
from fota_async.callbacks.store.store import Store

HANDLED, WAITING, DEAD = MessageState.HANDLED, MessageState.WAITING, MessageState.DEAD


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


def size_of(path: Path) -> int:
    return path.stat().st_size


def take_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def put_another(path: Path) -> None:
    path.touch()


def change(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


async def fill(store: Path, count: int, **options: Any) -> None:
    """Leave messages that wait."""
    async with serve(receiver_at(store, options=options), port=0) as server:
        for number in range(count):
            assert await post(server, {"id": number, "text": "x" * 1000}) == 200


async def test_a_message_waits_until_a_receiver_has_a_handler(store: Path) -> None:
    await fill(store, 3)
    assert [*states(store).values()] == [WAITING] * 3

    async with receiver_at(store) as receiver:
        inbox = Inbox()
        receiver.add_handler(inbox)
        assert sorted(event.target_id for event in await inbox.wait(3)) == ["0", "1", "2"]
        await settled(store, *[HANDLED] * 3)
        assert await receiver.counts() == {WAITING: 0, HANDLED: 3, DEAD: 0}
    assert count_messages(store) == {WAITING: 0, HANDLED: 3, DEAD: 0}


async def test_a_message_like_an_earlier_one_is_delivered_and_says_so(store: Path) -> None:
    receiver, inbox = receiver_at(store), Inbox()
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await post(server, {**FINISHED, "password": "another"})
        await post(server, dict(reversed(FINISHED.items())))
        await post(server, {**FINISHED, "accountName": "another"})
        await post(server, FINISHED, "v2")
        events = await inbox.wait(5)

    repeats = {event.id: event.repeat for event in events}
    assert repeats == {1: False, 2: True, 3: True, 4: False, 5: False}


async def test_what_is_repeated_is_known_after_a_restart(store: Path) -> None:
    for expected in (False, True):
        async with serve(receiver_at(store), port=0) as server:
            await post(server, FINISHED)
        assert [one.event.repeat for one in read_store(store)][-1] is expected


async def test_of_handled_messages_the_latest_are_kept_and_no_number_comes_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fota_async.callbacks.store.store._FORGET_EVERY", 1)
    receiver = receiver_at(store, options={"keep_handled": 2})
    inbox = Inbox()
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        for number in range(6):
            await post(server, {"id": number})
            await inbox.wait(number + 1)
            await settled(store, *[HANDLED] * min(number + 1, 2))
        await post(server, {"id": 0})
        events = await inbox.wait(7)

    assert [event.id for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert not events[-1].repeat
    assert [*states(store)] == [6, 7]


async def test_a_store_at_its_limit_answers_503_and_goes_on_when_there_is_room(
    store: Path,
) -> None:
    limit = {"max_store_bytes": 100_000}
    big = {"text": "x" * 30_000}
    async with serve(receiver_at(store, options=limit), port=0) as server:
        answers = [await post(server, {**big, "id": number}) for number in range(10)]
        taken = answers.count(200)
        assert answers == [200] * taken + [503] * (10 - taken)
        assert 2 <= taken <= 5
        assert len(states(store)) == taken

    receiver, inbox = receiver_at(store, options=limit), Inbox()
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        await inbox.wait(taken)
        await settled(store, *[HANDLED] * taken)
        # What is handled makes room for what is new.
        assert [await post(server, {**big, "id": -number}) for number in range(10)] == [200] * 10
    assert size_of(store) < 250_000


async def test_503_says_when_to_come_again(store: Path) -> None:
    async with (
        serve(receiver_at(store, options={"max_store_bytes": 65536}), port=0) as server,
        aiohttp.ClientSession() as http,
    ):
        await post(server, {"text": "x" * 65536})
        async with http.post(f"{server.url}/v1", data=b"{}") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "60"
            assert await answer.read() == b""


async def test_a_full_disk_answers_503_and_loses_nothing_that_was_acknowledged(
    store: Path,
) -> None:
    receiver, inbox = receiver_at(store), Inbox(failures=10**9)
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        answers = [await post(server, {"id": 0})]
        connection = store_of(receiver)._connection
        assert connection is not None
        limit = connection.execute("PRAGMA max_page_count = 1").fetchone()
        answers += [await post(server, {"id": n, "text": "x" * 9000}) for n in range(1, 5)]
        connection.execute(f"PRAGMA max_page_count = {limit[0] + 1000}")
        answers += [await post(server, {"id": 9})]

    assert answers[0] == answers[-1] == 200
    assert answers.count(503) >= 3
    assert len(states(store)) == answers.count(200)


async def test_a_disk_that_is_full_does_not_make_it_forget_what_was_handled(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    write = Store.write

    def sometimes(self: Store, arrivals: Any, changes: Any) -> Any:
        if changes and full:
            raise StoreError("the store 'x' cannot be used: database or disk is full")
        return write(self, arrivals, changes)

    monkeypatch.setattr(Store, "write", sometimes)
    monkeypatch.setattr("fota_async.callbacks.delivery._LOOK_EVERY", 0.02)
    receiver, inbox = receiver_at(store), Inbox()
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        await post(server, FINISHED)
        await inbox.wait(1)
        await asyncio.sleep(0.1)
        assert [*states(store).values()] == [WAITING]
        full = False
        await settled(store, HANDLED)

    assert len(inbox.events) == 1


def store_of(receiver: Any) -> Store:
    found = receiver._keeper._store
    assert isinstance(found, Store)
    return found


async def test_a_second_receiver_is_refused_as_long_as_the_first_is_open(store: Path) -> None:
    async with receiver_at(store):
        with pytest.raises(StoreError, match="another receiver is using it; wait for its end"):
            await receiver_at(store).__aenter__()
        code = (
            "import asyncio, sys; from fota_async.callbacks import CallbackReceiver\n"
            "asyncio.run(CallbackReceiver(sys.argv[1]).__aenter__())"
        )
        other = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", code, str(store)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "another receiver is using it" in other.stderr
    async with receiver_at(store):
        pass


def text_file(path: Path) -> None:
    path.write_text("imei\n" * 1000)


def journal_file(path: Path) -> None:
    change(path, "PRAGMA application_id = 5")
    change(path, "CREATE TABLE run (x)")


def newer_file(path: Path) -> None:
    asyncio.run(fill(path, 0))
    change(path, "PRAGMA user_version = 99")


def torn_file(path: Path) -> None:
    asyncio.run(fill(path, 20))
    path.write_bytes(path.read_bytes()[:-8192])


def spoilt_file(path: Path) -> None:
    asyncio.run(fill(path, 20))
    content = bytearray(path.read_bytes())
    content[8192:12288] = bytes(range(256)) * 16
    path.write_bytes(content)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (text_file, "something else"),
        (journal_file, "something else"),
        (newer_file, "newer version of fota_async wrote it"),
        (torn_file, "damaged"),
        (spoilt_file, "damaged"),
        (folder, "directory|unable to open"),
    ],
)
def test_a_file_that_is_no_store_is_refused_by_name_and_left_as_it_is(
    store: Path, make: Callable[[Path], None], said: str
) -> None:
    make(store)
    before = store.read_bytes() if store.is_file() else None

    async def enter() -> None:
        async with receiver_at(store):
            raise AssertionError("it was opened")

    for _ in range(2):
        with pytest.raises(StoreError, match=said) as caught:
            asyncio.run(enter())
        assert repr(str(store)) in str(caught.value)
    assert before is None or store.read_bytes() == before


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        await receiver_at(tmp_path / "nowhere" / "events.db").__aenter__()


@pytest.mark.parametrize(
    "damage",
    [
        "text = replace(text, 'xxx', 'yyy')",
        "text = CAST(X'7b22ff' AS TEXT)",  # no UTF-8
        "version = CAST(X'ff' AS TEXT), error = CAST(X'ff' AS TEXT)",
        "text = '{}', received = 1e300, moment = -1e300",
    ],
)
async def test_a_message_that_the_disk_has_spoilt_is_dead_and_holds_up_no_other(
    store: Path, damage: str
) -> None:
    await fill(store, 3)
    change(store, f"UPDATE message SET {damage} WHERE number = 2")

    async with receiver_at(store) as receiver:
        inbox = Inbox()
        receiver.add_handler(inbox)
        events = await inbox.wait(2)
        await settled(store, HANDLED, DEAD, HANDLED)
        (dead,) = await receiver.dead_letters()

    assert sorted(event.id for event in events) == [1, 3]
    assert dead.error == "it is damaged in the store"
    assert dead.event.raw == {}
    assert len(list(read_store(store))) == 3


async def test_a_store_that_is_taken_away_answers_503(store: Path) -> None:
    async with serve(receiver_at(store), port=0) as server:
        assert await post(server, FINISHED) == 200
        take_away(store)
        assert await post(server, FINISHED) == 503
        put_another(store)
        assert await post(server, FINISHED) == 503


def test_only_its_owner_may_read_a_store(store: Path) -> None:
    asyncio.run(fill(store, 1))

    for file in store.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0


async def test_dead_and_handled_messages_can_be_replayed(store: Path) -> None:
    options = {"tries": 1}
    receiver, inbox = receiver_at(store, options=options), Inbox(failures=2)
    receiver.add_handler(inbox)
    async with serve(receiver, port=0) as server:
        for number in range(3):
            await post(server, {"id": number})
            await inbox.wait(number + 1)
        await settled(store, DEAD, DEAD, HANDLED)
        assert [one.event.id for one in await receiver.dead_letters()] == [1, 2]
        assert await receiver.replay([2, 3, 77]) == 2
        events = await inbox.wait(5)
        await settled(store, DEAD, HANDLED, HANDLED)
        assert await receiver.replay() == 1
        await inbox.wait(6)
        await settled(store, HANDLED, HANDLED, HANDLED)
        assert await receiver.replay() == 0

    assert sorted(event.id for event in events[3:5]) == [2, 3]
    assert {event.tries for event in events[3:]} == {0}


async def test_what_somebody_else_replays_is_handled_soon(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fota_async.callbacks.delivery._LOOK_EVERY", 0.05)
    await fill(store, 2)
    async with receiver_at(store) as receiver:
        inbox = Inbox()
        receiver.add_handler(inbox)
        await inbox.wait(2)
        await settled(store, HANDLED, HANDLED)
        assert await asyncio.to_thread(replay, store, [1]) == 1
        assert (await inbox.wait(3))[-1].id == 1


def test_reading_says_what_it_cannot_read(store: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        list(read_store(store))
    with pytest.raises(StoreError, match="no such file"):
        replay(store)
    store.touch()
    with pytest.raises(StoreError, match="nothing is in it yet"):
        count_messages(store)
    with pytest.raises(ConfigurationError, match="there is no state 'lost'"):
        list(read_store(store, "lost"))


async def test_what_needs_an_open_receiver_says_so(store: Path) -> None:
    receiver = receiver_at(store)
    for asked in (receiver.counts, receiver.dead_letters, receiver.replay):
        with pytest.raises(MisuseError, match="not open"):
            await asked()
    assert not await asyncio.to_thread(store.exists)


async def test_a_clock_that_was_wrong_does_not_put_messages_off(store: Path) -> None:
    await fill(store, 1)
    change(store, "UPDATE message SET moment = moment + 1e9")

    async with receiver_at(store) as receiver:
        inbox = Inbox()
        receiver.add_handler(inbox)
        await inbox.wait(1)


async def test_messages_share_their_waits_for_the_disk(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    write = Store.write

    def counting(self: Store, arrivals: Any, changes: Any) -> Any:
        sizes.append(len(arrivals))
        return write(self, arrivals, changes)

    monkeypatch.setattr(Store, "write", counting)
    async with serve(receiver_at(store), port=0) as server:
        answers = await asyncio.gather(*(post(server, {"id": n}) for n in range(100)))

    assert answers == [200] * 100
    assert len(states(store)) == 100
    assert sum(sizes) == 100
    assert len(sizes) < 60


async def test_after_a_clock_that_was_wrong_the_latest_are_remembered(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fota_async.callbacks.store.store._FORGET_EVERY", 1)
    for first in (0, 2):
        receiver, inbox = receiver_at(store, options={"keep_handled": 2}), Inbox()
        receiver.add_handler(inbox)
        async with serve(receiver, port=0) as server:
            for number in range(2):
                await post(server, {"id": first + number})
            await inbox.wait(2)
            await settled(store, HANDLED, HANDLED)
        change(store, "UPDATE message SET moment = moment + 1e9")

    assert [*states(store)] == [3, 4]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(("max_bytes", "tries", "concurrency", "max_depth"), (0, 1.5, "1", True)),
        *itertools.product(("max_seconds", "handler_seconds"), (0, -1, "1", None)),
        ("keep_handled", -1),
        ("backoff", -0.1),
        ("max_backoff", float("nan")),
        ("max_store_bytes", 1000),
    ],
)
def test_limits_that_cannot_work_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ReceiverOptions(**{name: value})

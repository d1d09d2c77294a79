"""Which worker gets the next try, and who waits for it."""

import asyncio

import pytest

from fota_async.distributed.roster import Roster

pytestmark = pytest.mark.each_python


async def test_the_worker_with_most_to_spare_is_next() -> None:
    roster = Roster()
    roster.update({"large": 4, "small": 2})

    taken = [(await roster.take()).address for _ in range(6)]

    assert sorted(taken) == ["large"] * 4 + ["small"] * 2
    assert set(taken[:2]) == {"large", "small"}


async def test_who_waits_longest_gets_the_place_that_is_given_back() -> None:
    roster = Roster()
    roster.update({"one": 1})
    worker = await roster.take()
    first, second = (asyncio.ensure_future(roster.take()) for _ in range(2))
    await asyncio.sleep(0)
    roster.give_back(worker)
    await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)

    assert first.done()
    assert not second.done()
    second.cancel()
    await asyncio.wait([second])
    roster.give_back(first.result())
    assert not roster.in_use


async def test_a_place_handed_to_who_was_cancelled_meanwhile_is_not_lost() -> None:
    roster = Roster()
    roster.update({"one": 1})
    worker = await roster.take()
    waiting = asyncio.ensure_future(roster.take())
    await asyncio.sleep(0)
    roster.give_back(worker)  # hands it over, a turn of the loop before the other one runs
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not roster.in_use
    async with asyncio.timeout(5):
        assert (await roster.take()).address == "one"


async def test_a_worker_that_joins_serves_those_who_wait() -> None:
    roster = Roster()
    waiting = [asyncio.ensure_future(roster.take()) for _ in range(3)]
    await asyncio.sleep(0)
    assert roster.is_empty
    roster.update({"late": 2})
    await asyncio.sleep(0)

    assert [one.done() for one in waiting] == [True, True, False]
    waiting[2].cancel()
    await asyncio.wait(waiting)


async def test_those_who_hold_a_place_at_a_worker_hear_that_it_is_gone() -> None:
    roster = Roster()
    roster.update({"one": 1, "other": 1})
    here, there = await roster.take(), await roster.take()
    roster.update({there.address: 1})

    assert here.gone.done()
    assert not there.gone.done()
    roster.give_back(here)  # of no use to anybody
    waiting = asyncio.ensure_future(roster.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_worker_that_comes_back_is_another_one() -> None:
    roster = Roster()
    roster.update({"one": 1})
    before = await roster.take()
    roster.update({})
    roster.update({"one": 1})
    after = await roster.take()

    assert before.gone.done()
    assert after is not before
    assert not after.gone.done()

"""Runs that turn logging on and off: never more than 20 devices of a customer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_no_task_left, client_of, ids_of, imeis, let_run, trickle

from fota_async import CallError, ConfigurationError, MisuseError, RetryPolicy, State
from fota_async.clock import ScaledClock
from fota_async.models import LoggingStatus
from fota_async.simulator import Faults, Rules, Simulator

IDS = imeis(20)
ON = {"v2_enable_logging"}
OFF = {"v2_disable_logging"}


def sent(sim: Simulator, route: str) -> int:
    return sum(record.route == route for record in sim.requests)


async def test_logging_is_turned_on_and_off() -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        on = await fota.v2.logging.enable(IDS)
        assert (on.succeeded, on.requests, sim.logging()) == (20, 1, set(IDS))
        for one in on:
            assert isinstance(one.detail, LoggingStatus)
            assert one.detail.device_id == one.device_id
            assert one.detail.expiry_date

        off = await fota.v2.logging.disable(IDS[:5])
        assert (off.succeeded, off.requests, sim.logging()) == (5, 5, set(IDS[5:]))
        assert {one.settled for one in off} == {True}
        assert await off.recheck() == []
    assert_no_task_left()


async def test_turning_off_takes_no_longer_than_a_reading() -> None:
    """Nothing was lost: no time has to pass until a reading counts."""
    async with Simulator() as sim, client_of(sim) as fota, asyncio.timeout(3):
        await fota.v2.logging.enable(IDS)
        assert (await fota.v2.logging.disable(IDS)).succeeded == 20
        assert sent(sim, "v2_list_logging_devices") <= 21


@pytest.mark.parametrize("dry_run", [False, True])
async def test_more_than_twenty_are_refused_before_anything_is_sent(dry_run: bool) -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        await fota.v2.logging.enable(IDS[:15])
        before = sent(sim, "v2_enable_logging")

        with pytest.raises(ConfigurationError, match="it is on for 15") as caught:
            await fota.v2.logging.enable(imeis(6, first=101), dry_run=dry_run)
        assert "6 more were given" in str(caught.value)
        assert all(device in str(caught.value) for device in IDS[:15])

        with pytest.raises(ConfigurationError, match=r"at least \d+ more"):
            await fota.v2.logging.enable(trickle(imeis(5000, first=101)), dry_run=dry_run)
        assert sent(sim, "v2_enable_logging") == before
        assert sim.logging() == set(IDS[:15])
    assert_no_task_left()


async def test_devices_that_log_already_count_once() -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        await fota.v2.logging.enable(IDS[:15])
        report = await fota.v2.logging.enable([*IDS, *IDS[:3], "garbage"])
        assert (report.succeeded, report.duplicates, report.invalid) == (20, 3, 1)
        assert sim.logging() == set(IDS)

        dry = await fota.v2.logging.enable(IDS, dry_run=True)
        assert (dry.unsent, dry.requests) == (20, 1)


async def test_nothing_is_sent_when_what_is_on_cannot_be_read() -> None:
    faults = Faults(error_before=1.0, only=frozenset({"v2_list_logging_devices"}))
    once = RetryPolicy(tries=1)
    async with Simulator(faults=faults) as sim, client_of(sim, retry=once) as fota:
        with pytest.raises(CallError):
            await fota.v2.logging.enable(IDS)
        assert not sent(sim, "v2_enable_logging")
    assert_no_task_left()


@pytest.mark.parametrize("name", ["drop_after", "drop_before", "missing_items", "null_list"])
async def test_a_lost_answer_to_turning_on_is_settled(name: str) -> None:
    clock = ScaledClock(100.0)
    faults = Faults(seed=2, only=frozenset(ON), **{name: 0.6})
    async with Simulator(clock=clock, faults=faults) as sim, client_of(sim, clock=clock) as fota:
        report = await fota.v2.logging.enable(IDS, batch_size=5, max_rounds=20)
        assert (report.succeeded, sim.logging()) == (20, set(IDS))
    assert_no_task_left()


@pytest.mark.parametrize("name", ["drop_after", "drop_before", "error_after", "html_body"])
async def test_a_lost_answer_to_turning_off_is_settled(name: str) -> None:
    clock = ScaledClock(100.0)
    async with Simulator(clock=clock) as sim, client_of(sim, clock=clock) as fota:
        await fota.v2.logging.enable(IDS)
        sim.faults = Faults(seed=2, only=frozenset(OFF), **{name: 0.6})
        report = await fota.v2.logging.disable(IDS, max_rounds=20)
        assert (report.succeeded, sim.logging()) == (20, set())
    assert_no_task_left()


async def test_a_device_that_is_refused_fails_word_for_word() -> None:
    rules = Rules(poison=frozenset({IDS[3]}))
    async with Simulator() as sim, client_of(sim) as fota:
        await fota.v2.logging.enable(IDS)
        sim.rules = rules
        report = await fota.v2.logging.disable(IDS)
        assert (ids_of(report, State.FAILED), report.succeeded) == ([IDS[3]], 19)
        assert sim.logging() == {IDS[3]}
        assert report.groups[0].reason == "Invalid device id format"


async def test_a_reading_that_shows_a_device_still_on_has_it_turned_off_again() -> None:
    clock = ScaledClock(100.0)
    async with Simulator(clock=clock) as sim, client_of(sim, clock=clock) as fota:
        await fota.v2.logging.enable(IDS[:2])
        run = fota.v2.logging.disable(IDS[:2], max_rounds=5)
        logging = sim._world.accounts[sim.account].logging
        disable, calls = logging.disable, []

        def deaf_at_first(ids: Any, now: float) -> None:
            calls.append(list(ids))
            if len(calls) > 2:
                disable(ids, now)

        logging.disable = deaf_at_first  # type: ignore[method-assign]  # what no fault does
        report = await run
        assert (report.succeeded, sim.logging(), len(calls)) == (2, set(), 4)


async def test_runs_do_not_get_into_each_others_way(journal: Path) -> None:
    async with Simulator(faults=Faults(latency=0.2)) as sim, client_of(sim) as fota:
        run = asyncio.ensure_future(fota.v2.logging.enable(IDS[:10]))
        await let_run()
        for other in (fota.v2.logging.enable, fota.v2.logging.disable):
            with pytest.raises(MisuseError, match="enable is under way on v2 logging"):
                await other(IDS[10:])
        assert (await run).succeeded == 10
        with pytest.raises(ConfigurationError, match="takes no journal"):
            fota.v2.logging.enable(IDS, journal=journal)
        off = [await fota.v2.logging.disable(IDS[:10], journal=journal) for _ in range(2)]
        assert [(one.succeeded, one.requests) for one in off] == [(10, 10)] * 2

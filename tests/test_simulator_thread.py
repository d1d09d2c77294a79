"""The simulator in a thread: as the other one, whoever asks, from wherever; and time for both."""

import asyncio
import inspect
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from anyio.from_thread import start_blocking_portal
from helpers import credentials_of
from simulator_api import imei

from fota_async import FotaClient, MisuseError
from fota_async.clock import Bell, ManualClock
from fota_async.simulator import Faults, Simulator, SimulatorThread
from fota_async.testing.closing import ClientOfATest

PUBLIC = [name for name in dir(Simulator) if not name.startswith("_")]


def stats(sim: Simulator) -> Any:
    with urllib.request.urlopen(f"{sim.base_url}/__stats") as answer:
        return msgspec.json.decode(answer.read())


def test_whatever_a_simulator_can_is_done_in_its_thread() -> None:
    seen: dict[str, int] = {}

    class Watched(SimulatorThread):
        def _there(self, function: Any, *args: Any, **options: Any) -> Any:
            def look(self: Any, *args: Any, **options: Any) -> Any:
                seen[function.__name__] = threading.get_ident()
                return function(self, *args, **options)

            return super()._there(look, *args, **options)

    with Watched() as sim:
        seen.clear()
        sim.faults, sim.rules = sim.faults, sim.rules
        sim.seed([imei(1)])
        assert sim.members() == set(sim.rows()) == {imei(1)}
        sim.set_status(sim.upgrade_id, "InProgress")
        assert sim.base_url.startswith("http://127.0.0.1:")
        assert (sim.requests, sim.password) == ([], "example-password")

        assert seen.keys() >= {"faults", "rules", "seed", "members", "rows", "set_status"}
        assert len(set(seen.values())) == 1
        assert threading.get_ident() not in seen.values()
    for name in PUBLIC:
        plain, threaded = (inspect.getattr_static(c, name) for c in (Simulator, SimulatorThread))
        if isinstance(plain, property) or callable(plain):
            assert plain is not threaded, f"{name} is not carried out in the thread"


def test_it_serves_who_has_no_event_loop_and_keeps_address_and_state() -> None:
    sim = SimulatorThread()
    with sim:
        address = sim.base_url
        sim.seed([imei(1)])
        assert stats(sim)["upgrades"][sim.upgrade_id]["members"] == [imei(1)]
        with pytest.raises(RuntimeError, match="running already"):
            sim.__enter__()
    assert sim.members() == {imei(1)}
    with sim:
        assert sim.base_url == address
        assert stats(sim) == sim.stats()


def test_an_error_in_the_thread_is_the_callers_and_ends_nothing() -> None:
    with SimulatorThread() as sim:
        with pytest.raises(ValueError, match="15 digits"):
            sim.seed(["1"])
        assert stats(sim)["logins"] == 0


def test_a_port_that_is_taken_leaves_no_thread() -> None:
    with SimulatorThread() as sim:
        threads = threading.active_count()
        other = SimulatorThread(port=int(sim.base_url.rpartition(":")[2]))
        with pytest.raises(OSError, match="in use"):
            other.__enter__()
        assert threading.active_count() == threads


def test_it_can_be_asked_by_many_while_it_works() -> None:
    ids = [imei(number) for number in range(3000)]

    async def append(sim: Simulator) -> None:
        options: Any = {"account": sim.account, "base_url": sim.base_url}
        async with FotaClient(credentials_of(sim), **options) as fota:
            await fota.v1.upgrades.append_devices(sim.upgrade_id, ids, batch_size=20)

    with SimulatorThread() as sim, ThreadPoolExecutor(2) as pool:
        working = pool.submit(asyncio.run, append(sim))
        sizes = [len(sim.members())]
        while not working.done():
            sizes.append(len(sim.members()))
            assert len(sim.rows()) >= sizes[-1]
        working.result()

        assert sizes == sorted(sizes)
        assert sim.members() == set(ids)


def test_one_clock_serves_several_loops() -> None:
    clock = ManualClock()

    async def sleep_for(seconds: float) -> float:
        await clock.sleep(seconds)
        return clock.monotonic()

    with start_blocking_portal() as portal:
        sleeping = [portal.start_task_soon(sleep_for, seconds) for seconds in (10.0, 20.0)]
        # A loop of ours waits for sleepers of theirs.
        asyncio.run(asyncio.wait_for(clock.asleep.wait(), 5))
        while len(clock._sleepers) < 2:
            portal.call(asyncio.sleep, 0)
        clock.turn(10.0)
        assert sleeping[0].result(5) == 10.0
        assert not sleeping[1].done()
        clock.turn(10.0)
        assert sleeping[1].result(5) == 20.0


async def test_a_bell_rings_for_all_and_again_after_it_was_cleared() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait()) for _ in range(2)]
    gone = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)
    gone.cancel()
    assert not bell.is_set()
    bell.set()
    await asyncio.gather(*waiting)
    await bell.wait()
    bell.clear()
    again = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)

    assert not again.done()
    await asyncio.to_thread(bell.set)
    await again


def test_a_bell_does_not_ring_in_a_loop_that_is_gone() -> None:
    bell = Bell()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bell.wait(), 0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(give_up())
    waiting = loop.create_task(bell.wait())
    loop.run_until_complete(asyncio.sleep(0))
    waiting.cancel()
    loop.run_until_complete(asyncio.wait([waiting]))
    loop.close()
    bell.set()

    assert bell.is_set()


def test_a_client_is_closed_in_a_loop_that_goes_on_in_another_thread() -> None:
    with SimulatorThread() as sim, start_blocking_portal() as portal:
        options: Any = {"account": sim.account, "base_url": sim.base_url}
        with ClientOfATest(credentials=credentials_of(sim), **options) as fota:
            portal.call(fota.v1.upgrades.get, sim.upgrade_id)
        with pytest.raises(MisuseError, match="closed"):
            portal.call(fota.v1.upgrades.get, sim.upgrade_id)


def test_faults_are_met_in_the_thread_too() -> None:
    faults = Faults(error_before=1.0, only=frozenset({"v1_get_upgrade"}))
    with SimulatorThread(faults=faults) as sim:
        assert sim.faults == faults
        sim.faults = Faults()
        options: Any = {"account": sim.account, "base_url": sim.base_url}

        async def read() -> None:
            async with FotaClient(credentials_of(sim), **options) as fota:
                await fota.v1.upgrades.get(sim.upgrade_id)

        asyncio.run(read())
        assert sim.stats()["requests"]["v1_get_upgrade"] == {"200": 1}

"""Reading a target again after a run: what changed since its report."""

import pickle

import pytest
from batch_helpers import client_of, imeis

from fota_async import MisuseError, RetryPolicy, State
from fota_async.simulator import Faults, Rules, Simulator


async def test_a_device_that_was_rejected_later_or_taken_off_is_a_change() -> None:
    ids = imeis(60)
    async with (
        Simulator(rules=Rules(refused={ids[0]: "Device not found"})) as sim,
        client_of(sim) as fota,
    ):
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, ids)
        assert await report.recheck() == []

        sim.seed([ids[1]], status="Device Rejected", reason="Invalid IMEI")
        await fota.v1.upgrades.remove_devices(sim.upgrade_id, [ids[2]])
        sim.seed([ids[0]])
        changes = {change.before.device_id: change for change in await report.recheck()}

    assert set(changes) == set(ids[:3])
    rejected, gone, taken = changes[ids[1]], changes[ids[2]], changes[ids[0]]
    assert (rejected.before.state, rejected.now.state) == (State.SUCCEEDED, State.FAILED)
    assert (rejected.now.status, rejected.now.reason) == ("Device Rejected", "Invalid IMEI")
    assert (gone.before.state, gone.now.reason) == (State.SUCCEEDED, "not in the list")
    assert (taken.before.state, taken.now.state) == (State.FAILED, State.SUCCEEDED)


async def test_a_device_that_came_back_after_its_removal_is_a_change() -> None:
    ids = imeis(3)
    async with Simulator() as sim, client_of(sim) as fota:
        sim.seed(ids)
        report = await fota.v1.upgrades.remove_devices(sim.upgrade_id, ids)
        sim.seed(ids[:1])
        (change,) = await report.recheck()
    assert change.before.device_id == ids[0]
    assert change.now.reason == "in the list"


async def test_an_unknown_device_is_always_told_of() -> None:
    ids = imeis(2)
    dark, once = Faults(drop_after=1.0), RetryPolicy(tries=1)
    async with Simulator(faults=dark) as sim, client_of(sim, retry=once) as fota:
        # No reading gets through either, so nothing can be settled.
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, ids, settle_delay=0.01)
        assert report.unknown == 2
        sim.faults = Faults()
        changes = await report.recheck()
    assert [change.now.state for change in changes] == [State.SUCCEEDED] * 2


async def test_a_report_that_cannot_be_rechecked_says_what_it_lacks() -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        forgetful = await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(2), keep="none")
        kept = await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(2))
        for report in (forgetful, pickle.loads(pickle.dumps(kept))):
            with pytest.raises(MisuseError, match="keep='all'"):
                await report.recheck()

"""A sync does no harm for a list that was cut short, or for a plan that nobody allowed."""

from pathlib import Path
from typing import Any

import pytest
from batch_helpers import client_of, imeis, write
from helpers import ONCE
from simulator_api import imei
from sync_helpers import (
    GET,
    THERE,
    WANTED,
    puts,
    serving,
    sync,
)

from fota_async import (
    ConfigurationError,
    ServerError,
    SourceError,
    SyncRefused,
)
from fota_async.simulator import Faults


def cut(text: str) -> str:
    """Return a file without the end of its last line."""
    return text[:-8]


FLEET = "".join(f"{i}\n" for i in THERE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("imei\n", "empty"),
        (cut(FLEET), "1 inputs are no device ids"),
        (FLEET + "356938-03-5643809\n\n12\n", "2 inputs are no device ids"),
        ("imei,name\n" + "".join(f"{i},x\n" for i in THERE) + "3,", "3 digits|1 digits"),
        ("".join(f"{i}\n" for i in THERE[:90]), "10 to remove.*max_removals is 0"),
        ("".join(f"{i}\n" for i in imeis(100, first=9000)), "100 to remove, 0 unchanged"),
    ],
)
async def test_a_list_that_was_cut_or_is_of_another_fleet_is_refused_and_nothing_is_sent(
    content: str, said: str, tmp_path: Path
) -> None:
    async with serving() as (sim, client):
        with pytest.raises(SyncRefused, match=said):
            await sync(client, write(tmp_path / "fleet.csv", content), max_removals=0)

        assert puts(sim) == 0
        assert sim.members() == set(THERE)


async def test_an_unusable_list_costs_no_request_at_all(tmp_path: Path) -> None:
    async with serving() as (sim, client):
        for wanted in ([], ["12"], [imei(1), 7]):
            with pytest.raises(SyncRefused) as caught:
                await sync(client, wanted)
            assert caught.value.plan is None
        with pytest.raises(SourceError):
            await sync(client, tmp_path / "none.csv")
        with pytest.raises(TypeError, match="Path"):
            await sync(client, "fleet.csv")
        assert not sim.requests


@pytest.mark.parametrize(("allowed", "fine"), [(0, False), (49, False), (50, True), (51, True)])
async def test_a_plan_may_remove_no_more_than_it_was_allowed(allowed: int, fine: bool) -> None:
    async with serving() as (sim, client):
        if fine:
            await sync(client, WANTED, max_removals=allowed)
            assert sim.members() == set(WANTED)
            return
        with pytest.raises(SyncRefused, match=f"50 to remove.*{allowed}") as caught:
            await sync(client, WANTED, max_removals=allowed)

        plan = caught.value.plan
        assert plan is not None
        assert (list(plan.remove), list(plan.append)) == (THERE[:50], WANTED[50:])
        assert (plan.unchanged, plan.is_open, plan.status) == (50, True, "Queued")
        assert THERE[0] in plan.remove
        assert THERE[99] not in plan.remove
        assert puts(sim) == 0


async def test_removals_are_refused_unless_they_are_allowed() -> None:
    async with serving() as (sim, client):
        with pytest.raises(SyncRefused):
            await client.v1.upgrades.sync_devices(sim.upgrade_id, THERE[1:])
        assert sim.members() == set(THERE)


@pytest.mark.parametrize("status", ["InProgress", "Finished", "UpgradeFailed"])
async def test_a_closed_upgrade_is_refused(status: Any) -> None:
    async with serving() as (sim, client):
        sim.set_status(sim.upgrade_id, status)
        with pytest.raises(SyncRefused, match=status):
            await sync(client, WANTED, approve=lambda _: pytest.fail("asked"))
        assert puts(sim) == 0


@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
async def test_an_upgrade_that_cannot_be_read_is_not_changed(options: Any) -> None:
    async with serving(faults=Faults(error_before=1.0, only=GET)) as (sim, _):
        async with client_of(sim, retry=ONCE) as client:
            with pytest.raises(ServerError):
                await sync(client, WANTED, **options)
        assert puts(sim) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"journal": "x.db"}, "needs no journal"),
        ({"max_removals": -1}, "max_removals"),
        ({"max_removals": True}, "max_removals"),
        ({"max_removals": 0.5}, "max_removals"),
        ({"batch_size": 0}, "batch_size"),
        ({"dry_run": None}, "dry_run"),
    ],
)
async def test_options_that_cannot_work_are_refused(options: Any, said: str) -> None:
    async with serving() as (sim, client):
        with pytest.raises(ConfigurationError, match=said):
            await sync(client, WANTED, **options)
        assert not sim.requests

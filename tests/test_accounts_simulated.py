"""Runs of many accounts over HTTP: each with its own tokens, limit and report."""

import asyncio
import signal
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from batch_helpers import assert_law, assert_no_task_left, imeis
from helpers import FAST, credentials_of

from fota_async import (
    AccountRuns,
    FotaClient,
    LoginRefusedError,
    RunStopped,
    SourceError,
    StopCause,
)
from fota_async.clock import ScaledClock
from fota_async.events import BatchEvent
from fota_async.simulator import Faults, Rules, Simulator, SimulatorThread

SIZE = 100


@attrs.frozen
class Account:
    """An account of a simulator with an upgrade, and devices that are to be appended to it."""

    name: str
    upgrade_id: str
    devices: list[str]


def accounts_of(sim: Simulator, names: Iterable[str]) -> dict[str, Account]:
    """Add accounts to a simulator, each with an upgrade and devices of its own."""
    found = {}
    for number, name in enumerate(names, 1):
        account = f"{number:010d}-00001"
        sim.add_account(account)
        found[name] = Account(account, sim.add_upgrade(account), imeis(SIZE, 1 + number * SIZE))
    return found


async def test_one_refused_account_does_not_stop_the_others(
    new_sim: Any, new_client: Any, tmp_path: Path
) -> None:
    sim = await new_sim()
    there = accounts_of(sim, ["fine", "wrong password", "inactive", "unreadable", "fine, too"])
    sim.deactivate_account(there["inactive"].name)
    devices: dict[str, Any] = {name: account.devices for name, account in there.items()}
    devices["unreadable"] = tmp_path / "none.csv"
    runs = {}
    for name, account in there.items():
        password = "wrong" if name == "wrong password" else sim.password
        client = new_client(
            sim, account=account.name, credentials=credentials_of(sim, password=password)
        )
        runs[name] = client.v1.upgrades.append_devices(
            account.upgrade_id, devices[name], batch_size=10, settle_delay=0.01
        )

    overview = await AccountRuns(runs)

    assert overview.not_ok == ["wrong password", "inactive", "unreadable"]
    refused, inactive = overview.errors["wrong password"], overview.errors["inactive"]
    assert isinstance(refused, RunStopped)
    assert isinstance(inactive, RunStopped)
    assert (refused.cause, inactive.cause) == (StopCause.CREDENTIALS, StopCause.REFUSED)
    assert isinstance(refused.__cause__, LoginRefusedError)
    assert isinstance(overview.errors["unreadable"], SourceError)
    # One refused login: five lock the user. The others logged in once each, if they had to.
    assert (sim.stats()["refused_logins"], sim.stats()["logins"]) == (1, 3)
    for name, account in there.items():
        members = {*account.devices} if name.startswith("fine") else set()
        assert sim.members(account.upgrade_id) == members
        assert overview.reports[name].succeeded == len(members)
        assert_law(overview.reports[name])
    assert overview.totals.succeeded == 2 * SIZE
    assert overview.totals.inputs == 4 * SIZE
    assert "Inactive account" in str(overview)


async def test_accounts_of_one_refused_user_make_one_login(new_sim: Any, new_client: Any) -> None:
    sim = await new_sim()
    there = accounts_of(sim, ["first", "second", "third"])
    client = new_client(sim, credentials=credentials_of(sim, password="wrong"))

    overview = await AccountRuns(
        {
            name: client.with_account(account.name).v1.upgrades.append_devices(
                account.upgrade_id, account.devices
            )
            for name, account in there.items()
        }
    )

    assert overview.causes == {"credentials": 3}
    assert overview.totals.unsent == 3 * SIZE
    assert sim.stats()["refused_logins"] == 1


async def test_accounts_may_share_connections_and_each_learns_its_own_limit(
    new_sim: Any, new_client: Any
) -> None:
    clock = ScaledClock(100.0)
    sim = await new_sim(rules=Rules(rate=20.0, burst=5), clock=clock)
    there = accounts_of(sim, ["many requests", "one request"])
    async with aiohttp.ClientSession() as http:
        clients = {
            name: new_client(sim, account=account.name, http=http, clock=clock)
            for name, account in there.items()
        }
        overview = await AccountRuns(
            {
                name: clients[name].v1.upgrades.append_devices(
                    account.upgrade_id,
                    account.devices,
                    batch_size=1 if name == "many requests" else SIZE,
                )
                for name, account in there.items()
            }
        )

    assert overview.ok
    assert sim.stats()["logins"] == 2
    rates = {name: clients[name].session.rate(account.name) for name, account in there.items()}
    assert rates["many requests"] is not None
    assert rates["one request"] is None


async def test_hundreds_of_accounts_in_one_job(new_sim: Any, new_client: Any) -> None:
    sim = await new_sim()
    there = accounts_of(sim, map(str, range(150)))
    async with aiohttp.ClientSession() as http:
        runs = {
            account.name: new_client(
                sim, account=account.name, http=http
            ).v1.upgrades.append_devices(account.upgrade_id, account.devices, batch_size=50)
            for account in there.values()
        }
        overview = await AccountRuns(runs)

    assert overview.ok
    assert overview.totals.succeeded == 150 * SIZE
    assert overview.totals.requests == 300
    assert all(sim.members(one.upgrade_id) == {*one.devices} for one in there.values())
    assert len(str(overview).splitlines()) == 4


@pytest.mark.each_python
def test_an_interrupt_from_the_keyboard_leaves_a_true_overview_of_all_accounts() -> None:
    kept: list[AccountRuns] = []

    async def main(sim: Simulator) -> None:
        def interrupt(event: object) -> None:
            if isinstance(event, BatchEvent):
                interrupts.append(event)
                if len(interrupts) == 7:
                    signal.raise_signal(signal.SIGINT)

        interrupts: list[object] = []
        async with AsyncExitStack() as stack:
            runs = {}
            for account in accounts_of(sim, ["first", "second", "third"]).values():
                client = FotaClient(
                    credentials_of(sim),
                    account=account.name,
                    base_url=sim.base_url,
                    retry=FAST,
                    on_event=interrupt,
                )
                await stack.enter_async_context(client)
                runs[account.upgrade_id] = client.v1.upgrades.append_devices(
                    account.upgrade_id, account.devices, batch_size=5, concurrency=1, grace=5.0
                )
            kept.append(AccountRuns(runs))
            try:
                await kept[0]
            finally:
                assert_no_task_left()

    with SimulatorThread(faults=Faults(latency=0.01)) as sim:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main(sim))
        members = {name: len(sim.members(name)) for name in kept[0].overview.reports}
    overview = kept[0].overview

    assert overview.causes == {"interrupted": 3}
    assert 0 < overview.totals.succeeded < 3 * SIZE
    assert overview.totals.inputs == 3 * SIZE
    assert overview.totals.unknown == 0
    for name, report in overview.reports.items():
        assert report.succeeded == members[name]
        assert_law(report)

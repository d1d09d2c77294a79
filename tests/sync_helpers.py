"""What the tests of syncing share."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from batch_helpers import assert_law, client_of, ids_of, imeis

from fota_async import (
    FotaClient,
    State,
    SyncReport,
    SyncStopped,
)
from fota_async.events import BatchEvent, Event
from fota_async.simulator import Faults, Rules, Simulator

MODIFY, GET = frozenset({"v1_modify_upgrade"}), frozenset({"v1_get_upgrade"})
THERE = imeis(100)
WANTED = imeis(100, first=51)
"""The first fifty of those that are there go, fifty others come."""


def puts(sim: Simulator) -> int:
    """Count the changes that reached a simulator."""
    return sum(record.method == "PUT" for record in sim.requests)


def gets(sim: Simulator) -> int:
    """Count the readings that reached a simulator."""
    return sum(record.route == "v1_get_upgrade" for record in sim.requests)


@asynccontextmanager
async def serving(
    there: Iterable[str] = THERE,
    *,
    faults: Faults | None = None,
    rules: Rules | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Simulator, FotaClient]]:
    """A simulator whose upgrade has some devices, and a client of it."""
    async with Simulator(faults=faults, rules=rules) as sim, client_of(sim, **options) as client:
        sim.seed(there)
        yield sim, client


async def sync(client: FotaClient, wanted: Any, **options: Any) -> SyncReport:
    """Sync the upgrade of a simulator, as quickly as its rules allow."""
    options = {"max_removals": 50, "settle_delay": 0.02, "grace": 0.1} | options
    return await client.v1.upgrades.sync_devices(Simulator.upgrade_id, wanted, **options)


def assert_laws(report: SyncReport) -> None:
    """The law of the report holds in both."""
    assert_law(report.append)
    assert_law(report.remove)


def assert_nothing_removed(stopped: SyncStopped, sim: Simulator) -> None:
    """The devices to remove are all there and all reported as unsent."""
    report = stopped.report
    assert_laws(report)
    assert ids_of(report.remove, State.UNSENT) == THERE[:50]
    assert report.remove.inputs == report.remove.unsent
    assert sim.members() >= set(THERE)


def when_appended(act: Callable[[], object]) -> Callable[[Event], None]:
    """Return a hook that acts when the first batch was appended."""
    acted = False

    def hook(event: Event) -> None:
        nonlocal acted
        if isinstance(event, BatchEvent) and event.operation == "append" and not acted:
            acted = True
            act()

    return hook

"""Calls that schedule, one of each kind, and what the simulator then has."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from simulator_api import until

from fota_async import FotaClient, ScheduleRun
from fota_async.simulator import Simulator

DAYS: Any = {"start_date": date(2030, 1, 5), "end_date": date(2030, 1, 6)}
SOFTWARE: Any = {"software_from": "1", "software_to": "2", **DAYS}
FIRMWARE: Any = {"firmware_from": "1", "firmware_to": "2", **DAYS}

Schedule: TypeAlias = Callable[..., ScheduleRun[Any]]

SCHEDULES: dict[str, Callable[[FotaClient], Schedule]] = {
    "v1": lambda c: lambda ids, **o: c.v1.upgrades.schedule("F", "2", ids, **DAYS, **o),
    "v2": lambda c: (
        lambda ids, **o: c.v2.campaigns.schedule(
            "S", ids, distribution_type="HTTP", **SOFTWARE, **o
        )
    ),
    "v2 software": lambda c: (
        lambda ids, **o: c.v2.campaigns.schedule_software("S", ids, **SOFTWARE, **o)
    ),
    "v2 file": lambda c: (
        lambda ids, **o: c.v2.campaigns.schedule_file("f.bin", ids, file_version="1", **DAYS, **o)
    ),
    "v3": lambda c: lambda ids, **o: c.v3.campaigns.schedule("F", ids, **FIRMWARE, **o),
}
ROUTES = {
    "v1": "v1_schedule_upgrade",
    "v2": "v2_schedule_campaign",
    "v2 software": "v2_schedule_software_campaign",
    "v2 file": "v2_schedule_file_campaign",
    "v3": "v3_schedule_campaign",
}


def made(sim: Simulator) -> list[str]:
    """Return the ids of what was scheduled at a simulator."""
    stats = sim.stats()
    return [one for one in stats["upgrades"] | stats["campaigns"] if one != sim.upgrade_id]


def asked(sim: Simulator, route: str) -> int:
    """Return how many requests of a route a simulator saw."""
    return sum(sim.stats()["requests"].get(route, {}).values())


def tasks_of_runs() -> set[asyncio.Task[Any]]:
    """Return the tasks that runs have started; servers and tests have others."""

    def file_of(task: asyncio.Task[Any]) -> str:
        code = getattr(task.get_coro(), "cr_code", None)
        return code.co_filename if code else ""

    return {task for task in asyncio.all_tasks() if "/fota_async/batch/" in file_of(task)}


def assert_no_run_goes_on() -> None:
    """No task of a run may be left after it returned."""
    assert not tasks_of_runs()


async def until_on_its_way(run: ScheduleRun[Any]) -> None:
    """Wait until the request that schedules is on the wire."""
    await until(lambda: run._schedule._tally.on_wire)

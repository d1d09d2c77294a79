"""Pilots of each kind, and a simulator in which campaigns live by themselves."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeAlias

import attrs
import pytest

from fota_async import FotaClient
from fota_async.events import PilotEvent
from fota_async.simulator import Rules, Simulator

DAYS: Any = {
    "pilot_start_date": date(2030, 1, 5),
    "pilot_end_date": date(2030, 1, 6),
    "start_date": date(2030, 2, 5),
    "end_date": date(2030, 2, 6),
}
OPTIONS: Any = {"timeout": 10_000, **DAYS}

PilotCall: TypeAlias = Callable[..., Awaitable[Any]]


def _v2(client: FotaClient, ids: Any, **options: Any) -> Awaitable[Any]:
    given = {"software_from": "1", "software_to": "2", **OPTIONS, **options}
    return client.v2.campaigns.pilot_then_fleet("S", ids, **given)


def _v2_file(client: FotaClient, ids: Any, **options: Any) -> Awaitable[Any]:
    given = {"file_version": "1", **OPTIONS, **options}
    return client.v2.campaigns.pilot_then_fleet_file("f.bin", ids, **given)


def _v3(client: FotaClient, ids: Any, **options: Any) -> Awaitable[Any]:
    given = {"firmware_from": "1", "firmware_to": "2", **OPTIONS, **options}
    return client.v3.campaigns.pilot_then_fleet("F", ids, **given)


PILOTS: dict[str, Callable[[FotaClient], PilotCall]] = {
    "v2": lambda client: partial(_v2, client),
    "v2 file": lambda client: partial(_v2_file, client),
    "v3": lambda client: partial(_v3, client),
}
KINDS = pytest.mark.parametrize("kind", PILOTS)

RULES = partial(
    Rules,
    life_cycle=True,
    pilot="request",
    pending_for=30.0,
    queued_for=60.0,
    prescheduled_for=30.0,
    runs_for=600.0,
)


@attrs.frozen(kw_only=True)
class _FailingRules(Rules):
    failing: frozenset[str] = frozenset()

    def failed_upgrade(self, device_id: str, failures: Sequence[Any]) -> Any:
        return failures[0] if device_id in self.failing else None


def rules_that_fail(ids: Iterable[str]) -> Rules:
    """Return rules by which the upgrades of these devices fail, and of no others."""
    usual = attrs.asdict(RULES(), recurse=False)
    return _FailingRules(**usual, failing=frozenset(ids))


def campaigns(sim: Simulator) -> list[str]:
    """Return the ids of all campaigns of a simulator, in the order in which they were made."""
    return list(sim.stats()["campaigns"])


def of_image(sim: Simulator) -> tuple[str, str]:
    """Return the ids of the pilot's campaign and of the fleet's, when there are no others."""
    pilot, fleet = campaigns(sim)
    return pilot, fleet


def keep_open(sim: Simulator, event: Any) -> None:
    """Let what is scheduled from now on stay queued, once the pilot is decided."""
    if isinstance(event, PilotEvent) and not event.undecided:
        sim.rules = attrs.evolve(sim.rules, queued_for=1e9)

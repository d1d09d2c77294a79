"""A pilot whose fleet's journal holds something else: no file stands for a pilot's success."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import imeis
from journal_helpers import forget
from pilot_helpers import DAYS, KINDS, PILOTS, RULES, campaigns, rules_that_fail

from fota_async import FotaClient, InvalidRequestError, JournalError, PilotStopped
from fota_async.clock import ScaledClock
from fota_async.simulator import Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

OF_FLEET: Any = {key: DAYS[key] for key in ("start_date", "end_date")}


async def schedule_without_pilot(client: FotaClient, ids: list[str], **options: Any) -> Any:
    names = {"firmware_from": "1", "firmware_to": "2"}
    return await client.v3.campaigns.schedule("F", ids, **names, **OF_FLEET, **options)


async def test_a_journal_of_a_campaign_without_pilot_is_refused_and_nothing_sent(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)
    client = new_client(sim, clock=clock)
    with pytest.raises(InvalidRequestError):
        await schedule_without_pilot(client, imeis(100), journal=journal)
    requests = len(sim.requests)
    with pytest.raises(JournalError, match=r"no pilot is recorded beside it, in enrol-pilot\.db"):
        await PILOTS["v3"](client)(imeis(100), journal=journal)

    assert len(sim.requests) == requests
    assert campaigns(sim) == []


async def test_a_fleet_refused_without_its_pilot_does_not_make_the_pilot_succeed(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=rules_that_fail(imeis(20)), clock=clock)
    client = new_client(sim, clock=clock)
    with pytest.raises(PilotStopped):
        await PILOTS["v3"](client)(imeis(100), journal=journal, timeout=10)
    with pytest.raises(InvalidRequestError):
        await schedule_without_pilot(client, imeis(100), journal=journal)
    sim.rules = attrs.evolve(sim.rules, pilot="off")
    with pytest.raises(PilotStopped, match="did not succeed"):
        await PILOTS["v3"](client)(imeis(100), journal=journal)

    assert len(campaigns(sim)) == 1


@KINDS
async def test_without_its_pilots_journal_a_fleet_gets_no_second_pilot(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)
    pilot = PILOTS[kind](new_client(sim, clock=clock))
    await pilot(imeis(30), journal=journal)
    forget(journal.with_name("enrol-pilot.db"))
    with pytest.raises(JournalError):
        await pilot(imeis(30), journal=journal)

    assert len(campaigns(sim)) == 2

"""What a run reads of its target is told: its state, and when it starts."""

import pytest
from helpers import credentials_of

from fota_async import FotaClient
from fota_async.events import Event, TargetEvent
from fota_async.simulator import Simulator


def imeis(count: int) -> list[str]:
    return [f"{357_938_030_000_000 + number:015d}" for number in range(count)]


def client(sim: Simulator, events: list[Event]) -> FotaClient:
    return FotaClient(
        credentials_of(sim), account=sim.account, base_url=sim.base_url, on_event=events.append
    )


def told(events: list[Event]) -> list[tuple[str, str, str | None]]:
    return [
        (one.target, one.status, one.start_date) for one in events if isinstance(one, TargetEvent)
    ]


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_run_tells_when_its_campaign_starts(version: str) -> None:
    events: list[Event] = []
    async with Simulator() as sim:
        campaign = sim.add_campaign(
            "v2" if version == "v2" else "v3", start_date="2027-04-01", end_date="2027-04-08"
        )
        async with client(sim, events) as fota:
            campaigns = fota.v2.campaigns if version == "v2" else fota.v3.campaigns
            await campaigns.append_devices(campaign, imeis(30), batch_size=10)

    assert told(events) == [(campaign, "CampaignRequestQueued", "2027-04-01")]


async def test_a_run_tells_when_its_upgrade_starts() -> None:
    events: list[Event] = []
    async with Simulator() as sim, client(sim, events) as fota:
        start = (await fota.v1.upgrades.get(sim.upgrade_id)).start_date
        await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(30), batch_size=10)
        upgrade = sim.upgrade_id

    assert start is not None
    assert told(events) == [(upgrade, "Queued", start)]


async def test_a_sync_tells_it_before_it_sends_anything() -> None:
    events: list[Event] = []
    async with Simulator() as sim, client(sim, events) as fota:
        campaign = sim.add_campaign("v3", start_date="2027-04-01", end_date="2027-04-08")
        with pytest.raises(Exception, match="not approved"):
            await fota.v3.campaigns.sync_devices(campaign, imeis(3), approve=lambda _: False)

    assert told(events) == [(campaign, "CampaignRequestQueued", "2027-04-01")]

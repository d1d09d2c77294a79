"""v2 and v3 campaigns on a real socket: appended to, removed from, synced, under faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import attrs
import pytest
from batch_helpers import assert_law, client_of, ids_of, imeis

from fota_async import (
    FotaClient,
    RetryPolicy,
    RunStopped,
    State,
    StopCause,
    SyncRefused,
    SyncStopped,
)
from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Rules, Simulator

Version = Literal["v2", "v3"]
VERSIONS: list[Version] = ["v2", "v3"]
UNPILOTED = Rules(pilot="off", page_size=30)


@asynccontextmanager
async def serving(
    version: Version,
    rules: Rules = UNPILOTED,
    faults: Faults | None = None,
    status: Any = "CampaignRequestQueued",
) -> AsyncIterator[tuple[Simulator, FotaClient, str]]:
    """A simulator, a client of it and the id of a campaign; time runs fast."""
    clock = ScaledClock(100.0)
    retry = RetryPolicy(tries=8, seconds=1e6, base=0.2, cap=2.0)
    async with (
        Simulator(rules=rules, faults=faults, clock=clock) as sim,
        client_of(sim, clock=clock, retry=retry, timeout=0.4, deadline=None) as client,
    ):
        yield sim, client, sim.add_campaign(version, status=status)


def campaigns_of(client: FotaClient, version: Version) -> Any:
    return client.v2.campaigns if version == "v2" else client.v3.campaigns


def settling(version: Version) -> dict[str, Any]:
    return {"settle": True} if version == "v2" else {}


def modifies(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


@pytest.mark.parametrize("spelling", ["documented", "odd"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_devices_come_and_go(version: Version, spelling: Any) -> None:
    ids = imeis(100)
    refused = {ids[5]: "Device not found", ids[77]: "Invalid IMEI"}
    rules = attrs.evolve(UNPILOTED, refused=refused, spelling=spelling, receipt_delay=12.0)
    async with serving(version, rules) as (sim, client, campaign):
        campaigns = campaigns_of(client, version)
        appended = await campaigns.append_devices(campaign, ids, batch_size=30, **settling(version))
        assert sim.members(campaign) == set(ids) - set(refused)
        removed = await campaigns.remove_devices(
            campaign, ids[:40], batch_size=30, **settling(version)
        )
        assert sim.members(campaign) == set(ids[40:]) - set(refused)

    assert (appended.succeeded, appended.failed, removed.succeeded) == (98, 2, 40)
    failed = {one.device_id: one.reason for one in appended if one.state is State.FAILED}
    assert failed == refused
    assert_law(appended)
    assert_law(removed)


async def test_a_receipt_is_all_that_a_run_waits_for_unless_told() -> None:
    rules = attrs.evolve(UNPILOTED, receipt_delay=1000.0)
    async with serving("v2", rules) as (sim, client, campaign):
        report = await client.v2.campaigns.append_devices(campaign, imeis(100), batch_size=30)
        waited = await client.v2.campaigns.append_devices(
            campaign, imeis(1, first=200), settle=True, settle_limit=30
        )

    assert (report.pending, report.requests, report.retries) == (100, 4, 0)
    assert (waited.pending, waited.requests) == (1, 1)
    assert not sim.rows(campaign)


@pytest.mark.parametrize("version", VERSIONS)
async def test_lost_answers_are_settled_by_the_report(version: Version) -> None:
    modify, ids = f"{version}_modify_campaign", imeis(200)
    faults = Faults(seed=3, only=frozenset({modify}), drop_after=0.4, drop_before=0.3, read_lag=2.0)
    async with serving(version, faults=faults) as (sim, client, campaign):
        campaigns = campaigns_of(client, version)
        report = await campaigns.append_devices(
            campaign, ids, batch_size=10, max_rounds=100, **settling(version)
        )
        assert sim.members(campaign) == set(ids)
        gone = await campaigns.remove_devices(
            campaign, ids[::2], batch_size=10, max_rounds=100, **settling(version)
        )
        assert sim.members(campaign) == set(ids[1::2])

    assert (report.succeeded, gone.succeeded) == (200, 100)
    assert any(one.settled for one in report)
    assert report.retries


@pytest.mark.parametrize("version", VERSIONS)
async def test_one_bad_device_is_found(version: Version) -> None:
    ids = imeis(100)
    rules = attrs.evolve(UNPILOTED, poison=frozenset({ids[33]}))
    async with serving(version, rules) as (sim, client, campaign):
        report = await campaigns_of(client, version).append_devices(
            campaign, ids, batch_size=25, **settling(version)
        )

    assert ids_of(report, State.FAILED) == [ids[33]]
    assert report.succeeded == 99
    assert sim.members(campaign) == set(ids) - {ids[33]}


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_a_pilot_a_refused_run_says_what_is_missing(version: Version) -> None:
    rules = Rules(pilot="request")
    async with serving(version, rules) as (sim, client, campaign):
        with pytest.raises(RunStopped, match='page "Pilot Campaigns"') as caught:
            await campaigns_of(client, version).append_devices(campaign, imeis(5000))

        assert modifies(sim) <= 8
    assert caught.value.cause is StopCause.REFUSED
    assert caught.value.report.unsent == 5000


@pytest.mark.parametrize("version", VERSIONS)
async def test_where_the_21st_device_is_turned_away_alone_it_fails_alone(version: Version) -> None:
    async with serving(version, Rules(pilot="device")) as (_, client, campaign):
        report = await campaigns_of(client, version).append_devices(
            campaign, imeis(50), **settling(version)
        )

    assert (report.succeeded, report.failed) == (20, 30)


@pytest.mark.parametrize("open_", [True, False])
async def test_a_prescheduled_campaign_is_tried(open_: bool) -> None:
    rules = attrs.evolve(UNPILOTED, prescheduled_is_open=open_)
    async with serving("v3", rules, status="CampaignPreScheduled") as (sim, client, campaign):
        run = client.v3.campaigns.append_devices(campaign, imeis(60), batch_size=30)
        if open_:
            assert (await run).succeeded == 60
            return
        with pytest.raises(RunStopped) as caught:
            await run

        assert modifies(sim) > 0
    assert caught.value.cause is StopCause.REFUSED
    assert caught.value.report.succeeded == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_campaign_that_is_scheduled_takes_nothing(version: Version) -> None:
    async with serving(version, status="CampaignScheduled") as (sim, client, campaign):
        with pytest.raises(RunStopped) as caught:
            await campaigns_of(client, version).append_devices(campaign, imeis(300), batch_size=30)

        assert not sim.members(campaign)
    assert caught.value.cause is StopCause.CLOSED
    assert caught.value.report.unsent == 300


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_campaign_that_is_not_there_is_refused(version: Version) -> None:
    async with serving(version) as (_, client, campaign):
        other = campaign[::-1].replace(campaign[-1], "0", 1)
        unknown = f"{other[:8]}-0000-0000-0000-000000000000".replace("--", "-")
        with pytest.raises(RunStopped) as caught:
            await campaigns_of(client, version).append_devices(unknown, imeis(60), batch_size=30)

    assert caught.value.cause is StopCause.REFUSED
    assert caught.value.report.unsent == 60


# Syncing


@pytest.mark.parametrize("delay", [0.0, 60.0])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_sync_leaves_the_wanted_devices(version: Version, delay: float) -> None:
    there, wanted = imeis(100), imeis(100, first=51)
    rules = attrs.evolve(UNPILOTED, receipt_delay=delay)
    async with serving(version, rules) as (sim, client, campaign):
        sim.seed(there, target_id=campaign)
        sim.seed(imeis(1, first=500), "DeviceRejected", campaign, reason="Invalid IMEI")
        report = await campaigns_of(client, version).sync_devices(
            campaign, wanted, max_removals=50, batch_size=30
        )

        assert sim.members(campaign) == set(wanted)
    assert (report.append.succeeded, report.remove.succeeded, report.unchanged) == (50, 50, 50)
    assert report.ok


async def test_a_sync_removes_nothing_before_what_was_received_shows() -> None:
    there, wanted = imeis(100), imeis(100, first=51)
    rules = attrs.evolve(UNPILOTED, receipt_delay=1000.0)
    async with serving("v2", rules) as (sim, client, campaign):
        sim.seed(there, target_id=campaign)
        with pytest.raises(SyncStopped, match="do not show") as caught:
            await client.v2.campaigns.sync_devices(
                campaign, wanted, max_removals=50, settle_limit=20
            )

        assert sim.members(campaign) == set(there)
    report = caught.value.report
    assert (report.append.pending, report.remove.unsent) == (50, 50)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_device_whose_row_outlived_its_removal_is_appended_again(version: Version) -> None:
    rules = attrs.evolve(UNPILOTED, removed_rows="kept")
    async with serving(version, rules) as (sim, client, campaign):
        sim.seed(imeis(10), target_id=campaign)
        campaigns = campaigns_of(client, version)
        await campaigns.remove_devices(campaign, imeis(5))
        assert len(sim.rows(campaign)) == 10

        report = await campaigns.sync_devices(campaign, imeis(10))

        assert sim.members(campaign) == set(imeis(10))
    assert (report.append.succeeded, report.unchanged) == (5, 5)


async def test_a_removal_whose_answer_was_lost_is_not_failed_by_the_row_it_left() -> None:
    rules = attrs.evolve(UNPILOTED, removed_rows="kept", removed_absent="fail")
    async with serving("v3", rules) as (sim, client, campaign):
        sim.seed(imeis(5), target_id=campaign)
        sim.faults = Faults(error_after=1.0, only=frozenset({"v3_modify_campaign"}))

        report = await client.v3.campaigns.remove_devices(campaign, imeis(5))

        assert sim.members(campaign) == set()
    assert (report.succeeded, report.requests) == (5, 1)


async def test_a_row_that_outlived_a_removal_does_not_show_that_the_device_is_back() -> None:
    rules = attrs.evolve(UNPILOTED, removed_rows="kept", receipt_delay=1000.0)
    async with serving("v2", rules) as (sim, client, campaign):
        sim.seed(imeis(5), "DeviceRemoved", campaign)
        sim.seed(imeis(5, first=100), target_id=campaign)
        with pytest.raises(SyncStopped, match="do not show"):
            await client.v2.campaigns.sync_devices(
                campaign, imeis(5), max_removals=5, settle_limit=20
            )

        assert sim.members(campaign) == set(imeis(5, first=100))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_closed_campaign_is_not_synced(version: Version) -> None:
    async with serving(version, status="CampaignEnded") as (sim, client, campaign):
        with pytest.raises(SyncRefused, match="CampaignEnded"):
            await campaigns_of(client, version).sync_devices(campaign, imeis(3))

        assert modifies(sim) == 0

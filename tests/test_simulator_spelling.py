"""The odd spellings of the simulator, and our client, which reads both."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from campaign_api import CampaignApi
from helpers import Events
from simulator_api import Api, imei

from fota_async import FotaClient, UpgradeStatus
from fota_async.events import UnknownMemberEvent
from fota_async.models import CampaignStatus
from fota_async.simulator import Rules, Simulator
from fota_async.simulator.spelling import Spelling

A, B = imei(1), imei(2)
ODD, DOCUMENTED = Rules(spelling="odd"), Rules()


# On the wire


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_answers_about_campaigns_use_their_other_names(
    api: Api, sim: Simulator, version: Any
) -> None:
    sim.rules = ODD
    target = CampaignApi(api, version, sim.add_campaign(version))
    changed = (await target.append(A)).document
    assert changed["id"] == target.id
    assert "campaignId" not in changed

    shown = (await target.get()).document
    assert shown["status"] == "CampaignQueued"
    assert shown["startDate"] == "2020-08-21T00:00:00.000Z"
    assert ("software" in shown) == (version == "v2")
    window = {"startTime": 1, "endTime": 2}
    dates = {"startDate": "2020-08-21", "endDate": "2020-08-22", "campaignTimeWindowList": [window]}
    moved = (await target.change_dates(**dates)).document
    assert moved.get("timeWindowList") == (None if version == "v2" else [window])
    sim.seed([B], "UpgradeFailed", target.id, reason="because")
    page = (await target.page()).document
    assert page["lastSeenDeviceId"] == 2
    assert (
        page["deviceList"][1].items() >= {"status": "UpgradedFailed", "Reason": "because"}.items()
    )


async def test_empty_lists_are_null(api: Api, sim: Simulator) -> None:
    sim.rules = ODD
    target = CampaignApi(api, "v2", sim.add_campaign("v2"))
    assert (await target.page()).document["deviceList"] is None
    path = f"/api/fota/v2/reports/{sim.account}/campaigns?campaignStatus=CampaignEnded"
    assert (await api.call("GET", path)).document["campaignList"] is None
    path = f"/api/fota/v1/reports/{sim.account}/status/Finished/index/0"
    nothing = await api.call("GET", path)
    assert nothing.document == {"hasMoreData": False, "reportList": None}
    assert (await api.read()).document["deviceList"] is None


async def test_v1_answers_in_the_longer_shape(api: Api, sim: Simulator) -> None:
    sim.rules = ODD
    answer = await api.append(A)

    assert answer.document == {
        "accountName": sim.account,
        "id": sim.upgrade_id,
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "firmwareTo": "VerizonFirmwareVersion-02",
        "startDate": "2018-04-01",
        "status": "Queued",
        "deviceList": [
            {
                "deviceId": A,
                "status": "AddDeviceSucceed",
                "resultReason": "Device added Successfully",
            }
        ],
    }


async def test_refusals_are_spelt_as_ever(api: Api, sim: Simulator) -> None:
    sim.rules = ODD

    assert (await api.append("1")).code == "INVALID_PARAMETER"


def test_a_value_alone_can_be_the_answer() -> None:
    spelling = Spelling(bare="files", members={"a": "b"})

    assert spelling.of({"files": [{"a": 1}], "count": 1}) == [{"b": 1}]


def test_times_get_the_layout_they_do_not_have() -> None:
    spelling = Spelling(times=frozenset({"at"}))
    texts = ["2018-04-01", "2018-04-01T16:03:00.500Z", "2018-04-01 16:03:00.500 +0000 UTC"]

    assert [spelling.of({"at": text})["at"] for text in texts] == [
        "2018-04-01T00:00:00.000Z",
        "2018-04-01 16:03:00.500 +0000 UTC",
        "2018-04-01T16:03:00.500Z",
    ]


# Our client

Ask = Callable[[FotaClient, str], Awaitable[Any]]


async def items(pages: Any) -> list[Any]:
    return [item async for item in pages]


READS: dict[str, dict[str, Ask]] = {
    "v2": {
        "get": lambda client, target: client.v2.campaigns.get(target),
        "devices": lambda client, target: items(client.v2.reports.list_campaign_devices(target)),
        "campaigns": lambda client, _: items(
            client.v2.reports.list_campaigns(CampaignStatus.REQUEST_QUEUED)
        ),
        "nothing": lambda client, _: items(
            client.v2.reports.list_campaigns(CampaignStatus.ABORTED)
        ),
        "history": lambda client, _: client.v2.reports.get_device_history(B),
    },
    "v3": {
        "get": lambda client, target: client.v3.campaigns.get(target),
        "devices": lambda client, target: items(client.v3.reports.list_campaign_devices(target)),
        "campaigns": lambda client, _: items(
            client.v3.reports.list_campaigns(CampaignStatus.REQUEST_QUEUED)
        ),
        "history": lambda client, _: client.v3.reports.get_device_history(B),
    },
    "v1": {
        "get": lambda client, target: client.v1.upgrades.get(target),
        "upgrades": lambda client, _: items(client.v1.reports.list_upgrades(UpgradeStatus.QUEUED)),
        "nothing": lambda client, _: items(
            client.v1.reports.list_upgrades(UpgradeStatus.REQUEST_PENDING)
        ),
        "history": lambda client, _: client.v1.reports.get_device_history(B),
    },
}
UNLIKE = {"status"}
"""What may read otherwise: words are kept as they came."""


def same(one: Any, other: Any) -> bool:
    """Return whether two results say the same: an odd spelling must lose nothing."""
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "parsed"):
        # A date has no zone, the time in its place has one.
        return one.parsed.replace(tzinfo=None) == other.parsed.replace(tzinfo=None)
    if attrs.has(type(one)):
        names = {field.name for field in attrs.fields(type(one))} - UNLIKE
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


@pytest.mark.parametrize(
    ("version", "ask"),
    [
        pytest.param(v, ask, id=f"{v}-{name}")
        for v, asks in READS.items()
        for name, ask in asks.items()
    ],
)
async def test_our_client_reads_both_spellings_alike(
    sim: Simulator, new_client: Any, version: Any, ask: Ask
) -> None:
    events = Events()
    client = new_client(sim, on_event=events)
    # Its history has to be recent.
    target = sim.add_upgrade() if version == "v1" else sim.add_campaign(version)
    sim.set_status(target, "InProgress" if version == "v1" else "CampaignScheduled")
    sim.seed([B], "UpgradeSuccess", target)
    sim.set_status(target, "Queued" if version == "v1" else "CampaignRequestQueued")
    sim.seed([A, imei(3)], None, target)
    results = []
    for rules in (DOCUMENTED, ODD):
        sim.rules = attrs.evolve(rules, page_size=2)
        results.append(await ask(client, target))

    assert same(*results)
    assert not events.of(UnknownMemberEvent)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_our_client_moves_dates_in_either_spelling(
    sim: Simulator, new_client: Any, version: Any
) -> None:
    campaigns = getattr(new_client(sim), version).campaigns
    target = sim.add_campaign(version)
    sim.rules = ODD
    shown = await campaigns.get(target)
    moved = await campaigns.change_dates(
        target, start_date=shown.start_date.parsed.date(), end_date=shown.end_date.parsed.date()
    )

    assert moved.status.is_open
    assert moved.start_date == shown.start_date


async def test_our_client_appends_in_the_odd_spelling(sim: Simulator, new_client: Any) -> None:
    sim.rules = attrs.evolve(ODD, refused={B: "because"})
    report = await new_client(sim).v1.upgrades.append_devices(sim.upgrade_id, [A, B])

    assert (report.succeeded, report.failed) == (1, 1)
    (outcome,) = (one for one in report if one.device_id == B)
    assert outcome.reason == "because"

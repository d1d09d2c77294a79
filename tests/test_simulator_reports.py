"""Reports of the simulator: what is in which state, and the history of a device."""

from datetime import date
from typing import Any

import pytest
from campaign_api import CampaignApi, assert_documented
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Rules, Simulator

A, B = imei(1), imei(2)
LISTS = {
    "v1": "/api/fota/v1/reports/{account}/status/{status}/index/{cursor}",
    "v2": "/api/fota/v2/reports/{account}/campaigns?campaignStatus={status}"
    "&lastSeenCampaignId={cursor}",
    "v3": "/api/fota/v3/reports/{account}/firmware/campaigns?campaignStatus={status}"
    "&lastSeenCampaignId={cursor}",
}


async def listing(
    api: Api, version: str, status: str, cursor: str = "0", account: str | None = None
) -> Seen:
    path = LISTS[version].format(account=account or api.sim.account, status=status, cursor=cursor)
    return await api.call("GET", path)


async def history(api: Api, version: str, device_id: str = A) -> Seen:
    path = f"/api/fota/{version}/reports/{api.sim.account}/devices/{device_id}"
    return await api.call("GET", path)


def ids(seen: Seen) -> list[str]:
    items = seen.document.get("reportList", seen.document.get("campaignList"))
    return [item["id"] for item in items]


@pytest.fixture(params=["v2", "v3"])
def version(request: Any) -> Any:
    return request.param


# By state


async def test_upgrades_by_state_come_with_their_devices(api: Api, sim: Simulator) -> None:
    sim.seed([A])
    later = sim.add_upgrade()
    sim.add_upgrade(status="Finished")
    sim.add_account("0000123456-00002")
    sim.add_upgrade("0000123456-00002")
    answer = await listing(api, "v1", "Queued")

    assert_documented("v1_list_upgrades_by_status", answer.document)
    assert ids(answer) == [sim.upgrade_id, later]
    assert answer.document["hasMoreFlag"] is False
    assert answer.document["reportList"][0]["deviceList"] == [
        {"deviceId": A, "status": "Device Accepted", "resultReason": "success"}
    ]
    assert ids(await listing(api, "v1", "RequestFailed")) == []


async def test_a_cancelled_upgrade_is_in_no_list(api: Api) -> None:
    await api.call("DELETE", api.upgrade)

    assert ids(await listing(api, "v1", "Queued")) == []
    assert (await listing(api, "v1", "Cancelled")).status == 400


async def test_campaigns_by_state(api: Api, sim: Simulator, version: Any) -> None:
    made = [sim.add_campaign(version) for _ in range(2)]
    sim.add_campaign({"v2": "v3", "v3": "v2"}[version])
    sim.add_campaign(version, status="CampaignEnded")
    sim.add_account("0000123456-00002")
    sim.add_campaign(version, account="0000123456-00002")
    answer = await listing(api, version, "CampaignRequestQueued")

    assert_documented(f"{version}_list_campaigns_by_status", answer.document)
    assert ids(answer) == made
    assert ids(await listing(api, version, "CampaignQueued")) == made
    assert ids(await listing(api, version, "Queued")) == made
    assert ids(await listing(api, version, "CampaignAborted")) == []


@pytest.mark.parametrize("status", ["CampaignPreScheduled", "PreScheduled", "Nonsense", ""])
async def test_a_state_the_filter_does_not_know_is_refused(
    api: Api, version: str, status: str
) -> None:
    refused = await listing(api, version, status)

    assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")


async def test_failed_requests_and_failed_campaigns_are_told_apart(
    api: Api, sim: Simulator, version: Any
) -> None:
    failed = sim.add_campaign(version, status="CampaignFailed")
    request = sim.add_campaign(version, status="CampaignRequestFailed")

    assert ids(await listing(api, version, "CampaignFailed")) == [failed]
    assert ids(await listing(api, version, "CampaignRequestFailed")) == [request]


@pytest.mark.parametrize("which", ["v1", "v2", "v3"])
async def test_lists_come_in_pages(api: Api, sim: Simulator, which: Any) -> None:
    sim.rules = Rules(page_size=2)
    if which == "v1":
        made = [sim.upgrade_id, *(sim.add_upgrade() for _ in range(2))]
        status, gone, cursor, more = "Queued", "Finished", "lastSeenUpgradeId", "hasMoreFlag"
    else:
        made = [sim.add_campaign(which) for _ in range(3)]
        status, gone = "CampaignRequestQueued", "CampaignEnded"
        cursor, more = "lastSeenCampaignId", "hasMoreData"
    first = await listing(api, which, status)
    assert (ids(first), first.document[more], first.document[cursor]) == (made[:2], True, made[1])
    # The last one seen may have gone on since.
    sim.set_status(made[1], gone)
    second = await listing(api, which, status, made[1])
    assert (ids(second), second.document[more]) == (made[2:], False)
    refused = await listing(api, which, status, "nobody")
    assert refused.document["errorMessage"] == "Invalid index value"


async def test_the_page_has_another_path_for_v3(api: Api, sim: Simulator) -> None:
    made = sim.add_campaign("v3")
    path = f"/api/fota/v3/reports/{sim.account}/campaigns?campaignStatus=CampaignRequestQueued"

    assert ids(await api.call("GET", path)) == [made]


# History


async def test_history_of_campaigns(api: Api, sim: Simulator, version: Any) -> None:
    good, bad, running = (sim.add_campaign(version) for _ in range(3))
    sim.seed([A], "UpgradeSuccess", good)
    sim.seed([A], "UpgradeFailed", bad, reason="because")
    sim.seed([A], None, running)
    sim.seed([B], "UpgradeSuccess", running)
    answer = await history(api, version)

    assert_documented(f"{version}_get_device_history", answer.document)
    name = "id" if version == "v2" else "campaignId"
    assert [(item[name], item["status"]) for item in answer.document] == [
        (good, "UpgradeSuccess"),
        (bad, "UpgradeFailed"),
    ]
    assert answer.document[1]["reason"] == "because"
    refused = await history(api, version, "17")
    assert refused.document["errorMessage"] == "Invalid device id format"


async def test_v1_remembers_half_a_year(clock: ManualClock) -> None:
    async with Simulator(clock=clock, today=date(2018, 9, 1)) as sim, Api(sim) as api:
        await api.enter()
        sim.seed([A], "UpgradeSuccess")
        (item,) = (await history(api, "v1")).document

        assert_documented("v1_get_device_history", [item])
        assert item["upgradeStartTime"] == "2018-04-01T00:00:00.000Z"
        assert item["reason"] == "success"
        clock.turn(31 * 86_400)
        await api.enter()
        assert (await history(api, "v1")).document == []


async def test_a_v3_device_that_was_never_reached_counts_as_failed(
    api: Api, sim: Simulator
) -> None:
    campaign = CampaignApi(api, "v3", sim.add_campaign("v3"))
    sim.seed([A], "NoDeviceDataFromNetwork", campaign.id)

    assert await campaign.statuses() == {A: "NoDeviceDataFromNetwork"}
    assert [item["status"] for item in (await history(api, "v3")).document] == ["UpgradeFailed"]

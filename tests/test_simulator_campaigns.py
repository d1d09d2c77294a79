"""Campaigns of the simulator: scheduled, read, moved in time, cancelled."""

from datetime import date
from typing import Any

import pytest
from campaign_api import CampaignApi, assert_documented, operation, request_examples
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Rules, Simulator

A, B = imei(1), imei(2)
DAY = 86_400

SCHEDULE = (
    "v2_schedule_campaign",
    "v2_schedule_software_campaign",
    "v2_schedule_file_campaign",
    "v3_schedule_campaign",
)


async def schedule(api: Api, name: str, **changes: Any) -> Seen:
    """Send the contract's example; a change to None takes the member away."""
    body = request_examples(name)["request"] | changes
    body = {member: value for member, value in body.items() if value is not None}
    path = operation(name)[1].format(account=api.sim.account)
    return await api.call("POST", path, json=body)


def campaign(api: Api, name: str, made: Seen) -> CampaignApi:
    return CampaignApi(api, name[:2], made.document["id"])


@pytest.fixture(params=["v2", "v3"])
def version(request: Any) -> str:
    return request.param


@pytest.fixture
def queued(api: Api, sim: Simulator, version: Any) -> CampaignApi:
    return CampaignApi(api, version, sim.add_campaign(version))


# Scheduling


@pytest.mark.parametrize("name", SCHEDULE)
async def test_the_contracts_example_makes_a_campaign(api: Api, sim: Simulator, name: str) -> None:
    sent = request_examples(name)["request"]
    made = await schedule(api, name)

    assert made.status == 200
    assert_documented(name, made.document)
    assert made.document["accountName"] == sim.account
    assert made.document["status"] == "CampaignRequestPending"
    # Devices are answered by file campaigns only, flags by reading only.
    silent = {"autoAssignLicenseFlag", "autoAddDevicesFlag"}
    silent |= set() if "file" in name else {"deviceList"}
    assert made.document.items() >= {k: v for k, v in sent.items() if k not in silent}.items()
    assert made.document["make"]
    assert made.document["model"]
    assert sim.members(made.document["id"]) == set(sent["deviceList"])

    read = await campaign(api, name, made).get()
    assert read.document["id"] == made.document["id"]
    if "file" not in name:  # the schema of reading knows software only
        assert_documented(f"{name[:2]}_get_campaign", read.document)


async def test_reading_tells_hours_as_numbers_and_flags(api: Api) -> None:
    software = await schedule(api, SCHEDULE[1])
    read = await campaign(api, SCHEDULE[1], software).get()
    assert software.document["downloadTimeWindowList"] == [{"startTime": "20", "endTime": "21"}]
    assert read.document["downloadTimeWindowList"] == [{"startTime": 20, "endTime": 21}]

    made = await schedule(api, SCHEDULE[3], autoAddDevicesFlag=True, autoAssignLicenseFlag=None)
    read = await campaign(api, SCHEDULE[3], made).get()
    assert (read.document["autoAddDevicesFlag"], read.document["autoAssignLicenseFlag"]) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (SCHEDULE[0], {"softwareName": None, "software": "FOTA_Verizon_Model-A_02To03_HF"}),
        (SCHEDULE[0], {"downloadTimeWindowList": [{"starttime": "1", "ENDTIME": 24}]}),
        (SCHEDULE[0], {"campaignName": None, "downloadTimeWindowList": None}),
        (SCHEDULE[2], {"deviceList": None}),
        (
            SCHEDULE[3],
            {
                "campaignTimeWindowList": None,
                "timeWindowList": [{"startTime": 18, "endTime": 22}],
                "autoAssignLicenseFlag": None,
                "autoAddDevicesFlag": None,
            },
        ),
    ],
)
async def test_what_pages_spell_otherwise_is_taken(
    api: Api, name: str, changes: dict[str, Any]
) -> None:
    made = await schedule(api, name, **changes)

    assert made.status == 200
    assert "software" not in made.document
    assert "timeWindowList" not in made.document
    assert ("campaignTimeWindowList" in made.document) == (name == SCHEDULE[3])


@pytest.mark.parametrize("name", SCHEDULE)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"startDate": "tomorrow"}, "Invalid startDate"),
        ({"startDate": "2020-08-21T00:00:00Z"}, "Invalid startDate"),
        ({"startDate": None}, "Invalid startDate"),
        ({"endDate": 5}, "Invalid endDate"),
        ({"endDate": "2019-01-01"}, "endDate is before startDate"),
        ({"campaignName": 5}, "Input binding error"),
        ({"deviceList": []}, "Device list is empty"),
        ({"deviceList": ["1"]}, "Invalid device id format"),
    ],
)
async def test_a_bad_order_is_refused(
    api: Api, sim: Simulator, name: str, changes: dict[str, Any], message: str
) -> None:
    refused = await schedule(api, name, **changes)

    assert (refused.status, refused.document["errorMessage"]) == (400, message)
    assert sim.stats()["campaigns"] == {}


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (SCHEDULE[0], {"softwareTo": None}, "Input binding error"),
        (SCHEDULE[0], {"deviceList": None}, "Device list is empty"),
        (SCHEDULE[0], {"distributionType": ""}, "Input binding error"),
        (SCHEDULE[0], {"downloadAfterDate": "soon"}, "Invalid downloadAfterDate"),
        (SCHEDULE[0], {"installTimeWindowList": {}}, "Input binding error"),
        (SCHEDULE[0], {"installTimeWindowList": [5]}, "Input binding error"),
        (
            SCHEDULE[0],
            {"installTimeWindowList": [{"startTime": 24, "endTime": 24}]},
            "Invalid installTimeWindowList",
        ),
        (
            SCHEDULE[1],
            {"installTimeWindowList": [{"startTime": "1", "endTime": "0"}]},
            "Invalid installTimeWindowList",
        ),
        (SCHEDULE[2], {"fileVersion": None}, "Input binding error"),
        (SCHEDULE[3], {"protocol": None}, "Input binding error"),
        (SCHEDULE[3], {"autoAddDevicesFlag": "yes"}, "Input binding error"),
        (
            SCHEDULE[3],
            {"campaignTimeWindowList": [{"startTime": True, "endTime": 2}]},
            "Invalid campaignTimeWindowList",
        ),
    ],
)
async def test_what_a_kind_of_campaign_needs(
    api: Api, name: str, changes: dict[str, Any], message: str
) -> None:
    refused = await schedule(api, name, **changes)

    assert (refused.status, refused.document["errorMessage"]) == (400, message)


@pytest.mark.parametrize("flag", [True, False])
async def test_a_campaign_can_grow_by_itself(api: Api, sim: Simulator, flag: bool) -> None:
    sim.rules = Rules(auto_added=frozenset({B}))
    made = await schedule(api, SCHEDULE[3], deviceList=[A], autoAddDevicesFlag=flag)

    assert sim.members(made.document["id"]) == ({A, B} if flag else {A})


async def test_campaigns_get_the_same_ids_every_time(api: Api) -> None:
    made = [(await schedule(api, SCHEDULE[0])).document["id"] for _ in range(2)]
    async with Simulator() as other:
        assert [other.add_campaign("v2") for _ in range(2)] == made
        assert other.add_campaign("v3") not in made
        assert other.add_upgrade() not in made
    assert len(set(made)) == 2


# States


async def test_scheduled_devices_wait_until_the_campaign_is_queued(
    api: Api, sim: Simulator
) -> None:
    made = campaign(api, SCHEDULE[0], await schedule(api, SCHEDULE[0], deviceList=[A, B]))
    assert await made.statuses() == dict.fromkeys([A, B], "RequestPending")

    sim.set_status(made.id, "CampaignRequestQueued")
    assert await made.statuses() == dict.fromkeys([A, B], "Accepted")
    sim.set_status(made.id, "CampaignScheduled")
    assert await made.statuses() == dict.fromkeys([A, B], "UpgradePending")
    sim.set_status(made.id, "CampaignEnded")
    assert await made.statuses() == dict.fromkeys([A, B], "UpgradeSuccess")


async def test_a_refused_device_is_rejected_when_scheduled(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(refused={A: "because"})
    made = campaign(api, SCHEDULE[0], await schedule(api, SCHEDULE[0], deviceList=[A, B]))

    assert (await made.page()).document["deviceList"] == [
        {"deviceId": A, "status": "DeviceRejected", "resultReason": "because"},
        {"deviceId": B, "status": "RequestPending"},
    ]
    assert sim.members(made.id) == {B}


async def test_states_and_versions_have_to_fit(api: Api, sim: Simulator) -> None:
    two, three = sim.add_campaign("v2"), sim.add_campaign("v3")
    sim.set_status(three, "CampaignPreScheduled")
    with pytest.raises(ValueError, match="CampaignPreScheduled"):
        sim.set_status(two, "CampaignPreScheduled")
    with pytest.raises(ValueError, match="Queued"):
        sim.set_status(three, "Queued")
    with pytest.raises(ValueError, match="v1"):
        sim.add_campaign("v1")
    with pytest.raises(ValueError, match="no such account"):
        sim.add_campaign("v2", account="4711")

    for wrong in (CampaignApi(api, "v3", two), CampaignApi(api, "v2", three)):
        assert (await wrong.get()).document["errorMessage"] == "Invalid campaignId"
    assert sim.stats()["campaigns"][three] == {
        "status": "CampaignPreScheduled",
        "devices": 0,
        "members": [],
    }


async def test_a_campaign_belongs_to_its_account(api: Api, sim: Simulator, version: Any) -> None:
    sim.add_account("0000123456-00002")
    other = CampaignApi(api, version, sim.add_campaign(version, account="0000123456-00002"))

    for refused in (await other.get(), await other.append(A), await other.page()):
        assert refused.document["errorMessage"] == "Invalid campaignId"


# Cancelling


async def test_a_waiting_campaign_is_cancelled(sim: Simulator, queued: CampaignApi) -> None:
    sim.seed([A], None, queued.id)
    sim.seed([B], "DeviceRejected", queued.id)

    assert (await queued.cancel()).document == {"success": True}
    assert (await queued.get()).document["status"] == "CampaignCancelled"
    assert await queued.statuses() == {A: "CampaignCancelled", B: "DeviceRejected"}
    refused = [await queued.cancel(), await queued.append(A)]
    assert [one.document["errorMessage"] for one in refused] == [
        "Campaign is CampaignCancelled, too late"
    ] * 2


async def test_a_running_campaign_is_aborted_where_that_is_the_rule(
    sim: Simulator, queued: CampaignApi, version: str
) -> None:
    sim.seed([A], None, queued.id)
    sim.set_status(queued.id, "CampaignScheduled")
    sim.seed([B], "UpgradeSuccess", queued.id)
    # The vendor says both of both versions.
    sim.rules = Rules(aborts=frozenset())
    assert (await queued.cancel()).document["errorMessage"] == (
        "Campaign is CampaignScheduled, too late"
    )

    sim.rules = Rules(aborts=frozenset({version}))
    assert (await queued.cancel()).document == {"success": True}
    assert await queued.statuses() == {A: "CampaignAborted", B: "UpgradeSuccess"}


# Dates


@pytest.mark.parametrize("name", ["v2_change_campaign_dates", "v3_change_campaign_dates"])
async def test_the_contracts_dates_are_taken(api: Api, sim: Simulator, name: str) -> None:
    moved = CampaignApi(api, name[:2], sim.add_campaign(name[:2]))
    body = request_examples(name)["request"]
    answer = await moved.change_dates(**body)

    assert_documented(name, answer.document)
    assert answer.document.items() >= body.items()
    assert (await moved.get()).document.items() >= body.items()


async def test_all_dates_and_windows_are_replaced(queued: CampaignApi, version: str) -> None:
    name = "downloadTimeWindowList" if version == "v2" else "campaignTimeWindowList"
    window = {"startTime": 1, "endTime": 2}
    await queued.change_dates(startDate="2030-01-01", endDate="2030-01-02", **{name: [window]})
    answer = await queued.change_dates(startDate="2030-01-01", endDate="2030-01-03")

    assert answer.document["endDate"] == "2030-01-03"
    assert name not in answer.document
    refused = await queued.change_dates(startDate="2030-01-01")
    assert refused.document["errorMessage"] == "Invalid endDate"


async def test_a_running_campaign_can_only_be_prolonged(version: Any) -> None:
    clock = ManualClock()
    async with Simulator(clock=clock, today=date(2030, 1, 1)) as sim, Api(sim) as api:
        await api.enter()
        running = CampaignApi(
            api,
            version,
            sim.add_campaign(version, start_date="2030-01-01", end_date="2030-01-05"),
        )
        name = "installTimeWindowList" if version == "v2" else "campaignTimeWindowList"
        windows = [{"startTime": 1, "endTime": 2}]
        dates = {"startDate": "2030-01-01", "endDate": "2030-01-05", name: windows}
        await running.change_dates(**dates)
        sim.set_status(running.id, "CampaignScheduled")

        async def refusal(**changes: Any) -> str:
            return (await running.change_dates(**dates | changes)).document["errorMessage"]

        assert await refusal(startDate="2030-01-02") == "startDate cannot change any more"
        assert await refusal(**{name: []}) == f"{name} cannot change any more"

        # The last day is over exactly 24 hours from now; a second later it is less.
        clock.turn(2 * DAY)
        await api.enter()
        assert (await running.change_dates(**dates | {"endDate": "2030-01-03"})).status == 200
        assert (await running.change_dates(**dates | {"endDate": "2030-01-04"})).status == 200
        clock.turn(1)
        assert await refusal(endDate="2030-01-03") == "endDate is less than 24 hours from now"

        wider = [*windows, {"startTime": 5, "endTime": 6}]
        answer = await running.change_dates(**dates | {"endDate": "2030-01-04", name: wider})
        assert (answer.status == 200) == (version == "v2")

        sim.set_status(running.id, "CampaignEnded")
        assert await refusal() == "Campaign is CampaignEnded, too late"

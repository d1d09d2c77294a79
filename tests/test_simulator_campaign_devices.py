"""Devices appended to the simulator's campaigns and removed, and the report that shows them."""

from typing import Any
from uuid import UUID

import aiohttp
import pytest
from campaign_api import CampaignApi, assert_documented, request_examples
from simulator_api import Api, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)
ACCEPTED = {"v2": "Accepted", "v3": "UpgradePending"}


@pytest.fixture
def v2(api: Api, sim: Simulator) -> CampaignApi:
    return CampaignApi(api, "v2", sim.add_campaign("v2"))


@pytest.fixture
def v3(api: Api, sim: Simulator) -> CampaignApi:
    return CampaignApi(api, "v3", sim.add_campaign("v3"))


@pytest.fixture(params=["v2", "v3"])
def target(request: Any, api: Api, sim: Simulator) -> CampaignApi:
    return CampaignApi(api, request.param, sim.add_campaign(request.param))


# Answers


async def test_v2_answers_with_a_receipt(sim: Simulator, v2: CampaignApi) -> None:
    first, second = await v2.append(A, B), await v2.append(C)

    assert_documented("v2_modify_campaign", first.document)
    assert first.document["campaignId"] == v2.id
    assert UUID(first.document["requestId"]) != UUID(second.document["requestId"])
    assert sim.members(v2.id) == {A, B, C}


async def test_v3_answers_for_each_device(sim: Simulator, v3: CampaignApi) -> None:
    sim.rules = Rules(refused={B: "because"})
    answer = await v3.append(A, B)

    assert answer.document == {
        "accountName": sim.account,
        "campaignId": v3.id,
        "deviceList": [
            {"deviceId": A, "status": "AddDeviceSucceed", "Reason": "Device added Successfully"},
            {"deviceId": B, "status": "AddDeviceFailed", "Reason": "because"},
        ],
    }
    assert_documented("v3_modify_campaign", answer.document)
    assert (await v3.remove(A)).items == {A: "RemoveDeviceSucceed"}
    assert sim.rows(v3.id) == {}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param(name, body, id=f"{name}-{title}")
        for name in ("v2_modify_campaign", "v3_modify_campaign")
        for title, body in request_examples(name).items()
    ],
)
async def test_the_contracts_examples_are_taken(
    api: Api, sim: Simulator, name: Any, body: Any
) -> None:
    target = CampaignApi(api, name[:2], sim.add_campaign(name[:2]))
    inner = body.get("addOrRemoveDevice", [body])[0]
    appends = "append" in inner.values()
    if not appends:
        sim.seed(inner["deviceList"], None, target.id)
    assert (await target.send(body)).status == 200
    assert sim.members(target.id) == (set(inner["deviceList"]) if appends else set())


@pytest.mark.parametrize(
    "body",
    [
        {"Type": "append", "deviceList": [A]},
        {"type": "append", "devicelist": [A]},
        {"addOrRemoveDevice": {"type": "append", "deviceList": [A]}},
        {"AddOrRemoveDevice": [{"Type": "append", "DeviceList": [A]}]},
    ],
)
async def test_every_shape_of_the_body_is_taken_and_counted(
    sim: Simulator, target: CampaignApi, body: dict[str, Any]
) -> None:
    assert (await target.send(body)).status == 200
    assert sim.members(target.id) == {A}
    assert sim.requests[-1].devices == 1


async def test_v1_knows_no_wrapper(api: Api) -> None:
    body = {"addOrRemoveDevice": {"type": "append", "deviceList": [A]}}

    assert (await api.call("PUT", api.upgrade, json=body)).status == 400


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"deviceList": [A]}, "Input binding error"),
        ({"Type": "replace", "deviceList": [A]}, "Input binding error"),
        ({"addOrRemoveDevice": []}, "Input binding error"),
        ({"addOrRemoveDevice": [{"type": "append", "deviceList": [A]}] * 2}, "Input binding error"),
        ([], "Input binding error"),
        ({"Type": "append"}, "Device list is empty"),
        ({"Type": "remove", "deviceList": []}, "Device list is empty"),
        ({"Type": "append", "deviceList": [A, "1"]}, "Invalid device id format"),
    ],
)
async def test_a_bad_request_is_refused_as_a_whole(
    sim: Simulator, target: CampaignApi, body: Any, message: str
) -> None:
    refused = await target.send(body)

    assert (refused.status, refused.document["errorMessage"]) == (400, message)
    assert sim.members(target.id) == set()


async def test_the_sdks_content_type_is_taken_by_v2_alone(v2: CampaignApi, v3: CampaignApi) -> None:
    for target, status in ((v2, 200), (v3, 400)):
        headers = {**target.api.headers, "Content-Type": "*/*"}
        body = b'{"Type":"append","deviceList":["' + A.encode() + b'"]}'
        answer = await target.api.call("PUT", target.modify_path, data=body, headers=headers)
        assert answer.status == status


async def test_the_other_path_of_v3_leads_to_the_same(sim: Simulator, v3: CampaignApi) -> None:
    body = {"Type": "append", "deviceList": [A]}
    await v3.api.call("PUT", v3.path, json=body)

    assert sim.members(v3.id) == {A}


# States


@pytest.mark.parametrize(
    "status",
    [
        "CampaignScheduled",
        "CampaignEnded",
        "CampaignRequestFailed",
        "CampaignFailed",
        "CampaignCancelled",
        "CampaignAborted",
    ],
)
async def test_devices_come_and_go_in_pending_and_queued_campaigns_only(
    sim: Simulator, target: CampaignApi, status: Any
) -> None:
    for state in ("CampaignRequestPending", "CampaignRequestQueued"):
        sim.set_status(target.id, state)
        assert (await target.append(A, B)).status == 200
        assert (await target.remove(B)).status == 200
    sim.set_status(target.id, status)
    refused = [await target.append(B), await target.remove(A)]

    assert [(one.status, one.code) for one in refused] == [(400, "INVALID_PARAMETER")] * 2
    assert sim.members(target.id) == {A}


async def test_whether_a_prescheduled_campaign_is_open_can_be_chosen(
    sim: Simulator, v3: CampaignApi
) -> None:
    sim.seed([A], None, v3.id)
    sim.set_status(v3.id, "CampaignPreScheduled")
    assert await v3.statuses() == {A: "ReceivedDeviceDataFromNetwork"}
    assert (await v3.append(B)).status == 400

    sim.rules = Rules(prescheduled_is_open=True)
    assert (await v3.append(B)).status == 200
    assert (await v3.cancel()).status == 200


# Rules


async def test_v2_rejects_in_the_report(sim: Simulator, v2: CampaignApi) -> None:
    sim.rules = Rules(refused={B: "because"})
    await v2.append(A, B)

    assert (await v2.page()).document["deviceList"] == [
        {"deviceId": A, "status": "Accepted", "resultReason": "success"},
        {"deviceId": B, "status": "DeviceRejected", "resultReason": "because"},
    ]
    assert sim.members(v2.id) == {A}
    sim.rules = Rules()
    await v2.append(B)
    assert sim.members(v2.id) == {A, B}


async def test_a_receipt_shows_after_a_while(
    sim: Simulator, v2: CampaignApi, clock: ManualClock
) -> None:
    sim.rules = Rules(receipt_delay=10)
    await v2.append(A, B)
    clock.turn(5)
    await v2.remove(A)
    clock.turn(4)
    assert await v2.statuses() == {}
    clock.turn(1)
    assert set(await v2.statuses()) == {A, B}
    # What was taken while the campaign was open is carried out.
    sim.set_status(v2.id, "CampaignScheduled")
    clock.turn(5)
    assert sim.members(v2.id) == {B}


async def test_devices_can_be_rejected_later(
    sim: Simulator, target: CampaignApi, clock: ManualClock
) -> None:
    sim.rules = Rules(reject_later_rate=1, reject_after=60)
    await target.append(A)
    clock.turn(59)
    assert sim.members(target.id) == {A}
    clock.turn(1)

    assert await target.statuses() == {A: "DeviceRejected"}
    assert sim.rows(target.id)[A].reason
    assert sim.members(target.id) == set()


async def test_what_is_undocumented_can_be_chosen(sim: Simulator, v3: CampaignApi) -> None:
    sim.seed([A], None, v3.id)
    assert (await v3.append(A)).items == {A: "AddDeviceSucceed"}
    assert (await v3.remove(B)).items == {B: "RemoveDeviceSucceed"}
    sim.rules = Rules(appended_twice="fail", removed_absent="fail")
    assert (await v3.append(A)).items == {A: "AddDeviceFailed"}
    assert (await v3.remove(B)).items == {B: "RemoveDeviceFailed"}


async def test_a_removed_device_can_leave_its_row_behind(
    sim: Simulator, target: CampaignApi
) -> None:
    sim.rules = Rules(removed_rows="kept", removed_absent="fail")
    sim.seed([A, B], None, target.id)
    await target.remove(A)
    again = await target.remove(A)

    assert (await target.statuses())[A] == "DeviceRemoved"
    assert sim.members(target.id) == {B}
    if target.version == "v3":
        assert again.items == {A: "RemoveDeviceFailed"}
    await target.append(A)
    assert sim.members(target.id) == {A, B}


async def test_long_lists_and_poisonous_devices_are_refused(
    sim: Simulator, target: CampaignApi
) -> None:
    sim.rules = Rules(max_devices=2, poison=frozenset({C}))

    assert (await target.append(A, B, imei(4))).status == 413
    assert (await target.append(A, C)).document["errorMessage"] == "Invalid device id format"
    assert (await target.append(A, B)).status == 200


# The pilot rule

DEVICES = [imei(number) for number in range(1, 31)]


async def test_the_21st_device_spoils_its_request(sim: Simulator, target: CampaignApi) -> None:
    sim.rules = Rules(pilot="request")
    refused = await target.append(*DEVICES[:21])
    assert (refused.status, refused.code) == (400, "INVALID_PARAMETER")
    assert "Pilot" in refused.document["errorMessage"]
    assert (await target.append(*DEVICES[:20])).status == 200
    assert (await target.append(*DEVICES[:20])).status == 200
    assert (await target.append(DEVICES[20])).status == 400
    await target.remove(DEVICES[0])
    assert (await target.append(DEVICES[20])).status == 200

    assert sim.members(target.id) == set(DEVICES[1:21])


async def test_the_21st_device_is_turned_away_alone(sim: Simulator, target: CampaignApi) -> None:
    sim.rules = Rules(pilot="device")
    answer = await target.append(*DEVICES)

    assert sim.members(target.id) == set(DEVICES[:20])
    if target.version == "v3":
        assert answer.items[DEVICES[19]] == "AddDeviceSucceed"
        assert answer.items[DEVICES[20]] == "AddDeviceFailed"
    else:
        assert (await target.statuses())[DEVICES[20]] == "DeviceRejected"


@pytest.mark.parametrize(
    ("successes", "failures", "image", "proven"),
    [
        (3, 2, None, True),
        (3, 3, None, True),
        (3, 4, None, False),
        (4, 0, None, False),
        (20, 0, None, True),
        (21, 0, None, False),
        (5, 0, "FOTA_Verizon_Model-B_02To03_HF", False),
    ],
)
async def test_a_successful_pilot_lifts_the_rule(  # noqa: PLR0917 - pytest passes by name
    sim: Simulator,
    target: CampaignApi,
    successes: int,
    failures: int,
    image: str | None,
    proven: bool,
) -> None:
    sim.rules = Rules(pilot="request")
    names = {} if image is None else {"image": image}
    earlier = sim.add_campaign(target.version, status="CampaignEnded", **names)
    sim.seed(DEVICES[:successes], "UpgradeSuccess", earlier)
    sim.seed(DEVICES[successes : successes + failures], "UpgradeFailed", earlier)

    assert ((await target.append(*DEVICES)).status == 200) == proven


@pytest.mark.parametrize(
    "name", ["v2_schedule_software_campaign", "v2_schedule_file_campaign", "v3_schedule_campaign"]
)
async def test_the_pilot_rule_holds_for_scheduling(api: Api, sim: Simulator, name: str) -> None:
    kind = {"v2_schedule_software_campaign": "software", "v2_schedule_file_campaign": "files"}
    path = f"/api/fota/{name[:2]}/campaigns/{kind.get(name, 'firmware')}/{sim.account}"
    body = request_examples(name)["request"]
    sim.rules = Rules(pilot="request")
    refused = await api.call("POST", path, json=body | {"deviceList": DEVICES})
    assert refused.status == 400
    assert sim.stats()["campaigns"] == {}

    sim.rules = Rules(pilot="device")
    made = await api.call("POST", path, json=body | {"deviceList": DEVICES})
    assert sim.members(made.document["id"]) == set(DEVICES[:20])


# The report


async def test_devices_come_in_pages_in_the_order_of_their_ids(
    sim: Simulator, target: CampaignApi
) -> None:
    sim.rules = Rules(page_size=2)
    sim.seed([C, A, B], None, target.id)
    first = await target.page()
    cursor = first.document["lastSeenDeviceId"]
    # Whoever was on a page can go without spoiling the cursor.
    await target.remove(B)
    second = await target.page(cursor)

    assert_documented(f"{target.version}_list_campaign_devices", first.document)
    status = ACCEPTED[target.version]
    assert (first.items, first.document["hasMoreData"]) == ({A: status, B: status}, True)
    assert (first.document["totalDevice"], first.document["maxPageSize"], cursor) == (3, 2, B)
    assert (second.items, second.document["hasMoreData"]) == ({C: status}, False)
    empty = (await target.page(C)).document
    assert (empty["deviceList"], empty["hasMoreData"]) == ([], False)


async def test_the_first_page_needs_no_cursor_and_an_odd_one_is_refused(
    sim: Simulator, target: CampaignApi
) -> None:
    sim.seed([A], None, target.id)
    first = await target.api.call("GET", target.report_path)
    assert set(first.items) == {A}

    refused = await target.page("17")
    assert refused.document["errorMessage"] == "LastSeenDeviceId Not Valid"


async def test_the_report_can_lag(sim: Simulator, target: CampaignApi, clock: ManualClock) -> None:
    sim.seed([A], None, target.id)
    sim.rules = Rules(page_size=1)
    sim.faults = Faults(read_lag=10)
    clock.turn(1)
    await target.remove(A)
    await target.append(B)
    clock.turn(9)
    assert set(await target.statuses()) == {A}
    assert (await target.page()).document["totalDevice"] == 1
    clock.turn(1)
    assert set(await target.statuses()) == {B}
    await target.append(C)
    assert (await target.page()).document["hasMoreData"] is False


async def test_a_lagging_report_is_the_same_from_page_to_page(
    sim: Simulator, target: CampaignApi, clock: ManualClock
) -> None:
    sim.rules = Rules(page_size=1)
    sim.faults = Faults(read_lag=10)
    for device_id in (C, A, B):
        clock.turn(5)
        await target.append(device_id)
    # Visible are the writes until 5 seconds: that of C.
    assert set(await target.statuses()) == {C}
    clock.turn(5)
    assert set(await target.statuses()) == {A}
    assert set((await target.page(A)).items) == {C}


async def test_v3_rows_tell_times(sim: Simulator, v3: CampaignApi, clock: ManualClock) -> None:
    sim.seed([A], None, v3.id)
    (row,) = (await v3.page()).document["deviceList"]
    assert set(row) == {"deviceId", "status", "resultReason", "updatedTime"}

    clock.turn(60)
    sim.set_status(v3.id, "CampaignScheduled")
    (row,) = (await v3.page()).document["deviceList"]
    assert row["status"] == "UpgradeScheduled"
    assert row["updatedTime"].endswith("T00:01:00.000Z")
    assert row["recentAttemptTime"] == row["updatedTime"]
    assert row["nextAttemptTime"] > row["recentAttemptTime"]


# Faults


async def test_a_lost_answer_was_applied_or_not(sim: Simulator, target: CampaignApi) -> None:
    for fault, members in (("drop_before", set()), ("drop_after", {A})):
        sim.faults = Faults(**{fault: 1.0})
        with pytest.raises(aiohttp.ClientConnectionError):
            await target.append(A)
        assert sim.members(target.id) == members


async def test_a_lost_change_can_land_late(
    sim: Simulator, target: CampaignApi, clock: ManualClock
) -> None:
    sim.faults = Faults(drop_before=1, late_write=1, late_write_seconds=30)
    with pytest.raises(aiohttp.ClientConnectionError):
        await target.append(A)
    clock.turn(29)
    assert sim.members(target.id) == set()
    clock.turn(1)
    assert sim.members(target.id) == {A}


async def test_items_are_missing_odd_or_null(sim: Simulator, v3: CampaignApi) -> None:
    ids = DEVICES[:9]
    sim.faults = Faults(missing_items=1)
    assert 0 < len((await v3.append(*ids)).items) < 9
    assert 0 < len((await v3.page()).items) < 9
    sim.faults = Faults(odd_status=1)
    assert "DeviceDeferred" in (await v3.append(*ids)).items.values()
    assert "DeviceDeferred" in (await v3.statuses()).values()
    sim.faults = Faults(null_list=1, only=frozenset({"v3_list_campaign_devices"}))
    assert (await v3.page()).document["deviceList"] is None
    assert set((await v3.append(*ids)).items) == set(ids)
    assert sim.members(v3.id) == set(ids)


async def test_a_receipt_has_no_list_to_spoil(sim: Simulator, v2: CampaignApi) -> None:
    sim.faults = Faults(missing_items=1, null_list=1, odd_status=1)

    assert_documented("v2_modify_campaign", (await v2.append(A)).document)
    assert (await v2.page()).document["deviceList"] is None

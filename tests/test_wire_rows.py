"""The 41 inconsistencies of the wire contract, one test a row, by its number.

What we send is seen at a stub server, what we take is given to the one converter.
"""

import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from contract_calls import CALLS, IMEI, UUID
from helpers import ACCOUNT, Seen, Stub, reply
from multidict import CIMultiDict

from fota_async import CallError, FotaClient
from fota_async.api import (
    callbacks,
    campaign_devices,
    campaigns,
    campaigns_v3,
    cancel_candidates,
    devices,
    files,
    firmware,
    licenses,
    logging,
    reports,
    schedule_v2,
    software,
    upgrades,
)
from fota_async.batch.states import State, judge
from fota_async.models import CampaignStatus
from fota_async.models.device_answers import DeviceAnswers
from fota_async.wire.decode import decode
from fota_async.wire.route import Route

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]
Send = Callable[..., Awaitable[Seen]]
Ask = Callable[[FotaClient], Awaitable[Any]]

SERVER_ONLY = {
    # What a server should take besides; we send the first form. For the simulator.
    "1, 4, 5, 6": "other spellings and the wrapper of requests",
    "8, 9, 10, 15": "the older paths of the same operations",
    "16, 17, 18, 29, 30, 31, 32": "other forms of request values, and absent ones",
    "39": "several devices in one deviceIds",
}
DAY = date(2026, 1, 5)
ITEM = {"deviceId": IMEI, "status": "AddDeviceSucceed"}


def read(route: Route[Any], document: Any) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode(route, 200, CIMultiDict(), body)


@pytest.fixture
async def send(new_stub: NewStub, new_client: NewClient) -> Send:
    """`seen = await send("v1_get_upgrade")`: the request of an operation, whatever its answer."""

    async def sent(operation: str | Ask, body: Any = None) -> Any:
        stub = await new_stub(lambda _: reply(b"{}", 400))
        client = new_client(stub)
        with contextlib.suppress(CallError):
            await (operation(client) if callable(operation) else CALLS[operation](client, body))
        return stub.asked()[0]

    return sent


async def test_row_1_the_modify_list_is_sent_in_a_device_list(send: Send) -> None:
    seen = await send(lambda c: c.v1.upgrades.append_devices(UUID, [IMEI]))
    assert json.loads(seen.body) == {"type": "append", "deviceList": [IMEI]}


@pytest.mark.parametrize("spelling", ["Reason", "resultReason", "reason"])
def test_row_2_the_detail_of_a_device(spelling: str) -> None:
    document = {"deviceList": [{**ITEM, spelling: "said"}]}
    assert read(upgrades.MODIFY_UPGRADE, document).reasons == ["said"]
    assert read(campaign_devices.MODIFY_V3, document).reasons == ["said"]


def test_row_3_the_longer_modify_answer() -> None:
    longer = {"id": UUID, "firmwareName": "F", "startDate": "2018-04-01", "status": "Queued"}
    assert read(upgrades.MODIFY_UPGRADE, {**longer, "deviceList": [ITEM]}).ids == [IMEI]


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_row_4_the_modify_body_is_sent_flat(version: str, send: Send) -> None:
    seen = await send(f"{version}_modify_campaign", {"Type": "remove", "deviceList": [IMEI]})
    assert json.loads(seen.body) == {"Type": "remove", "deviceList": [IMEI]}


async def test_row_5_the_operation_has_a_capital_from_v2_on(send: Send) -> None:
    seen = await send(lambda c: c.v1.upgrades.remove_devices(UUID, [IMEI]))
    assert json.loads(seen.body)["type"] == "remove"
    for version in ("v2", "v3"):
        seen = await send(f"{version}_modify_campaign", {"Type": "append", "deviceList": [IMEI]})
        assert json.loads(seen.body)["Type"] == "append"


async def test_row_6_a_listener_is_sent_as_url(send: Send) -> None:
    for operation in ("v2_register_callback", "v2_modify_callback", "v3_register_callback"):
        seen = await send(operation, {"url": "https://x"})
        assert json.loads(seen.body) == {"url": "https://x"}


@pytest.mark.parametrize("spelling", ["url", "URL", "Url", "callback"])
def test_row_7_the_listener_in_an_answer(spelling: str) -> None:
    for route in (callbacks.REGISTER_V2, callbacks.MODIFY_V3):
        assert read(route, {spelling: "https://x"}).url == "https://x"


DEVICES = {"deviceList": [IMEI]}


@pytest.mark.parametrize(
    ("number", "operation", "body", "path"),
    [
        (8, "v3_modify_campaign", {"Type": "append", **DEVICES}, "campaigns/firmware/{}/" + UUID),
        (9, "v3_list_campaigns_by_status", None, "reports/{}/firmware/campaigns"),
        (10, "v3_get_license_status", None, "licenses/{}"),
        (10, "v2_get_license_status", None, "licenses/{}"),
        (11, "v3_assign_licenses", DEVICES, "licenses/{}/assign"),
        (13, "v1_remove_licenses", DEVICES, "licenses/{}/remove"),
        (14, "v1_get_device_history", None, "reports/{}/devices/" + IMEI),
    ],
)
async def test_rows_8_9_10_11_13_14_the_path_that_is_asked(
    number: int, operation: str, body: Any, path: str, send: Send
) -> None:
    seen = await send(operation, body)
    version = operation[:2]
    assert seen.path.partition("?")[0] == f"/api/fota/{version}/{path.format(ACCOUNT)}", number


async def test_rows_12_15_13_the_paths_of_schedules_and_dates(send: Send) -> None:
    days = {"start_date": DAY, "end_date": DAY}
    v3 = {"firmware_from": "1", "firmware_to": "2", **days}
    v2 = {"software_from": "1", "software_to": "2", **days}
    seen = await send(lambda c: c.v3.campaigns.schedule("F", [IMEI], **v3))
    assert seen.path == f"/api/fota/v3/campaigns/firmware/{ACCOUNT}"
    seen = await send(lambda c: c.v2.campaigns.schedule_software("S", [IMEI], **v2))
    assert seen.path == f"/api/fota/v2/campaigns/software/{ACCOUNT}"
    seen = await send(lambda c: c.v2.campaigns.change_dates(UUID, **days))
    assert seen.path == f"/api/fota/v2/campaigns/{ACCOUNT}/{UUID}/dates"


@pytest.mark.parametrize("hours", [(20, 21), ("20", "21"), ("07", 8)])
def test_row_16_hours_are_numbers_or_texts(hours: tuple[Any, Any]) -> None:
    window = {"startTime": hours[0], "endTime": hours[1]}
    read_ = read(schedule_v2.SCHEDULE_SOFTWARE, {"id": UUID, "downloadTimeWindowList": [window]})
    (one,) = read_.download_time_window_list
    assert (one.start_time, one.end_time) == (int(hours[0]), int(hours[1]))


@pytest.mark.parametrize("spelling", ["campaignTimeWindowList", "timeWindowList"])
def test_row_17_the_windows_of_a_v3_campaign(spelling: str) -> None:
    document = {"id": UUID, spelling: [{"startTime": 1, "endTime": 2}]}
    assert len(read(campaign_devices.GET_V3, document).campaign_time_window_list) == 1


@pytest.mark.parametrize(("cursor", "text"), [(356938035643809, "356938035643809"), ("7", "7")])
def test_row_18_a_cursor_is_a_text(cursor: Any, text: str) -> None:
    for route in (devices.LIST_V1, devices.LIST_V2, devices.LIST_V3, licenses.GET_STATUS_V1):
        assert read(route, {"lastSeenDeviceId": cursor, "deviceList": []}).cursor == text


@pytest.mark.parametrize("spelling", ["hasMoreData", "hasMoreFlag"])
def test_row_19_the_flag_that_more_follows(spelling: str) -> None:
    assert read(reports.LIST_UPGRADES_V1, {spelling: True}).more is True
    assert read(devices.LIST_V3, {spelling: True, "deviceList": []}).more is True


@pytest.mark.parametrize("spelling", ["deviceFirmwarVersionList", "deviceFirmwareVersionList"])
@pytest.mark.parametrize("time", ["firmwareVersionUpdateTime", "VersionUpdateTime"])
def test_rows_20_21_the_firmware_of_devices(spelling: str, time: str) -> None:
    document = {spelling: [{"deviceId": IMEI, "firmwareVersion": "1", time: "2021-01-02"}]}
    (one,) = read(firmware.SYNC_DEVICES_V3, document).device_list
    assert (one.firmware_version, one.update_time) == ("1", "2021-01-02")


@pytest.mark.parametrize("route", [licenses.ASSIGN_V1, licenses.REMOVE_V2, licenses.ASSIGN_V3])
@pytest.mark.parametrize("spelling", ["licCount", "licTotalCount"])
def test_row_22_the_counter_of_licences(route: Route[Any], spelling: str) -> None:
    # Not kept: an answer is one of many, and the licence status has the totals.
    answer = {spelling: 5, "deviceList": [ITEM]}
    assert read(route, answer) == DeviceAnswers([IMEI], [ITEM["status"]], [""])


@pytest.mark.parametrize("spelling", ["totalLicenses", "totalLicense", None])
def test_row_23_the_total_of_licences(spelling: str | None) -> None:
    document: dict[str, Any] = {"deviceList": [], "hasMoreData": False}
    page = read(licenses.GET_STATUS_V3, document | ({spelling: 5} if spelling else {}))
    assert page.total_licenses == (5 if spelling else None)


def test_row_24_any_status_in_a_licence_answer() -> None:
    document = {"deviceList": [{"deviceId": IMEI, "status": "UpgradePending"}]}
    assert read(licenses.ASSIGN_V3, document).statuses == ["UpgradePending"]


async def test_row_25_the_licence_list_is_sent_in_a_device_list(send: Send) -> None:
    seen = await send("v3_assign_licenses", {"deviceList": [IMEI]})
    assert json.loads(seen.body) == {"deviceList": [IMEI]}


@pytest.mark.parametrize("spelling", ["campaignId", "id"])
def test_row_26_the_id_of_a_campaign(spelling: str) -> None:
    document: dict[str, Any] = {spelling: UUID, "deviceList": []}
    assert read(campaign_devices.MODIFY_V2, {**document, "requestId": UUID}).campaign_id == UUID
    assert read(campaign_devices.GET_V3, document).id == UUID
    history = [{"deviceId": IMEI, spelling: UUID}]
    assert read(reports.GET_HISTORY_V3, history)[0].campaign_id == UUID


@pytest.mark.parametrize("spelling", ["softwareName", "software"])
def test_row_27_the_name_of_software(spelling: str) -> None:
    assert read(software.LIST, [{spelling: "S"}])[0].software_name == "S"


@pytest.mark.parametrize("name", ["OMA", "OMD-DM", "OMADM", "OMDADM", "HTTP", "NONE", "all", "new"])
async def test_row_28_a_protocol_is_passed_through(name: str, send: Send) -> None:
    seen = await send(lambda c: c.v3.devices.list(protocol=name))
    assert parse_qs(urlsplit(seen.path).query)["protocol"] == [name]
    document = {"deviceList": [{"deviceId": IMEI, "distributionType": name}]}
    assert read(devices.LIST_V2, document).items[0].distribution_type == name


async def test_row_29_the_filter_of_v1_devices_is_sent_only_if_asked_for(send: Send) -> None:
    seen = await send(lambda c: c.v1.devices.list())
    assert seen.path == f"/api/fota/v1/devices/{ACCOUNT}/index/0"
    seen = await send(lambda c: c.v1.devices.list(client_type="LWM2M"))
    assert seen.path.endswith("?clientType=LWM2M")


async def test_row_30_an_upgrade_is_scheduled_with_both_days(send: Send) -> None:
    days = {"start_date": DAY, "end_date": DAY}
    seen = await send(lambda c: c.v1.upgrades.schedule("F", "2", [IMEI], **days))
    body = json.loads(seen.body)
    assert (body["startDate"], body["endDate"]) == ("2026-01-05", "2026-01-05")


async def test_row_31_both_flags_of_a_v3_schedule_are_sent_as_false(send: Send) -> None:
    given = {"firmware_from": "1", "firmware_to": "2", "start_date": DAY, "end_date": DAY}
    seen = await send(lambda c: c.v3.campaigns.schedule("F", [IMEI], **given))
    body = json.loads(seen.body)
    assert body["autoAssignLicenseFlag"] is body["autoAddDevicesFlag"] is False


async def test_row_32_the_first_page_of_v2_licences_is_asked_for_by_0(send: Send) -> None:
    seen = await send("v2_get_license_status")
    assert urlsplit(seen.path).query == "lastSeenDeviceId=0"


@pytest.mark.parametrize(
    "text", ["CampaignRequestQueued", "CampaignQueued", "Queued", "RequestPending", "Pending"]
)
def test_row_33_pending_and_queued_in_every_spelling(text: str) -> None:
    status = read(campaign_devices.GET_V2, {"id": UUID, "status": text}).status
    assert status == text
    assert status.is_open is True
    assert [one for one in CampaignStatus if one.is_open] == [
        CampaignStatus.REQUEST_PENDING,
        CampaignStatus.REQUEST_QUEUED,
    ]
    assert CampaignStatus.PRE_SCHEDULED.is_open is CampaignStatus("Odd").is_open is None


@pytest.mark.parametrize(
    ("number", "text", "state"),
    [
        (34, "UpgradeFailed", State.FAILED),
        (34, "UpgradedFailed", State.FAILED),
        (35, "Device Accepted", State.SUCCEEDED),
        (35, "Accepted", State.SUCCEEDED),
    ],
)
def test_rows_34_35_states_of_devices(number: int, text: str, state: State) -> None:
    document = {"deviceList": [{"deviceId": IMEI, "status": text}]}
    assert read(reports.LIST_DEVICES_V2, document).items[0].status == text, number
    assert judge(text) is state


def test_row_36_files_with_and_without_a_wrapper() -> None:
    listed = [{"fileName": "a"}, {"fileName": "b"}]
    for document in (
        listed,
        {"AvailableFilesResponse": listed},
        {"availableFilesResponse": listed},
    ):
        assert [one.file_name for one in read(files.LIST, document).files] == ["a", "b"]
    assert read(files.LIST, {"AvailableFilesResponse": None}).files == ()


@pytest.mark.parametrize("body", [b"", b" \r\n", b'{"success": true}'])
async def test_row_37_an_empty_answer_means_nothing(
    body: bytes, new_stub: NewStub, new_client: NewClient
) -> None:
    routes = [logging.DISABLE, logging.DISABLE_DEVICE, cancel_candidates.CLEAR_V2, callbacks.GET_V3]
    for route in [*routes, campaigns.CANCEL, campaigns_v3.CANCEL]:
        assert read(route, body) is None
    client = new_client(await new_stub(lambda _: reply(b"", 204)))
    await client.v2.logging.disable_device(IMEI)
    assert await client.v1.callbacks.list() == ()
    assert await client.v3.callbacks.get() is None


async def test_row_38_the_devices_to_log_are_sent_as_device_ids(
    new_client: NewClient, new_stub: NewStub
) -> None:
    answer = {"GET": [], "PUT": [{"deviceId": IMEI}]}
    stub = await new_stub(lambda seen: reply(answer[seen.method]))
    await new_client(stub).v2.logging.enable([IMEI])
    assert json.loads(stub.asked()[-1].body) == {"deviceIds": [IMEI]}


async def test_row_39_logging_is_turned_off_for_one_device_at_a_time(
    new_client: NewClient, new_stub: NewStub
) -> None:
    stub = await new_stub(lambda seen: reply([] if seen.method == "GET" else b""))
    await new_client(stub).v2.logging.disable([IMEI, IMEI[::-1]])
    sent = [urlsplit(seen.path).query for seen in stub.asked() if seen.method == "DELETE"]
    assert sorted(sent) == sorted([f"deviceIds={IMEI}", f"deviceIds={IMEI[::-1]}"])


async def test_row_40_a_started_campaign_is_cancelled_if_the_api_says_so(
    new_stub: NewStub, new_client: NewClient
) -> None:
    client = new_client(await new_stub(lambda _: reply({"success": True})))
    await client.v2.campaigns.cancel(UUID)


@pytest.mark.parametrize("account", ["00000000000-123345", "0000123456-000001", "0242078698-00001"])
async def test_row_41_an_account_is_sent_verbatim(
    account: str, new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply({"accountName": account}))
    said = await new_client(stub, account=account).v3.subscriptions.get()
    assert stub.asked()[0].path == f"/api/fota/v3/subscriptions/{account}"
    assert said.account_name == account


def test_every_row_has_a_test() -> None:
    tests = [name for name in globals() if name.startswith("test_row")]
    rows = {int(row) for name in tests for row in re.findall(r"_(\d+)(?=_)", f"{name}_")}

    assert set(range(1, 42)) <= rows

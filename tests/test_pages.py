"""Lists in pages: every item once, in whatever way a list names its next page."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import Stub, in_turn, reply
from simulator_api import imei

from fota_async import ConfigurationError, DecodeError, FotaClient, UpgradeStatus
from fota_async.models import CampaignStatus, DevicePageV1
from fota_async.wire.convert import structure
from fota_async.wire.paging import Positions

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

UUIDS = [f"60b5d639-ccdc-4db8-8824-{n:012d}" for n in range(5)]


def devices(*numbers: int) -> list[dict[str, str]]:
    return [{"deviceId": imei(number)} for number in numbers]


def texts(*numbers: int) -> list[str]:
    return [imei(number) for number in numbers]


def campaigns(*numbers: int) -> list[dict[str, str]]:
    return [{"id": UUIDS[number]} for number in numbers]


LISTS: dict[str, Any] = {
    # name: call, list, flag, cursor, positions asked for, items
    "v1 devices": (
        lambda c: c.v1.devices.list(), "deviceList", "hasMoreData", "lastSeenDeviceId", devices,
        [2, 4], ["/index/0", f"/index/{imei(2)}", f"/index/{imei(4)}"],
    ),
    "v2 devices": (
        lambda c: c.v2.devices.list(), "deviceList", "hasMoreData", "lastSeenDeviceId", devices,
        [imei(2), imei(4)],
        [f"?lastSeenDeviceId={at}" for at in ("0", imei(2), imei(4))],
    ),
    "v3 devices": (
        lambda c: c.v3.devices.list(protocol="LWM2M"), "deviceList", "hasMoreData",
        "lastSeenDeviceId", devices, [imei(2), imei(4)],
        [f"?protocol=LWM2M&lastSeenDeviceId={at}" for at in ("0", imei(2), imei(4))],
    ),
    "v1 licences": (
        lambda c: c.v1.licenses.get_status(), "deviceList", "hasMoreData", "lastSeenDeviceId",
        devices, [1000, 2000], ["/index/0", "/index/1000", "/index/2000"],
    ),
    "v1 licences without a cursor": (
        lambda c: c.v1.licenses.get_status(), "deviceList", "hasMoreData", None,
        devices, [], ["/index/0", "/index/2", "/index/4"],
    ),
    "v2 licences": (
        lambda c: c.v2.licenses.get_status(), "deviceList", "hasMoreData", "lastSeenDeviceId",
        devices, ["1000", imei(4)],
        [f"?lastSeenDeviceId={at}" for at in ("0", "1000", imei(4))],
    ),
    "v3 licences": (
        lambda c: c.v3.licenses.get_status(), "deviceList", "hasMoreData", "lastSeenDeviceId",
        devices, [imei(2), imei(4)],
        [f"?lastSeenDeviceId={at}" for at in ("0", imei(2), imei(4))],
    ),
    "v1 candidates": (
        lambda c: c.v1.cancel_candidates.list(), "deviceList", "hasMoreData", None, texts,
        [], ["/cancel/index/0", "/cancel/index/2", "/cancel/index/4"],
    ),
    "v2 candidates": (
        lambda c: c.v2.cancel_candidates.list(), "deviceList", "hasMoreData", None, texts,
        [], ["?startIndex=0", "?startIndex=2", "?startIndex=4"],
    ),
    "v1 upgrades": (
        lambda c: c.v1.reports.list_upgrades(UpgradeStatus.QUEUED), "reportList", "hasMoreFlag",
        "lastSeenUpgradeId", campaigns, [7, UUIDS[3]],
        ["/status/Queued/index/0", "/index/7", f"/index/{UUIDS[3]}"],
    ),
    "v2 campaigns": (
        lambda c: c.v2.reports.list_campaigns(CampaignStatus.ENDED), "campaignList", "hasMoreData",
        "lastSeenCampaignId", campaigns, [UUIDS[1], UUIDS[3]],
        [f"lastSeenCampaignId={at}" for at in ("0", UUIDS[1], UUIDS[3])],
    ),
    "v3 campaigns": (
        lambda c: c.v3.reports.list_campaigns(CampaignStatus.ENDED), "campaignList", "hasMoreData",
        "lastSeenCampaignId", campaigns, [UUIDS[1], UUIDS[3]],
        [f"lastSeenCampaignId={at}" for at in ("0", UUIDS[1], UUIDS[3])],
    ),
    "v2 campaign devices": (
        lambda c: c.v2.reports.list_campaign_devices(UUIDS[0]), "deviceList", "hasMoreData",
        "lastSeenDeviceId", devices, [imei(2), imei(4)],
        [f"?lastSeenDeviceId={at}" for at in ("0", imei(2), imei(4))],
    ),
    "v3 campaign devices": (
        lambda c: c.v3.reports.list_campaign_devices(UUIDS[0]), "deviceList", "hasMoreData",
        "lastSeenDeviceId", devices, [imei(2), imei(4)],
        [f"?lastSeenDeviceId={at}" for at in ("0", imei(2), imei(4))],
    ),
}  # fmt: skip


@pytest.mark.each_python
@pytest.mark.parametrize("name", LISTS)
async def test_every_item_of_a_list_comes_once(
    name: str, new_stub: NewStub, new_client: NewClient
) -> None:
    call, items, flag, cursor, make, cursors, asked = LISTS[name]
    pages = [{flag: True, items: make(0, 1)}, {flag: True, items: make(2, 3)}, {items: make(4)}]
    for page, value in zip(pages, cursors, strict=False):
        page[cursor] = value
    stub = await new_stub(in_turn(*map(reply, pages)))
    found = [item async for item in call(new_client(stub))]
    ids = [getattr(item, "device_id", getattr(item, "id", item)) for item in found]

    assert ids == [row.get("deviceId", row.get("id")) if isinstance(row, dict) else row
                   for row in make(0, 1, 2, 3, 4)]  # fmt: skip
    for seen, end in zip(stub.asked(), asked, strict=True):
        assert seen.path.endswith(end)


async def test_a_list_can_be_awaited_for_its_first_page_and_walked_by_pages(
    new_stub: NewStub, new_client: NewClient
) -> None:
    first = {"totalLicense": 9, "hasMoreData": True, "lastSeenDeviceId": "2"}
    first |= {"deviceList": devices(1, 2)}
    second = {"totalLicense": 9, "hasMoreData": False, "deviceList": None}
    stub = await new_stub(in_turn(reply(first), reply(first), reply(second)))
    status = new_client(stub).v2.licenses.get_status()
    assert not stub.requests

    assert (await status).total_licenses == 9
    assert [len(page.items) async for page in status.pages()] == [2, 0]
    assert repr(status) == "<Pages of GET /api/fota/v2/licenses/{account}>"


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([{"lastSeenDeviceId": "0", "deviceList": devices(1)}], "read before"),
        ([{"lastSeenDeviceId": imei(1), "deviceList": devices(1)}] * 2, "read before"),
        (
            [{"lastSeenDeviceId": imei(n), "deviceList": devices(1)} for n in (1, 2, 1)],
            "read before",
        ),
        ([{"lastSeenDeviceId": imei(1), "deviceList": []}], "without items"),
        ([{"lastSeenDeviceId": imei(1), "deviceList": None}], "without items"),
        ([{"deviceList": devices(1)}], "not where"),
        ([{"lastSeenDeviceId": None, "deviceList": devices(1)}], "not where"),
        ([{"lastSeenDeviceId": "", "deviceList": devices(1)}], "not where"),
    ],
)
async def test_a_list_that_does_not_move_on_is_an_error_after_its_items(
    pages: list[dict[str, Any]], why: str, new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(*(reply({"hasMoreData": True, **page}) for page in pages)))
    seen: list[object] = []

    async def read_all() -> None:
        async for device in new_client(stub).v3.devices.list():
            seen.append(device)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(DecodeError, match=why) as caught:
        await read_all()

    assert caught.value.route == "GET /api/fota/v3/devices/{account}"
    assert len(stub.asked()) == len(pages)
    assert len(seen) == sum(len(page["deviceList"] or ()) for page in pages)


@pytest.mark.parametrize("flag", [False, None, "absent"])
async def test_no_word_of_more_means_no_more(
    flag: Any, new_stub: NewStub, new_client: NewClient
) -> None:
    page: dict[str, Any] = {"lastSeenDeviceId": imei(1), "deviceList": devices(1)}
    if flag != "absent":
        page["hasMoreData"] = flag
    stub = await new_stub(lambda _: reply(page))

    assert len([one async for one in new_client(stub).v2.devices.list()]) == 1
    assert len(stub.asked()) == 1


async def test_an_empty_list_is_one_page_without_items(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply({"hasMoreData": False, "campaignList": None}))
    pages = new_client(stub).v2.reports.list_campaigns(CampaignStatus.FAILED)

    assert [one async for one in pages] == []


async def test_what_cannot_be_asked_for_is_refused_at_once(
    new_stub: NewStub, new_client: NewClient
) -> None:
    client = new_client(await new_stub())
    with pytest.raises(ConfigurationError, match="campaign_id"):
        client.v3.reports.list_campaign_devices("..")
    with pytest.raises(ConfigurationError, match="status"):
        client.v1.reports.list_upgrades(UpgradeStatus(""))


async def test_a_page_that_failed_for_a_moment_is_read_again(
    new_stub: NewStub, new_client: NewClient
) -> None:
    first = {"hasMoreData": True, "lastSeenDeviceId": imei(1), "deviceList": devices(1)}
    last = {"hasMoreData": False, "deviceList": devices(2)}
    stub = await new_stub(in_turn(reply(first), reply(b"oops", 502), reply(last)))

    assert len([one async for one in new_client(stub).v2.devices.list()]) == 2


def test_a_numeric_cursor_gets_its_leading_zeros_back() -> None:
    page = structure(
        {"hasMoreData": True, "lastSeenDeviceId": 990003425730, "deviceList": devices(1)},
        DevicePageV1,
    )
    positions = Positions()

    assert positions.advance(page)
    assert positions.here == "000990003425730"

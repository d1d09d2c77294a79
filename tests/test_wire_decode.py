"""What is sent and read: the tolerances of the wire contract, section 10, by their numbers."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from aioresponses import aioresponses
from helpers import ACCOUNT, BEARER, LOGIN, SESSION, TOKEN, UPGRADE, UPGRADE_PATH
from multidict import CIMultiDict
from simulator_api import imei
from yarl import URL

from fota_async import Callback, Credentials, DecodeError, FotaClient, UpgradeStatus
from fota_async.api.callbacks import DEREGISTER_V2, GET_V2, MODIFY_V2
from fota_async.api.upgrades import CANCEL_UPGRADE, GET_UPGRADE, MODIFY_UPGRADE, SCHEDULE_UPGRADE
from fota_async.auth import FETCH_BEARER, LOGOUT, REVOKE_BEARER
from fota_async.auth import LOGIN as LOGIN_ROUTE
from fota_async.wire.decode import decode
from fota_async.wire.route import Route

HOST = "https://thingspace.verizon.com"
A, B = imei(990003425730535), imei(990000473475989)

Answer = Callable[..., Awaitable[Any]]


def read(route: Route[Any], document: Any, status: int = 200) -> Any:
    """Return what the client makes of an answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode(route, status, CIMultiDict(), body)


class Wire:
    """Answers of aioresponses, and what was sent for them."""

    def __init__(self, mocked: aioresponses) -> None:
        self.mocked = mocked
        mocked.post(HOST + TOKEN, payload={"access_token": BEARER, "token_type": "Bearer"})
        mocked.post(HOST + LOGIN, payload={"sessionToken": SESSION})

    def sent(self, method: str, path: str) -> Any:
        """Return the document that was sent."""
        (request,) = self.mocked.requests[(method, URL(HOST + path))]
        body = request.kwargs["data"]
        return None if body is None else json.loads(body.decode())


@pytest.fixture
def wire() -> Any:
    with aioresponses() as mocked:
        yield Wire(mocked)


@pytest.fixture
async def client(wire: Wire) -> Any:  # noqa: ARG001 - the wire has to be there first
    async with FotaClient(Credentials("k", "s", "u", "p"), account=ACCOUNT) as client:
        yield client


@pytest.mark.parametrize("kind", ["append", "remove"])
async def test_1_and_5_a_modify_call_sends_device_list_and_type(
    wire: Wire, client: FotaClient, kind: str
) -> None:
    item = {"deviceId": A, "status": "AddDeviceSucceed", "Reason": "success"}
    wire.mocked.put(HOST + UPGRADE_PATH, payload={"deviceList": [item]})
    upgrades = client.v1.upgrades
    await (upgrades.append_devices if kind == "append" else upgrades.remove_devices)(UPGRADE, [A])

    assert wire.sent("PUT", UPGRADE_PATH) == {"type": kind, "deviceList": [A]}


@pytest.mark.parametrize("spelling", ["Reason", "resultReason", "reason", "REASON"])
def test_2_the_detail_of_a_modify_answer_in_any_spelling(spelling: str) -> None:
    item = {"deviceId": A, "status": "AddDeviceSucceed", spelling: "Device added Successfully"}
    answers = read(MODIFY_UPGRADE, {"deviceList": [item]})

    assert answers.reasons == ["Device added Successfully"]


def test_2_the_detail_of_a_row_in_either_spelling() -> None:
    rows = [
        {"deviceId": A, "resultReason": "one"},
        {"deviceId": B, "Reason": "two"},
        {"deviceId": imei(3), "Reason": "not this", "resultReason": "three"},
    ]
    upgrade = read(GET_UPGRADE, {"deviceList": rows})

    assert [row.reason for row in upgrade.device_list] == ["one", "two", "three"]


def test_3_the_longer_shape_of_a_modify_answer() -> None:
    answers = read(
        MODIFY_UPGRADE,
        {
            "id": UPGRADE,
            "accountName": ACCOUNT,
            "firmwareName": "F",
            "firmwareTo": "2",
            "startDate": "2018-04-01",
            "status": "Queued",
            "deviceList": [{"deviceId": A, "status": "S", "resultReason": "R"}],
        },
    )

    assert (answers.ids, answers.statuses, answers.reasons) == ([A], ["S"], ["R"])


@pytest.mark.parametrize("method", ["register", "modify"])
async def test_6_a_callback_is_sent_as_url(wire: Wire, client: FotaClient, method: str) -> None:
    path = f"/api/fota/v2/callbacks/{ACCOUNT}"
    verb = "POST" if method == "register" else "PUT"
    wire.mocked.add(HOST + path, verb, payload={"URL": "https://example.com"})
    await getattr(client.v2.callbacks, method)("https://example.com/x")

    assert wire.sent(verb, path) == {"url": "https://example.com/x"}


@pytest.mark.parametrize("spelling", ["url", "URL", "Url", "callback", "Callback", "CALLBACK"])
def test_7_a_callback_is_read_in_any_spelling(spelling: str) -> None:
    assert read(MODIFY_V2, {spelling: "https://x"}) == Callback("https://x")


def test_7_the_first_spelling_wins() -> None:
    assert read(MODIFY_V2, {"callback": "b", "URL": "a"}) == Callback("a")
    assert read(MODIFY_V2, {"URL": "b", "url": "a", "Url": "c"}) == Callback("a")


EMPTY = [b"", b" \r\n", b'{"success": true}', b'{\n  "success" : true\n}\n']


@pytest.mark.each_python
@pytest.mark.parametrize("status", [200, 204])
@pytest.mark.parametrize("body", EMPTY)
@pytest.mark.parametrize("route", [GET_V2, DEREGISTER_V2, CANCEL_UPGRADE, REVOKE_BEARER, LOGOUT])
def test_37_an_empty_answer_means_nothing(route: Route[Any], body: bytes, status: int) -> None:
    assert read(route, body, status) is None


@pytest.mark.parametrize("body", EMPTY)
@pytest.mark.parametrize("route", [GET_UPGRADE, MODIFY_UPGRADE, SCHEDULE_UPGRADE, MODIFY_V2])
def test_37_where_something_belongs_an_empty_answer_is_an_error(
    route: Route[Any], body: bytes
) -> None:
    with pytest.raises(DecodeError):
        read(route, body)


@pytest.mark.parametrize("body", [b'{"success": false}', b'{"success": "true"}', b"[]", b"true"])
def test_37_an_answer_that_says_no_success_is_an_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        read(DEREGISTER_V2, body)


async def test_37_through_the_client(wire: Wire, client: FotaClient) -> None:
    path = f"{HOST}/api/fota/v2/callbacks/{ACCOUNT}"
    wire.mocked.get(path, body=b"")
    wire.mocked.get(path, status=204)
    wire.mocked.delete(path, body=b"")
    wire.mocked.delete(path, payload={"success": True})
    wire.mocked.delete(HOST + UPGRADE_PATH, payload={"success": True})

    assert await client.v2.callbacks.get() is None
    assert await client.v2.callbacks.get() is None
    assert await client.v2.callbacks.deregister() is None
    assert await client.v2.callbacks.deregister() is None
    assert await client.v1.upgrades.cancel(UPGRADE) is None


async def test_30_a_schedule_sends_dates_and_leaves_out_what_is_not_given(
    wire: Wire, client: FotaClient
) -> None:
    path = "/api/fota/v1/upgrades"
    rows = [{"deviceId": one, "status": "RequestPending"} for one in (A, B)]
    wire.mocked.post(HOST + path, payload={"deviceList": rows, "id": UPGRADE})
    scheduled = await client.v1.upgrades.schedule("F", "2", [A, B], start_date=date(2018, 4, 1))

    assert scheduled.id == scheduled.upgrade.id == UPGRADE
    assert [one.device_id for one in scheduled.upgrade.device_list] == [A, B]
    assert wire.sent("POST", path) == {
        "accountName": ACCOUNT,
        "firmwareName": "F",
        "firmwareTo": "2",
        "startDate": "2018-04-01",
        "deviceList": [A, B],
    }


@pytest.mark.each_python
def test_a_null_list_in_a_reading_is_empty_and_a_missing_one_an_error() -> None:
    assert read(GET_UPGRADE, {"id": "x", "deviceList": None}).device_list == ()
    with pytest.raises(DecodeError, match=r"missing @ \$\.device_list"):
        read(GET_UPGRADE, {"id": "x"})


@pytest.mark.each_python
@pytest.mark.parametrize("listed", [None, {}, "x", 7])
def test_a_modify_answer_without_a_list_is_an_error(listed: Any) -> None:
    with pytest.raises(DecodeError, match=r"expected a list.*\$\.deviceList"):
        read(MODIFY_UPGRADE, {"id": "x", "deviceList": listed})
    with pytest.raises(DecodeError):
        read(MODIFY_UPGRADE, {"id": "x"})


def test_a_device_id_that_was_written_as_a_number_gets_its_zeros_back() -> None:
    rows = [{"deviceId": 42, "status": "Device Accepted"}]

    assert read(GET_UPGRADE, {"deviceList": rows}).device_list[0].device_id == imei(42)
    assert read(MODIFY_UPGRADE, {"deviceList": rows}).ids == [imei(42)]


def test_members_in_any_letter_case_and_unknown_ones() -> None:
    row = {"DEVICEID": A, "Status": "Device Accepted", "somethingNew": [1]}
    upgrade = read(GET_UPGRADE, {"DeviceList": [row], "STATUS": "Queued", "more": {"x": 1}})

    assert upgrade.status is UpgradeStatus.QUEUED
    assert upgrade.device_list[0].status == "Device Accepted"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'{"deviceList": [{"dev',
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"deviceList": []} trailing',
        b'{"x": ' + b"[" * 100_000,
        b'{"deviceList": [' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:25]),
)
@pytest.mark.parametrize(
    "route", [GET_UPGRADE, MODIFY_UPGRADE, MODIFY_V2, FETCH_BEARER, LOGIN_ROUTE]
)
def test_an_unreadable_answer_is_an_error_of_ours(route: Route[Any], body: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        read(route, body)

    assert caught.value.route == route.name
    assert caught.value.sent == "maybe"
    assert len(str(caught.value)) < 1000

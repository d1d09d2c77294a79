"""The simulator against the wire contract, called by a bare HTTP client."""

import asyncio
import email.utils
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from simulator_api import GRANT, LOGIN, LOGOUT, RESET, REVOKE, TOKEN, Api, ManualClock, imei, until

from fota_async.simulator import REASONS, ROUTES, Faults, Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock=clock) as sim:
        yield sim


@pytest.fixture
async def api(sim: Simulator) -> AsyncIterator[Api]:
    async with Api(sim) as api:
        await api.enter()
        yield api


# The contract's routes


def test_every_route_is_in_the_contract() -> None:
    text = (Path(__file__).parent / "wire" / "openapi.yaml").read_text()
    paths = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["paths"]
    contract = {
        (operation["operationId"], method.upper(), path)
        for path, verbs in paths.items()
        for method, operation in verbs.items()
    }
    ours = {(route.name, route.method, route.path) for route in ROUTES}

    # The contract's text describes revocation; its OpenAPI file has no operation for it.
    assert ours - contract == {("oauth_revoke_token", "POST", REVOKE)}
    assert len(ours) == len(ROUTES) == 13


# Tokens


async def test_a_token_asked_for_again_is_the_same_one_with_less_to_live(
    api: Api, clock: ManualClock
) -> None:
    first = (await api.token()).document
    clock.turn(3599.5)
    second = (await api.token()).document

    assert first["expires_in"] == 3600
    assert first["token_type"] == "Bearer"
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] == 0


async def test_a_token_ends_after_its_life_whatever_its_use(api: Api, clock: ManualClock) -> None:
    first = (await api.token()).document
    for _ in range(6):
        clock.turn(599)
        assert (await api.read()).status == 200
    clock.turn(6)
    refused = await api.read()

    assert (refused.status, refused.code) == (401, "900901")
    assert (await api.token()).document["access_token"] != first["access_token"]


async def test_expired_tokens_are_replaced_by_asking(api: Api, sim: Simulator) -> None:
    sim.expire_tokens()
    assert (await api.read()).code == "900901"

    await api.enter()
    assert (await api.read()).status == 200


async def test_a_spoiled_token_comes_back_until_it_is_revoked(api: Api, sim: Simulator) -> None:
    before = (await api.token()).document["access_token"]
    sim.spoil_token()
    assert (await api.read()).code == "900901"
    assert (await api.token()).document["access_token"] == before

    form = {**GRANT, "token": before}
    revoked = await api.call("POST", REVOKE, headers=api.basic, data=form)
    after = (await api.token()).document["access_token"]

    assert (revoked.status, revoked.body) == (200, b"")
    assert after != before
    assert sim.stats()["revocations"] == 1
    api.headers["Authorization"] = f"Bearer {after}"
    assert (await api.read()).status == 200


async def test_revoking_another_token_changes_nothing(api: Api) -> None:
    form = {**GRANT, "token": "of somebody else"}
    await api.call("POST", REVOKE, headers=api.basic, data=form)

    assert (await api.read()).status == 200


@pytest.mark.parametrize(
    ("headers", "form", "status", "code"),
    [
        ({}, GRANT, 401, "900902"),
        ({"Authorization": aiohttp.encode_basic_auth("a", "b")}, GRANT, 401, "invalid_client"),
        ({"Authorization": "Basic %%%"}, GRANT, 401, "invalid_client"),
        (None, {"grant_type": "password"}, 400, "invalid_request"),
        (None, {"scope": "all"}, 400, "invalid_request"),
    ],
)
async def test_the_token_endpoint_refuses(
    api: Api, headers: dict[str, str] | None, form: dict[str, str], status: int, code: str
) -> None:
    headers = api.basic if headers is None else headers
    refused = await api.call("POST", TOKEN, headers=headers, data=form)

    assert (refused.status, refused.code) == (status, code)


async def test_a_json_body_is_no_token_request(api: Api) -> None:
    refused = await api.call("POST", TOKEN, headers=api.basic, json=GRANT)

    assert (refused.status, refused.code) == (400, "invalid_request")


async def test_a_revocation_names_its_token(api: Api) -> None:
    refused = await api.call("POST", REVOKE, headers=api.basic, data=GRANT)

    assert (refused.status, refused.code) == (400, "invalid_request")


# Sessions


async def test_use_prolongs_a_session_and_idleness_ends_it(api: Api, clock: ManualClock) -> None:
    for _ in range(2):
        clock.turn(1199)
        assert (await api.read()).status == 200
    clock.turn(1200)
    expired = await api.read()

    assert expired.status == 400
    assert expired.code == "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"


@pytest.mark.parametrize(
    ("token", "suffix"),
    [
        (None, "REQUEST_FAILED.SessionToken.Format"),
        ("no guid", "INPUT_INVALID.SessionToken.Invalid"),
        ("bcce3ea6-fe4f-4952-bacf-eadd80718e83", "REQUEST_FAILED.SessionToken.Expired"),
    ],
)
async def test_a_session_is_needed(api: Api, token: str | None, suffix: str) -> None:
    del api.headers["VZ-M2M-Token"]
    if token is not None:
        api.headers["VZ-M2M-Token"] = token
    refused = await api.read()

    assert (refused.status, refused.code) == (400, f"UnifiedWebService.{suffix}")


async def test_expired_sessions_are_replaced_by_a_login(api: Api, sim: Simulator) -> None:
    sim.expire_sessions()
    assert (await api.read()).code.endswith("SessionToken.Expired")

    api.headers["VZ-M2M-Token"] = (await api.login()).document["sessionToken"]
    assert (await api.read()).status == 200


async def test_logout_repeats_the_token_and_ends_the_session(api: Api) -> None:
    answer = await api.call("POST", LOGOUT)

    assert answer.document == {"sessionToken": api.headers["VZ-M2M-Token"]}
    assert (await api.read()).code.endswith("SessionToken.Expired")


async def test_five_refused_logins_lock_the_user_for_ever(api: Api, sim: Simulator) -> None:
    for _ in range(5):
        assert not sim.stats()["locked"]
        assert (await api.login("wrong")).status == 400
    right = await api.login()

    assert right.status == 400
    assert set(right.document) == {"errorCode", "errorMessage"}
    assert sim.stats()["locked"]
    assert sim.stats()["refused_logins"] == 6
    assert sim.stats()["logins"] == 1


async def test_a_login_that_succeeds_forgives_the_refused_ones(api: Api, sim: Simulator) -> None:
    for password in ["wrong"] * 4 + [sim.password] + ["wrong"] * 4:
        await api.login(password)

    assert (await api.login()).status == 200
    assert not sim.stats()["locked"]


async def test_an_empty_login_is_not_counted(api: Api, sim: Simulator) -> None:
    refused = await api.call("POST", LOGIN, json={})

    assert refused.code.endswith("INPUT_INVALID.RequestUndefined")
    assert sim.stats()["refused_logins"] == 0


async def test_a_password_reset_gives_a_new_password_at_once(api: Api, sim: Simulator) -> None:
    old = sim.password
    answer = await api.call("PUT", RESET, json={"oldPassword": old})

    assert answer.document == {"newPassword": sim.password}
    assert sim.password != old
    assert (await api.login(old)).status == 400
    assert (await api.login(sim.password)).status == 200


async def test_a_reset_with_a_wrong_password_counts_towards_the_lock(
    api: Api, sim: Simulator
) -> None:
    for _ in range(5):
        assert (await api.call("PUT", RESET, json={"oldPassword": "wrong"})).status == 400

    assert sim.stats()["locked"]
    assert (await api.call("PUT", RESET, json={"oldPassword": sim.password})).status == 400


# The gateway


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/api/fota/v9/upgrades"), ("PATCH", TOKEN), ("HEAD", "/__stats")],
)
async def test_an_unknown_resource_is_refused_before_anything_else(
    api: Api, sim: Simulator, method: str, path: str
) -> None:
    refused = await api.call(method, path, headers={})

    assert refused.status == 400
    if method != "HEAD":
        assert refused.code == "900906"
    assert sim.requests[-1].route == "unknown"


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer "])
async def test_a_bearer_is_needed(api: Api, authorization: str | None) -> None:
    del api.headers["Authorization"]
    if authorization is not None:
        api.headers["Authorization"] = authorization
    refused = await api.read()

    assert (refused.status, refused.code) == (401, "900902")


async def test_a_wrong_bearer_is_refused(api: Api) -> None:
    api.headers["Authorization"] = "Bearer wrong"

    assert ((await api.read()).status, (await api.read()).code) == (401, "900901")


async def test_the_rate_of_an_account_is_limited(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.rules = Rules(rate=2, burst=3, retry_after=1.5)
    statuses = [(await api.append(A)).status for _ in range(4)]
    refused = await api.append(A)
    clock.turn(0.5)
    later = [(await api.append(A)).status for _ in range(2)]

    assert statuses == [200, 200, 200, 429]
    assert (refused.code, refused.headers["Retry-After"]) == ("900800", "1.5")
    assert later == [200, 429]
    # Tokens and sessions are not counted.
    assert (await api.login()).status == 200


async def test_each_account_has_its_own_rate(api: Api, sim: Simulator) -> None:
    sim.add_account("0000123456-00002")
    sim.rules = Rules(rate=1, burst=1)
    paths = [api.callback] * 2 + ["/api/fota/v2/callbacks/0000123456-00002"] * 2
    statuses = [(await api.call("GET", path)).status for path in paths]

    assert statuses == [200, 429, 200, 429]


async def test_a_throttled_answer_may_say_nothing_of_when(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(rate=1, burst=1)
    await api.read()

    assert "Retry-After" not in (await api.read()).headers


async def test_retry_after_can_be_a_date(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(rate=1, burst=1, retry_after=90, retry_after_date=True)
    await api.read()
    headers = (await api.read()).headers
    date = email.utils.parsedate_to_datetime(headers["Date"])

    until = email.utils.parsedate_to_datetime(headers["Retry-After"])
    assert (until - date).total_seconds() == 90
    assert len(headers.getall("Date")) == 1
    assert abs(date.timestamp() - time.time()) < 60


# Appending and removing


async def test_appended_devices_are_in_the_upgrade_and_in_a_reading(
    api: Api, sim: Simulator
) -> None:
    answer = await api.append(A, B)

    assert answer.document == {
        "accountName": sim.account,
        "id": sim.upgrade_id,
        "deviceList": [
            {
                "deviceId": device_id,
                "status": "AddDeviceSucceed",
                "Reason": "Device added Successfully",
            }
            for device_id in (A, B)
        ],
    }
    assert sim.members() == {A, B}
    read = (await api.read()).document
    assert read["status"] == "Queued"
    assert read["deviceList"] == [
        {"deviceId": device_id, "status": "Device Accepted", "resultReason": "success"}
        for device_id in (A, B)
    ]


async def test_a_removed_device_has_no_row(api: Api, sim: Simulator) -> None:
    sim.seed([A, B])
    answer = await api.remove(A)

    assert answer.items == {A: "RemoveDeviceSucceed"}
    assert (await api.read()).items == {B: "Device Accepted"}
    assert set(sim.rows(sim.upgrade_id)) == {B}


@pytest.mark.parametrize(
    "body",
    [
        {"Type": "append", "DEVICELIST": [A]},
        {"type": "append", "devicelist": [A]},
    ],
)
async def test_letter_case_of_members_does_not_matter(
    api: Api, sim: Simulator, body: dict[str, Any]
) -> None:
    await api.call("PUT", api.upgrade, json=body)

    assert sim.members() == {A}


async def test_the_content_type_of_the_vendors_sdk_is_taken(api: Api, sim: Simulator) -> None:
    body = b'{"type":"append","deviceList":["' + A.encode() + b'"]}'
    for content_type, status in (("*/*", 200), ("text/plain", 400)):
        headers = {**api.headers, "Content-Type": content_type}
        answer = await api.call("PUT", api.upgrade, data=body, headers=headers)
        assert answer.status == status

    assert sim.members() == {A}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Input binding error"),
        (b"{", "Input binding error"),
        (b"[]", "Input binding error"),
        (b'{"type":"replace","deviceList":["000000000000001"]}', "Input binding error"),
        (b'{"deviceList":["000000000000001"]}', "Input binding error"),
        (b'{"type":"append"}', "Device list is empty"),
        (b'{"type":"append","deviceList":[]}', "Device list is empty"),
        (b'{"type":"append","deviceList":null}', "Device list is empty"),
        (b'{"type":"append","deviceList":["000000000000001","1"]}', "Invalid device id format"),
        (b'{"type":"append","deviceList":["00000000000000a"]}', "Invalid device id format"),
        (b'{"type":"append","deviceList":[990003425730535]}', "Invalid device id format"),
        (
            '{"type":"append","deviceList":["\uff10\uff110000000000000"]}'.encode(),
            "Invalid device id format",
        ),
    ],
)
async def test_a_bad_request_is_refused_as_a_whole(
    api: Api, sim: Simulator, body: bytes, message: str
) -> None:
    headers = {**api.headers, "Content-Type": "application/json"}
    refused = await api.call("PUT", api.upgrade, data=body, headers=headers)

    assert refused.status == 400
    assert refused.document == {"errorCode": "INVALID_PARAMETER", "errorMessage": message}
    assert sim.members() == set()


@pytest.mark.parametrize(
    ("account", "upgrade", "code", "message"),
    [
        (None, "00000000-0000-0000-0000-000000000000", "INVALID_PARAMETER", "Invalid upgradeId"),
        ("4711-1", None, "UnifiedWebService.REQUEST_FAILED.AccountNotFound", "Unknown account."),
        ("04021x", None, "INVALID_PARAMETER", "Invalid account name format"),
        ("0000123456-00002", None, "INVALID_PARAMETER", "Invalid upgradeId"),
    ],
)
async def test_account_and_upgrade_have_to_fit(  # noqa: PLR0917 - pytest passes by name
    api: Api, sim: Simulator, account: str | None, upgrade: str | None, code: str, message: str
) -> None:
    sim.add_account("0000123456-00002")
    path = f"/api/fota/v1/upgrades/{account or sim.account}/upgrade/{upgrade or sim.upgrade_id}"
    refused = await api.modify("append", A, path=path)

    assert refused.document == {"errorCode": code, "errorMessage": message}


async def test_an_inactive_account_is_refused_everything(api: Api, sim: Simulator) -> None:
    sim.deactivate_account()
    for refused in (await api.append(A), await api.read(), await api.call("GET", api.callback)):
        assert refused.document["errorMessage"] == "Inactive account"


async def test_another_account_has_its_own_upgrades(api: Api, sim: Simulator) -> None:
    sim.add_account("0000123456-00002")
    other = sim.add_upgrade("0000123456-00002", status="Queued")
    path = f"/api/fota/v1/upgrades/0000123456-00002/upgrade/{other}"
    await api.modify("append", A, path=path)

    assert sim.members(other) == {A}
    assert sim.members() == set()


@pytest.mark.parametrize("status", ["InProgress", "Finished", "RequestFailed", "UpgradeFailed"])
async def test_a_started_or_ended_upgrade_is_closed(api: Api, sim: Simulator, status: Any) -> None:
    sim.seed([A])
    sim.set_status(sim.upgrade_id, status)
    refused = [await api.append(B), await api.remove(A), await api.call("DELETE", api.upgrade)]

    assert [(answer.status, answer.code) for answer in refused] == [(400, "INVALID_PARAMETER")] * 3
    assert sim.members() == {A}
    assert (await api.read()).document["status"] == status


async def test_what_is_undocumented_can_be_chosen(api: Api, sim: Simulator) -> None:
    sim.seed([A])
    assert (await api.append(A)).items == {A: "AddDeviceSucceed"}
    assert (await api.remove(B)).items == {B: "RemoveDeviceSucceed"}

    sim.rules = Rules(appended_twice="fail", removed_absent="fail")
    assert (await api.append(A, B, B)).document["deviceList"][2]["status"] == "AddDeviceFailed"
    assert (await api.append(A)).items == {A: "AddDeviceFailed"}
    assert (await api.remove(C)).items == {C: "RemoveDeviceFailed"}
    assert sim.members() == {A, B}


async def test_removed_twice_in_one_request(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(removed_absent="fail")
    sim.seed([A])
    statuses = [item["status"] for item in (await api.remove(A, A)).document["deviceList"]]

    assert statuses == ["RemoveDeviceSucceed", "RemoveDeviceFailed"]


async def test_a_refused_device_fails_alone(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(refused={A: "because"})
    answer = await api.append(A, B)

    assert answer.items == {A: "AddDeviceFailed", B: "AddDeviceSucceed"}
    assert answer.document["deviceList"][0]["Reason"] == "because"
    assert set(sim.rows(sim.upgrade_id)) == {B}


async def test_a_share_of_devices_is_refused_always_the_same_ones(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(500)]
    sim.rules = Rules(refuse_rate=0.2, seed=7)
    first = await api.append(*ids)
    second = await api.append(*reversed(ids))
    failed = {item["deviceId"]: item["Reason"] for item in first.document["deviceList"]}
    failed = {key: why for key, why in failed.items() if first.items[key] == "AddDeviceFailed"}

    assert second.items == first.items
    assert 60 < len(failed) < 140
    assert set(failed.values()) == set(REASONS)
    assert sim.members() == set(ids) - set(failed)

    sim.rules = Rules(refuse_rate=0.2, seed=8)
    assert {i for i in failed if sim.rules.refusal(i)} != set(failed)


async def test_devices_can_be_rejected_later(api: Api, sim: Simulator, clock: ManualClock) -> None:
    sim.rules = Rules(reject_later_rate=1, reject_after=60)
    assert (await api.append(A)).items == {A: "AddDeviceSucceed"}
    clock.turn(59)
    assert (await api.read()).items == {A: "RequestPending"}
    assert sim.members() == {A}

    clock.turn(1)
    row = (await api.read()).document["deviceList"][0]
    assert row["status"] == "Device Rejected"
    assert row["resultReason"] in REASONS
    assert sim.members() == set()
    assert sim.rows(sim.upgrade_id)[A].reason == row["resultReason"]


async def test_a_poisonous_device_spoils_its_request(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(poison=frozenset({B}))
    refused = await api.append(A, B)

    assert refused.document["errorMessage"] == "Invalid device id format"
    assert (await api.append(A)).status == 200
    assert sim.members() == {A}


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("413", 413, None),
        ("NumberofDevices", 400, "UnifiedWebService.INPUT_INVALID.NumberofDevices"),
        ("MaxRequestsExceeded", 400, "UnifiedWebService.INPUT_INVALID.MaxRequestsExceeded"),
    ],
)
async def test_a_long_list_is_refused(
    api: Api, sim: Simulator, how: Any, status: int, code: str | None
) -> None:
    sim.rules = Rules(max_devices=2, size_refusal=how)
    refused = await api.append(A, B, C)

    assert refused.status == status
    if code is not None:
        assert refused.code == code
    assert (await api.append(A, B)).status == 200


async def test_seeded_devices_are_checked_and_can_have_any_status(api: Api, sim: Simulator) -> None:
    sim.seed([A], status="Device Rejected", reason="Invalid IMEI")
    sim.seed([B], status="RequestPending")

    assert (await api.read()).items == {A: "Device Rejected", B: "RequestPending"}
    assert sim.members() == {B}
    with pytest.raises(ValueError, match="not a device id"):
        sim.seed(["1"])
    # A rejected device is no member: it can be appended again.
    await api.append(A)
    assert sim.members() == {A, B}


# Scheduling and cancelling


def order(sim: Simulator, **changes: object) -> dict[str, object]:
    return {
        "accountName": sim.account,
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "firmwareTo": "VerizonFirmwareVersion-02",
        "startDate": "2018-04-01",
        "endDate": "2018-04-05",
        "deviceList": [A, B],
    } | changes


async def test_a_scheduled_upgrade_waits_until_it_is_queued(api: Api, sim: Simulator) -> None:
    made = await api.call("POST", "/api/fota/v1/upgrades", json=order(sim))
    path = api.path_of(made.document["id"])

    assert made.document["status"] == "RequestPending"
    assert made.items == {A: "RequestPending", B: "RequestPending"}
    assert all("resultReason" not in row for row in made.document["deviceList"])
    await api.modify("append", C, path=path)
    assert set((await api.call("GET", path)).items.values()) == {"RequestPending"}

    sim.set_status(made.document["id"], "Queued")
    read = await api.call("GET", path)
    assert read.document["status"] == "Queued"
    assert read.items == dict.fromkeys([A, B, C], "Device Accepted")
    assert read.document["endDate"] == "2018-04-05"


async def test_scheduled_upgrades_get_the_same_ids_every_time(api: Api, sim: Simulator) -> None:
    made = [
        (await api.call("POST", "/api/fota/v1/upgrades", json=order(sim))).document["id"]
        for _ in range(2)
    ]
    async with Simulator() as other:
        assert [other.add_upgrade() for _ in range(2)] == made
    assert len(set(made)) == 2


async def test_a_refused_device_is_rejected_later_when_scheduled(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(refused={A: "because"})
    made = await api.call("POST", "/api/fota/v1/upgrades", json=order(sim))

    assert made.items[A] == "RequestPending"
    assert sim.members(made.document["id"]) == {B}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"startDate": "tomorrow"}, "FotaPostUpgrades: invalid state date"),
        ({"startDate": None}, "FotaPostUpgrades: invalid state date"),
        ({"deviceList": []}, "Device list is empty"),
        ({"deviceList": ["1"]}, "Invalid device id format"),
        ({"accountName": None}, "Invalid account name format"),
        ({"firmwareName": ""}, "Input binding error"),
    ],
)
async def test_a_bad_order_is_refused(
    api: Api, sim: Simulator, changes: dict[str, object], message: str
) -> None:
    refused = await api.call("POST", "/api/fota/v1/upgrades", json=order(sim, **changes))

    assert (refused.status, refused.document["errorMessage"]) == (400, message)


async def test_the_order_of_an_older_sdk_is_taken(api: Api, sim: Simulator) -> None:
    body = order(sim, startDate="2018-04-01T16:03:00.000Z")
    del body["endDate"]
    made = await api.call("POST", "/api/fota/v1/upgrades", json=body)

    assert made.document["startDate"] == "2018-04-01"
    assert "endDate" not in made.document


@pytest.mark.parametrize("status", ["RequestPending", "Queued"])
async def test_a_cancelled_upgrade_is_gone(api: Api, sim: Simulator, status: Any) -> None:
    sim.seed([A])
    sim.set_status(sim.upgrade_id, status)
    answer = await api.call("DELETE", api.upgrade)

    assert answer.document == {"success": True}
    assert sim.members() == set()
    for after in (await api.read(), await api.append(A), await api.call("DELETE", api.upgrade)):
        assert after.document["errorMessage"] == "Invalid upgradeId"


# Callbacks


async def test_a_listener_is_registered_changed_and_removed(api: Api) -> None:
    nothing = await api.call("GET", api.callback)
    assert (nothing.status, nothing.body) == (200, b"")

    first = await api.call("POST", api.callback, json={"url": "https://a.example/one"})
    assert first.document == {"url": "https://a.example/one"}
    second = await api.call("PUT", api.callback, json={"callback": "https://a.example/two"})
    assert second.document == {"url": "https://a.example/two"}
    assert (await api.call("GET", api.callback)).document == second.document

    assert (await api.call("DELETE", api.callback)).document == {"success": True}
    assert (await api.call("GET", api.callback)).body == b""


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_listener_needs_an_address(api: Api, method: str) -> None:
    refused = await api.call(method, api.callback, json={"url": 5})

    assert (refused.status, refused.document["errorMessage"]) == (400, "Input binding error")


# What the wire saw


async def test_requests_and_statistics_tell_what_happened(api: Api, sim: Simulator) -> None:
    await api.append(A, B)
    await api.append("bad")
    sim.faults = Faults(drop_after=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.append(C)
    sim.faults = Faults()

    records = [record for record in sim.requests if record.route == "v1_modify_upgrade"]
    assert [(r.seq, r.method, r.status, r.devices, r.fault) for r in records] == [
        (2, "PUT", 200, 2, None),
        (3, "PUT", 400, 1, None),
        (4, "PUT", None, 1, "drop_after"),
    ]
    stats = await api.call("GET", "/__stats", headers={})
    assert stats.document == sim.stats()
    assert stats.document == {
        "requests": {
            "oauth_create_token": {"200": 1},
            "session_login": {"200": 1},
            "v1_modify_upgrade": {"200": 1, "400": 1, "drop_after": 1},
        },
        "logins": 1,
        "refused_logins": 0,
        "token_requests": 1,
        "revocations": 0,
        "locked": False,
        "devices_sent": 4,
        "upgrades": {
            sim.upgrade_id: {"status": "Queued", "devices": 3, "members": [A, B, C]},
        },
    }


async def test_a_long_upgrade_is_read_in_one_answer(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(12_345)]
    sim.seed(ids)

    assert list((await api.read()).items) == ids


async def test_no_more_of_the_past_is_kept_than_readings_need(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    for number in range(10):
        clock.turn(1)
        await api.append(imei(number))

    assert len(sim._world.upgrades[sim.upgrade_id]._undo) == 1


# The server itself


async def test_a_stopped_simulator_refuses_connections_and_comes_back_where_it_was() -> None:
    sim = Simulator()
    with pytest.raises(RuntimeError, match="start it first"):
        _ = sim.base_url
    await sim.start()
    url = sim.base_url
    sim.seed([A])
    await sim.stop()
    async with Api(sim) as api:
        with pytest.raises(aiohttp.ClientConnectorError):
            await api.token()
        async with sim:
            assert sim.base_url == url
            assert (await api.token()).status == 200
            assert sim.members() == {A}
            with pytest.raises(RuntimeError, match="running already"):
                await sim.start()
    await sim.stop()


async def test_stop_ends_requests_that_hang_or_wait(clock: ManualClock) -> None:
    sim = Simulator(faults=Faults(hang_before=1, only={"v1_get_upgrade"}), clock=clock)
    await sim.start()
    async with Api(sim) as api:
        await api.enter()
        sim.faults = Faults(latency=5, hang_before=1)
        waits = asyncio.create_task(api.read())
        await clock.asleep.wait()
        sim.faults = Faults(hang_before=1)
        hangs = asyncio.create_task(api.read())
        await until(lambda: any(record.fault == "hang_before" for record in sim.requests))

        async with asyncio.timeout(0.5):
            await sim.stop()
        for lost in (waits, hangs):
            with pytest.raises(aiohttp.ClientConnectionError):
                await lost


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Rules, {"refuse_rate": 1.5}),
        (Rules, {"token_lifetime": 0}),
        (Rules, {"max_devices": 0}),
        (Rules, {"reject_after": -1}),
        (Rules, {"appended_twice": "perhaps"}),
        (Faults, {"drop_after": -0.1}),
        (Faults, {"read_lag": -1}),
        (Faults, {"latency": (2, 1)}),
        (Faults, {"only": {"v1_modify_upgrades"}}),
        (Faults, {"only": {"session_login"}}),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    kind: type[Rules] | type[Faults], settings: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        kind(**settings)

"""Devices appended to the simulator's upgrades and removed, by a bare HTTP client."""

from typing import Any

import pytest
from simulator_api import Api, imei

from fota_async.clock import ManualClock
from fota_async.simulator import REASONS, Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)


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

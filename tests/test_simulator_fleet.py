"""The simulator's lists of devices, their details and firmware, called by a bare HTTP client."""

from typing import Any

import pytest
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Rules, Simulator

OTHER = "0000000001-00001"
EXAMPLE = "356938035643809"
FILTERS = {"v1": "clientType", "v2": "distributionType", "v3": "protocol"}
VERSIONS = tuple(FILTERS)


async def page(api: Api, version: str, position: object = 0, **query: str) -> Seen:
    path = f"/api/fota/{version}/devices/{api.sim.account}"
    if version == "v1":
        return await api.call("GET", f"{path}/index/{position}", params=query)
    return await api.call("GET", path, params={"lastSeenDeviceId": str(position)} | query)


async def post(api: Api, method: str, path: str, *ids: Any) -> Seen:
    return await api.call(method, path, json={"deviceList": ids})


def listed(seen: Seen) -> list[str]:
    return [item["deviceId"] for item in seen.document["deviceList"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_account_starts_with_devices(api: Api, version: str) -> None:
    seen = await page(api, version)

    assert EXAMPLE in listed(seen)
    assert listed(seen) == sorted(listed(seen))
    assert seen.document["hasMoreData"] is False


@pytest.mark.parametrize("version", VERSIONS)
async def test_devices_come_in_pages(api: Api, sim: Simulator, version: str) -> None:
    sim.rules = Rules(page_size=2)
    sim.add_devices(imei(number) for number in (7, 5, 6))
    first = await page(api, version, **{FILTERS[version]: "LWM2M"})
    cursor = first.document["lastSeenDeviceId"]
    second = await page(api, version, cursor, **{FILTERS[version]: "LWM2M"})

    assert listed(first) == [imei(5), imei(6)]
    assert cursor == (6 if version == "v1" else imei(6))
    assert listed(second) == [imei(7), EXAMPLE]
    assert first.document["hasMoreData"] is second.document["hasMoreData"] is True
    assert first.document.get("maxPageSize") == (None if version == "v1" else 2)
    nobody = await page(api, version, "9" * 15)
    assert (listed(nobody), nobody.document["hasMoreData"]) == ([], False)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spelling", ["OMA", "OMA-DM", "OMD-DM", "OMADM", "OMDADM", "omadm"])
async def test_devices_are_filtered_by_protocol_in_any_spelling(
    api: Api, sim: Simulator, version: str, spelling: str
) -> None:
    sim.add_devices([imei(1)], "HTTP")
    sim.add_devices([imei(2)], spelling)
    name = FILTERS[version]

    filtered = listed(await page(api, version, **{name: "OMD-DM"}))
    assert filtered[0] == imei(2)
    assert EXAMPLE not in filtered
    assert imei(1) in listed(await page(api, version, **{name: "http"}))
    assert {imei(1), imei(2), EXAMPLE} < set(listed(await page(api, version, **{name: "all"})))
    assert listed(await page(api, version, **{name: "NONE"})) == []


async def test_v3_lists_one_protocol_where_none_is_named(api: Api, sim: Simulator) -> None:
    sim.add_devices([imei(1)], "HTTP")

    assert imei(1) in listed(await page(api, "v1"))
    assert imei(1) in listed(await page(api, "v2"))
    assert imei(1) not in listed(await page(api, "v3"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_tells_who_holds_a_licence(api: Api, sim: Simulator, version: str) -> None:
    sim.license([EXAMPLE])
    holders = {
        item["deviceId"]
        for item in (await page(api, version)).document["deviceList"]
        if item["licenseAssigned"]
    }

    assert holders == {EXAMPLE}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_position_has_to_be_a_device_of_the_account(
    api: Api, sim: Simulator, version: str
) -> None:
    message = "LastSeenDeviceId Not Valid"
    for position in ("x", "1" * 16):
        assert (await page(api, version, position)).document["errorMessage"] == message
    assert (await page(api, version, imei(1))).status == 200

    sim.rules = Rules(known_devices_only=True)
    assert (await page(api, version, imei(1))).document["errorMessage"] == message
    assert (await page(api, version, EXAMPLE)).status == 200
    sim.license([imei(1)])
    assert (await page(api, version, imei(1))).status == 200


def test_devices_are_added_with_sense(sim: Simulator) -> None:
    with pytest.raises(ValueError, match="not a device id"):
        sim.add_devices(["1"])
    with pytest.raises(ValueError, match="no protocol of devices: 'FAX'"):
        sim.add_devices([imei(1)], "FAX")
    with pytest.raises(ValueError, match="no such account"):
        sim.add_devices([imei(1)], account=OTHER)


async def test_a_hundred_thousand_devices_are_listed_within_seconds(
    api: Api, sim: Simulator
) -> None:
    ids = [imei(number) for number in range(100_000)]
    sim.add_devices(ids, "LWM2M")
    seen: list[str] = []
    more, cursor = True, "0"
    while more:
        some = await page(api, "v3", cursor)
        seen += listed(some)
        more, cursor = some.document["hasMoreData"], some.document["lastSeenDeviceId"]

    assert seen[: len(ids)] == ids


# Details


def details(sim: Simulator) -> str:
    return f"/api/fota/v3/devices/{sim.account}"


async def test_details_are_of_the_devices_asked_for(api: Api, sim: Simulator) -> None:
    sim.add_devices([imei(2)], "HTTP")
    seen = await post(api, "POST", details(sim), imei(2), imei(1))

    assert listed(seen) == [imei(2), imei(1)]
    assert (seen.document["accountName"], seen.document["deviceCount"]) == (sim.account, 2)
    assert [item["protocol"] for item in seen.document["deviceList"]] == ["HTTP", "LWM2M"]
    assert {item["requestStatus"] for item in seen.document["deviceList"]} == {"Success"}


async def test_an_answer_with_details_holds_a_thousand(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(1001)]

    assert listed(await post(api, "POST", details(sim), *ids)) == ids[:1000]


async def test_details_of_the_unknown_and_the_refused_are_not_to_be_had(
    api: Api, sim: Simulator
) -> None:
    sim.rules = Rules(known_devices_only=True, refused={EXAMPLE: "because"})
    seen = await post(api, "POST", details(sim), imei(1), EXAMPLE)

    assert seen.document["deviceList"] == [
        {"deviceId": i, "requestStatus": "Failure", "resultReason": reason}
        for i, reason in ((imei(1), "Device does not exist."), (EXAMPLE, "because"))
    ]


# Firmware


def firmware(sim: Simulator, rest: str = "/devices") -> str:
    return f"/api/fota/v3/firmware/{sim.account}{rest}"


async def test_firmware_on_record_is_told_per_device(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(refused={imei(1): "because"})
    seen = await post(api, "PUT", firmware(sim), EXAMPLE, imei(1))
    known, refused = seen.document["deviceFirmwarVersionList"]

    assert known["deviceId"] == EXAMPLE
    assert known["status"] == "FirmwareVersionUpdateSuccess"
    assert known["firmwareVersion"] == "BG96MAR04A04M1G"
    assert refused == {
        "deviceId": imei(1),
        "status": "FirmwareVersionUpdateFailed",
        "reason": "because",
        "firmwareVersion": "",
    }


async def test_firmware_of_a_hundred_devices_is_told_at_a_time(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(101)]

    assert (await post(api, "PUT", firmware(sim), *ids[:100])).status == 200
    assert (await post(api, "PUT", firmware(sim), *ids)).status == 413
    sim.rules = Rules(size_refusal="NumberofDevices")
    refused = await post(api, "PUT", firmware(sim), *ids)
    assert refused.code.endswith("INPUT_INVALID.NumberofDevices")


async def test_a_device_reports_later(api: Api, sim: Simulator, clock: ManualClock) -> None:
    sim.rules = Rules(report_delay=60)

    async def refreshed() -> Any:
        (item,) = (await post(api, "POST", details(sim), EXAMPLE)).document["deviceList"]
        return item["refreshTime"]

    before = await refreshed()
    clock.turn(100)
    asked = await api.call("PUT", firmware(sim, f"/async/{EXAMPLE}"))
    again = await api.call("PUT", firmware(sim, f"/async/{EXAMPLE}"))
    assert asked.document["accountName"] == sim.account
    assert asked.document["requestId"] != again.document["requestId"]
    clock.turn(59)
    assert await refreshed() == before
    clock.turn(1)
    assert await refreshed() != before


async def test_only_a_device_can_be_asked_to_report(api: Api, sim: Simulator) -> None:
    odd = await api.call("PUT", firmware(sim, "/async/1"))
    assert odd.document["errorMessage"] == "Invalid device id format"
    sim.rules = Rules(known_devices_only=True)
    unknown = await api.call("PUT", firmware(sim, f"/async/{imei(1)}"))
    assert unknown.code.endswith("REQUEST_FAILED.DeviceNotFound")


# Upgrades and campaigns where devices have to be known


async def test_strangers_are_not_taken_into_upgrades_and_campaigns(
    api: Api, sim: Simulator
) -> None:
    sim.rules = Rules(known_devices_only=True)
    campaign = sim.add_campaign("v3")
    path = f"/api/fota/v3/campaigns/firmware/{sim.account}/{campaign}"
    into_upgrade = await api.append(EXAMPLE, imei(1))
    into_campaign = await api.modify("append", EXAMPLE, imei(1), path=path)

    for seen in (into_upgrade, into_campaign):
        items = seen.document["deviceList"]
        assert [item["Reason"] for item in items][1] == "Device not found"
    assert sim.members() == sim.members(campaign) == {EXAMPLE}


@pytest.mark.parametrize("version", VERSIONS)
async def test_strangers_of_an_order_are_rejected_later(
    api: Api, sim: Simulator, version: str
) -> None:
    sim.rules = Rules(known_devices_only=True)
    path, image = {
        "v1": ("/api/fota/v1/upgrades", {"firmwareName": "n", "firmwareTo": "t"}),
        "v2": (
            f"/api/fota/v2/campaigns/software/{sim.account}",
            {"softwareName": "n", "softwareFrom": "f", "softwareTo": "t"}
            | {"distributionType": "HTTP"},
        ),
        "v3": (
            f"/api/fota/v3/campaigns/firmware/{sim.account}",
            {"firmwareName": "n", "firmwareFrom": "f", "firmwareTo": "t", "protocol": "LWM2M"},
        ),
    }[version]
    order = image | {
        "accountName": sim.account,
        "startDate": "2030-04-01",
        "endDate": "2030-04-05",
        "deviceList": [EXAMPLE, imei(1)],
    }
    made = await api.call("POST", path, json=order)

    assert sim.members(made.document["id"]) == {EXAMPLE}

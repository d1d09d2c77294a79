"""The simulator's licences, called by a bare HTTP client."""

from typing import Any

import pytest
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)
VERSIONS = ("v1", "v2", "v3")
COUNT = {"v1": "licCount", "v2": "licTotalCount", "v3": "licCount"}
TOTAL = {"v1": "totalLicenses", "v2": "totalLicense", "v3": "totalLicenses"}
ASSIGNED = {
    "v1": "LicenseAssignSuccess",
    "v2": "Success",
    "v3": "LicenseAssignSuccess",
}
NOT_ASSIGNED = {"v1": "LicenseAssignFailed", "v2": "Failure", "v3": "LicenseAssignFailed"}
REMOVED = {"v1": "LicenseRemoveSuccess", "v2": "Success", "v3": "LicenseRemoveSuccess"}
NOT_REMOVED = {"v1": "LicenseRemoveFailed", "v2": "Failure", "v3": "LicenseRemoveFailed"}


async def change(api: Api, version: str, verb: str, *ids: Any) -> Seen:
    path = f"/api/fota/{version}/licenses/{api.sim.account}/{verb}"
    return await api.call("POST", path, json={"deviceList": ids})


async def status(api: Api, version: str, position: object = 0) -> Seen:
    path = f"/api/fota/{version}/licenses/{api.sim.account}"
    if version == "v1":
        return await api.call("GET", f"{path}/index/{position}")
    return await api.call("GET", path, params={"lastSeenDeviceId": str(position)})


def reasons(version: str, seen: Seen) -> dict[str, str]:
    member = "Reason" if version == "v1" else "resultReason"
    return {item["deviceId"]: item[member] for item in seen.document["deviceList"]}


def listed(seen: Seen) -> list[str]:
    return [item["deviceId"] for item in seen.document["deviceList"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_licences_are_assigned_and_taken_back(api: Api, sim: Simulator, version: str) -> None:
    assigned = await change(api, version, "assign", B, A)

    assert assigned.items == dict.fromkeys([B, A], ASSIGNED[version])
    assert reasons(version, assigned) == dict.fromkeys([B, A], "Success")
    assert assigned.document["accountName"] == sim.account
    assert (assigned.document[COUNT[version]], assigned.document["licUsedCount"]) == (5000, 2)
    assert sim.licensed() == {A, B}

    removed = await change(api, version, "remove", A, C)
    assert removed.items == {A: REMOVED[version], C: NOT_REMOVED[version]}
    assert reasons(version, removed) == {A: "Success", C: "No license attached to device"}
    assert removed.document["licUsedCount"] == 1
    assert sim.licensed() == {B}
    assert sim.stats()["licenses"] == {sim.account: 1}


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_second_licence_is_none(api: Api, sim: Simulator, version: str) -> None:
    sim.license([A])
    again = await change(api, version, "assign", A, B, B)

    assert set(again.items.values()) == {ASSIGNED[version]}
    assert [item["deviceId"] for item in again.document["deviceList"]] == [A, B, B]
    assert reasons(version, again) == dict.fromkeys([A, B], "Device license preexisting")
    assert again.document["licUsedCount"] == 2


@pytest.mark.parametrize("version", VERSIONS)
async def test_assigning_stops_when_all_are_used(api: Api, sim: Simulator, version: str) -> None:
    sim.set_licenses(2)
    seen = await change(api, version, "assign", A, B, C, A)

    assert [item["status"] for item in seen.document["deviceList"]] == [
        ASSIGNED[version],
        ASSIGNED[version],
        NOT_ASSIGNED[version],
        ASSIGNED[version],
    ]
    assert reasons(version, seen)[C] == "No license available"
    assert sim.licensed() == {A, B}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_refused_get_none(api: Api, sim: Simulator, version: str) -> None:
    sim.rules = Rules(refused={A: "because"})
    seen = await change(api, version, "assign", A, B)

    assert seen.items == {A: NOT_ASSIGNED[version], B: ASSIGNED[version]}
    assert reasons(version, seen)[A] == "because"


@pytest.mark.parametrize("version", VERSIONS)
async def test_strangers_get_none_where_devices_have_to_be_known(
    api: Api, sim: Simulator, version: str
) -> None:
    sim.add_devices([A])
    sim.rules = Rules(known_devices_only=True)
    seen = await change(api, version, "assign", A, B)

    assert seen.items == {A: ASSIGNED[version], B: NOT_ASSIGNED[version]}
    assert reasons(version, seen)[B] == "Device does not exist."


@pytest.mark.parametrize("verb", ["assign", "remove"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_bad_list_is_refused(api: Api, sim: Simulator, version: str, verb: str) -> None:
    path = f"/api/fota/{version}/licenses/{sim.account}/{verb}"
    sim.rules = Rules(max_devices=2, poison=frozenset({C}))
    refusals = {
        (): "Device list is empty",
        ("1",): "Invalid device id format",
        (A, 2): "Invalid device id format",
        (A, C): "Invalid device id format",
    }
    for ids, message in refusals.items():
        seen = await change(api, version, verb, *ids)
        assert (seen.status, seen.document["errorMessage"]) == (400, message)
    assert (await change(api, version, verb, A, B, C)).status == 413
    nothing = await api.call("POST", path, headers=api.headers | {"Content-Type": "text/plain"})
    assert nothing.document["errorMessage"] == "Input binding error"
    assert sim.licensed() == set()


# Who holds one


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_status_is_paged(api: Api, sim: Simulator, version: str) -> None:
    ids = [imei(number) for number in range(10, 15)]
    sim.license(reversed(ids))
    sim.rules = Rules(page_size=2)
    pages = [await status(api, version)]
    while pages[-1].document["hasMoreData"]:
        pages.append(await status(api, version, pages[-1].document["lastSeenDeviceId"]))

    assert [listed(page) for page in pages] == [ids[:2], ids[2:4], ids[4:]]
    for page in pages:
        assert page.document["accountName"] == sim.account
        assert (page.document[TOTAL[version]], page.document["assignedLicenses"]) == (5000, 5)
        assert page.document.get("maxPageSize") == (None if version == "v1" else 2)
    assert pages[0].document["lastSeenDeviceId"] == (11 if version == "v1" else imei(11))
    if version == "v1":
        assert pages[-1].document["lastSeenDeviceId"] == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_account_without_licensed_devices(api: Api, version: str) -> None:
    empty = await status(api, version)

    assert (listed(empty), empty.document["hasMoreData"]) == ([], False)


async def test_the_time_of_assignment_is_in_the_layout_of_the_version(
    api: Api, sim: Simulator
) -> None:
    sim.license([A])
    times = [(await status(api, v)).document["deviceList"][0]["assignmentTime"] for v in VERSIONS]

    assert times[0] == times[1]
    assert times[0].endswith("Z")
    assert times[2] == times[0].replace("T", " ").replace("Z", " +0000 UTC")


async def test_positions_of_v1_can_be_numbers_of_devices(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(10, 15)]
    sim.license(ids)
    sim.rules = Rules(page_size=2, license_index="count")

    first = await status(api, "v1")
    assert (listed(first), first.document["lastSeenDeviceId"]) == (ids[:2], 2)
    assert listed(await status(api, "v1", 4)) == ids[4:]
    beyond = await status(api, "v1", 6)
    assert beyond.document["errorMessage"] == "Index exceeds number of devices in list"
    odd = await status(api, "v1", "x")
    assert odd.document["errorMessage"] == "Invalid index value"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_position_has_to_be_a_device(api: Api, version: str) -> None:
    for position in ("x", "1" * 16, "-1"):
        seen = await status(api, version, position)
        assert seen.document["errorMessage"] == "LastSeenDeviceId Not Valid"


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_the_status_is_also_there_at_the_path_of_the_page(
    api: Api, sim: Simulator, version: str
) -> None:
    sim.license([A, B])
    path = f"/api/fota/{version}/licenses/{sim.account}"

    assert listed(await api.call("GET", f"{path}/index/{A}")) == [B]
    assert listed(await api.call("GET", path)) == [A, B]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_status_may_lag_behind(
    api: Api, sim: Simulator, clock: ManualClock, version: str
) -> None:
    sim.faults = Faults(read_lag=10)
    await change(api, version, "assign", A, B)
    clock.turn(10)
    await change(api, version, "remove", A)
    behind = await status(api, version)
    clock.turn(10)

    assert listed(behind) == [A, B]
    assert behind.document["assignedLicenses"] == 2
    assert listed(await status(api, version)) == [B]


# What hangs on a licence


@pytest.mark.parametrize("version", VERSIONS)
async def test_without_licence_a_device_leaves_what_has_not_started(
    api: Api, sim: Simulator, version: str
) -> None:
    sim.add_account("0000000001-00001")
    foreign = sim.add_upgrade("0000000001-00001")
    waiting = [
        sim.upgrade_id,
        sim.add_upgrade(status="RequestPending"),
        sim.add_campaign("v2"),
        sim.add_campaign("v3", status="CampaignPreScheduled"),
    ]
    for target in (*waiting, foreign):
        sim.seed([A, B], target_id=target)
    sim.license([A])
    await change(api, version, "remove", A, B)

    # B never had a licence, so nothing of it is cancelled.
    assert [sim.members(target) for target in waiting] == [{B}] * len(waiting)
    assert sim.members(foreign) == {A, B}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("InProgress", "Device is being upgraded"),
        ("Finished", "Device has been upgraded before"),
        ("UpgradeFailed", None),
    ],
)
async def test_a_used_licence_stays(
    api: Api, sim: Simulator, clock: ManualClock, state: Any, reason: str | None
) -> None:
    sim.license([A, B, C])
    clock.turn(1)
    sim.seed([A])
    sim.seed([C], "Device Rejected")
    sim.set_status(sim.upgrade_id, state)
    seen = await change(api, "v1", "remove", A, B, C)

    assert reasons("v1", seen) == {A: reason or "Success", B: "Success", C: "Success"}
    assert sim.licensed() == ({A} if reason else set())
    assert sim.members() == {A}


async def test_a_licence_is_used_as_soon_as_its_device_is_upgraded(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.rules = Rules(life_cycle=True, pending_for=10, queued_for=10, runs_for=100)
    order = {
        "accountName": sim.account,
        "firmwareName": "name",
        "firmwareTo": "to",
        "startDate": "2018-04-01",
        "deviceList": [A],
    }
    sim.license([A])
    await api.call("POST", "/api/fota/v1/upgrades", json=order)
    clock.turn(20)
    running = await change(api, "v1", "remove", A)
    clock.turn(101)
    over = await change(api, "v1", "remove", A)

    assert reasons("v1", running) == {A: "Device is being upgraded"}
    assert reasons("v1", over) == {A: "Device has been upgraded before"}


async def test_a_licence_from_after_the_upgrade_is_unused(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.seed([A])
    sim.set_status(sim.upgrade_id, "Finished")
    clock.turn(1)
    sim.license([A])

    assert (await change(api, "v1", "remove", A)).items == {A: "LicenseRemoveSuccess"}


async def test_a_smaller_subscription_takes_from_candidates_then_from_the_oldest(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    ids = [imei(number) for number in range(5)]
    for device_id in ids:
        sim.license([device_id])
        clock.turn(1)
    path = f"/api/fota/v2/licenses/{sim.account}/cancel"
    await api.call("POST", path, json={"deviceList": [ids[4], ids[3], imei(99)]})

    sim.set_licenses(4)
    assert sim.licensed() == set(ids) - {ids[4]}
    sim.set_licenses(2)
    assert sim.licensed() == {ids[1], ids[2]}


def test_nonsense_about_licences_is_an_error(sim: Simulator) -> None:
    sim.set_licenses(1)
    with pytest.raises(ValueError, match="not a device id"):
        sim.license(["1"])
    with pytest.raises(ValueError, match="set_licenses first"):
        sim.license([A, B])
    with pytest.raises(ValueError, match="-1"):
        sim.set_licenses(-1)
    with pytest.raises(ValueError, match="no such account"):
        sim.licensed("1")


# Many


async def test_two_hundred_thousand_devices_pass_within_seconds(api: Api, sim: Simulator) -> None:
    ids = [imei(number) for number in range(200_000)]
    sim.set_licenses(len(ids))
    for start in range(0, len(ids), 1000):
        await change(api, "v3", "assign", *ids[start : start + 1000])
    seen: list[str] = []
    more, cursor = True, "0"
    while more:
        page = (await status(api, "v3", cursor)).document
        seen += [item["deviceId"] for item in page["deviceList"]]
        more, cursor = page["hasMoreData"], page["lastSeenDeviceId"]

    assert seen == ids

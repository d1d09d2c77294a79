"""The simulator against the wire contract, called by a bare HTTP client."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from simulator_api import REVOKE, Api, imei, until

from fota_async.clock import ManualClock
from fota_async.simulator import ROUTES, Faults, Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)


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
    assert len(ours) == len(ROUTES) == 76


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
        "licenses": {sim.account: 0},
        "candidates": {sim.account: 0},
        "logging": {sim.account: 0},
        "campaigns": {},
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

    assert len(sim._world.upgrades[sim.upgrade_id].rows._undo) == 1


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
        (Rules, {"removed_rows": "perhaps"}),
        (Rules, {"pilot": "perhaps"}),
        (Rules, {"spelling": "free"}),
        (Rules, {"page_size": 0}),
        (Rules, {"runs_for": -1}),
        (Rules, {"upgrade_fail_rate": 2}),
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

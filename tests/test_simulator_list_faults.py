"""Faults on the calls of accounts that carry lists of devices."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Simulator

IDS = [imei(number) for number in range(30)]
CHANGES = {
    "v1_assign_licenses": ("POST", "/api/fota/v1/licenses/{}/assign"),
    "v1_remove_licenses": ("POST", "/api/fota/v1/licenses/{}/remove"),
    "v1_set_cancel_candidates": ("POST", "/api/fota/v1/licenses/{}/cancel"),
    "v2_assign_licenses": ("POST", "/api/fota/v2/licenses/{}/assign"),
    "v2_enable_logging": ("PUT", "/api/fota/v2/logging/{}/devices"),
    "v2_remove_licenses": ("POST", "/api/fota/v2/licenses/{}/remove"),
    "v2_set_cancel_candidates": ("POST", "/api/fota/v2/licenses/{}/cancel"),
    "v3_assign_licenses": ("POST", "/api/fota/v3/licenses/{}/assign"),
    "v3_remove_licenses": ("POST", "/api/fota/v3/licenses/{}/remove"),
}
READS = {
    "v1_get_license_status": "/api/fota/v1/licenses/{}/index/0",
    "v1_list_cancel_candidates": "/api/fota/v1/licenses/{}/cancel/index/0",
    "v1_list_devices": "/api/fota/v1/devices/{}/index/0",
    "v2_get_license_status": "/api/fota/v2/licenses/{}",
    "v2_list_cancel_candidates": "/api/fota/v2/licenses/{}/cancel",
    "v2_list_devices": "/api/fota/v2/devices/{}",
    "v2_list_logging_devices": "/api/fota/v2/logging/{}/devices",
    "v3_get_license_status": "/api/fota/v3/licenses/{}",
    "v3_list_devices": "/api/fota/v3/devices/{}",
}
LOOKUPS = {
    "v3_get_device_details": ("POST", "/api/fota/v3/devices/{}"),
    "v3_sync_device_firmware": ("PUT", "/api/fota/v3/firmware/{}/devices"),
}
TRUTHS: dict[str, Callable[[Simulator], set[str]]] = {
    "licenses": Simulator.licensed,
    "candidates": Simulator.candidates,
    "logging": Simulator.logging,
}
ASKED = [*CHANGES, *READS, *LOOKUPS]


def ids_of(route: str) -> list[str]:
    return IDS[:20] if "logging" in route else IDS


def truth(sim: Simulator, route: str) -> set[str]:
    return TRUTHS[route.rpartition("_")[2]](sim)


async def ask(api: Api, route: str) -> Seen:
    """Call a route with `IDS`, of which logging takes twenty."""
    account = api.sim.account
    if route in READS:
        return await api.call("GET", READS[route].format(account))
    method, path = (CHANGES | LOOKUPS)[route]
    name = "deviceIds" if "logging" in route else "deviceList"
    return await api.call(method, path.format(account), json={name: ids_of(route)})


async def fill(api: Api) -> None:
    api.sim.add_devices(IDS)
    api.sim.license(IDS)
    await ask(api, "v1_set_cancel_candidates")
    await ask(api, "v2_enable_logging")


def items(seen: Seen) -> Any:
    document = seen.document
    if isinstance(document, list):
        return document
    return document.get("deviceList", document.get("deviceFirmwarVersionList"))


@pytest.mark.parametrize("route", ASKED)
async def test_some_devices_are_missing(api: Api, sim: Simulator, route: str) -> None:
    await fill(api)
    sim.faults = Faults(missing_items=1, only=frozenset({route}))
    some = items(await ask(api, route))

    ids = [item if isinstance(item, str) else item["deviceId"] for item in some]
    asked = ids_of(route)
    assert 0 < len(set(ids).intersection(asked)) < len(asked)
    assert sim.requests[-1].fault == "missing_items"


@pytest.mark.parametrize("route", ASKED)
async def test_the_list_is_null(api: Api, sim: Simulator, route: str) -> None:
    sim.faults = Faults(null_list=1)
    seen = await ask(api, route)

    assert seen.status == 200
    if "logging" in route:
        assert seen.body == b"null"
    else:
        assert items(seen) is None


@pytest.mark.parametrize(
    "route", [route for route in ASKED if "licenses" in route] + list(LOOKUPS)[1:]
)
async def test_some_status_words_are_new(api: Api, sim: Simulator, route: str) -> None:
    await fill(api)
    sim.faults = Faults(odd_status=1)
    words = {item["status"] for item in items(await ask(api, route))}

    assert len(words) == 2
    assert "DeviceDeferred" in words


async def test_lists_without_status_words_stay_as_they_are(api: Api, sim: Simulator) -> None:
    await fill(api)
    usual = [items(await ask(api, route)) for route in READS if "v3_list" not in route]
    sim.faults = Faults(odd_status=1)

    assert [items(await ask(api, route)) for route in READS if "v3_list" not in route] == usual


@pytest.mark.parametrize("route", CHANGES)
@pytest.mark.parametrize(("fault", "applied"), [("drop_before", False), ("drop_after", True)])
async def test_an_answer_is_lost(
    api: Api, sim: Simulator, route: str, fault: str, applied: bool
) -> None:
    removes = "remove" in route
    if removes:
        sim.license(IDS)
    sim.faults = Faults(**{fault: 1})
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(api, route)

    assert truth(sim, route) == (set(ids_of(route)) if applied is not removes else set())


@pytest.mark.parametrize("route", CHANGES)
async def test_a_lost_change_may_come_late(
    api: Api, sim: Simulator, clock: ManualClock, route: str
) -> None:
    removes = "remove" in route
    if removes:
        sim.license(IDS)
    before = truth(sim, route)
    sim.faults = Faults(drop_before=1, late_write=1, late_write_seconds=5)
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(api, route)
    clock.turn(4.9)
    assert truth(sim, route) == before
    clock.turn(0.1)

    assert truth(sim, route) == (set() if removes else set(ids_of(route)))


@pytest.mark.parametrize("route", ASKED)
async def test_faults_are_for_the_routes_named(api: Api, sim: Simulator, route: str) -> None:
    sim.faults = Faults(torn_body=1, only=frozenset(ASKED) - {route})

    assert (await ask(api, route)).status == 200

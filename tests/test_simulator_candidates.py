"""The simulator's cancellation candidates, called by a bare HTTP client."""

from typing import Any

import pytest
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator

A, B, C, D = (imei(number) for number in (4, 3, 2, 1))
VERSIONS = ("v1", "v2")


async def store(api: Api, version: str, *ids: Any, **more: Any) -> Seen:
    path = f"/api/fota/{version}/licenses/{api.sim.account}/cancel"
    return await api.call("POST", path, json={"deviceList": ids} | more)


async def read(api: Api, version: str, index: object = 0) -> Seen:
    path = f"/api/fota/{version}/licenses/{api.sim.account}/cancel"
    if version == "v1":
        return await api.call("GET", f"{path}/index/{index}")
    return await api.call("GET", path, params={"startIndex": str(index)})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_is_stored_added_to_replaced_and_dropped(
    api: Api, sim: Simulator, version: str
) -> None:
    stored = await store(api, version, A, B)
    assert stored.document == {"count": 2, "deviceList": [A, B]}
    added = await store(api, version, C, A, type="append", count=2)
    assert added.document == {"count": 3, "deviceList": [A, B, C]}
    assert (await read(api, version)).document["deviceList"] == [A, B, C]
    assert sim.candidates() == {A, B, C}
    assert sim.stats()["candidates"] == {sim.account: 3}

    replaced = await store(api, version, D, type=None)
    assert replaced.document == {"count": 1, "deviceList": [D]}

    path = f"/api/fota/{version}/licenses/{sim.account}/cancel"
    assert (await api.call("DELETE", path)).document == {"success": True}
    assert (await api.call("DELETE", path)).document == {"success": True}
    empty = (await read(api, version)).document
    assert (empty["count"], empty["deviceList"], empty["hasMoreData"]) == (0, [], False)
    assert sim.candidates() == set()


async def test_the_versions_share_one_list(api: Api) -> None:
    await store(api, "v1", A)
    await store(api, "v2", B, type="append")

    assert (await read(api, "v1")).document["deviceList"] == [A, B]


async def test_an_answer_may_hold_what_was_sent_alone(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(candidates_answer="sent")
    await store(api, "v2", A, B)

    added = await store(api, "v2", C, type="append")
    assert added.document == {"count": 3, "deviceList": [C]}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_list_is_paged_by_number(
    api: Api, sim: Simulator, clock: ManualClock, version: str
) -> None:
    before = (await read(api, version)).document["updateTime"]
    clock.turn(61)
    await store(api, version, A, B, C)
    sim.rules = Rules(page_size=2)
    first, second = [(await read(api, version, index)).document for index in (0, 2)]

    assert (first["deviceList"], first["hasMoreData"], first["count"]) == ([A, B], True, 3)
    assert (second["deviceList"], second["hasMoreData"], second["count"]) == ([C], False, 3)
    assert before != first["updateTime"]
    assert first["updateTime"].endswith("Z" if version == "v1" else " +0000 UTC")
    assert (await read(api, version, 3)).document["deviceList"] == []
    beyond = await read(api, version, 4)
    assert beyond.document["errorMessage"] == "Index exceeds number of devices in list"
    for index in ("x", "-1", "\u0663"):
        odd = await read(api, version, index)
        assert odd.document["errorMessage"] == "Invalid index value"


async def test_the_index_may_be_left_out_in_v2(api: Api, sim: Simulator) -> None:
    await store(api, "v2", A)

    path = f"/api/fota/v2/licenses/{sim.account}/cancel"
    assert (await api.call("GET", path)).document["deviceList"] == [A]


@pytest.mark.parametrize("version", VERSIONS)
async def test_bad_requests_are_refused_and_change_nothing(
    api: Api, sim: Simulator, version: str
) -> None:
    await store(api, version, A)
    for ids, more, message in (
        ((), {}, "Device list is empty"),
        (("1",), {}, "Invalid device id format"),
        ((B,), {"type": "remove"}, "Input binding error"),
        ((B,), {"type": ["append"]}, "Input binding error"),
    ):
        seen = await store(api, version, *ids, **more)
        assert (seen.status, seen.document["errorMessage"]) == (400, message)

    assert sim.candidates() == {A}


async def test_the_refused_and_the_unknown_are_left_out(api: Api, sim: Simulator) -> None:
    sim.add_devices([A, B])
    sim.rules = Rules(refused={A: "because"}, known_devices_only=True)

    stored = await store(api, "v1", A, B, C)
    assert stored.document == {"count": 1, "deviceList": [B]}


async def test_a_reading_may_lag_behind(api: Api, sim: Simulator, clock: ManualClock) -> None:
    sim.faults = Faults(read_lag=10)
    await store(api, "v2", A)
    clock.turn(10)
    await store(api, "v2", B, type="append")
    clock.turn(5)
    await store(api, "v2", C)

    assert (await read(api, "v2")).document["deviceList"] == [A]
    clock.turn(5)
    assert (await read(api, "v2")).document["deviceList"] == [A, B]
    clock.turn(5)
    assert (await read(api, "v2")).document["deviceList"] == [C]
    assert sim.candidates() == {C}

"""The simulator's logging of devices, called by a bare HTTP client."""

from datetime import date
from typing import Any

import pytest
from simulator_api import Api, Seen, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)
DAY = 86_400


@pytest.fixture
async def sim(clock: ManualClock) -> Any:
    async with Simulator(clock=clock, today=date(2020, 10, 12)) as sim:
        yield sim


async def call(api: Api, method: str, rest: str = "", **options: Any) -> Seen:
    # Days pass in these tests, so a session would be over.
    await api.enter()
    return await api.call(
        method, f"/api/fota/v2/logging/{api.sim.account}/devices{rest}", **options
    )


async def enable(api: Api, *ids: Any) -> Seen:
    return await call(api, "PUT", json={"deviceIds": ids})


async def test_logging_is_turned_on_and_ends_after_seven_days(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    assert (await call(api, "GET")).document == []
    clock.turn(DAY / 2)
    turned_on = await enable(api, A, B)

    assert turned_on.document == [{"deviceId": i, "expiryDate": "2020-10-19"} for i in (A, B)]
    assert (await call(api, "GET")).document == turned_on.document
    assert sim.logging() == {A, B}
    assert sim.stats()["logging"] == {sim.account: 2}
    clock.turn(7 * DAY - 1)
    assert sim.logging() == {A, B}
    clock.turn(1)
    assert sim.logging() == set()
    assert (await call(api, "GET")).document == []


async def test_turning_it_on_again_begins_anew(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    await enable(api, A)
    clock.turn(5 * DAY)
    again = await call(api, "PUT", f"/{A}")

    assert again.document == {"deviceId": A, "expiryDate": "2020-10-24"}
    clock.turn(6 * DAY)
    assert sim.logging() == {A}


@pytest.mark.parametrize(
    "query",
    [{"deviceIds": A}, {"deviceIds": f"{A},{B}"}, [("deviceIds", A), ("deviceIds", B)]],
)
async def test_logging_is_turned_off_for_a_list_in_the_query(
    api: Api, sim: Simulator, query: Any
) -> None:
    await enable(api, A, B, C)
    turned_off = await call(api, "DELETE", params=query)

    assert (turned_off.status, turned_off.body) == (200, b"")
    assert sim.logging() == ({B, C} if query == {"deviceIds": A} else {C})


async def test_logging_of_one_device_is_turned_on_and_off(api: Api, sim: Simulator) -> None:
    turned_on = await call(api, "PUT", f"/{A}")
    assert turned_on.document == {"deviceId": A, "expiryDate": "2020-10-19"}
    assert sim.logging() == {A}

    for _ in range(2):
        turned_off = await call(api, "DELETE", f"/{A}")
        assert (turned_off.status, turned_off.body) == (200, b"")
    assert sim.logging() == set()


async def test_twenty_devices_log_at_a_time(api: Api, sim: Simulator, clock: ManualClock) -> None:
    ids = [imei(number) for number in range(21)]
    await enable(api, *ids[:19])
    for refused in (await enable(api, ids[19], ids[20]), await enable(api, *ids)):
        assert refused.status == 400
        assert "20" in refused.document["errorMessage"]
    assert sim.logging() == set(ids[:19])

    assert (await enable(api, ids[0], ids[19], ids[19])).status == 200
    assert (await call(api, "PUT", f"/{ids[20]}")).status == 400
    sim.add_account("0000000001-00001")
    assert sim.logging("0000000001-00001") == set()
    clock.turn(7 * DAY)
    assert (await enable(api, ids[20])).status == 200


async def test_bad_requests_are_refused(api: Api, sim: Simulator) -> None:
    for seen, message in (
        (await enable(api), "Device list is empty"),
        (await enable(api, "1"), "Invalid device id format"),
        (await call(api, "PUT", data=b"x"), "Input binding error"),
        (await call(api, "PUT", "/1"), "Invalid device id format"),
        (await call(api, "DELETE", "/1"), "Invalid device id format"),
        (await call(api, "DELETE"), "Device list is empty"),
        (await call(api, "DELETE", params={"deviceIds": f"{A} {B}"}), "Invalid device id format"),
        (await call(api, "GET", "/1/logs"), "Invalid device id format"),
        (await call(api, "GET", "/1/checkInHistory"), "Invalid device id format"),
    ):
        assert (seen.status, seen.document["errorMessage"]) == (400, message)
    assert sim.logging() == set()


async def test_strangers_do_not_log_where_devices_have_to_be_known(
    api: Api, sim: Simulator
) -> None:
    sim.add_devices([A], "HTTP")
    sim.rules = Rules(known_devices_only=True)
    for seen in (
        await enable(api, A, B),
        await call(api, "PUT", f"/{B}"),
        await call(api, "GET", f"/{B}/logs"),
        await call(api, "GET", f"/{B}/checkInHistory"),
    ):
        assert seen.code.endswith("REQUEST_FAILED.DeviceNotFound")
    assert sim.logging() == set()
    assert (await enable(api, A)).status == 200


async def log_times(api: Api) -> list[str]:
    return [item["logTime"][:10] for item in (await call(api, "GET", f"/{A}/logs")).document]


async def test_logs_are_there_after_a_day_and_gone_after_thirty(
    api: Api, clock: ManualClock
) -> None:
    await enable(api, A)
    clock.turn(DAY - 1)
    assert await log_times(api) == []
    clock.turn(1)
    assert await log_times(api) == ["2020-10-12"]
    clock.turn(20 * DAY)
    assert await log_times(api) == [f"2020-10-{day}" for day in range(12, 19)]
    clock.turn(10 * DAY)
    assert await log_times(api) == [f"2020-10-{day}" for day in range(14, 19)]
    clock.turn(10 * DAY)
    assert await log_times(api) == []


async def test_what_was_logged_stays_when_logging_is_turned_off(
    api: Api, clock: ManualClock
) -> None:
    await enable(api, A)
    clock.turn(DAY / 2)
    await call(api, "DELETE", f"/{A}")
    clock.turn(DAY / 2)
    await enable(api, A)
    clock.turn(DAY)

    assert await log_times(api) == ["2020-10-12", "2020-10-13"]


async def test_a_device_checks_in_whether_or_not_it_logs(api: Api, clock: ManualClock) -> None:
    first = await call(api, "GET", f"/{A}/checkInHistory")
    assert [item["timeCompleted"] for item in first.document] == ["10/12/2020 00:00:00"]
    clock.turn(DAY)
    second = await call(api, "GET", f"/{A}/checkInHistory")
    assert [item["timeCompleted"][:5] for item in second.document] == ["10/12", "10/13"]
    clock.turn(1000 * DAY)
    assert len((await call(api, "GET", f"/{A}/checkInHistory")).document) == 31

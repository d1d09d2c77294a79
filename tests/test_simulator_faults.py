"""What goes wrong when the simulator is told to let it go wrong."""

import asyncio
import random

import aiohttp
import attrs
import pytest
from simulator_api import Api, Seen, imei, until

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator
from fota_async.simulator.mischief import MISCHIEF

A, B, C = imei(1), imei(2), imei(3)
IDS = [imei(number) for number in range(30)]


def test_every_drawn_fault_is_a_setting() -> None:
    fields = {field.name for field in attrs.fields(Faults)}

    assert set(MISCHIEF) < fields
    assert fields - set(MISCHIEF) == {
        "callback_delay",
        "callback_drop",
        "callback_repeat",
        "seed",
        "only",
        "latency",
        "throttle_seconds",
        "read_lag",
        "late_write",
        "late_write_seconds",
    }


# Every fault at probability 1


async def append_all(api: Api, sim: Simulator, fault: str, **more: float) -> Seen:
    """Append `IDS` under one fault, check its record, and return the answer."""
    sim.faults = Faults(**{fault: 1, **more})
    seen = await api.append(*IDS)
    sim.faults = Faults()
    record = sim.requests[-1]
    assert (record.fault, record.status, record.devices) == (fault, seen.status, len(IDS))
    return seen


@pytest.mark.parametrize(("fault", "applied"), [("error_before", False), ("error_after", True)])
async def test_server_errors_come_in_many_dresses(
    api: Api, sim: Simulator, fault: str, applied: bool
) -> None:
    seen = set()
    for seed in range(60):
        sim.faults = Faults(**{fault: 1, "seed": seed})
        answer = await api.append(A)
        shape = sorted(answer.document) if answer.document else answer.content_type
        seen.add((answer.status, str(shape)))

    assert {status for status, _ in seen} == {500, 502, 503, 504}
    assert {shape for _, shape in seen} == {
        "['errorCode', 'errorMessage']",
        "['fault']",
        "text/html",
        "application/json",
    }
    assert sim.members() == ({A} if applied else set())


@pytest.mark.parametrize(("fault", "applied"), [("drop_before", False), ("drop_after", True)])
async def test_the_connection_drops(api: Api, sim: Simulator, fault: str, applied: bool) -> None:
    sim.faults = Faults(**{fault: 1})
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.append(*IDS)

    assert sim.requests[-1].status is None
    assert sim.members() == (set(IDS) if applied else set())


@pytest.mark.parametrize(("fault", "applied"), [("hang_before", False), ("hang_after", True)])
async def test_no_answer_ever_comes(api: Api, sim: Simulator, fault: str, applied: bool) -> None:
    sim.faults = Faults(**{fault: 1})
    with pytest.raises(TimeoutError):
        await api.call(
            "PUT",
            api.upgrade,
            json={"type": "append", "deviceList": IDS},
            timeout=aiohttp.ClientTimeout(total=0.1),
        )

    assert sim.requests[-1].status is None
    assert sim.members() == (set(IDS) if applied else set())


async def test_a_throttled_request_is_not_applied(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "throttle", throttle_seconds=3)

    assert (seen.status, seen.code, seen.headers["Retry-After"]) == (429, "900800", "3")
    assert sim.members() == set()


async def test_the_token_ends_with_the_request(api: Api, sim: Simulator) -> None:
    before = (await api.token()).document["access_token"]
    seen = await append_all(api, sim, "expire_token")

    assert (seen.status, seen.code) == (401, "900901")
    assert sim.members() == set()
    assert (await api.read()).code == "900901"
    assert (await api.token()).document["access_token"] != before


async def test_the_session_ends_with_the_request(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "expire_session")

    assert seen.code == "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"
    assert sim.members() == set()
    assert (await api.read()).code.endswith("SessionToken.Expired")


async def test_a_redirect_leads_to_another_host(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "redirect")

    assert seen.status == 302
    assert seen.headers["Location"] == f"http://elsewhere.invalid{api.upgrade}"
    assert sim.members() == set()


async def test_a_body_is_torn(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(torn_body=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.append(*IDS)

    assert sim.requests[-1].status == 200
    assert sim.members() == set(IDS)


async def test_an_empty_body_can_be_torn_too(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(torn_body=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.call("GET", api.callback)


@pytest.mark.parametrize("fault", ["html_body", "empty_body", "half_json", "wrong_shape"])
async def test_a_body_is_not_what_it_should_be(api: Api, sim: Simulator, fault: str) -> None:
    whole = (await api.append(*IDS)).body
    seen = await append_all(api, sim, fault)

    assert seen.status == 200
    assert sim.members() == set(IDS)
    if fault == "html_body":
        assert seen.content_type == "text/html"
        assert seen.body.startswith(b"<html>")
    elif fault == "empty_body":
        assert seen.body == b""
    elif fault == "half_json":
        assert whole.startswith(seen.body)
        assert len(seen.body) == len(whole) // 2
    else:
        assert seen.body == b"[" + whole + b"]"


async def test_the_device_list_is_null(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "null_list")

    assert seen.document["deviceList"] is None
    assert seen.document["id"] == sim.upgrade_id
    assert sim.members() == set(IDS)


async def test_some_devices_are_left_out(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "missing_items")

    assert 0 < len(seen.items) < len(IDS)
    assert set(seen.items) < set(IDS)
    assert sim.members() == set(IDS)


async def test_a_single_device_is_left_out(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(missing_items=1)

    assert (await api.append(A)).document["deviceList"] == []


async def test_some_devices_have_a_status_nobody_knows(api: Api, sim: Simulator) -> None:
    seen = await append_all(api, sim, "odd_status")
    words = list(seen.items.values())

    assert set(words) == {"AddDeviceSucceed", "DeviceDeferred"}
    assert 0 < words.count("DeviceDeferred") < len(IDS)
    assert sim.members() == set(IDS)


@pytest.mark.parametrize("fault", ["null_list", "missing_items", "odd_status"])
async def test_an_answer_without_devices_is_left_alone(
    api: Api, sim: Simulator, fault: str
) -> None:
    sim.faults = Faults(**{fault: 1})
    refused = await api.append("bad")
    callback = await api.call("POST", api.callback, json={"url": "https://a.example/"})

    assert refused.document["errorMessage"] == "Invalid device id format"
    assert callback.document == {"url": "https://a.example/"}
    assert sim.requests[-1].fault is None


async def test_a_refusal_keeps_its_status_when_its_body_is_spoiled(
    api: Api, sim: Simulator
) -> None:
    sim.faults = Faults(html_body=1)

    assert (await api.append("bad")).status == 400


# Which requests


async def test_faults_stay_on_the_routes_they_are_meant_for(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(throttle=1, latency=5, only=frozenset({"v1_modify_upgrade"}))

    # Were there a latency, the clock that stands still would keep this waiting.
    assert (await api.read()).status == 200
    assert (await api.token()).status == 200


async def test_tokens_and_logins_are_spared(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(error_before=1)

    assert (await api.token()).status == 200
    assert (await api.login()).status == 200
    assert (await api.read()).status >= 500


async def test_of_two_faults_one_strikes(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(throttle=1, drop_after=1)

    assert (await api.append(A)).status == 429
    assert sim.members() == set()


async def outcomes(faults: Faults, turns: list[list[str]]) -> dict[str, list[str]]:
    """Return what each device's requests met, all requests of a turn at the same time."""
    met: dict[str, list[str]] = {device_id: [] for device_id in IDS}

    async with Simulator(faults=faults) as sim, Api(sim) as api:
        await api.enter()

        async def append(device_id: str) -> None:
            try:
                seen = await api.append(device_id)
            except aiohttp.ClientConnectionError:
                met[device_id].append("lost")
            else:
                met[device_id].append(f"{seen.status} {seen.body!r}")

        for turn in turns:
            await asyncio.gather(*map(append, turn))
    return met


async def test_a_seed_means_the_same_in_any_order_of_arrival() -> None:
    faults = Faults(error_before=0.3, drop_after=0.3, missing_items=0.3, seed=4)
    one_by_one = [[device_id] for device_id in IDS] * 2
    shuffled = random.Random(0).sample(IDS, len(IDS))
    all_at_once = [shuffled, IDS[::-1]]

    expected = await outcomes(faults, one_by_one)
    assert await outcomes(faults, all_at_once) == expected
    assert {first == second for first, second in expected.values()} == {True, False}
    assert await outcomes(attrs.evolve(faults, seed=5), all_at_once) != expected


async def test_requests_the_gateway_turned_away_do_not_shift_the_draws() -> None:
    faults = Faults(throttle=0.5, seed=1)
    async with Simulator(faults=faults) as sim, Api(sim) as api:
        await api.enter()
        expected = {device_id: (await api.append(device_id)).status for device_id in IDS}
        assert set(expected.values()) == {200, 429}

    async with Simulator(faults=faults) as sim, Api(sim) as api:
        await api.enter()
        good = dict(api.headers)
        for device_id in IDS:
            api.headers = {}
            assert (await api.append(device_id)).status == 401
            api.headers = good
            assert (await api.append(device_id)).status == expected[device_id]


async def test_about_as_many_requests_are_struck_as_asked_for(api: Api, sim: Simulator) -> None:
    sim.faults = Faults(throttle=0.25)
    for number in range(200):
        await api.append(imei(number))

    assert 30 <= sim.stats()["requests"]["v1_modify_upgrade"]["throttle"] <= 70


# Time


async def test_latency_holds_the_request_before_it_is_applied(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(latency=5, only=frozenset({"v1_modify_upgrade"}))
    answer = asyncio.create_task(api.append(A))
    await clock.asleep.wait()
    assert sim.members() == set()

    clock.turn(4.9)
    # The server has had its turn by the time it answers this.
    assert (await api.read()).items == {}
    clock.turn(0.1)
    assert (await answer).status == 200
    assert sim.members() == {A}
    # Listed as they arrived, though the reading was answered first.
    assert [r.route for r in sim.requests[-2:]] == ["v1_modify_upgrade", "v1_get_upgrade"]


async def test_latency_can_be_drawn_from_a_range(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(latency=(2, 4))
    answer = asyncio.create_task(api.read())
    await clock.asleep.wait()

    (due,) = clock._sleepers.values()
    assert 2 < due < 4
    clock.turn(due)
    assert (await answer).status == 200


async def test_a_reading_lags(api: Api, sim: Simulator, clock: ManualClock) -> None:
    sim.seed([A])
    sim.faults = Faults(read_lag=10)
    await api.append(B)
    clock.turn(5)
    await api.remove(A)
    await api.append(C)
    assert set((await api.read()).items) == {A}
    assert sim.members() == {B, C}

    clock.turn(5)
    assert set((await api.read()).items) == {A, B}
    clock.turn(4.9)
    await api.append(B)
    assert set((await api.read()).items) == {A, B}
    clock.turn(0.1)
    assert set((await api.read()).items) == {B, C}


async def test_a_lagging_reading_shows_a_rejection_late(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.rules = Rules(reject_later_rate=1, reject_after=2)
    sim.faults = Faults(read_lag=10)
    await api.append(A)
    clock.turn(11)
    assert (await api.read()).items == {A: "RequestPending"}
    assert sim.members() == set()

    clock.turn(1)
    assert (await api.read()).items == {A: "Device Rejected"}


async def test_a_lost_write_may_happen_later(api: Api, sim: Simulator, clock: ManualClock) -> None:
    sim.seed([B])
    sim.faults = Faults(drop_before=1, late_write=1, late_write_seconds=10)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.append(A)
    clock.turn(1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.remove(A, B)
    sim.faults = Faults()

    clock.turn(8.9)
    assert set((await api.read()).items) == {B}
    clock.turn(0.1)
    assert set((await api.read()).items) == {A, B}
    clock.turn(1)
    assert sim.members() == set()


async def test_a_write_that_hangs_may_happen_later_too(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(hang_before=1, late_write=1, late_write_seconds=10)
    hangs = asyncio.create_task(api.append(A))
    await until(lambda: sim.requests[-1].fault == "hang_before")
    clock.turn(10)

    assert sim.members() == {A}
    hangs.cancel()


async def test_a_late_write_happened_when_it_was_due_not_when_somebody_looked(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(
        read_lag=6,
        drop_before=1,
        late_write=1,
        late_write_seconds=10,
        only=frozenset({"v1_modify_upgrade"}),
    )
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.append(A)
    clock.turn(15)
    assert (await api.read()).items == {}

    clock.turn(1)
    assert (await api.read()).items == {A: "Device Accepted"}


async def test_a_late_write_comes_too_late_for_an_upgrade_that_has_started(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(drop_before=1, late_write=1, late_write_seconds=10)
    with pytest.raises(aiohttp.ClientConnectionError):
        await api.append(A)
    clock.turn(5)
    sim.set_status(sim.upgrade_id, "InProgress")
    clock.turn(10)

    assert sim.members() == set()


async def test_only_a_share_of_lost_writes_happens_later(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(drop_before=1, late_write=0.5, late_write_seconds=10)
    for device_id in IDS:
        with pytest.raises(aiohttp.ClientConnectionError):
            await api.append(device_id)
    clock.turn(10)

    assert 5 <= len(sim.members()) <= 25


# Connections


async def test_a_kept_connection_serves_on_after_trouble(sim: Simulator, api: Api) -> None:
    async with aiohttp.ClientSession(sim.base_url, headers=api.headers) as http:
        for faults, status in (
            (Faults(html_body=1), 200),
            (Faults(half_json=1), 200),
            (Faults(throttle=1), 429),
            (Faults(), 200),
        ):
            sim.faults = faults
            async with http.get(api.upgrade) as answer:
                assert answer.status == status
                await answer.read()


async def test_a_torn_answer_ends_a_kept_connection(sim: Simulator, api: Api) -> None:
    sim.faults = Faults(torn_body=1)
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(sim.base_url, headers=api.headers, timeout=timeout) as http,
        http.get(api.upgrade) as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_caller_that_hangs_up_in_the_middle_of_its_request_is_no_trouble(
    sim: Simulator, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    host, port = sim.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    before = sim._log._arrived
    writer.write(
        f"PUT {api.upgrade} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{".encode()
    )
    await until(lambda: sim._log._arrived > before)
    writer.transport.abort()

    assert (await api.append(A)).status == 200
    assert not caplog.records


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "torn_body"])
async def test_trouble_on_the_wire_logs_nothing(
    sim: Simulator, api: Api, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="aiohttp")
    sim.faults = Faults(**{fault: 1})
    for _ in range(3):
        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
            await api.append(A)

    assert not caplog.records


@pytest.mark.parametrize("fault", ["missing_items", "odd_status", "null_list"])
async def test_a_refusal_that_is_no_json_stays_as_it_is(
    sim: Simulator, api: Api, fault: str
) -> None:
    sim.rules = Rules(max_devices=1, size_refusal="413")
    sim.faults = Faults(**{fault: 1.0})

    answer = await api.append(A, B)

    assert answer.status == 413

"""Scheduling with a device list of any length: one target, every device, one report."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, ids_of, imeis, trickle, write
from schedule_helpers import (
    DAYS,
    ROUTES,
    SCHEDULES,
    asked,
    assert_no_run_goes_on,
    made,
    until_on_its_way,
)

from fota_async import (
    BatchReport,
    ConfigurationError,
    FotaClient,
    InvalidRequestError,
    MisuseError,
    RunStopped,
    SourceError,
    State,
    StopCause,
    TooManyDevicesError,
)
from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

KINDS = pytest.mark.parametrize("kind", SCHEDULES)


def fast(new_client: NewClient, sim: Simulator, **options: Any) -> FotaClient:
    return new_client(sim, clock=ScaledClock(500), **options)


@KINDS
async def test_few_devices_are_one_request(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    scheduled = await SCHEDULES[kind](new_client(sim))(imeis(3))

    assert made(sim) == [scheduled.id]
    assert scheduled.target.id == scheduled.report.target == scheduled.id
    assert sim.members(scheduled.id) == set(imeis(3))
    report = scheduled.report
    assert_law(report)
    assert (report.inputs, report.requests, report.ok) == (3, 1, True)
    assert report.succeeded + report.pending == 3
    assert [outcome.device_id for outcome in report] == imeis(3)
    assert asked(sim, ROUTES[kind]) == 1


@KINDS
async def test_a_kind_of_text_will_do(kind: str, new_sim: NewSim, new_client: NewClient) -> None:
    class KindOfStr(str):
        """As numpy's `str_` is one."""

        __slots__ = ()

    sim = await new_sim()
    scheduled = await SCHEDULES[kind](new_client(sim))([KindOfStr(one) for one in imeis(3)])

    assert sim.members(scheduled.id) == set(imeis(3))


@KINDS
async def test_a_long_list_is_scheduled_once_and_appended(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    run = SCHEDULES[kind](new_client(sim))(imeis(2500), batch_size=100)
    scheduled = await run

    assert await run is not None
    assert (await run).report is scheduled.report
    assert sim.members(scheduled.id) == set(imeis(2500))
    assert_law(scheduled.report)
    assert (scheduled.report.inputs, scheduled.report.requests) == (2500, 25)
    assert scheduled.report.succeeded + scheduled.report.pending == 2500
    assert [outcome.device_id for outcome in scheduled.report] == imeis(2500)
    assert asked(sim, ROUTES[kind]) == 1
    assert_no_run_goes_on()


@pytest.mark.parametrize("kind", ["v2", "v2 software", "v2 file", "v3"])
async def test_with_settle_it_waits_until_the_devices_show(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(500)
    rejected = imeis(250)[7]
    rules = Rules(refused={rejected: "Invalid IMEI"}, receipt_delay=30)
    sim = await new_sim(rules=rules, clock=clock)
    client = new_client(sim, clock=clock)
    scheduled = await SCHEDULES[kind](client)(imeis(250), batch_size=100, settle=True)

    assert_law(scheduled.report)
    assert scheduled.report.succeeded == 249
    assert ids_of(scheduled.report, State.FAILED) == [rejected]
    assert sim.members(scheduled.id) == set(imeis(250)) - {rejected}


async def test_every_kind_of_list_and_every_occurrence_is_counted_once(
    new_sim: NewSim, new_client: NewClient, tmp_path: Path
) -> None:
    ids = imeis(30)
    odd: list[Any] = ["", "4.90E+14", 7, *ids[:5], ids[0], "", *ids[2:], ids[29]]
    lines = [text for text in odd if isinstance(text, str) and text]
    file = write(tmp_path / "fleet.csv", "imei\n" + "\n".join(lines))
    sim = await new_sim()
    schedule = SCHEDULES["v1"](new_client(sim))
    for devices, invalid in (
        (odd, 3),
        (iter(odd), 3),
        (trickle(odd), 3),
        (file, 1),
    ):
        scheduled = await schedule(devices, batch_size=7)
        assert_law(scheduled.report)
        assert sim.members(scheduled.id) == set(ids)
        report = scheduled.report
        assert (report.succeeded, report.invalid) == (30, invalid)
        assert report.input_complete
        assert ids_of(report, State.SUCCEEDED) == ids

    assert asked(sim, "v1_schedule_upgrade") == 4


async def test_what_the_answer_says_of_a_device_counts(
    new_sim: NewSim, new_client: NewClient
) -> None:
    ids = imeis(6)
    sim = await new_sim(faults=Faults(missing_items=1.0, only=frozenset({"v1_schedule_upgrade"})))
    clock = ScaledClock(500)
    started = clock.monotonic()
    client = new_client(sim, clock=clock)
    scheduled = await client.v1.upgrades.schedule("F", "2", ids, **DAYS)

    assert len(scheduled.upgrade.device_list) < 6, "the fault should leave devices out"
    assert scheduled.report.succeeded == 6
    settled = [outcome.settled for outcome in scheduled.report]
    assert settled.count(False) == len(scheduled.upgrade.device_list)
    assert asked(sim, "v1_modify_upgrade") == 0
    # Nothing else is to come, so the doubts wait for no company.
    assert clock.monotonic() - started < 25


async def test_outcomes_stream_in(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    run = SCHEDULES["v1"](new_client(sim))([*imeis(50), "x"], batch_size=10, concurrency=1)
    async with run:
        seen = [outcome.device_id async for outcome in run]

    assert sorted(seen) == sorted([*imeis(50), "x"])
    assert made(sim) == [(await run).id]


@KINDS
@pytest.mark.parametrize("devices", [[], ["", "123"], iter(())])
async def test_no_device_at_all_is_refused(
    kind: str, devices: Any, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    with pytest.raises(ConfigurationError, match="no device in the whole input"):
        await SCHEDULES[kind](new_client(sim))(devices)

    assert sim.requests == []
    assert_no_run_goes_on()


async def test_what_is_no_device_list_and_wrong_days_are_refused_at_once(
    new_sim: NewSim, new_client: NewClient, tmp_path: Path
) -> None:
    sim = await new_sim()
    upgrades = new_client(sim).v1.upgrades
    for wrong in ("990013907835573", None, 7):
        with pytest.raises(TypeError, match="device list"):
            upgrades.schedule("F", "2", wrong, **DAYS)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="before the start"):
        upgrades.schedule(
            "F", "2", imeis(1), start_date=DAYS["end_date"], end_date=DAYS["start_date"]
        )
    with pytest.raises(ConfigurationError, match="batch_size"):
        upgrades.schedule("F", "2", imeis(1), **DAYS, batch_size=0)
    with pytest.raises(SourceError, match="nowhere"):
        await upgrades.schedule("F", "2", tmp_path / "nowhere.csv", **DAYS)

    assert sim.requests == []


async def test_an_input_that_breaks_off_before_the_first_batch_schedules_nothing(
    new_sim: NewSim, new_client: NewClient
) -> None:
    def broken(devices: int) -> Any:
        yield from imeis(devices)
        raise OSError("the disk is gone")

    sim = await new_sim()
    schedule = SCHEDULES["v1"](new_client(sim))
    with pytest.raises(SourceError, match="the disk is gone"):
        await schedule(broken(5), batch_size=10)
    assert sim.requests == []

    with pytest.raises(RunStopped) as stopped:
        await schedule(broken(15), batch_size=10)
    assert stopped.value.cause is StopCause.SOURCE
    assert made(sim) == [stopped.value.report.target]
    assert_law(stopped.value.report)
    assert stopped.value.report.inputs == 15


@KINDS
async def test_a_refused_schedule_is_a_refusal(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(rules=Rules(poison=frozenset(imeis(3)[1:2])))
    run = SCHEDULES[kind](new_client(sim))(imeis(3))
    with pytest.raises(InvalidRequestError):
        await run

    assert made(sim) == []
    assert_law(run.report)
    assert run.report.unsent == run.report.inputs == 3
    assert_no_run_goes_on()


async def test_a_first_batch_that_is_too_large_is_halved(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(rules=Rules(max_devices=30))
    scheduled = await SCHEDULES["v1"](new_client(sim))(imeis(500), batch_size=100)

    assert made(sim) == [scheduled.id]
    assert_law(scheduled.report)
    assert scheduled.report.succeeded == 500
    assert sim.members(scheduled.id) == set(imeis(500))


async def test_a_single_device_that_is_too_large_is_a_refusal(
    new_client: NewClient, new_stub: Any
) -> None:
    stub = await new_stub(lambda _: b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(TooManyDevicesError):
        await SCHEDULES["v1"](new_client(stub))(imeis(4))

    assert len(stub.asked()) == 3


@KINDS
async def test_a_dry_run_schedules_nothing(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    scheduled = await SCHEDULES[kind](new_client(sim))(
        [*imeis(25), "x"], batch_size=10, dry_run=True
    )

    assert sim.requests == []
    assert_law(scheduled.report)
    assert (scheduled.report.unsent, scheduled.report.invalid) == (25, 1)
    assert (scheduled.report.requests, scheduled.report.dry_run) == (3, True)
    with pytest.raises(MisuseError, match="dry run"):
        scheduled.target  # noqa: B018 - asking is what is tested
    with pytest.raises(MisuseError, match="dry run"):
        scheduled.id  # noqa: B018 - as above


async def test_failures_among_the_rest_are_reported(new_sim: NewSim, new_client: NewClient) -> None:
    ids = imeis(50)
    sim = await new_sim(rules=Rules(refused={ids[30]: "Invalid IMEI"}))
    scheduled = await SCHEDULES["v1"](new_client(sim))(ids, batch_size=20)

    assert ids_of(scheduled.report, State.FAILED) == [ids[30]]
    assert scheduled.report.succeeded == 49


async def test_a_target_that_closes_meanwhile_stops_the_run_and_is_named(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()

    def close(_: Any) -> None:
        for one in made(sim):
            sim.set_status(one, "InProgress")

    client = new_client(sim, on_event=close)
    run = SCHEDULES["v1"](client)(imeis(100), batch_size=10)
    with pytest.raises(RunStopped) as stopped:
        await run

    assert stopped.value.cause is StopCause.CLOSED
    assert made(sim) == [stopped.value.report.target]
    assert_law(stopped.value.report)
    assert stopped.value.report.succeeded == 10
    assert stopped.value.report.unsent == 90


async def test_the_deadline_counts_from_the_start(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim(faults=Faults(latency=0.05))
    run = SCHEDULES["v1"](new_client(sim))(imeis(100), batch_size=10, deadline=0)
    with pytest.raises(RunStopped) as stopped:
        await run

    assert stopped.value.cause is StopCause.DEADLINE
    assert_law(stopped.value.report)
    assert stopped.value.report.succeeded == 10
    assert stopped.value.report.unsent == 90


async def test_a_run_that_is_stopped_before_it_begins_sends_nothing(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    run = SCHEDULES["v1"](new_client(sim))(imeis(30), batch_size=10)
    run.stop()
    with pytest.raises(RunStopped) as stopped:
        await run

    assert stopped.value.cause is StopCause.INTERRUPTED
    assert made(sim) == []
    assert_law(stopped.value.report)
    assert stopped.value.report.unsent == 30
    assert_no_run_goes_on()


async def test_a_stop_while_the_input_is_read_sends_nothing(
    new_sim: NewSim, new_client: NewClient
) -> None:
    reading = asyncio.Event()

    async def endless() -> Any:
        yield imeis(1)[0]
        reading.set()
        await asyncio.Event().wait()

    sim = await new_sim()
    run = SCHEDULES["v1"](new_client(sim))(endless())
    waiting = asyncio.ensure_future(run)
    await reading.wait()
    assert_law(run.report)
    run.stop()
    with pytest.raises(RunStopped) as stopped:
        await waiting

    assert sim.requests == []
    assert_law(stopped.value.report)
    assert (stopped.value.report.unsent, stopped.value.report.input_complete) == (1, False)
    assert_no_run_goes_on()


async def test_a_stop_waits_for_an_answer_that_comes_in_time(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=Faults(latency=0.2))
    run = SCHEDULES["v1"](new_client(sim))(imeis(30), batch_size=10)
    waiting = asyncio.ensure_future(run)
    await until_on_its_way(run)
    assert_law(run.report)
    assert (run.report.unknown, run.report.unsent) == (10, 20)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert made(sim) == [run.report.target]
    assert_law(run.report)
    assert (run.report.succeeded, run.report.unsent) == (10, 20)
    assert_no_run_goes_on()


async def test_a_run_that_is_never_started_warns(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    runs = [SCHEDULES["v1"](new_client(sim))(imeis(1))]
    with pytest.warns(RuntimeWarning, match="a run of schedule was never started"):
        runs.clear()


async def test_the_report_of_a_schedule_can_be_rechecked(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    scheduled = await SCHEDULES["v1"](new_client(sim))(imeis(30), batch_size=10)
    sim.seed(imeis(1), "Device Rejected", scheduled.id, reason="Invalid IMEI")
    report: BatchReport = scheduled.report
    (change,) = await report.recheck()

    assert change.now.state is State.FAILED

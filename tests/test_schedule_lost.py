"""A schedule whose answer is lost: never sent twice, and what it may have made is found."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from batch_helpers import assert_law, ids_of, imeis, trickle
from helpers import reply
from schedule_helpers import (
    DAYS,
    ROUTES,
    SCHEDULES,
    asked,
    assert_no_run_goes_on,
    made,
    tasks_of_runs,
    until_on_its_way,
)

from fota_async import (
    DecodeError,
    FotaClient,
    LostError,
    RunStopped,
    ScheduleUnknown,
    State,
    StopCause,
)
from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

KINDS = pytest.mark.parametrize("kind", SCHEDULES)


def losing(kind: str, fault: str) -> Faults:
    return Faults(**{fault: 1.0, "only": frozenset({ROUTES[kind]})})  # type: ignore[arg-type]


@KINDS
@pytest.mark.parametrize("fault", ["drop_after", "error_after", "torn_body", "half_json"])
async def test_a_lost_answer_makes_one_target_that_is_found(
    kind: str, fault: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing(kind, fault))
    run = SCHEDULES[kind](new_client(sim, clock=ScaledClock(500)))(
        [*imeis(30), "x", imeis(1)[0]], batch_size=10
    )
    with pytest.raises(ScheduleUnknown) as caught:
        await run

    unknown = caught.value
    (only,) = made(sim)
    assert asked(sim, ROUTES[kind]) == 1
    assert sim.members(only) == set(imeis(10))
    assert isinstance(unknown.__cause__, LostError)
    assert isinstance(unknown, RunStopped)
    assert unknown.cause is StopCause.LOST
    assert unknown.candidates is not None
    (candidate,) = unknown.candidates
    assert (candidate.id, candidate.devices, candidate.of) == (only, 10, 10)
    assert only in str(unknown)
    assert_law(unknown.report)
    assert ids_of(unknown.report, State.UNKNOWN) == imeis(10)
    assert ids_of(unknown.report, State.UNSENT) == imeis(30)[10:]
    assert (unknown.report.invalid, unknown.report.duplicates) == (1, 1)
    assert_no_run_goes_on()


@pytest.mark.parametrize("kind", ["v1", "v2 software", "v3"])
async def test_what_the_report_has_unsent_is_appended_to_the_one_that_was_found(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing(kind, "drop_after"))
    client = new_client(sim, clock=ScaledClock(500))
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES[kind](client)(imeis(30), batch_size=10)
    assert caught.value.candidates
    found = caught.value.candidates[0].id
    rest = ids_of(caught.value.report, State.UNSENT)
    targets: Any = {"v1": client.v1.upgrades, "v2": client.v2.campaigns, "v3": client.v3.campaigns}
    await targets[kind[:2]].append_devices(found, rest)

    assert sim.members(found) == set(imeis(30))


@KINDS
async def test_a_request_that_never_arrived_leaves_no_candidate(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing(kind, "drop_before"))
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES[kind](new_client(sim, clock=ScaledClock(500)))(imeis(5))

    assert made(sim) == []
    assert caught.value.candidates == ()
    assert "may still land" in str(caught.value)
    assert caught.value.report.unknown == 5


async def test_others_with_the_same_firmware_and_days_come_after_it(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim, clock=ScaledClock(500))
    schedule = client.v1.upgrades.schedule
    before = await schedule("F", "2", imeis(5, first=100), **DAYS)
    await schedule("another", "2", imeis(5, first=200), **DAYS)
    await schedule("F", "3", imeis(5, first=300), **DAYS)
    await schedule("F", "2", imeis(5, first=400), start_date=DAYS["end_date"])
    started = await schedule("F", "2", imeis(5, first=500), **DAYS)
    sim.set_status(started.id, "InProgress")
    known = set(made(sim))
    sim.faults = losing("v1", "drop_after")
    with pytest.raises(ScheduleUnknown) as caught:
        await schedule("F", "2", imeis(5), **DAYS)

    (only,) = set(made(sim)) - known
    assert caught.value.candidates is not None
    assert [one.id for one in caught.value.candidates] == [only, before.id]
    assert [one.devices for one in caught.value.candidates] == [5, 0]


async def test_an_on_demand_campaign_is_found_though_it_skipped_the_queue(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing("v2 software", "drop_after"))

    def start(_: Any) -> None:
        for one in made(sim):
            sim.set_status(one, "CampaignScheduled")

    client = new_client(sim, clock=ScaledClock(500), on_event=start)
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES["v2 software"](client)(imeis(5))

    assert caught.value.candidates is not None
    assert [one.status for one in caught.value.candidates] == ["CampaignScheduled"]


async def test_when_nobody_can_look_it_says_so(new_sim: NewSim, new_client: NewClient) -> None:
    routes = frozenset({"v1_schedule_upgrade", "v1_list_upgrades_by_status"})
    sim = await new_sim(faults=Faults(drop_after=1.0, only=routes))
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES["v1"](new_client(sim, clock=ScaledClock(500)))(imeis(5))

    assert caught.value.candidates is None
    assert "nobody could look" in str(caught.value)


async def test_a_candidate_that_cannot_be_read_is_told_all_the_same(
    new_sim: NewSim, new_client: NewClient
) -> None:
    routes = frozenset({"v1_schedule_upgrade", "v1_get_upgrade"})
    sim = await new_sim(faults=Faults(drop_after=1.0, only=routes))
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES["v1"](new_client(sim, clock=ScaledClock(500)))(imeis(5))

    assert caught.value.candidates is not None
    (candidate,) = caught.value.candidates
    assert (candidate.id, candidate.devices) == (made(sim)[0], None)


@pytest.mark.parametrize("answer", [{"deviceList": []}, {"deviceList": [], "id": "no-uuid"}])
async def test_an_answer_that_names_no_id_is_as_good_as_lost(
    answer: Any, new_stub: Any, new_client: NewClient
) -> None:
    stub = await new_stub(lambda seen: reply(answer if seen.method == "POST" else {}, 200))
    with pytest.raises(ScheduleUnknown) as caught:
        await SCHEDULES["v1"](new_client(stub, clock=ScaledClock(500)))(imeis(5))

    assert isinstance(caught.value.__cause__, DecodeError)
    assert [seen.method for seen in stub.asked()].count("POST") == 1


async def test_a_cancelled_request_that_gets_no_answer_in_time_is_lost(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing("v1", "hang_after"))
    run = SCHEDULES["v1"](new_client(sim))(imeis(30), batch_size=10, grace=0.1)
    waiting = asyncio.ensure_future(run)
    await until_on_its_way(run)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert_law(run.report)
    assert (run.report.unknown, run.report.unsent) == (10, 20)
    assert run.report.stopped == "lost"
    assert_no_run_goes_on()


@pytest.mark.parametrize("stops", [1, 2])
async def test_a_stopped_request_that_gets_no_answer_is_unknown(
    stops: int, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing("v1", "hang_after"))
    grace = 0.1 if stops == 1 else 1000.0
    run = SCHEDULES["v1"](new_client(sim))(trickle(imeis(30)), batch_size=10, grace=grace)
    waiting = asyncio.ensure_future(run)
    await until_on_its_way(run)
    for _ in range(stops):
        run.stop()
    with pytest.raises(ScheduleUnknown) as caught:
        await waiting

    assert caught.value.candidates is None
    assert_law(caught.value.report)
    assert caught.value.report.unknown == 10
    assert_no_run_goes_on()


async def test_the_stream_ends_with_the_error(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim(faults=losing("v1", "drop_after"))
    run = SCHEDULES["v1"](new_client(sim, clock=ScaledClock(500)))(imeis(30), batch_size=10)
    seen: list[State] = []

    async def listen() -> None:
        async with run:
            async for outcome in run:
                seen.append(outcome.state)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(ScheduleUnknown):
        await listen()
    assert (seen.count(State.UNKNOWN), seen.count(State.UNSENT)) == (10, 20)


async def test_the_loop_may_close_down_while_the_request_is_under_way(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=losing("v1", "hang_after"))
    run = SCHEDULES["v1"](new_client(sim))(imeis(30), batch_size=10)
    waiting = asyncio.ensure_future(run)
    await until_on_its_way(run)
    ours = tasks_of_runs() | {waiting}
    for task in ours:
        task.cancel()
    await asyncio.wait(ours)

    assert_law(run.report)
    assert run.report.unknown >= 10
    assert_no_run_goes_on()

"""The law of the report, whatever happens: every input occurrence is counted once.

And what the report says of a device is true of the API's own books.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    client_of,
    imeis,
    run_over,
    trickle,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fota_async import (
    BatchReport,
    InvalidRequestError,
    LoginRefusedError,
    NotFoundError,
    RetryPolicy,
    RunStopped,
    ServerError,
    State,
    ThrottledError,
)
from fota_async.batch.device_ids import is_device_id
from fota_async.batch.run import BatchRun
from fota_async.clock import ScaledClock
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Faults, Rules, Simulator

MALFORMED = ["", "bad", "4.90E+14", "49-015420-323751-8"]
inputs = st.lists(
    st.sampled_from(imeis(25) + [f" {i}\n" for i in imeis(3)] + MALFORMED),
    min_size=1,
    max_size=40,
)
mostly_fine = [*["accept"] * 4, *["applied_and_lost", "lost", "refuse", "throttle"] * 2]
fates = st.lists(
    st.sampled_from([*mostly_fine, "missing", "odd", "no", "not_found", "no_login", "stop"]),
    max_size=12,
)
shapes = st.sampled_from([list, iter, trickle])


class World:
    """A session whose requests meet the fates drawn, then good luck; it watches the run.

    Args:
        fates: What becomes of the requests, in the order they are sent.
        devices: What the run is over.
        options: Of the run.
    """

    def __init__(self, fates: list[str], devices: Any, **options: Any) -> None:
        self.session = FakeSession(self.meet)
        self.run = run_over(self.session, devices, **options)
        self.leave: Callable[[], object] = self.run.stop
        self._fates = iter(fates)

    async def meet(self, ids: list[str]) -> DeviceAnswers:
        assert_law(self.run.report)
        await asyncio.sleep(0)
        fate = next(self._fates, "accept")
        if fate == "stop":
            self.leave()
            await asyncio.sleep(0)
            fate = "accept"
        said = await getattr(self, fate)(ids)
        assert isinstance(said, DeviceAnswers)
        return said

    async def accept(self, ids: list[str]) -> DeviceAnswers:
        return await self.session.accept(ids)

    async def missing(self, ids: list[str]) -> DeviceAnswers:
        return await self.session.accept(ids[1:])

    async def odd(self, ids: list[str]) -> DeviceAnswers:
        return answers(ids, "Shelved")

    async def no(self, ids: list[str]) -> DeviceAnswers:
        return answers(ids, "AddDeviceFailed")

    async def applied_and_lost(self, ids: list[str]) -> DeviceAnswers:
        await self.session.accept(ids)
        raise ServerError("it fell over", status=500)

    async def lost(self, _: list[str]) -> DeviceAnswers:
        raise ServerError("it fell over", status=500)

    async def refuse(self, _: list[str]) -> DeviceAnswers:
        raise InvalidRequestError("no", status=400, code="INVALID_PARAMETER", text="no")

    async def throttle(self, _: list[str]) -> DeviceAnswers:
        raise ThrottledError("wait", status=429, retry_after=0.1)

    async def not_found(self, _: list[str]) -> DeviceAnswers:
        raise NotFoundError("gone", status=404)

    async def no_login(self, _: list[str]) -> DeviceAnswers:
        raise LoginRefusedError("no")


def check(report: BatchReport, given: list[str], members: set[str]) -> None:
    """Hold a final report against the input and the API's own books."""
    assert_law(report)
    seen = [text.strip() for text in given[: report.inputs]]
    valid = {text for text in seen if is_device_id(text)}
    assert report.invalid == len(set(seen) - valid)
    assert report.duplicates == len(seen) - len(set(seen))
    by_state: dict[State, set[str]] = {state: set() for state in State}
    for outcome in report:
        by_state[outcome.state].add(outcome.device_id)
    assert set().union(*by_state.values()) == set(seen)
    assert by_state[State.SUCCEEDED] <= members
    assert not by_state[State.UNSENT] & members
    assert not by_state[State.FAILED] & members
    assert members <= valid
    if report.stopped is None:
        assert report.input_complete
        assert report.unsent == 0
        assert report.inputs == len(given)


@given(inputs, fates, shapes, st.integers(1, 5), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_the_law_holds_at_any_moment_and_at_the_end_of_an_awaited_run(
    given: list[str], fates: list[str], shape: Any, size: int, concurrency: int
) -> None:
    async def main() -> None:
        world = World(fates, shape(given), batch_size=size, concurrency=concurrency)
        task = asyncio.ensure_future(world.run)
        world.leave = task.cancel
        with suppress(RunStopped, asyncio.CancelledError):
            await task
        assert_no_task_left()
        assert world.session.claims == 0
        check(world.run.report, given, world.session.members)

    asyncio.run(main())


@given(inputs, fates, shapes, st.integers(1, 5), st.none() | st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_reading_a_run_yields_each_device_once_and_nothing_that_the_report_does_not_say(
    given: list[str], fates: list[str], shape: Any, size: int, leave_after: int | None
) -> None:
    async def main() -> None:
        world = World(fates, shape(given), batch_size=size, concurrency=2)
        run, read = world.run, []
        with suppress(RunStopped):
            async with run:
                async for outcome in run:
                    read.append(outcome)
                    assert_law(run.report)
                    if len(read) == leave_after:
                        break
        check(run.report, given, world.session.members)
        assert len({(one.device_id, one.state) for one in read}) == len(read)
        assert set(read) <= set(run.report)
        if leave_after is None or len(read) < leave_after:
            assert set(read) == set(run.report)

    asyncio.run(main())


some = st.sampled_from([0.0, 0.0, 0.1, 0.3])
faults = st.builds(
    Faults,
    seed=st.integers(0, 99),
    only=st.just(frozenset({"v1_modify_upgrade"})),
    error_before=some,
    drop_before=some,
    throttle=some,
    throttle_seconds=st.just(0.2),
    expire_token=st.sampled_from([0.0, 0.1]),
    expire_session=st.sampled_from([0.0, 0.1]),
    error_after=some,
    drop_after=some,
    torn_body=some,
    html_body=some,
    missing_items=some,
    odd_status=some,
)
rules = st.builds(
    Rules,
    refuse_rate=st.sampled_from([0.0, 0.2]),
    poison=st.sampled_from([frozenset(), frozenset(imeis(2))]),
    max_devices=st.sampled_from([None, 3]),
)


@given(inputs, faults, rules, st.integers(1, 5), st.none() | st.integers(1, 10))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_report_says_is_true_of_the_simulated_api(
    given: list[str], faults: Faults, rules: Rules, size: int, leave_after: int | None
) -> None:
    clock = ScaledClock(200.0)

    async def read(run: BatchRun) -> None:
        number = 0
        with suppress(RunStopped):
            async with run:
                async for _ in run:
                    number += 1
                    if number == leave_after:
                        break

    async def main() -> None:
        async with (
            Simulator(faults=faults, rules=rules, clock=clock) as sim,
            client_of(sim, clock=clock, retry=RetryPolicy(base=0.1)) as fota,
        ):
            run = fota.v1.upgrades.append_devices(
                sim.upgrade_id, given, batch_size=size, concurrency=3
            )
            await read(run)
            check(run.report, given, sim.members())

    asyncio.run(main())


@pytest.mark.parametrize(
    "fate",
    [
        "accept",
        "lost",
        "applied_and_lost",
        "missing",
        "refuse",
    ],
)
async def test_the_law_holds_whichever_turn_of_the_event_loop_a_run_is_stopped_in(
    fate: str,
) -> None:
    for turns in range(150):
        world = World([fate] * 1000, imeis(40), batch_size=4, concurrency=2)
        task = asyncio.ensure_future(world.run)
        for _ in range(turns):
            await asyncio.sleep(0)
        world.run.stop()
        with suppress(RunStopped):
            await task
        check(world.run.report, imeis(40), world.session.members)

"""What a refused batch means: its devices, its size, or the target."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    assert_law,
    client_of,
    ids_of,
    imeis,
    run_over,
)
from refusing import PROBES, Refusing, refusal, stopped

from fota_async import (
    AnswerTimeoutError,
    DeviceBatcher,
    RunStopped,
    State,
    StopCause,
    TooManyDevicesError,
    modify_upgrade,
)
from fota_async.clock import ScaledClock
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Rules, Simulator

# The target


async def test_a_target_that_closed_is_found_by_one_reading_and_no_batch_is_divided() -> None:
    session = Refusing(bad=None)
    session.status = "InProgress"

    report = await stopped(
        run_over(session, imeis(10_000), batch_size=100, concurrency=4),
        StopCause.CLOSED,
        match="InProgress",
    )

    assert session.reads <= 2
    assert {len(ids) for ids in session.sent} == {100}
    assert len(session.sent) <= 8
    assert report.unsent == 10_000
    assert all("closed" in outcome.reason for outcome in report)


async def test_a_target_that_closes_in_the_middle_leaves_a_true_report() -> None:
    clock = ScaledClock(50.0)
    async with Simulator(clock=clock) as sim, client_of(sim, clock=clock) as client:

        def fleet() -> Iterator[str]:
            for place, device in enumerate(imeis(20_000)):
                if place == 10_000:
                    sim.set_status(sim.upgrade_id, "InProgress")
                yield device

        with pytest.raises(RunStopped, match="InProgress") as caught:
            await client.v1.upgrades.append_devices(sim.upgrade_id, fleet(), batch_size=100)

        report = caught.value.report
        assert caught.value.cause is StopCause.CLOSED
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        assert (report.failed <= 3 * PROBES, report.unknown) == (True, 0)
        assert_law(report)


async def test_a_reading_refused_twice_with_the_delay_between_stops_the_run() -> None:
    session = Refusing(bad=None, readings=[refusal("Invalid upgradeId")] * 9)

    report = await stopped(
        run_over(session, imeis(1000), batch_size=100, concurrency=1, settle_delay=50.0),
        StopCause.REFUSED,
        match="Invalid upgradeId",
    )

    assert len(session.sent) == 1
    assert session.read_at[1] - session.read_at[0] >= 50.0
    assert report.unsent == 1000


@pytest.mark.parametrize(
    "readings",
    [
        [refusal("Invalid upgradeId")],
        [AnswerTimeoutError("no answer")],
        [refusal("Invalid upgradeId"), AnswerTimeoutError("no answer")],
    ],
    ids=["refused once", "lost", "refused, then lost"],
)
async def test_a_reading_that_fails_otherwise_does_not_stop_the_run(
    readings: list[Exception | None],
) -> None:
    ids = imeis(100)
    session = Refusing(bad={ids[42]}, readings=readings)

    report = await run_over(session, ids, batch_size=100, concurrency=1)

    assert ids_of(report, State.FAILED) == [ids[42]]
    assert report.succeeded == 99


async def test_refusals_that_wait_share_a_reading_and_a_fresh_one_serves() -> None:
    ids = imeis(800)
    session = Refusing(bad=set(ids[50::100]))

    report = await run_over(session, ids, batch_size=100, concurrency=8, settle_delay=100_000.0)

    assert (report.succeeded, report.failed) == (792, 8)
    assert session.reads <= 2


# The pilot rule


async def pilot_run(session: FakeSession, **options: Any) -> Any:
    operation = attrs.evolve(
        modify_upgrade("append", ACCOUNT, UPGRADE), pilot_rule="only 20 before a pilot succeeded"
    )
    return await DeviceBatcher(session, operation, **options).run(imeis(400))


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_three_large_requests_refused_alike_name_the_pilot_rule(concurrency: int) -> None:
    session = Refusing(bad=None)

    report = await stopped(
        pilot_run(session, batch_size=100, concurrency=concurrency),
        StopCause.REFUSED,
        match="only 20 before a pilot succeeded",
    )

    assert 3 <= len(session.sent) <= 2 + concurrency
    assert report.unsent == 400


async def test_the_pilot_rule_is_for_runs_without_any_answer() -> None:
    session = Refusing(bad=set(imeis(3, first=101)) | set(imeis(3, first=201)))

    report = await pilot_run(session, batch_size=100, concurrency=1)

    assert (report.succeeded, report.failed) == (394, 6)


async def test_small_requests_do_not_count_for_the_pilot_rule() -> None:
    session = Refusing(bad=set(imeis(5)))

    report = await pilot_run(session, batch_size=20, concurrency=1)

    assert (report.succeeded, report.failed) == (395, 5)


async def test_when_the_probes_were_the_last_devices_nothing_is_stopped() -> None:
    ids = imeis(400)
    session = Refusing(bad=set(ids[-5:]))

    report = await run_over(session, ids, batch_size=20, concurrency=1)

    assert ids_of(report, State.FAILED) == ids[-5:]
    assert (report.succeeded, report.stopped) == (395, None)


# The size


@pytest.mark.parametrize("how", ["413", "NumberofDevices", "MaxRequestsExceeded"])
async def test_a_refusal_for_size_makes_the_rest_of_the_batches_smaller(how: Any) -> None:
    async with (
        Simulator(rules=Rules(max_devices=300, size_refusal=how)) as sim,
        client_of(sim) as client,
    ):
        report = await client.v1.upgrades.append_devices(
            sim.upgrade_id, imeis(10_000), batch_size=1000, concurrency=4
        )

        assert report.succeeded == 10_000
        assert sim.members() == set(imeis(10_000))
        sizes = [record.devices for record in sim.requests if record.method == "PUT"]
        assert sizes[:1] == [1000]
        assert len([size for size in sizes if size > 300]) <= 4 + 4
        assert sizes.count(250) >= 30


async def test_one_device_refused_for_its_size_failed() -> None:
    async def too_many(_: list[str]) -> DeviceAnswers:
        raise TooManyDevicesError("too many", status=413)

    report = await run_over(FakeSession(too_many), imeis(1), batch_size=4)

    assert report.failed == 1
    assert next(iter(report)).status == "413"

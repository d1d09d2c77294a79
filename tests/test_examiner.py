"""What a refused batch means: its devices, its size, the target, or the request itself."""

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import attrs
import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    run_over,
)

from fota_async import (
    AnswerTimeoutError,
    DeviceBatcher,
    InvalidRequestError,
    RunStopped,
    State,
    StopCause,
    TooManyDevicesError,
    modify_upgrade,
)
from fota_async.batch.refusals import Alike, pick_spread
from fota_async.clock import ScaledClock
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Rules, Simulator

PROBES = 8


def refusal(text: str = "Invalid device id format") -> InvalidRequestError:
    return InvalidRequestError(text, status=400, code="INVALID_PARAMETER", text=text)


class Refusing(FakeSession):
    """Refuses requests that carry a bad device, and readings as it is told.

    Args:
        bad: Devices because of which a whole request is refused; None for all.
        readings: What becomes of readings, one after another; None lets one through.
    """

    def __init__(
        self,
        bad: "set[str] | None" = frozenset(),  # type: ignore[assignment]  # never changed
        readings: "list[Exception | None] | None" = None,
        **options: Any,
    ) -> None:
        super().__init__(self._refuse, **options)
        self.bad = bad
        self.readings = list(readings or [])
        self.read_at: list[float] = []

    async def _refuse(self, ids: list[str]) -> DeviceAnswers:
        if self.bad is None or not self.bad.isdisjoint(ids):
            raise refusal()
        return await self.accept(ids)

    def _read(self, *what: Any) -> Any:
        self.read_at.append(self.clock.monotonic())
        error = self.readings.pop(0) if self.readings else None
        if error is not None:
            raise error
        return super()._read(*what)


async def stopped(run: Any, cause: StopCause, match: str = "") -> Any:
    """Return the report of a run that must stop so."""
    with pytest.raises(RunStopped, match=match) as caught:
        await run
    assert caught.value.cause is cause
    assert_law(caught.value.report)
    assert_no_task_left()
    return caught.value.report


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


# Whose fault


async def test_when_every_request_is_refused_a_few_single_devices_are_sent_and_the_run_stops() -> (
    None
):
    session = Refusing(bad=None)

    report = await stopped(
        run_over(session, imeis(100_000), batch_size=1000, concurrency=4),
        StopCause.REFUSED,
        match="whatever devices it carries",
    )

    threshold = 10 + 4
    assert threshold <= len(session.sent) <= threshold + 4 + PROBES
    probes = session.sent[-PROBES:]
    assert all(len(ids) == 1 for ids in probes)
    # Of what was refused and of what is still to come.
    refused = {device for ids in session.sent[:-PROBES] for device in ids}
    assert {ids[0] in refused for ids in probes} == {True, False}
    assert report.failed >= PROBES
    assert report.unsent == 100_000 - report.failed
    assert set(ids_of(report, State.FAILED)) == {i[0] for i in session.sent if len(i) == 1}


async def test_one_probe_that_is_answered_lets_the_run_go_on() -> None:
    ids = imeis(640)
    bad = set(ids[:128])
    session = Refusing(bad=set(bad))

    report = await run_over(session, ids, batch_size=64, concurrency=1)

    assert set(ids_of(report, State.FAILED)) == bad
    assert report.succeeded == 512
    assert session.members == set(ids) - bad


def test_the_threshold_doubles_until_a_full_batch_is_answered() -> None:
    alike = Alike(batch_size=1000, concurrency=8)

    def refusals_until_suspicious() -> int:
        for count in range(1, 1000):
            alike.refused(refusal())
            if alike.suspicious:
                return count
        return 0

    assert refusals_until_suspicious() == 18
    alike.cleared()
    assert refusals_until_suspicious() == 36
    alike.cleared()
    alike.answered(whole_batch=False)
    assert refusals_until_suspicious() == 72
    alike.cleared()
    alike.answered(whole_batch=True)
    assert refusals_until_suspicious() == 18


def test_only_refusals_alike_count() -> None:
    alike = Alike(batch_size=2, concurrency=1)
    for _ in range(5):
        alike.refused(refusal())
        alike.refused(InvalidRequestError("other", status=422, code="INVALID_PARAMETER"))
    assert not alike.suspicious


@pytest.mark.parametrize(("there", "wanted"), [(0, 8), (3, 8), (8, 8), (100, 8), (100, 0)])
def test_devices_are_picked_evenly_and_each_once(there: int, wanted: int) -> None:
    ids = imeis(there)
    picked = pick_spread(ids, wanted)

    assert len(set(picked)) == len(picked) == min(there, wanted)
    assert picked == sorted(picked)
    if there > wanted > 0:
        gaps = [int(b) - int(a) for a, b in pairwise(picked)]
        assert max(gaps) - min(gaps) <= 1


async def test_probing_does_not_take_the_end_of_a_slice_for_the_end_of_the_input() -> None:
    ids = imeis(2000)

    async def fleet() -> AsyncIterator[str]:
        for device in ids:
            yield device

    session = Refusing(bad=set(ids[:1000]))

    with pytest.raises(RunStopped):  # more than a probe can tell from a wrong request
        await run_over(Refusing(bad=None), fleet(), batch_size=1000, concurrency=1)
    report = await run_over(session, fleet(), batch_size=1000, concurrency=1)

    assert (report.succeeded, report.failed) == (1000, 1000)


async def test_a_bad_batch_at_the_end_does_not_undo_that_the_others_were_answered() -> None:
    ids = imeis(640)
    session = Refusing(bad=set(ids[-64:]))

    report = await run_over(session, ids, batch_size=64, concurrency=1)

    assert set(ids_of(report, State.FAILED)) == set(ids[-64:])
    assert (report.succeeded, report.stopped) == (576, None)

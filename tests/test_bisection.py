"""How many requests it takes to find the devices because of which batches are refused."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pytest
from batch_helpers import assert_law, client_of, ids_of, imeis

from fota_async import BatchReport, RunStopped, State, StopCause
from fota_async.clock import ScaledClock
from fota_async.simulator import Rules, Simulator

PROBES = 8


def puts(sim: Simulator) -> list[Any]:
    return [record for record in sim.requests if record.method == "PUT"]


def by_halving(ids: Sequence[str], bad: Collection[str]) -> int:
    """Requests that plain halving needs for one batch."""
    if len(ids) == 1 or not any(device in bad for device in ids):
        return 1
    middle = (len(ids) + 1) // 2
    return 1 + by_halving(ids[:middle], bad) + by_halving(ids[middle:], bad)


def in_theory(ids: Sequence[str], bad: Collection[str], size: int) -> int:
    """Requests that plain halving needs for all batches."""
    return sum(by_halving(ids[at : at + size], bad) for at in range(0, len(ids), size))


async def found(
    devices: Sequence[str], bad: Collection[str], size: int, **options: Any
) -> tuple[BatchReport, int]:
    """Append devices of which some are poison; return the report and the number of requests."""
    clock = ScaledClock(50.0)
    async with (
        Simulator(rules=Rules(poison=frozenset(bad)), clock=clock) as sim,
        client_of(sim, clock=clock) as client,
    ):
        report = await client.v1.upgrades.append_devices(
            sim.upgrade_id, devices, batch_size=size, **options
        )
        assert_law(report)
        assert sorted(ids_of(report, State.FAILED)) == sorted(bad)
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        assert report.succeeded == len(devices) - len(bad)
        refusals = {(g.status, g.reason) for g in report.groups if g.state is State.FAILED}
        assert refusals == {("INVALID_PARAMETER", "Invalid device id format")}
        return report, len(puts(sim))


def scattered(ids: Sequence[str], count: int) -> list[str]:
    return list(ids[len(ids) // count // 2 :: len(ids) // count])[:count]


Choose = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    ("choose", "extra"),
    [
        pytest.param(lambda ids: [ids[345]], 0, id="one"),
        pytest.param(lambda ids: [ids[0]], 0, id="the first"),
        pytest.param(lambda ids: [ids[-1]], 0, id="the last"),
        pytest.param(lambda ids: scattered(ids, 10), 0, id="ten scattered"),
        pytest.param(lambda ids: ids[203:213], PROBES, id="ten in a row"),
        pytest.param(lambda ids: ids[200:264], 3 * PROBES, id="a whole batch"),
    ],
)
async def test_bad_devices_are_found_with_few_requests(choose: Choose, extra: int) -> None:
    ids = imeis(1280)
    bad = choose(ids)

    _, requests = await found(ids, bad, 64)

    assert requests <= in_theory(ids, bad, 64) + extra


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "choose", "extra"),
    [
        ("one", lambda ids: [ids[54_321]], 0),
        ("a hundred scattered", lambda ids: scattered(ids, 100), 2 * PROBES),
        ("forty in a row", lambda ids: ids[50_123:50_163], 4 * PROBES),
        ("a whole batch", lambda ids: ids[50_000:51_000], 12 * PROBES),
    ],
    ids=["one", "hundred", "forty", "batch"],
)
async def test_bad_devices_among_a_hundred_thousand(
    name: str,
    choose: Choose,
    extra: int,
    record_property: Callable[[str, object], None],
) -> None:
    ids = imeis(100_000)
    bad = choose(ids)
    theory = in_theory(ids, bad, 1000)

    _, requests = await found(ids, bad, 1000)

    record_property("PUTs", requests)
    record_property("in theory", theory)
    print(f"\n{name}: {requests} PUTs, in theory {theory}")  # noqa: T201 - shown by pytest -s
    assert requests <= theory + extra
    if len(bad) == 1:
        assert requests <= 100 + 22


# Not the devices' fault

UNKNOWN = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("devices", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
async def test_an_unknown_upgrade_ends_the_run_and_is_not_taken_out_on_devices(
    devices: int,
) -> None:
    clock = ScaledClock(50.0)
    pulled: list[str] = []

    def fleet() -> Iterator[str]:
        for device in imeis(devices):
            pulled.append(device)
            yield device

    async with Simulator(clock=clock) as sim, client_of(sim, clock=clock) as client:
        with pytest.raises(RunStopped, match="Invalid upgradeId") as caught:
            await client.v1.upgrades.append_devices(UNKNOWN, fleet())

        report = caught.value.report
        assert caught.value.cause is StopCause.REFUSED
        assert report.inputs == len(pulled) == report.unsent < devices
        assert not report.input_complete
        assert len(puts(sim)) < 100
        assert_law(report)


@pytest.mark.parametrize("devices", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
async def test_an_account_that_goes_inactive_ends_the_run_and_the_report_is_true(
    devices: int,
) -> None:
    clock = ScaledClock(50.0)
    async with Simulator(clock=clock) as sim, client_of(sim, clock=clock) as client:

        def fleet() -> Iterator[str]:
            for place, device in enumerate(imeis(devices)):
                if place == devices // 3:
                    sim.deactivate_account()
                yield device

        with pytest.raises(RunStopped, match="Inactive account") as caught:
            await client.v1.upgrades.append_devices(sim.upgrade_id, fleet(), batch_size=500)

        report = caught.value.report
        assert caught.value.cause is StopCause.REFUSED
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        assert 0 < report.succeeded <= devices // 3
        assert report.failed <= PROBES
        assert (report.unknown, report.input_complete) == (0, False)
        refused = [record for record in puts(sim) if record.status == 400]
        assert 0 < len(refused) < 100
        assert_law(report)

"""Schedules under every fault at once: one target at most, and a report that is true."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from batch_helpers import assert_law, ids_of, imeis
from schedule_helpers import SCHEDULES, assert_no_run_goes_on, made

from fota_async import BatchReport, CallError, FotaClient, RunStopped, ScheduleUnknown, State
from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]


def trouble(seed: int) -> Faults:
    # Hanging requests take real time, and a session that ends is a test of its own.
    return Faults(
        seed=seed,
        error_before=0.06,
        drop_before=0.06,
        throttle=0.1,
        throttle_seconds=1.0,
        error_after=0.06,
        drop_after=0.06,
        torn_body=0.05,
        html_body=0.03,
        half_json=0.03,
        missing_items=0.05,
        late_write=0.5,
        late_write_seconds=0.001,
    )


async def attempt(
    sim: Simulator, client: FotaClient, kind: str, journal: Path | None
) -> BatchReport | None:
    """Schedule once; hold the outcome against the server, and return a report if it is complete."""
    run = SCHEDULES[kind](client)([*imeis(300), "x"], batch_size=25, journal=journal)
    error: Exception | None = None
    try:
        await run
    except (RunStopped, CallError) as caught:
        error = caught
    report = run.report
    if isinstance(error, CallError):
        assert (made(sim), report.unsent) == ([], report.inputs - report.invalid)
    if isinstance(error, ScheduleUnknown):
        assert report.unknown
        assert report.unsent + report.unknown == 300
        assert [one.id for one in error.candidates or ()] in ([], made(sim))
    assert_law(report)
    assert_no_run_goes_on()
    members = sim.members(*made(sim)) if made(sim) else set()
    assert set(ids_of(report, State.SUCCEEDED)) <= members
    assert members.isdisjoint(ids_of(report, State.UNSENT))
    return report if report.stopped is None and report.input_complete else None


@pytest.mark.parametrize("kind", SCHEDULES)
async def test_whatever_happens_there_is_one_target_at_most(
    kind: str, new_sim: NewSim, new_client: NewClient, tmp_path: Path
) -> None:
    ends = set()
    for seed in range(12):
        rules = Rules(refused={imeis(300)[99]: "Invalid IMEI"})
        sim = await new_sim(rules=rules, faults=trouble(seed))
        client = new_client(sim, clock=ScaledClock(2000))
        journal = tmp_path / f"{kind} {seed}.db"
        complete = None
        # The last of them in calm weather; but what was lost stays lost.
        for start in range(4):
            sim.faults = trouble(seed + 100 * start) if start < 3 else Faults()
            complete = await attempt(sim, client, kind, journal)
        assert len(made(sim)) <= 1
        if complete is not None:
            assert made(sim) == [complete.target]
            assert complete.unsent == complete.unknown == 0
        ends.add(complete is not None)

    assert ends == {True, False}, "some schedules should succeed, and some be lost"

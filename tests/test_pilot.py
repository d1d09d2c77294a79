"""A pilot, and the fleet that follows when it succeeded."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, ids_of, imeis
from pilot_helpers import (
    KINDS,
    PILOTS,
    RULES,
    campaigns,
    keep_open,
    of_image,
    rules_that_fail,
)
from schedule_helpers import assert_no_run_goes_on
from simulator_api import until

from fota_async import (
    ConfigurationError,
    DecodeError,
    FotaClient,
    InvalidRequestError,
    MisuseError,
    PilotStopped,
    SourceError,
    State,
)
from fota_async.batch.pilot import Judgement, PilotReport
from fota_async.batch.reading import Row, upgrade_outcome
from fota_async.clock import ScaledClock
from fota_async.events import PilotEvent
from fota_async.simulator import Faults, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]


@KINDS
@pytest.mark.parametrize("rule", ["request", "device"])
async def test_the_fleet_follows_a_pilot_that_succeeded(
    kind: str, rule: Any, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(pilot=rule), clock=clock)
    events: list[Any] = []

    def hook(event: Any) -> None:
        events.append(event)
        keep_open(sim, event)

    client = new_client(sim, clock=clock, on_event=hook)
    ids = imeis(500)
    result = await PILOTS[kind](client)([*ids, ids[0], "x", *ids[3:5]], batch_size=100)

    pilot, fleet = of_image(sim)
    assert (result.pilot.target, result.fleet.id) == (pilot, fleet)
    assert sim.members(pilot) == set(ids[:20])
    assert sim.members(fleet) == set(ids[20:])
    assert (result.pilot.succeeded, result.pilot.devices) == (20, 20)
    assert_law(result.pilot.report)
    assert_law(result.fleet.report)
    # Every input is in one place.
    assert (result.pilot.report.inputs, result.fleet.report.inputs, result.duplicates) == (
        20,
        481,
        3,
    )
    assert result.fleet.report.invalid == 1
    seen = [event for event in events if isinstance(event, PilotEvent)]
    assert seen[0].undecided == 20
    assert (seen[-1].target, seen[-1].succeeded, seen[-1].devices) == (pilot, 20, 20)
    assert seen[-1].seconds > 60
    assert_no_run_goes_on()


@KINDS
async def test_half_of_the_pilot_is_enough(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=rules_that_fail(imeis(5)), clock=clock)
    client = new_client(sim, clock=clock, on_event=lambda event: keep_open(sim, event))
    result = await PILOTS[kind](client)(imeis(100), pilot=10)

    assert (result.pilot.succeeded, result.pilot.failed) == (5, 5)
    assert not result.ok
    assert len(campaigns(sim)) == 2


@KINDS
async def test_less_than_half_is_not(kind: str, new_sim: NewSim, new_client: NewClient) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=rules_that_fail(imeis(6)), clock=clock)
    with pytest.raises(PilotStopped, match="nothing was scheduled for the fleet") as caught:
        await PILOTS[kind](new_client(sim, clock=clock))(imeis(100), pilot=10)

    pilot = caught.value.pilot
    assert (pilot.devices, pilot.failed, caught.value.timed_out) == (10, 6, False)
    assert dict(pilot).keys() == set(imeis(10)) == sim.members(pilot.target)
    assert campaigns(sim) == [pilot.target]


@KINDS
async def test_a_stricter_rate_is_kept(kind: str, new_sim: NewSim, new_client: NewClient) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=rules_that_fail(imeis(2)), clock=clock)
    with pytest.raises(PilotStopped, match="90% of them"):
        await PILOTS[kind](new_client(sim, clock=clock))(imeis(100), pilot=10, success_rate=0.9)

    assert len(campaigns(sim)) == 1


@KINDS
async def test_it_does_not_wait_for_a_pilot_that_cannot_succeed_any_more(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    ids = imeis(6)
    rejected = dict.fromkeys(ids[:2], "Invalid IMEI")
    sim = await new_sim(rules=RULES(refused=rejected, runs_for=10.0**9), clock=clock)
    with pytest.raises(PilotStopped) as caught:
        await PILOTS[kind](new_client(sim, clock=clock))(imeis(100), pilot=6)

    assert (caught.value.pilot.rejected, caught.value.pilot.undecided) == (2, 4)


@KINDS
async def test_a_pilot_that_takes_too_long_stops(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(clock=clock)
    with pytest.raises(PilotStopped, match="not decided after 100 s") as caught:
        await PILOTS[kind](new_client(sim, clock=clock))(imeis(100), timeout=100)

    assert caught.value.timed_out
    assert caught.value.pilot.undecided == 20
    assert len(campaigns(sim)) == 1
    assert_no_run_goes_on()


@KINDS
async def test_a_pilot_that_is_cancelled_stops(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(clock=clock)

    def cancel(event: Any) -> None:
        if isinstance(event, PilotEvent):
            sim.set_status(event.target, "CampaignCancelled")

    client = new_client(sim, clock=clock, on_event=cancel)
    with pytest.raises(PilotStopped) as caught:
        await PILOTS[kind](client)(imeis(100))

    assert caught.value.pilot.status == "CampaignCancelled"
    assert len(campaigns(sim)) == 1


@KINDS
async def test_the_caller_may_name_the_pilot(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)
    ids = imeis(100)
    chosen = [*ids[50:55], *imeis(2, first=900)]
    client = new_client(sim, clock=clock, on_event=lambda event: keep_open(sim, event))
    result = await PILOTS[kind](client)([*ids, f" {ids[52]} "], pilot=chosen)

    pilot, fleet = of_image(sim)
    assert sim.members(pilot) == set(chosen)
    assert sim.members(fleet) == set(ids) - set(chosen)
    assert (result.pilot.report.inputs, result.fleet.report.inputs, result.duplicates) == (7, 95, 6)


@KINDS
async def test_trouble_while_it_waits_is_waited_through(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    only = frozenset({"v2_list_campaign_devices", "v3_list_campaign_devices"})
    faults = Faults(error_before=0.5, throttle=0.3, only=only, read_lag=20.0)
    sim = await new_sim(rules=RULES(), faults=faults, clock=clock)
    client = new_client(sim, clock=clock, on_event=lambda event: keep_open(sim, event))
    result = await PILOTS[kind](client)(imeis(100))

    assert result.pilot.succeeded == 20


async def test_a_pilot_that_cannot_be_read_at_all_raises(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    faults = Faults(half_json=1.0, only=frozenset({"v3_list_campaign_devices"}))
    sim = await new_sim(faults=faults, clock=clock)
    with pytest.raises(DecodeError):
        await PILOTS["v3"](new_client(sim, clock=clock))(imeis(100))

    assert len(campaigns(sim)) == 1


@KINDS
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"pilot": 4}, "5 to 20 devices, not 4"),
        ({"pilot": 21}, "5 to 20 devices, not 21"),
        ({"pilot": True}, "5 to 20 devices"),
        ({"pilot": imeis(4)}, "5 to 20 devices, not 4"),
        ({"pilot": imeis(21)}, "5 to 20 devices, not 21"),
        ({"pilot": [*imeis(5), *imeis(5)]}, "twice"),
        ({"pilot": [*imeis(5), "x"]}, "device ids of 15 digits"),
        ({"success_rate": 0.49}, "from 0.5"),
        ({"success_rate": 1.01}, "from 0.5"),
        ({"success_rate": True}, "from 0.5"),
        ({"timeout": -1}, "timeout"),
        ({"batch_size": 0}, "batch_size"),
        ({"devices": imeis(4)}, "the whole input has 4"),
        ({"devices": ["x"]}, "the whole input has 0"),
        ({"devices": imeis(20)}, "no device beside the pilot"),
        ({"devices": imeis(7), "pilot": imeis(7)}, "no device beside the pilot"),
        ({"end_date": "2030-01-01"}, "must be dates"),
    ],
)
async def test_what_cannot_work_is_refused_and_nothing_sent(
    kind: str, wrong: dict[str, Any], why: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    given = {"devices": imeis(100), **wrong}
    with pytest.raises(ConfigurationError, match=why):
        await PILOTS[kind](new_client(sim))(given.pop("devices"), **given)

    assert sim.requests == []
    assert_no_run_goes_on()


async def test_a_list_that_cannot_be_read_is_refused_and_nothing_sent(
    new_sim: NewSim, new_client: NewClient, tmp_path: Path
) -> None:
    sim = await new_sim()
    with pytest.raises(SourceError):
        await PILOTS["v3"](new_client(sim))(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="device list"):
        await PILOTS["v3"](new_client(sim))("990013907835573")

    assert sim.requests == []


async def test_a_list_that_never_goes_on_can_be_given_up(
    new_sim: NewSim, new_client: NewClient
) -> None:
    async def slow() -> Any:
        for device in imeis(20):
            yield device
        await asyncio.Event().wait()

    sim = await new_sim()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(PILOTS["v3"](new_client(sim))(slow()), 0.2)

    assert sim.requests == []
    assert_no_run_goes_on()


@KINDS
async def test_a_dry_run_tells_what_would_be_scheduled(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    result = await PILOTS[kind](new_client(sim))(imeis(100), batch_size=30, dry_run=True)

    assert sim.requests == []
    assert (result.pilot.report.unsent, result.fleet.report.unsent) == (20, 80)
    assert (result.pilot.report.requests, result.fleet.report.requests) == (1, 3)
    with pytest.raises(MisuseError, match="dry run"):
        result.fleet.id  # noqa: B018 - asking is what is tested


@KINDS
async def test_a_fleet_that_is_refused_tells_of_the_pilot(
    kind: str, new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(poison=frozenset([imeis(100)[50]])), clock=clock)
    with pytest.raises(InvalidRequestError) as caught:
        await PILOTS[kind](new_client(sim, clock=clock))(imeis(100))

    (pilot,) = campaigns(sim)
    assert pilot in "".join(caught.value.__notes__)


async def test_a_message_about_the_pilot_lets_it_look_at_once(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ScaledClock(20)
    sim = await new_sim(clock=clock)
    looked: Counter[str] = Counter()
    events: list[PilotEvent] = []

    def hook(event: Any) -> None:
        if isinstance(event, PilotEvent):
            looked[event.target] += 1
            events.append(event)

    client = new_client(sim, clock=clock, on_event=hook)
    running = asyncio.ensure_future(PILOTS["v3"](client)(imeis(30)))
    async with asyncio.timeout(5):
        await until(lambda: bool(events))
        (pilot,) = campaigns(sim)
        sim.seed(imeis(20), "UpgradeSuccess", pilot)
        client.wake(pilot)
        result = await running

    assert looked[pilot] == 2
    assert result.pilot.succeeded == 20
    assert ids_of(result.fleet.report, State.PENDING) == imeis(30)[20:]


def pilot_of(*words: str, is_over: bool = False) -> PilotReport:
    """Return a pilot with a row for each word; none for an empty one."""
    rows = [Row(word) if word else None for word in words]
    named = dict(zip(imeis(len(words)), rows, strict=True))
    return PilotReport("an id", "a state", named, report=None, is_over=is_over)  # type: ignore[arg-type]  # not judged


GOOD, BAD, OPEN = "UpgradeSuccess", "UpgradeFailed", "UpgradePending"


@pytest.mark.parametrize(
    ("words", "rate", "judgement"),
    [
        ([GOOD] * 5, 0.5, Judgement.PASSED),
        ([GOOD] * 3 + [BAD] * 2, 0.5, Judgement.PASSED),
        ([GOOD] * 2 + [BAD] * 3, 0.5, Judgement.FAILED),
        ([GOOD] * 10 + [BAD] * 10, 0.5, Judgement.PASSED),
        ([GOOD] * 10 + [BAD] * 10, 0.51, Judgement.FAILED),
        ([GOOD] * 9 + [BAD] * 11, 0.5, Judgement.FAILED),
        ([GOOD] * 10 + [OPEN] * 10, 0.5, Judgement.OPEN),
        ([BAD] * 10 + [OPEN] * 10, 0.5, Judgement.OPEN),
        ([BAD] * 11 + [OPEN] * 9, 0.5, Judgement.FAILED),
        ([GOOD] * 4 + [""], 0.5, Judgement.OPEN),
        ([""] * 5, 0.5, Judgement.OPEN),
        # Fewer than five are left in the campaign.
        ([GOOD] * 4 + ["DeviceRejected"], 0.5, Judgement.FAILED),
        ([GOOD] * 5 + ["Device Rejected"] * 5, 0.5, Judgement.PASSED),
        ([GOOD] * 5 + ["Device Rejected"] * 6, 0.5, Judgement.FAILED),
        ([GOOD] * 5, 1.0, Judgement.PASSED),
        ([GOOD] * 19 + [BAD], 1.0, Judgement.FAILED),
    ],
)
def test_judging_a_pilot(words: list[str], rate: float, judgement: Judgement) -> None:
    assert pilot_of(*words).judge(rate) is judgement


@pytest.mark.parametrize(
    ("words", "judgement"),
    [
        ([GOOD] * 10 + [OPEN] * 10, Judgement.PASSED),
        ([GOOD] * 9 + [OPEN] * 11, Judgement.FAILED),
        ([""] * 5, Judgement.FAILED),
        # Fewer than five were ever taken.
        ([GOOD] * 4 + [""] * 4, Judgement.FAILED),
        ([GOOD] * 5 + [""] * 5, Judgement.PASSED),
    ],
)
def test_when_the_campaign_is_over_nothing_else_will_come(
    words: list[str], judgement: Judgement
) -> None:
    assert pilot_of(*words, is_over=True).judge(0.5) is judgement


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (None, None),
        (Row(), None),
        (Row("UpgradeSuccess", "DownloadInstallSucceeded"), State.SUCCEEDED),
        (Row("UpgradeFailed", "RovaClientDownloadFailed"), State.FAILED),
        (Row("UpgradedFailed"), State.FAILED),
        (Row("UpgradeFailedWithSomeWord"), State.FAILED),
        (Row("CampaignCancelled"), State.FAILED),
        (Row("CampaignAborted"), State.FAILED),
        (Row("DeviceRejected", "Invalid IMEI"), State.FAILED),
        (Row("Device Rejected"), State.FAILED),
        (Row("Accepted"), None),
        (Row("UpgradePending"), None),
        (Row("UpgradeScheduled"), None),
        (Row("RequestToFotaServerFailed", "next attempt 06 Oct 22 18:05 UTC"), None),
        (Row("NoDeviceDataFromNetwork", "will be tried again"), None),
        (Row("NoDeviceDataFromNetwork", "no retry left"), State.FAILED),
        (Row("ReceivedDeviceDataFromNetwork"), None),
        (Row("SomethingNew"), None),
    ],
)
def test_the_final_words_of_a_device(row: Row | None, outcome: State | None) -> None:
    assert upgrade_outcome(row) is outcome

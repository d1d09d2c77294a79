"""`schedule` and `pilot` on the command line: lists of any length, lost answers, signals."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import imeis
from cli_helpers import Fota, point_at, runner

from fota_async.simulator import Faults, Rules, SimulatorThread

DAYS = ("--start-date", "2030-04-01", "--end-date", "2030-04-08")
UPGRADE = ("upgrades", "schedule", "--firmware-name", "F", "--firmware-to", "2", *DAYS)
IMAGE = ("--name", "S", "--from", "1", "--to", "2", *DAYS)
PILOT_DAYS = ("--pilot-start-date", "2030-03-01", "--pilot-end-date", "2030-03-08")
FAST = ("--settle-delay", "0.02", "--grace", "0.2")
AT_ONCE = Rules(
    life_cycle=True,
    pilot="request",
    pending_for=0.0,
    queued_for=0.0,
    prescheduled_for=0.0,
    runs_for=0.0,
)
"""A campaign is over as soon as somebody looks."""

SCHEDULES = {
    "v1_schedule_upgrade": UPGRADE,
    "v2_schedule_campaign": ("campaigns", "schedule", "--api", "v2", *IMAGE),
    "v2_schedule_software_campaign": ("campaigns", "schedule-software", *IMAGE),
    "v2_schedule_file_campaign": (
        "campaigns", "schedule-file", "--file-name", "f", "--file-version", "1", *DAYS,
    ),
    "v3_schedule_campaign": ("campaigns", "schedule", "--api", "v3", *IMAGE),
}  # fmt: skip
PILOTS = {
    "v2": ("campaigns", "pilot", "--api", "v2", *IMAGE, *PILOT_DAYS),
    "v2 file": (
        *("campaigns", "pilot-file", "--file-name", "f", "--file-version", "1"),
        *(*DAYS, *PILOT_DAYS),
    ),
    "v3": ("campaigns", "pilot", "--api", "v3", *IMAGE, *PILOT_DAYS),
}


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorThread]:
    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        yield sim


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str], sim: SimulatorThread) -> Fota:
    assert sim.base_url
    return runner(capsys)


def listed(tmp_path: Path, ids: list[str], name: str = "fleet.txt") -> str:
    file = tmp_path / name
    file.write_text("".join(f"{one}\n" for one in ids))
    return str(file)


def made(sim: SimulatorThread) -> list[str]:
    stats = sim.stats()
    return [one for one in {**stats["upgrades"], **stats["campaigns"]} if one != sim.upgrade_id]


@pytest.mark.parametrize("route", SCHEDULES)
def test_a_long_list_is_scheduled(
    route: str, fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet = listed(tmp_path, [*imeis(250), "no-id"])
    out = tmp_path / "out.csv"
    code, stdout, stderr = fota(
        *SCHEDULES[route], *FAST, "--batch-size", "100", "--json", "--report", str(out), fleet
    )

    document = json.loads(stdout)
    [only] = made(sim)
    assert code == 3
    assert "1 invalid (not 15 digits): 'no-id'" in stderr
    assert f"each with its reason: {out}" in stderr
    assert document["scheduled"]["id"] == document["report"]["target"] == only
    assert document["candidates"] is None
    assert document["report"]["succeeded"] + document["report"]["pending"] == 250
    assert document["report"]["invalid"] == 1
    assert sim.members(only) == set(imeis(250))
    assert len(out.read_text().splitlines()) == 252


def test_a_person_sees_what_was_scheduled_and_the_report(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    code, stdout, _ = fota(*UPGRADE, listed(tmp_path, imeis(3)))

    [only] = made(sim)
    assert code == 0
    assert "RequestPending" in stdout
    assert f"append on {only}" in stdout
    assert imeis(1)[0] not in stdout


@pytest.mark.parametrize("route", SCHEDULES)
def test_a_dry_run_sends_nothing(
    route: str, fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    code, stdout, _ = fota(*SCHEDULES[route], "--dry-run", "--json", listed(tmp_path, imeis(1500)))

    document = json.loads(stdout)
    assert (code, document["scheduled"], document["report"]["requests"]) == (0, None, 2)
    assert sim.requests == []


@pytest.mark.parametrize("route", SCHEDULES)
def test_a_lost_answer_says_what_it_may_have_made(
    route: str, fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.faults = Faults(drop_after=1.0, only=frozenset({route}))
    fleet, journal = listed(tmp_path, imeis(30)), str(tmp_path / "enrol.db")
    command = (*SCHEDULES[route], *FAST, "--batch-size", "10", "--journal", journal, "--json")
    for _ in range(2):
        code, stdout, stderr = fota(*command, fleet)
        document = json.loads(stdout)
        [only] = made(sim)
        assert (code, document["scheduled"], document["report"]["stopped"]) == (1, None, "lost")
        assert [one["target"]["id"] for one in document["candidates"]] == [only]
        assert only in stderr
        assert "fota append" in stderr
    sim.faults = Faults()
    target = ("--upgrade", only) if route.startswith("v1") else ("--campaign", only, "--api")
    version = () if route.startswith("v1") else (route[:2],)
    code, stdout, _ = fota("append", *target, *version, *FAST, "--journal", journal, fleet)

    assert code == 0, stdout
    assert sim.members(only) == set(imeis(30))
    assert fota(*command, fleet)[0] == 0
    assert made(sim) == [only]


def test_a_signal_while_the_request_is_under_way_leaves_it_unknown(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.faults = Faults(hang_after=1.0, only=frozenset({"v1_schedule_upgrade"}))
    interrupting = threading.Thread(target=interrupt_when, args=[lambda: bool(made(sim))])
    interrupting.start()
    code, stdout, _ = fota(*UPGRADE, *FAST, "--json", listed(tmp_path, imeis(3)))
    interrupting.join(10)

    document = json.loads(stdout)
    assert code == 1
    assert (document["report"]["stopped"], document["report"]["unknown"]) == ("lost", 3)


def interrupt_when(condition: Any) -> None:
    """Send this process a signal as soon as `condition` holds."""
    for _ in range(2000):
        if condition():
            signal.raise_signal(signal.SIGINT)
            return
        threading.Event().wait(0.005)


@pytest.mark.parametrize("kind", PILOTS)
def test_a_pilot_and_its_fleet(kind: str, fota: Fota, sim: SimulatorThread, tmp_path: Path) -> None:
    sim.rules = AT_ONCE
    out = tmp_path / "out.csv"
    code, stdout, stderr = fota(
        *PILOTS[kind], "--pilot", "5", "--json", "--report", str(out), listed(tmp_path, imeis(50))
    )

    document = json.loads(stdout)
    pilot, fleet = made(sim)
    assert code == 0
    assert (document["pilot"]["id"], document["scheduled"]["id"]) == (pilot, fleet)
    assert document["pilot"]["succeeded"] == 5
    assert document["pilot"]["devices"].keys() == set(imeis(5))
    assert document["report"]["inputs"] == 45
    assert sim.members(fleet) == set(imeis(50)[5:])
    assert f"The pilot {pilot}" in stderr
    assert len(out.read_text().splitlines()) == 46


def test_a_pilot_named_by_a_file_goes_on_from_its_journal(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.rules = AT_ONCE
    chosen = listed(tmp_path, imeis(6, first=20), "pilot.txt")
    fleet, journal = listed(tmp_path, imeis(50)), str(tmp_path / "fleet.db")
    for _ in range(2):
        code, stdout, _ = fota(*PILOTS["v3"], "--pilot-list", chosen, "--journal", journal, fleet)
        pilot, _ = made(sim)
        assert code == 0
        assert f"pilot {pilot}" in stdout
    assert sim.members(pilot) == set(imeis(6, first=20))


@pytest.mark.parametrize("kind", PILOTS)
def test_a_pilot_that_fails_ends_with_3(
    kind: str, fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.rules = Rules(
        life_cycle=True, pending_for=0.0, queued_for=0.0, prescheduled_for=0.0, runs_for=0.0,
        upgrade_fail_rate=1.0,
    )  # fmt: skip
    code, stdout, stderr = fota(*PILOTS[kind], listed(tmp_path, imeis(50)))

    assert (code, stdout, len(made(sim))) == (3, "", 1)
    assert "the pilot did not succeed" in stderr


def test_a_fleet_that_is_lost_is_reported(fota: Fota, sim: SimulatorThread, tmp_path: Path) -> None:
    sim.rules = AT_ONCE
    fleet, journal = listed(tmp_path, imeis(50)), str(tmp_path / "fleet.db")
    command = (*PILOTS["v3"], *FAST, "--batch-size", "20", "--journal", journal, "--json")
    # The pilot is there; only what follows is lost.
    sim.faults = Faults(drop_before=1.0, only=frozenset({"v3_list_campaign_devices"}))
    assert fota(*command, "--wait", "0.1", fleet)[0] == 3
    [pilot] = made(sim)
    assert sim.stats()["campaigns"][pilot]["status"] == "CampaignEnded"
    sim.rules = attrs.evolve(AT_ONCE, queued_for=1e9)
    sim.faults = Faults(drop_after=1.0, only=frozenset({"v3_schedule_campaign"}))
    out = tmp_path / "out.csv"
    code, stdout, stderr = fota(*command, "--report", str(out), fleet)

    document = json.loads(stdout)
    assert (code, document["report"]["unknown"], document["report"]["unsent"]) == (1, 20, 10)
    assert [one["target"]["id"] for one in document["candidates"]] == [made(sim)[1]]
    assert pilot in stderr
    assert len(out.read_text().splitlines()) == 31


def test_a_pilot_that_takes_too_long_ends_with_3(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    code, _, stderr = fota(*PILOTS["v3"], "--wait", "0.1", listed(tmp_path, imeis(50)))

    assert (code, len(made(sim))) == (3, 1)
    assert "not decided" in stderr


def test_a_signal_while_the_pilot_is_waited_for(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    interrupting = threading.Thread(target=interrupt_when, args=[lambda: bool(made(sim))])
    interrupting.start()
    code, _, stderr = fota(*PILOTS["v3"], listed(tmp_path, imeis(50)))
    interrupting.join(10)

    assert (code, len(made(sim))) == (130, 1)
    assert "interrupted" in stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--pilot", "4"), "5 to 20"),
        (("--success-rate", "0.2"), "success_rate"),
        (("--pilot-list", "FILE"), "no device in the list"),
        (("--window", "25-26"), "--window"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_sent(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, wrong: tuple[str, ...], said: str
) -> None:
    empty = listed(tmp_path, [], "empty.txt")
    given = [empty if one == "FILE" else one for one in wrong]
    code, stdout, stderr = fota(*PILOTS["v3"], *given, listed(tmp_path, imeis(50)))

    assert (code, stdout, sim.requests) == (2, "", [])
    assert said in stderr

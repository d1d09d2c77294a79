"""Every command that makes one call, against the simulator: what it shows to a program."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import Fota, point_at, runner

from fota_async.simulator import SimulatorThread

HTTP_DEVICE, DEVICE = "990013907835573", "900000000000001"
DATES = ("--start-date", "2030-04-01", "--end-date", "2030-04-08")
URL = "https://fleet.example.com:50559/fota"


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorThread]:
    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        yield sim


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str], sim: SimulatorThread) -> Fota:
    assert sim.base_url
    return runner(capsys)


@pytest.fixture
def pilot(tmp_path: Path) -> str:
    file = tmp_path / "pilot.csv"
    file.write_text(f"imei\n{DEVICE}\n")
    return str(file)


def answer(fota: Fota, *command: str) -> Any:
    """Return the one object that a command prints."""
    code, stdout, stderr = fota(*command)
    assert (code, stderr) == (0, "")
    [line] = stdout.splitlines()
    return json.loads(line)


def items(fota: Fota, *command: str) -> list[Any]:
    """Return the objects that a command prints, one a line."""
    code, stdout, stderr = fota(*command)
    assert (code, stderr) == (0, "")
    return [json.loads(line) for line in stdout.splitlines()]


@pytest.mark.parametrize(
    ("command", "member"),
    [
        ("devices list --api v1", "device_id"),
        ("devices list --api v2 --protocol HTTP", "distribution_type"),
        ("devices list --api v3", "protocol"),
        ("firmware list --api v1", "from_version"),
        ("firmware list --api v3", "firmware_from"),
        ("software list --protocol HTTP", "software_name"),
        ("licenses status --api v1 --devices", None),
        ("licenses status --api v2 --devices", None),
        ("licenses status --api v3 --devices", None),
        ("reports list --api v1 --status Queued", "firmware_name"),
    ],
)
def test_a_list_is_there(
    fota: Fota, sim: SimulatorThread, command: str, member: str | None
) -> None:
    sim.license([DEVICE])
    found = items(fota, *command.split())
    assert found
    assert all(one[member or "device_id"] for one in found)


@pytest.mark.parametrize("api", ["v1", "v2", "v3"])
def test_what_the_account_pays_for_and_has_assigned(
    fota: Fota, sim: SimulatorThread, api: str
) -> None:
    sim.license([DEVICE])

    totals = answer(fota, "licenses", "status", "--api", api)

    assert totals["assigned_licenses"] == len(sim.licensed())
    assert totals["total_licenses"] > totals["assigned_licenses"]
    assert answer(fota, "subscriptions", "get", "--api", api)["purchase_type"]


def test_an_upgrade_is_scheduled_found_read_and_cancelled(fota: Fota, pilot: str) -> None:
    image = items(fota, "firmware", "list", "--api", "v1")[0]
    document = answer(
        fota, "upgrades", "schedule", "--json", "--firmware-name", image["firmware_name"],
        "--firmware-to", image["to_version"], *DATES, pilot,
    )  # fmt: skip
    scheduled = document["scheduled"]
    assert (document["report"]["succeeded"], document["report"]["target"]) == (1, scheduled["id"])
    listed = items(fota, "upgrades", "list", "--status", scheduled["status"])

    assert scheduled["id"] in {one["id"] for one in listed}
    read = answer(fota, "upgrades", "get", scheduled["id"])
    assert [row["device_id"] for row in read["device_list"]] == [DEVICE]
    assert fota("upgrades", "cancel", "--yes", scheduled["id"])[0] == 0
    assert fota("upgrades", "get", scheduled["id"])[0] == 1
    assert items(fota, "upgrades", "history", DEVICE) == []


def campaign(fota: Fota, pilot: str, *command: str) -> dict[str, Any]:
    document = answer(fota, "campaigns", *command, "--json", *DATES, pilot)
    assert document["report"]["pending"] == 1
    scheduled: dict[str, Any] = document["scheduled"]
    return scheduled


@pytest.mark.parametrize("name", ["schedule", "schedule-software"])
def test_a_v2_campaign_is_scheduled_moved_listed_and_cancelled(
    fota: Fota, pilot: str, name: str
) -> None:
    software = items(fota, "software", "list")[0]["software_name"]
    api = ("--api", "v2")
    scheduled = campaign(
        fota, pilot, name, *(api if name == "schedule" else ()), "--name", software,
        "--from", "2", "--to", "3", "--download-window", "20-21", "--install-window", "22-24",
    )  # fmt: skip
    moved = answer(
        fota, "campaigns", "dates", *api, "--start-date", "2030-05-01", "--end-date", "2030-05-08",
        "--download-window", "8-17", scheduled["id"],
    )  # fmt: skip

    assert moved["start_date"].startswith("2030-05-01")
    assert moved["download_time_window_list"] == [{"start_time": 8, "end_time": 17}]
    read = answer(fota, "campaigns", "get", *api, scheduled["id"])
    assert read["software_name"] == software
    [device] = items(fota, "campaigns", "devices", *api, scheduled["id"])
    assert device["device_id"] == DEVICE
    listed = items(fota, "campaigns", "list", *api, "--status", read["status"])
    assert scheduled["id"] in {one["id"] for one in listed}
    assert fota("campaigns", "cancel", *api, "--yes", scheduled["id"])[0] == 0


def test_a_file_is_uploaded_listed_and_brought_by_a_campaign(
    fota: Fota, pilot: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.txt"
    file.write_text("[settings]\n")
    uploaded = answer(
        fota, "files", "upload", "--file-version", "1.0", "--make", "Verizon", "--model", "Model-A",
        "--local-target-path", "/VZWFOTA/config.txt", str(file),
    )  # fmt: skip
    listed = items(fota, "files", "list")

    assert uploaded["file_name"] in {one["file_name"] for one in listed}
    scheduled = campaign(
        fota, pilot, "schedule-file", "--file-name", uploaded["file_name"], "--file-version", "1.0"
    )
    assert scheduled["id"]


def test_a_v3_campaign_is_scheduled_moved_and_listed(fota: Fota, pilot: str) -> None:
    image = items(fota, "firmware", "list", "--api", "v3")[0]
    api = ("--api", "v3")
    scheduled = campaign(
        fota, pilot, "schedule", *api, "--name", image["firmware_name"], "--from",
        image["firmware_from"], "--to", image["firmware_to"], "--window", "18-22",
        "--auto-add-devices",
    )  # fmt: skip
    moved = answer(fota, "campaigns", "dates", *api, *DATES, "--window", "8-17", scheduled["id"])

    assert moved["campaign_time_window_list"] == [{"start_time": 8, "end_time": 17}]
    assert answer(fota, "campaigns", "get", *api, scheduled["id"])["auto_add_devices_flag"] is True
    [device] = items(fota, "campaigns", "devices", *api, scheduled["id"])
    assert device["device_id"] == DEVICE
    assert isinstance(items(fota, "reports", "history", *api, DEVICE), list)


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_listener_is_registered_changed_and_forgotten(fota: Fota, api: str) -> None:
    version = ("--api", api)
    assert fota("callbacks", "get", *version) == (0, "", "none is registered\n")
    assert answer(fota, "callbacks", "register", *version, URL)["url"] == URL
    assert answer(fota, "callbacks", "modify", *version, f"{URL}/2")["url"] == f"{URL}/2"
    assert answer(fota, "callbacks", "ensure", *version, URL)["url"] == URL
    assert answer(fota, "callbacks", "get", *version)["url"] == URL
    assert fota("callbacks", "deregister", *version, "--yes")[0] == 0
    assert fota("callbacks", "get", *version)[1] == ""


def test_the_v1_listener_is_registered_ensured_and_forgotten(
    fota: Fota, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_CALLBACK_PASSWORD", "opens-nothing-else")
    version = ("--api", "v1")
    assert answer(fota, "callbacks", "register", *version, "--username", "me", URL)

    [listener] = items(fota, "callbacks", "list")

    assert listener["url"] == URL
    assert answer(fota, "callbacks", "ensure", *version, "--username", "me", URL)["url"] == URL
    assert fota("callbacks", "deregister", *version, "--yes")[0] == 0
    assert items(fota, "callbacks", "list") == []


def test_logging_of_a_device(fota: Fota, sim: SimulatorThread) -> None:
    assert answer(fota, "logging", "enable-device", HTTP_DEVICE)["device_id"] == HTTP_DEVICE
    assert [one["device_id"] for one in items(fota, "logging", "list")] == [HTTP_DEVICE]
    assert isinstance(items(fota, "logging", "logs", HTTP_DEVICE), list)
    assert items(fota, "logging", "history", HTTP_DEVICE)
    assert fota("logging", "disable-device", HTTP_DEVICE)[0] == 0
    assert sim.logging() == set()


def test_a_device_is_asked_to_report_its_firmware(fota: Fota) -> None:
    assert answer(fota, "firmware", "report", "356938035643809")["request_id"]


def test_a_state_is_waited_for_and_a_wait_ends_with_3(fota: Fota, sim: SimulatorThread) -> None:
    target = sim.upgrade_id
    assert answer(fota, "upgrades", "wait-for", "--status", "Queued", target)["status"] == "Queued"

    code, stdout, stderr = fota(
        "upgrades", "wait-for", "--status", "Finished", "--wait", "0.1", target
    )
    assert (code, stdout) == (3, "")
    assert "Finished" in stderr


def test_changes_are_lines_until_the_last_state(fota: Fota, sim: SimulatorThread) -> None:
    target = sim.add_campaign("v3")
    sim.seed([DEVICE], target_id=target)

    def end() -> None:
        while not any(one.route == "v3_list_campaign_devices" for one in sim.requests):
            time.sleep(0.002)
        sim.set_status(target, "CampaignEnded")

    ender = threading.Thread(target=end)
    ender.start()
    changes = items(fota, "campaigns", "watch", "--api", "v3", "--interval", "0.02", target)
    ender.join(10)

    assert [one["now"] for one in changes if "device_id" not in one][-1] == "CampaignEnded"
    assert DEVICE in {one.get("device_id") for one in changes}


def test_on_a_terminal_devices_that_changed_alike_share_a_line(
    fota: Fota, sim: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = [f"{990_013_907_830_000 + number}" for number in range(2000)]
    target = sim.add_campaign("v3")
    sim.seed(fleet, target_id=target)
    sim.seed([DEVICE], "DeviceRejected", target)
    sim.set_status(target, "CampaignEnded")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    code, stdout, _ = fota("campaigns", "watch", "--api", "v3", target)

    assert code == 0
    ended, *devices = stdout.splitlines()
    assert ended == f"{target} at first -> CampaignEnded"
    [many] = [line for line in devices if line.startswith("2,000 devices at first -> ")]
    assert many.endswith(f": {', '.join(fleet[:3])}, ...")
    [one] = [line for line in devices if line != many]
    assert one.startswith(f"{DEVICE} at first -> ")


def test_watching_can_be_interrupted(fota: Fota, sim: SimulatorThread) -> None:
    def interrupt() -> None:
        while not sim.requests:
            time.sleep(0.002)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    killer = threading.Thread(target=interrupt)
    killer.start()
    code, _, stderr = fota("upgrades", "watch", sim.upgrade_id)
    killer.join(10)

    assert code == 130
    assert "Traceback" not in stderr

"""Every method of the client is reached by a command, with arguments that it takes."""

import asyncio
import inspect
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import environment, runner
from helpers import ACCOUNT, CREDENTIALS

from fota_async import DeviceBatcher, FotaClient, RunOptions
from fota_async.batch.sync import Sync
from fota_async.errors import FotaError

ID, DEVICE = "60b5d639-ccdc-4db8-8824-069bd94c95bf", "990013907835573"
DATES = "--start-date 2027-04-01 --end-date 2027-04-08"
PILOT = "--pilot-start-date 2027-03-01 --pilot-end-date 2027-03-08 --pilot 5 --wait 100"
IMAGE = "--name n --from 1 --to 2"

COMMANDS = {
    "v1.callbacks.ensure": "callbacks ensure --api v1 --username u https://here.example",
    "v2.callbacks.ensure": "callbacks ensure --api v2 https://here.example",
    "v3.callbacks.ensure": "callbacks ensure --api v3 https://here.example",
    "v1.upgrades.wait_for": f"upgrades wait-for --status Queued --wait 5 {ID}",
    "v1.upgrades.watch": f"upgrades watch --interval 5 {ID}",
    "v2.campaigns.wait_for": f"campaigns wait-for --api v2 --status CampaignEnded {ID}",
    "v2.campaigns.watch": f"campaigns watch --api v2 {ID}",
    "v3.campaigns.wait_for": f"campaigns wait-for --api v3 --status CampaignEnded {ID}",
    "v3.campaigns.watch": f"campaigns watch --api v3 {ID}",
    "v1.callbacks.deregister": "callbacks deregister --api v1 --yes",
    "v1.callbacks.list": "callbacks list",
    "v1.callbacks.register": "callbacks register --api v1 https://here.example",
    "v1.cancel_candidates.append": "licenses candidates append --api v1 FILE",
    "v1.cancel_candidates.clear": "licenses candidates delete --api v1 --yes",
    "v1.cancel_candidates.list": "licenses candidates list --api v1",
    "v1.cancel_candidates.replace": "licenses candidates replace --api v1 --yes FILE",
    "v1.devices.list": "devices list --api v1 --protocol OMADM",
    "v1.firmware.list": "firmware list --api v1",
    "v1.licenses.assign": "licenses assign --api v1 FILE",
    "v1.licenses.get_status": "licenses status --api v1",
    "v1.licenses.remove": "licenses remove --api v1 --yes FILE",
    "v1.reports.get_device_history": f"upgrades history {DEVICE}",
    "v1.reports.list_upgrades": "upgrades list --status Queued",
    "v1.subscriptions.get": "subscriptions get --api v1",
    "v1.upgrades.append_devices": f"append --upgrade {ID} FILE",
    "v1.upgrades.cancel": f"upgrades cancel --yes {ID}",
    "v1.upgrades.get": f"upgrades get {ID}",
    "v1.upgrades.remove_devices": f"remove --upgrade {ID} FILE",
    "v1.upgrades.schedule": f"upgrades schedule --firmware-name n --firmware-to 2 {DATES} FILE",
    "v1.upgrades.sync_devices": f"sync --upgrade {ID} --yes FILE",
    "v2.callbacks.deregister": "callbacks deregister --api v2 --yes",
    "v2.callbacks.get": "callbacks get --api v2",
    "v2.callbacks.modify": "callbacks modify --api v2 https://here.example",
    "v2.callbacks.register": "callbacks register --api v2 https://here.example",
    "v2.campaigns.append_devices": f"append --campaign {ID} --api v2 FILE",
    "v2.campaigns.cancel": f"campaigns cancel --api v2 --yes {ID}",
    "v2.campaigns.change_dates": f"campaigns dates --api v2 {DATES} --install-window 20-24 {ID}",
    "v2.campaigns.get": f"campaigns get --api v2 {ID}",
    "v2.campaigns.pilot_then_fleet": f"campaigns pilot --api v2 {IMAGE} {DATES} {PILOT} FILE",
    "v2.campaigns.pilot_then_fleet_file": "campaigns pilot-file --file-name n --file-version 1 "
    f"{DATES} {PILOT} FILE",
    "v2.campaigns.remove_devices": f"remove --campaign {ID} --api v2 FILE",
    "v2.campaigns.schedule": f"campaigns schedule --api v2 {IMAGE} {DATES} FILE",
    "v2.campaigns.schedule_file": f"campaigns schedule-file --file-name n --file-version 1 {DATES} "
    "FILE",
    "v2.campaigns.schedule_software": f"campaigns schedule-software {IMAGE} {DATES} FILE",
    "v2.campaigns.sync_devices": f"sync --campaign {ID} --api v2 --yes FILE",
    "v2.cancel_candidates.append": "licenses candidates append --api v2 FILE",
    "v2.cancel_candidates.clear": "licenses candidates delete --api v2 --yes",
    "v2.cancel_candidates.list": "licenses candidates list --api v2",
    "v2.cancel_candidates.replace": "licenses candidates replace --api v2 --yes FILE",
    "v2.devices.list": "devices list --api v2",
    "v2.files.list": "files list",
    "v2.files.upload": "files upload --file-version 1 --make m --model m --local-target-path /p "
    "FILE",
    "v2.licenses.assign": "licenses assign --api v2 FILE",
    "v2.licenses.get_status": "licenses status --api v2 --devices",
    "v2.licenses.remove": "licenses remove --api v2 --yes FILE",
    "v2.logging.disable": "logging disable FILE",
    "v2.logging.disable_device": f"logging disable-device {DEVICE}",
    "v2.logging.enable": "logging enable FILE",
    "v2.logging.enable_device": f"logging enable-device {DEVICE}",
    "v2.logging.list": "logging list",
    "v2.logging.list_check_ins": f"logging history {DEVICE}",
    "v2.logging.list_logs": f"logging logs {DEVICE}",
    "v2.reports.get_device_history": f"campaigns history --api v2 {DEVICE}",
    "v2.reports.list_campaign_devices": f"campaigns devices --api v2 {ID}",
    "v2.reports.list_campaigns": "reports list --api v2 --status CampaignScheduled",
    "v2.software.list": "software list",
    "v2.subscriptions.get": "subscriptions get --api v2",
    "v3.callbacks.deregister": "callbacks deregister --api v3 --yes",
    "v3.callbacks.get": "callbacks get --api v3",
    "v3.callbacks.modify": "callbacks modify --api v3 https://here.example",
    "v3.callbacks.register": "callbacks register --api v3 https://here.example",
    "v3.campaigns.append_devices": f"append --campaign {ID} --api v3 FILE",
    "v3.campaigns.cancel": f"campaigns cancel --api v3 --yes {ID}",
    "v3.campaigns.change_dates": f"campaigns dates --api v3 {DATES} --window 8-17 {ID}",
    "v3.campaigns.get": f"campaigns get --api v3 {ID}",
    "v3.campaigns.pilot_then_fleet": f"campaigns pilot --api v3 {IMAGE} {DATES} {PILOT} FILE",
    "v3.campaigns.remove_devices": f"remove --campaign {ID} --api v3 FILE",
    "v3.campaigns.schedule": f"campaigns schedule --api v3 {IMAGE} {DATES} --auto-add-devices FILE",
    "v3.campaigns.sync_devices": f"sync --campaign {ID} --api v3 --yes FILE",
    "v3.devices.get_details": "devices details FILE",
    "v3.devices.list": "devices list --api v3",
    "v3.firmware.list": "firmware list --api v3",
    "v3.firmware.report_device": f"firmware report {DEVICE}",
    "v3.firmware.sync": "firmware sync FILE",
    "v3.licenses.assign": "licenses assign --api v3 FILE",
    "v3.licenses.get_status": "licenses status --api v3",
    "v3.licenses.remove": "licenses remove --api v3 --yes FILE",
    "v3.reports.get_device_history": f"reports history --api v3 {DEVICE}",
    "v3.reports.list_campaign_devices": f"campaigns devices --api v3 {ID}",
    "v3.reports.list_campaigns": "campaigns list --api v3 --status CampaignEnded",
    "v3.subscriptions.get": "subscriptions get --api v3",
    "session.reset_password": "password reset --yes",
}
"""By method: a command that calls it; FILE is a device list."""


class ReachedError(FotaError):
    """The method was called, in a way that it takes."""


async def _owners() -> dict[str, type[Any]]:
    async with FotaClient(CREDENTIALS, account=ACCOUNT) as client:
        resources = {
            f"{version}.{name}": resource
            for version in ("v1", "v2", "v3")
            for name, resource in vars(getattr(client, version)).items()
        }
        owners = {
            f"{name}.{method}": type(resource)
            for name, resource in resources.items()
            for method, _ in inspect.getmembers(type(resource), inspect.isfunction)
            if not method.startswith("_")
        }
        return {**owners, "session.reset_password": type(client.session)}


OWNERS = asyncio.run(_owners())
"""By dotted name of each method of the client: its class."""


def test_no_method_of_the_client_is_without_a_command() -> None:
    assert set(COMMANDS) == set(OWNERS)


def reaching(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    def reached(*args: Any, **options: Any) -> Any:
        bound = signature.bind(*args, **options)
        assert set(bound.arguments.get("options", {})) <= set(RunOptions.__annotations__)
        raise ReachedError("reached")

    return reached


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_calls_the_method(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    environment(monkeypatch, "http://127.0.0.1:9")
    fleet = tmp_path / "fleet.csv"
    fleet.write_text(f"{DEVICE}\n")
    owner, method = OWNERS[name], name.rpartition(".")[2]
    if method.endswith("_devices") and not method.startswith("list_"):
        # Upgrades and campaigns share these commands, which drive what the methods drive.
        owner, method = (Sync if method == "sync_devices" else DeviceBatcher), "run"
    monkeypatch.setattr(owner, method, reaching(getattr(owner, method)))

    code, _, stderr = runner(capsys)(*shlex.split(COMMANDS[name].replace("FILE", str(fleet))))

    assert stderr.splitlines()[-1:] == ["fota: reached"], stderr
    assert code == 1

"""The vendor's SDK reads what the simulator answers about campaigns and in its reports."""

from typing import Any

import pytest
from campaign_api import request_examples
from vendor_sdk import Sdk
from verizon.models.campaign_firmware_upgrade import CampaignFirmwareUpgrade
from verizon.models.campaign_software_upgrade import CampaignSoftwareUpgrade
from verizon.models.schedules_software_upgrade_request import SchedulesSoftwareUpgradeRequest
from verizon.models.upload_and_schedule_file_request import UploadAndScheduleFileRequest
from verizon.models.v2_add_or_remove_device_request import V2AddOrRemoveDeviceRequest
from verizon.models.v2_change_campaign_dates_request import V2ChangeCampaignDatesRequest
from verizon.models.v3_add_or_remove_device_request import V3AddOrRemoveDeviceRequest
from verizon.models.v3_change_campaign_dates_request import V3ChangeCampaignDatesRequest

from fota_async.simulator import Rules, Simulator

A, B = "000000000000001", "000000000000002"
PENDING, QUEUED = "CampaignRequestPending", "CampaignRequestQueued"


@pytest.fixture
def sim(fota_simulator: Simulator) -> Simulator:
    return fota_simulator


@pytest.fixture
async def sdk(sim: Simulator) -> Sdk:
    sdk = Sdk(sim)
    await sdk.log_in()
    return sdk


def example(model: Any, name: str) -> Any:
    return model.from_dictionary(request_examples(name)["request"])


async def test_v2_campaigns_are_scheduled(sdk: Sdk, sim: Simulator) -> None:
    campaigns = sdk.client.campaigns_v2
    made = await sdk(
        campaigns.schedule_campaign_firmware_upgrade,
        sim.account,
        example(CampaignSoftwareUpgrade, "v2_schedule_campaign"),
    )
    assert (made.status, made.make, made.model) == (PENDING, "Verizon", "Model-A")
    assert made.download_time_window_list[0].start_time == 20
    software = await sdk(
        campaigns.schedule_sw_upgrade_http_devices,
        sim.account,
        example(SchedulesSoftwareUpgradeRequest, "v2_schedule_software_campaign"),
    )
    assert (software.status, software.software_to) == (PENDING, "FOTA_Verizon_Model-A_02To03_HF")
    file = await sdk(
        campaigns.schedule_file_upgrade,
        sim.account,
        example(UploadAndScheduleFileRequest, "v2_schedule_file_campaign"),
    )
    assert (file.status, file.file_name, len(file.device_list)) == (
        PENDING,
        "configfile-Verizon_VZW1_hello-world.txt",
        2,
    )
    assert sim.members(file.id) == set(file.device_list)


async def test_a_v2_campaign_is_changed_and_read(sdk: Sdk, sim: Simulator) -> None:
    campaigns, reports = sdk.client.campaigns_v2, sdk.client.software_management_reports_v2
    sim.rules = Rules(refused={B: "because"})
    target = (sim.account, sim.add_campaign("v2"))

    receipt = await sdk(
        campaigns.update_campaign_firmware_devices,
        *target,
        V2AddOrRemoveDeviceRequest("append", [A, B]),
    )
    assert (receipt.account_name, receipt.campaign_id) == target
    assert len(receipt.request_id) == 36
    page = await sdk(reports.get_campaign_device_status, *target, "0")
    assert (page.total_device, page.has_more_data, page.max_page_size) == (2, False, 1000)
    assert [(row.device_id, row.status, row.result_reason) for row in page.device_list] == [
        (A, "Accepted", "success"),
        (B, "DeviceRejected", "because"),
    ]
    dates = example(V2ChangeCampaignDatesRequest, "v2_change_campaign_dates")
    moved = await sdk(campaigns.update_campaign_dates, *target, dates)
    assert (moved.id, moved.install_time_window_list[0].end_time) == (target[1], 6)
    read = await sdk(campaigns.get_campaign_information, *target)
    assert (read.status, read.download_time_window_list[0].start_time) == (QUEUED, 3)

    listed = await sdk(reports.get_campaign_history_by_status, sim.account, QUEUED, "0")
    assert [one.id for one in listed.campaign_list] == [target[1]]
    assert (listed.has_more_data, listed.last_seen_campaign_id) == (False, target[1])
    assert (await sdk(campaigns.cancel_campaign, *target)).success is True


async def test_a_v3_campaign_from_its_beginning_to_its_end(sdk: Sdk, sim: Simulator) -> None:
    campaigns, reports = sdk.client.campaigns_v3, sdk.client.software_management_reports_v3
    order = example(CampaignFirmwareUpgrade, "v3_schedule_campaign")
    made = await sdk(campaigns.schedule_campaign_firmware_upgrade, sim.account, order)
    assert (made.status, made.campaign_time_window_list[0].end_time) == (PENDING, 22)
    target = (sim.account, made.id)

    changed = await sdk(
        campaigns.update_campaign_firmware_devices,
        *target,
        V3AddOrRemoveDeviceRequest("append", [A]),
    )
    assert (changed.account_name, changed.campaign_id) == target
    (item,) = changed.device_list
    assert (item.device_id, item.status, item.reason) == (
        A,
        "AddDeviceSucceed",
        "Device added Successfully",
    )
    dates = example(V3ChangeCampaignDatesRequest, "v3_change_campaign_dates")
    moved = await sdk(campaigns.update_campaign_dates, *target, dates)
    assert moved.campaign_time_window_list[0].start_time == 14
    sim.set_status(made.id, "CampaignScheduled")
    page = await sdk(reports.get_campaign_device_status, *target, "0")
    assert [row.status for row in page.device_list] == ["UpgradeScheduled"] * 3
    assert page.device_list[0].next_attempt_time

    sim.set_status(made.id, "CampaignEnded")
    read = await sdk(campaigns.get_campaign_information, *target)
    assert (read.status, read.auto_add_devices_flag) == ("CampaignEnded", False)
    listed = await sdk(reports.get_campaign_history_by_status, sim.account, "CampaignEnded")
    assert [(one.id, one.protocol) for one in listed.campaign_list] == [(made.id, "LWM2M")]
    (past,) = await sdk(reports.get_device_firmware_upgrade_history, sim.account, A)
    assert (past.campaign_id, past.status) == (made.id, "UpgradeSuccess")
    assert past.report_updated_time


async def test_v3_campaigns_are_cancelled(sdk: Sdk, sim: Simulator) -> None:
    cancel = sdk.client.campaigns_v3.cancel_campaign

    assert (await sdk(cancel, sim.account, sim.add_campaign("v3"))).success is True


async def test_reports_of_v1_and_the_history_of_v2(sdk: Sdk, sim: Simulator) -> None:
    reports = sdk.client.software_management_reports_v1
    sim.seed([A])
    listed = await sdk(reports.list_upgrades_for_specified_status, sim.account, "Queued", "0")
    assert [one.id for one in listed.report_list] == [sim.upgrade_id]
    assert (listed.has_more_flag, listed.last_seen_upgrade_id) == (False, sim.upgrade_id)

    upgrade, campaign = sim.add_upgrade(), sim.add_campaign("v2")
    sim.set_status(upgrade, "InProgress")
    sim.seed([B], "UpgradeSuccess", upgrade)
    sim.seed([B], "UpgradeFailed", campaign, reason="RovaClientDownloadFailed")
    (past,) = await sdk(reports.get_device_firmware_upgrade_history, sim.account, B)
    assert (past.id, past.status, past.reason) == (upgrade, "UpgradeSuccess", "success")
    reports = sdk.client.software_management_reports_v2
    (past,) = await sdk(reports.get_device_firmware_upgrade_history, sim.account, B)
    assert (past.id, past.reason) == (campaign, "RovaClientDownloadFailed")

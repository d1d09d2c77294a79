"""Every method of the client, with the type of its result; read by mypy, never run."""

from datetime import date
from typing import assert_type

from fota_async import (
    BatchReport,
    Callback,
    DeviceChange,
    FirmwareUpgrade,
    FotaClient,
    NewPassword,
    PilotReport,
    PilotResult,
    ScheduledCampaign,
    ScheduledUpgrade,
    SyncReport,
    TargetChange,
    UpgradeStatus,
)
from fota_async import models as m

DAY = date(2026, 1, 5)
IDS = ["990013907835573"]


async def version_one(fota: FotaClient) -> None:
    v1 = fota.v1
    assert_type(await v1.callbacks.list(), tuple[m.RegisteredCallback, ...])
    assert_type(await v1.callbacks.register("https://x"), m.CallbackRegistration)
    assert_type(await v1.callbacks.ensure("https://x"), m.RegisteredCallback)
    await v1.callbacks.deregister()
    assert_type(await v1.cancel_candidates.append(IDS), BatchReport)
    assert_type(await v1.cancel_candidates.replace(IDS), BatchReport)
    await v1.cancel_candidates.clear()
    async for candidate in v1.cancel_candidates.list():
        assert_type(candidate, m.DeviceId)
    async for device in v1.devices.list(client_type="LWM2M"):
        assert_type(device, m.DeviceV1)
    assert_type(await v1.firmware.list(), tuple[m.FirmwareV1, ...])
    assert_type(await v1.licenses.assign(IDS), BatchReport)
    assert_type(await v1.licenses.remove(IDS), BatchReport)
    assert_type(await v1.licenses.get_status(), m.LicensePage)
    async for licensed in v1.licenses.get_status():
        assert_type(licensed, m.LicensedDevice)
    assert_type(await v1.reports.get_device_history("1"), tuple[m.DeviceUpgradeV1, ...])
    async for upgrade in v1.reports.list_upgrades(UpgradeStatus.QUEUED):
        assert_type(upgrade, m.ListedUpgrade)
    assert_type(await v1.subscriptions.get(), m.Subscription)
    scheduled = await v1.upgrades.schedule("F", "2", IDS, start_date=DAY)
    assert_type(scheduled, ScheduledUpgrade)
    assert_type(scheduled.upgrade, FirmwareUpgrade)
    assert_type(scheduled.id, str)
    assert_type(scheduled.report, BatchReport)
    assert_type(await v1.upgrades.get("id"), FirmwareUpgrade)
    assert_type(await v1.upgrades.append_devices("id", IDS), BatchReport)
    assert_type(await v1.upgrades.remove_devices("id", IDS), BatchReport)
    assert_type(await v1.upgrades.sync_devices("id", IDS), SyncReport)
    assert_type(await v1.upgrades.wait_for("id", "Queued", timeout=1), UpgradeStatus)
    async for change in v1.upgrades.watch("id"):
        assert_type(change, TargetChange | DeviceChange)
    await v1.upgrades.cancel("id")


async def version_two(fota: FotaClient) -> None:
    v2 = fota.v2
    assert_type(await v2.callbacks.get(), Callback | None)
    assert_type(await v2.callbacks.register("https://x"), Callback)
    assert_type(await v2.callbacks.modify("https://x"), Callback)
    assert_type(await v2.callbacks.ensure("https://x"), Callback)
    await v2.callbacks.deregister()
    window = m.TimeWindow(1, 2)
    software = v2.campaigns.schedule_software(
        "S",
        IDS,
        software_from="1",
        software_to="2",
        start_date=DAY,
        end_date=DAY,
        download_windows=[window],
    )
    assert_type(await software, ScheduledCampaign[m.CampaignV2])
    file = v2.campaigns.schedule_file("F", IDS, file_version="1", start_date=DAY, end_date=DAY)
    assert_type(await file, ScheduledCampaign[m.CampaignV2])
    general = v2.campaigns.schedule(
        "S",
        IDS,
        software_from="1",
        software_to="2",
        distribution_type="HTTP",
        start_date=DAY,
        end_date=DAY,
    )
    assert_type(await general, ScheduledCampaign[m.CampaignV2])
    piloted = v2.campaigns.pilot_then_fleet(
        "S",
        IDS,
        software_from="1",
        software_to="2",
        pilot_start_date=DAY,
        pilot_end_date=DAY,
        start_date=DAY,
        end_date=DAY,
        timeout=None,
    )
    assert_type(await piloted, PilotResult[m.CampaignV2])
    piloted_file = v2.campaigns.pilot_then_fleet_file(
        "F",
        IDS,
        file_version="1",
        pilot_start_date=DAY,
        pilot_end_date=DAY,
        start_date=DAY,
        end_date=DAY,
        timeout=60,
    )
    assert_type(await piloted_file, PilotResult[m.CampaignV2])
    assert_type(await v2.campaigns.get("id"), m.CampaignV2)
    assert_type(await v2.campaigns.append_devices("id", IDS, settle=True), BatchReport)
    assert_type(await v2.campaigns.remove_devices("id", IDS), BatchReport)
    assert_type(await v2.campaigns.sync_devices("id", IDS), SyncReport)
    changed = v2.campaigns.change_dates("id", start_date=DAY, end_date=DAY)
    assert_type(await changed, m.CampaignV2)
    assert_type(await v2.campaigns.wait_for("id", "Queued", timeout=1), m.CampaignStatus)
    async for change in v2.campaigns.watch("id"):
        assert_type(change, TargetChange | DeviceChange)
    await v2.campaigns.cancel("id")
    assert_type(await v2.cancel_candidates.append(IDS), BatchReport)
    assert_type(await v2.cancel_candidates.replace(IDS), BatchReport)
    assert_type(await v2.cancel_candidates.list(), m.CancelCandidatePage)
    await v2.cancel_candidates.clear()
    async for device in v2.devices.list(distribution_type="HTTP"):
        assert_type(device, m.DeviceV2)
    assert_type(await v2.files.list("HTTP"), tuple[m.UploadedFile, ...])
    uploaded = v2.files.upload(
        "x.txt", file_version="1", make="M", model="M", local_target_path="/x"
    )
    assert_type(await uploaded, m.UploadedFile)
    assert_type(await v2.licenses.assign(IDS), BatchReport)
    assert_type(await v2.licenses.remove(IDS), BatchReport)
    assert_type(await v2.licenses.get_status(), m.LicensePage)
    assert_type(await v2.logging.list(), tuple[m.LoggingStatus, ...])
    assert_type(await v2.logging.enable(IDS), BatchReport)
    assert_type(await v2.logging.disable(IDS), BatchReport)
    assert_type(await v2.logging.enable_device("1"), m.LoggingStatus)
    await v2.logging.disable_device("1")
    assert_type(await v2.logging.list_logs("1"), tuple[m.DeviceLog, ...])
    assert_type(await v2.logging.list_check_ins("1"), tuple[m.CheckIn, ...])
    assert_type(await v2.reports.get_device_history("1"), tuple[m.DeviceUpgradeV2, ...])
    async for campaign in v2.reports.list_campaigns(m.CampaignStatus.ENDED):
        assert_type(campaign, m.CampaignV2)
    async for result in v2.reports.list_campaign_devices("id"):
        assert_type(result, m.DeviceResult)
    assert_type(await v2.software.list(), tuple[m.Software, ...])
    assert_type(await v2.subscriptions.get(), m.Subscription)


async def version_three(fota: FotaClient) -> None:
    v3 = fota.v3
    assert_type(await v3.callbacks.get(), Callback | None)
    assert_type(await v3.callbacks.register("https://x"), Callback)
    assert_type(await v3.callbacks.modify("https://x"), Callback)
    assert_type(await v3.callbacks.ensure("https://x"), Callback)
    await v3.callbacks.deregister()
    scheduled = v3.campaigns.schedule(
        "F", IDS, firmware_from="1", firmware_to="2", start_date=DAY, end_date=DAY
    )
    assert_type(await scheduled, ScheduledCampaign[m.CampaignV3])
    assert_type((await scheduled).campaign, m.CampaignV3)
    piloted = v3.campaigns.pilot_then_fleet(
        "F",
        IDS,
        firmware_from="1",
        firmware_to="2",
        pilot_start_date=DAY,
        pilot_end_date=DAY,
        start_date=DAY,
        end_date=DAY,
        timeout=60,
    )
    assert_type(await piloted, PilotResult[m.CampaignV3])
    assert_type((await piloted).pilot, PilotReport)
    assert_type(await v3.campaigns.get("id"), m.CampaignV3)
    assert_type(await v3.campaigns.append_devices("id", IDS), BatchReport)
    assert_type(await v3.campaigns.remove_devices("id", IDS), BatchReport)
    assert_type(await v3.campaigns.sync_devices("id", IDS), SyncReport)
    changed = v3.campaigns.change_dates("id", start_date=DAY, end_date=DAY)
    assert_type(await changed, m.CampaignV3)
    assert_type(await v3.campaigns.wait_for("id", "Queued", timeout=1), m.CampaignStatus)
    async for change in v3.campaigns.watch("id"):
        assert_type(change, TargetChange | DeviceChange)
    await v3.campaigns.cancel("id")
    async for device in v3.devices.list(protocol="LWM2M"):
        assert_type(device, m.DeviceV3)
    assert_type(await v3.devices.get_details(IDS), BatchReport)
    assert_type(await v3.firmware.list("LWM2M"), tuple[m.FirmwareV3, ...])
    assert_type(await v3.firmware.sync(IDS), BatchReport)
    assert_type(await v3.firmware.report_device("1"), m.FirmwareReportReceipt)
    assert_type(await v3.licenses.assign(IDS), BatchReport)
    assert_type(await v3.licenses.remove(IDS), BatchReport)
    async for page in v3.licenses.get_status().pages():
        assert_type(page, m.LicensePage)
    assert_type(await v3.reports.get_device_history("1"), tuple[m.DeviceUpgradeV3, ...])
    async for campaign in v3.reports.list_campaigns(m.CampaignStatus.ENDED):
        assert_type(campaign, m.CampaignV3)
    async for result in v3.reports.list_campaign_devices("id"):
        assert_type(result, m.DeviceResultV3)
    assert_type(await v3.subscriptions.get(), m.Subscription)


async def the_session(fota: FotaClient) -> None:
    assert_type(await fota.session.reset_password(), NewPassword)

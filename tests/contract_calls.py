"""For each operation of the contract, the call of ours that makes its request."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from fota_async import FotaClient, UpgradeStatus
from fota_async.models import CampaignStatus, TimeWindow

UUID = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
IMEI = "990013907835573"
VALUES = {
    "upgradeId": UUID,
    "campaignId": UUID,
    "deviceId": IMEI,
    "startIndex": "0",
    "upgradeStatus": "Queued",
    "service": "Fota",
}
"""What goes into the paths below, by the names of the contract."""

Call = Callable[[FotaClient, Any], Awaitable[Any]]

_OPTIONS = {
    "downloadTimeWindowList": "download_windows",
    "installTimeWindowList": "install_windows",
    "campaignTimeWindowList": "windows",
    "autoAssignLicenseFlag": "auto_assign_license",
    "autoAddDevicesFlag": "auto_add_devices",
    "deviceList": "devices",
}


def options(body: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a body as arguments."""
    return {_OPTIONS.get(name, _snake(name)): _value(name, body[name]) for name in body}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _value(name: str, value: Any) -> Any:
    if name.endswith("Date"):
        return date.fromisoformat(value)
    if name.endswith("WindowList"):
        return [TimeWindow(int(one["startTime"]), int(one["endTime"])) for one in value]
    return value


async def schedule_upgrade(client: FotaClient, body: Any) -> Any:
    given = options({name: body[name] for name in body if name != "accountName"})
    # The devices are not those of the answer: the upgrade is read for them, and that need not wait.
    return await client.v1.upgrades.schedule(**given, settle_delay=0)


async def modify_upgrade(client: FotaClient, body: Any) -> Any:
    upgrades = client.v1.upgrades
    change = {"append": upgrades.append_devices, "remove": upgrades.remove_devices}[body["type"]]
    return await change(UUID, body["deviceList"])


async def modify_campaign(campaigns: Any, body: Any) -> Any:
    change = {"append": campaigns.append_devices, "remove": campaigns.remove_devices}[body["Type"]]
    return await change(UUID, body["deviceList"])


async def set_candidates(candidates: Any, body: Any) -> Any:
    change = candidates.append if "type" in body else candidates.replace
    return await change(body["deviceList"])


CALLS: dict[str, Call] = {
    "session_reset_password": lambda c, _: c.session.reset_password(),
    "v1_list_callbacks": lambda c, _: c.v1.callbacks.list(),
    "v1_register_callback": lambda c, b: c.v1.callbacks.register(
        b["url"], username=b.get("username"), password=b.get("password")
    ),
    "v1_deregister_callback": lambda c, _: c.v1.callbacks.deregister(),
    "v1_list_devices": lambda c, _: c.v1.devices.list(client_type="LWM2M"),
    "v1_list_firmware": lambda c, _: c.v1.firmware.list(),
    "v1_assign_licenses": lambda c, b: c.v1.licenses.assign(b["deviceList"]),
    "v1_set_cancel_candidates": lambda c, b: set_candidates(c.v1.cancel_candidates, b),
    "v1_delete_cancel_candidates": lambda c, _: c.v1.cancel_candidates.clear(),
    "v1_list_cancel_candidates": lambda c, _: c.v1.cancel_candidates.list(),
    "v1_get_license_status": lambda c, _: c.v1.licenses.get_status(),
    "v1_remove_licenses": lambda c, b: c.v1.licenses.remove(b["deviceList"]),
    "v1_get_device_history": lambda c, _: c.v1.reports.get_device_history(IMEI),
    "v1_list_upgrades_by_status": lambda c, _: c.v1.reports.list_upgrades(UpgradeStatus.QUEUED),
    "v1_get_subscription": lambda c, _: c.v1.subscriptions.get(),
    "v1_schedule_upgrade": schedule_upgrade,
    "v1_get_upgrade": lambda c, _: c.v1.upgrades.get(UUID),
    "v1_modify_upgrade": modify_upgrade,
    "v1_cancel_upgrade": lambda c, _: c.v1.upgrades.cancel(UUID),
    "v2_get_callback": lambda c, _: c.v2.callbacks.get(),
    "v2_register_callback": lambda c, b: c.v2.callbacks.register(b["url"]),
    "v2_modify_callback": lambda c, b: c.v2.callbacks.modify(b["url"]),
    "v2_deregister_callback": lambda c, _: c.v2.callbacks.deregister(),
    "v2_schedule_file_campaign": lambda c, b: c.v2.campaigns.schedule_file(**options(b)),
    "v2_schedule_software_campaign": lambda c, b: c.v2.campaigns.schedule_software(**options(b)),
    "v2_schedule_campaign": lambda c, b: c.v2.campaigns.schedule(**options(b)),
    "v2_get_campaign": lambda c, _: c.v2.campaigns.get(UUID),
    "v2_modify_campaign": lambda c, b: modify_campaign(c.v2.campaigns, b),
    "v2_cancel_campaign": lambda c, _: c.v2.campaigns.cancel(UUID),
    "v2_change_campaign_dates": lambda c, b: c.v2.campaigns.change_dates(UUID, **options(b)),
    "v2_list_devices": lambda c, _: c.v2.devices.list(distribution_type="HTTP"),
    "v2_list_files": lambda c, _: c.v2.files.list("HTTP"),
    "v2_get_license_status": lambda c, _: c.v2.licenses.get_status(),
    "v2_assign_licenses": lambda c, b: c.v2.licenses.assign(b["deviceList"]),
    "v2_list_cancel_candidates": lambda c, _: c.v2.cancel_candidates.list(),
    "v2_set_cancel_candidates": lambda c, b: set_candidates(c.v2.cancel_candidates, b),
    "v2_delete_cancel_candidates": lambda c, _: c.v2.cancel_candidates.clear(),
    "v2_remove_licenses": lambda c, b: c.v2.licenses.remove(b["deviceList"]),
    "v2_list_logging_devices": lambda c, _: c.v2.logging.list(),
    "v2_enable_logging": lambda c, b: c.v2.logging.enable(b["deviceIds"]),
    "v2_disable_logging": lambda c, _: c.v2.logging.disable([IMEI]),
    "v2_enable_device_logging": lambda c, _: c.v2.logging.enable_device(IMEI),
    "v2_disable_device_logging": lambda c, _: c.v2.logging.disable_device(IMEI),
    "v2_get_checkin_history": lambda c, _: c.v2.logging.list_check_ins(IMEI),
    "v2_list_device_logs": lambda c, _: c.v2.logging.list_logs(IMEI),
    "v2_list_campaigns_by_status": lambda c, _: c.v2.reports.list_campaigns(CampaignStatus.ENDED),
    "v2_list_campaign_devices": lambda c, _: c.v2.reports.list_campaign_devices(UUID),
    "v2_get_device_history": lambda c, _: c.v2.reports.get_device_history(IMEI),
    "v2_list_software": lambda c, _: c.v2.software.list(distribution_type="HTTP"),
    "v2_get_subscription": lambda c, _: c.v2.subscriptions.get(),
    "v3_get_callback": lambda c, _: c.v3.callbacks.get(),
    "v3_register_callback": lambda c, b: c.v3.callbacks.register(b["url"]),
    "v3_modify_callback": lambda c, b: c.v3.callbacks.modify(b["url"]),
    "v3_deregister_callback": lambda c, _: c.v3.callbacks.deregister(),
    "v3_schedule_campaign": lambda c, b: c.v3.campaigns.schedule(**options(b)),
    "v3_modify_campaign": lambda c, b: modify_campaign(c.v3.campaigns, b),
    "v3_change_campaign_dates": lambda c, b: c.v3.campaigns.change_dates(UUID, **options(b)),
    "v3_get_campaign": lambda c, _: c.v3.campaigns.get(UUID),
    "v3_cancel_campaign": lambda c, _: c.v3.campaigns.cancel(UUID),
    "v3_list_devices": lambda c, _: c.v3.devices.list(protocol="LWM2M"),
    "v3_get_device_details": lambda c, b: c.v3.devices.get_details(b["deviceList"]),
    "v3_list_firmware": lambda c, _: c.v3.firmware.list("LWM2M"),
    "v3_report_device_firmware": lambda c, _: c.v3.firmware.report_device(IMEI),
    "v3_sync_device_firmware": lambda c, b: c.v3.firmware.sync(b["deviceList"]),
    "v3_get_license_status": lambda c, _: c.v3.licenses.get_status(),
    "v3_assign_licenses": lambda c, b: c.v3.licenses.assign(b["deviceList"]),
    "v3_remove_licenses": lambda c, b: c.v3.licenses.remove(b["deviceList"]),
    "v3_list_campaign_devices": lambda c, _: c.v3.reports.list_campaign_devices(UUID),
    "v3_get_device_history": lambda c, _: c.v3.reports.get_device_history(IMEI),
    "v3_list_campaigns_by_status": lambda c, _: c.v3.reports.list_campaigns(CampaignStatus.ENDED),
    "v3_get_subscription": lambda c, _: c.v3.subscriptions.get(),
}

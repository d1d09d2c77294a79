"""Reports: upgrades and campaigns by state, devices of a campaign, history of a device."""

import attrs

from fota_async.models.campaigns import CampaignV2, CampaignV3
from fota_async.models.device_results import DeviceResult, DeviceResultV3
from fota_async.models.upgrades import UpgradeDevice
from fota_async.wire.convert import Cursor, DeviceId, member, required
from fota_async.wire.enums import UpgradeStatus
from fota_async.wire.paging import Page
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class ListedUpgrade:
    """A v1 upgrade in a list; `device_list` is empty where the list leaves it out."""

    id: str = required("id")
    account_name: str | None = member("accountName")
    firmware_name: str | None = member("firmwareName")
    firmware_to: str | None = member("firmwareTo")
    start_date: Timestamp | None = member("startDate")
    end_date: Timestamp | None = member("endDate")
    status: UpgradeStatus | None = member("status")
    device_list: tuple[UpgradeDevice, ...] = member("deviceList", default=())


@attrs.frozen
class UpgradePage(Page[ListedUpgrade]):
    """Some of the v1 upgrades in a state, the oldest first."""

    more: bool | None = member("hasMoreFlag", "hasMoreData")
    cursor: Cursor | None = member("lastSeenUpgradeId")
    items: tuple[ListedUpgrade, ...] = member("reportList", default=())


@attrs.frozen
class CampaignPageV2(Page[CampaignV2]):
    """Some of the v2 campaigns in a state."""

    items: tuple[CampaignV2, ...] = required("campaignList")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: Cursor | None = member("lastSeenCampaignId")


@attrs.frozen
class CampaignPageV3(Page[CampaignV3]):
    """Some of the v3 campaigns in a state."""

    items: tuple[CampaignV3, ...] = required("campaignList")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: Cursor | None = member("lastSeenCampaignId")


@attrs.frozen
class CampaignDevicePageV2(Page[DeviceResult]):
    """Some of the devices of a v2 campaign, at most 1,000; `total_device` is their number."""

    items: tuple[DeviceResult, ...] = required("deviceList")
    total_device: int | None = member("totalDevice")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: DeviceId | None = member("lastSeenDeviceId")
    max_page_size: int | None = member("maxPageSize")


@attrs.frozen
class CampaignDevicePageV3(Page[DeviceResultV3]):
    """Some of the devices of a v3 campaign, at most 1,000; `total_device` is their number."""

    items: tuple[DeviceResultV3, ...] = required("deviceList")
    total_device: int | None = member("totalDevice")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: DeviceId | None = member("lastSeenDeviceId")
    max_page_size: int | None = member("maxPageSize")


@attrs.frozen
class DeviceUpgradeV1:
    """An upgrade in the history of a device; `id` is the upgrade's."""

    device_id: DeviceId = required("deviceId")
    id: str | None = member("id")
    account_name: str | None = member("accountName")
    firmware_from: str | None = member("firmwareFrom")
    firmware_to: str | None = member("firmwareTo")
    start_date: Timestamp | None = member("startDate")
    upgrade_start_time: Timestamp | None = member("upgradeStartTime")
    status: str | None = member("status")
    reason: str | None = member("reason", "resultReason")


@attrs.frozen
class DeviceUpgradeV2:
    """An upgrade in the history of a device; `id` is the campaign's."""

    device_id: DeviceId = required("deviceId")
    id: str | None = member("id", "campaignId")
    account_name: str | None = member("accountName")
    software_name: str | None = member("softwareName", "software")
    start_date: Timestamp | None = member("startDate")
    upgrade_start_time: Timestamp | None = member("upgradeStartTime")
    status: str | None = member("status")
    reason: str | None = member("reason", "resultReason")


@attrs.frozen
class DeviceUpgradeV3:
    """An upgrade in the history of a device."""

    device_id: DeviceId = required("deviceId")
    campaign_id: str | None = member("campaignId", "id")
    account_name: str | None = member("accountName")
    firmware_name: str | None = member("firmwareName")
    firmware_from: str | None = member("firmwareFrom")
    firmware_to: str | None = member("firmwareTo")
    start_date: Timestamp | None = member("startDate")
    report_updated_time: Timestamp | None = member("reportUpdatedTime")
    status: str | None = member("status")
    reason: str | None = member("reason", "resultReason")

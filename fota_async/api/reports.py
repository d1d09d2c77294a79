"""Reports: what is scheduled and in which state, and what was done to a device."""

from fota_async.api.context import Context, check_device_id
from fota_async.api.pages import Pages
from fota_async.models.reports import (
    CampaignDevicePageV2,
    CampaignDevicePageV3,
    CampaignPageV2,
    CampaignPageV3,
    DeviceUpgradeV1,
    DeviceUpgradeV2,
    DeviceUpgradeV3,
    UpgradePage,
)
from fota_async.wire.enums import CampaignStatus, UpgradeStatus
from fota_async.wire.route import get, list_of

LIST_UPGRADES_V1 = get(
    "/api/fota/v1/reports/{account}/status/{status}/index/{start_index}", UpgradePage
)
LIST_CAMPAIGNS_V2 = get("/api/fota/v2/reports/{account}/campaigns", CampaignPageV2)
LIST_CAMPAIGNS_V3 = get("/api/fota/v3/reports/{account}/firmware/campaigns", CampaignPageV3)
LIST_DEVICES_V2 = get(
    "/api/fota/v2/reports/{account}/campaigns/{campaign_id}/devices", CampaignDevicePageV2
)
LIST_DEVICES_V3 = get(
    "/api/fota/v3/reports/{account}/campaigns/{campaign_id}/devices", CampaignDevicePageV3
)
GET_HISTORY_V1 = get("/api/fota/v1/reports/{account}/devices/{device_id}", list_of(DeviceUpgradeV1))
GET_HISTORY_V2 = get("/api/fota/v2/reports/{account}/devices/{device_id}", list_of(DeviceUpgradeV2))
GET_HISTORY_V3 = get("/api/fota/v3/reports/{account}/devices/{device_id}", list_of(DeviceUpgradeV3))


class ReportsV1:
    """v1 reports.

    Vendor pages "View Upgrades by Status", "Get a Device's Firmware Upgrade History".

    >>> async for upgrade in fota.v1.reports.list_upgrades(UpgradeStatus.QUEUED):
    ...     print(upgrade.id, upgrade.firmware_name)
    60b5d639-ccdc-4db8-8824-069bd94c95bf FOTA_Verizon_Model-A_01To02_HF
    >>> simulator.set_status(upgrade_id, "InProgress")
    >>> simulator.set_status(upgrade_id, "Finished")
    >>> for upgrade in await fota.v1.reports.get_device_history(imeis[0]):
    ...     print(upgrade.status, upgrade.reason)
    UpgradeSuccess success
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list_upgrades(self, status: UpgradeStatus) -> Pages[UpgradePage]:
        """List the upgrades in a state, the oldest first; history goes back six months.

        Args:
            status: The state; `UpgradeStatus("...")` takes texts that are not listed, too.

        Returns:
            Pages of `ListedUpgrade`; see there for what is raised.

        Raises:
            ConfigurationError: The state cannot be part of a path; nothing was sent.
        """
        return self._context.pages(LIST_UPGRADES_V1, "start_index", status=status)

    async def get_device_history(self, device_id: str) -> tuple[DeviceUpgradeV1, ...]:
        """Read the upgrades of a device in the last six months.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(GET_HISTORY_V1, device_id=device_id)


class ReportsV2:
    """v2 reports: campaigns by state, devices of a campaign, history of a device.

    Wire contract, operations `v2_list_campaigns_by_status`, `v2_list_campaign_devices` and
    `v2_get_device_history`, and "Life cycles" for the states.

    >>> campaign_id = simulator.add_campaign("v2")
    >>> simulator.seed(imeis[:1], target_id=campaign_id)
    >>> async for campaign in fota.v2.reports.list_campaigns(CampaignStatus.REQUEST_QUEUED):
    ...     print(campaign.id == campaign_id, campaign.status)
    True CampaignRequestQueued
    >>> async for device in fota.v2.reports.list_campaign_devices(campaign_id):
    ...     print(device.device_id, device.status)
    990003425730524 Accepted
    >>> simulator.set_status(campaign_id, "CampaignEnded")
    >>> for upgrade in await fota.v2.reports.get_device_history(imeis[0]):
    ...     print(upgrade.status, upgrade.reason)
    UpgradeSuccess DownloadInstallSucceeded
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list_campaigns(self, status: CampaignStatus) -> Pages[CampaignPageV2]:
        """List the campaigns in a state.

        Args:
            status: The state. The vendor lists all but `PRE_SCHEDULED` for this filter, so a
                campaign in that state may be in no list.

        Returns:
            Pages of `CampaignV2`; see there for what is raised.
        """
        query = {"campaignStatus": str(status)}
        return self._context.pages(LIST_CAMPAIGNS_V2, "lastSeenCampaignId", query=query)

    def list_campaign_devices(self, campaign_id: str) -> Pages[CampaignDevicePageV2]:
        """List the devices of a campaign with their states, 1,000 a page.

        Args:
            campaign_id: UUID from the schedule answer.

        Returns:
            Pages of `DeviceResult`; see there for what is raised. `await` it for
            `total_device`.

        Raises:
            ConfigurationError: The id cannot be part of a path; nothing was sent.
        """
        return self._context.pages(LIST_DEVICES_V2, "lastSeenDeviceId", campaign_id=campaign_id)

    async def get_device_history(self, device_id: str) -> tuple[DeviceUpgradeV2, ...]:
        """Read the upgrades of a device.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(GET_HISTORY_V2, device_id=device_id)


class ReportsV3:
    """v3 reports: campaigns by state, devices of a campaign, history of a device.

    Wire contract, operations `v3_list_campaigns_by_status`, `v3_list_campaign_devices` and
    `v3_get_device_history`, and "Life cycles" for the states.

    >>> campaign_id = simulator.add_campaign("v3")
    >>> simulator.seed(imeis[:1], target_id=campaign_id)
    >>> async for campaign in fota.v3.reports.list_campaigns(CampaignStatus.REQUEST_QUEUED):
    ...     print(campaign.id == campaign_id, campaign.status)
    True CampaignRequestQueued
    >>> async for device in fota.v3.reports.list_campaign_devices(campaign_id):
    ...     print(device.device_id, device.status)
    990003425730524 UpgradePending
    >>> simulator.set_status(campaign_id, "CampaignEnded")
    >>> for upgrade in await fota.v3.reports.get_device_history(imeis[0]):
    ...     print(upgrade.status, upgrade.reason)
    UpgradeSuccess Upgrade completed successfully
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list_campaigns(self, status: CampaignStatus) -> Pages[CampaignPageV3]:
        """List the campaigns in a state.

        Args:
            status: The state. The vendor lists all but `PRE_SCHEDULED` for this filter, so a
                campaign in that state may be in no list.

        Returns:
            Pages of `CampaignV3`; see there for what is raised.
        """
        query = {"campaignStatus": str(status)}
        return self._context.pages(LIST_CAMPAIGNS_V3, "lastSeenCampaignId", query=query)

    def list_campaign_devices(self, campaign_id: str) -> Pages[CampaignDevicePageV3]:
        """List the devices of a campaign with their states, 1,000 a page.

        Args:
            campaign_id: UUID from the schedule answer.

        Returns:
            Pages of `DeviceResultV3`; see there for what is raised. `await` it for
            `total_device`.

        Raises:
            ConfigurationError: The id cannot be part of a path; nothing was sent.
        """
        return self._context.pages(LIST_DEVICES_V3, "lastSeenDeviceId", campaign_id=campaign_id)

    async def get_device_history(self, device_id: str) -> tuple[DeviceUpgradeV3, ...]:
        """Read the upgrades of a device.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(GET_HISTORY_V3, device_id=device_id)

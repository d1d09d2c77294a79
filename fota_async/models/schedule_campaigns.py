"""The bodies of requests that schedule a campaign."""

from datetime import date

import attrs

from fota_async.models.campaigns import CampaignDatesV2, CampaignDatesV3
from fota_async.wire.convert import member, required


@attrs.frozen
class TextTimeWindow:
    """A time window as the software and file campaigns want it: hours as texts of digits."""

    start_time: str = required("startTime")
    end_time: str = required("endTime")


@attrs.frozen(kw_only=True)
class ScheduleCampaign(CampaignDatesV2):
    """A v2 campaign in the general form, with hours as numbers."""

    campaign_name: str | None = member("campaignName")
    software_name: str = required("softwareName")
    software_from: str = required("softwareFrom")
    software_to: str = required("softwareTo")
    distribution_type: str = required("distributionType")
    device_list: tuple[str, ...] = required("deviceList")


@attrs.frozen(kw_only=True)
class ScheduleSoftwareCampaign:
    """A v2 campaign for HTTP devices, with hours as texts."""

    campaign_name: str | None = member("campaignName")
    software_name: str = required("softwareName")
    software_from: str = required("softwareFrom")
    software_to: str = required("softwareTo")
    distribution_type: str = required("distributionType")
    start_date: date = required("startDate")
    end_date: date = required("endDate")
    download_after_date: date | None = member("downloadAfterDate")
    download_time_window_list: tuple[TextTimeWindow, ...] = member(
        "downloadTimeWindowList", default=()
    )
    install_after_date: date | None = member("installAfterDate")
    install_time_window_list: tuple[TextTimeWindow, ...] = member(
        "installTimeWindowList", default=()
    )
    device_list: tuple[str, ...] = required("deviceList")


@attrs.frozen(kw_only=True)
class ScheduleFileCampaign:
    """A v2 campaign that brings a file to HTTP devices, with hours as texts."""

    campaign_name: str | None = member("campaignName")
    file_name: str = required("fileName")
    file_version: str = required("fileVersion")
    distribution_type: str = required("distributionType")
    start_date: date = required("startDate")
    end_date: date = required("endDate")
    download_after_date: date | None = member("downloadAfterDate")
    download_time_window_list: tuple[TextTimeWindow, ...] = member(
        "downloadTimeWindowList", default=()
    )
    install_after_date: date | None = member("installAfterDate")
    install_time_window_list: tuple[TextTimeWindow, ...] = member(
        "installTimeWindowList", default=()
    )
    device_list: tuple[str, ...] = required("deviceList")


@attrs.frozen(kw_only=True)
class ScheduleFirmwareCampaign(CampaignDatesV3):
    """A v3 campaign. Both flags are always sent: current documents require them."""

    campaign_name: str | None = member("campaignName")
    firmware_name: str = required("firmwareName")
    firmware_from: str = required("firmwareFrom")
    firmware_to: str = required("firmwareTo")
    protocol: str = required("protocol")
    device_list: tuple[str, ...] = required("deviceList")
    auto_assign_license_flag: bool = required("autoAssignLicenseFlag")
    auto_add_devices_flag: bool = required("autoAddDevicesFlag")

"""v2 and v3 campaigns (vendor page "Schedule an Upgrade" and its kin)."""

from datetime import date

import attrs

from fota_async.wire.convert import DeviceId, Hour, member, required
from fota_async.wire.enums import CampaignStatus
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class TimeWindow:
    """Hours of each day in which a campaign may work; UTC by the tone of the vendor's pages.

    >>> campaign_id = simulator.add_campaign("v3")
    >>> campaign = await fota.v3.campaigns.change_dates(
    ...     campaign_id,
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ...     windows=[TimeWindow(1, 5)],
    ... )
    >>> campaign.start_date, campaign.campaign_time_window_list
    ('2027-04-01', (TimeWindow(start_time=1, end_time=5),))

    Attributes:
        start_time: 0 to 23.
        end_time: 1 to 24.
    """

    start_time: Hour = required("startTime")
    end_time: Hour = required("endTime")


@attrs.frozen
class CampaignV2:
    """A v2 campaign, of software or of a file; its devices are in the campaign devices report.

    Attributes:
        id: UUID.
        distribution_type: Protocol, for instance `HTTP`; an open set.
        status: State; `CampaignStatus.is_open` says whether devices may change.
        device_list: IMEIs; only some answers about file campaigns have them.
    """

    id: str = required("id", "campaignId")
    account_name: str | None = member("accountName")
    campaign_name: str | None = member("campaignName")
    software_name: str | None = member("softwareName", "software")
    software_from: str | None = member("softwareFrom")
    software_to: str | None = member("softwareTo")
    file_name: str | None = member("fileName")
    file_version: str | None = member("fileVersion")
    distribution_type: str | None = member("distributionType")
    make: str | None = member("make")
    model: str | None = member("model")
    start_date: Timestamp | None = member("startDate")
    end_date: Timestamp | None = member("endDate")
    download_after_date: Timestamp | None = member("downloadAfterDate")
    download_time_window_list: tuple[TimeWindow, ...] = member("downloadTimeWindowList", default=())
    install_after_date: Timestamp | None = member("installAfterDate")
    install_time_window_list: tuple[TimeWindow, ...] = member("installTimeWindowList", default=())
    device_list: tuple[DeviceId, ...] = member("deviceList", default=())
    status: CampaignStatus | None = member("status")


@attrs.frozen
class CampaignV3:
    """A v3 campaign; its devices are in the campaign devices report.

    Attributes:
        id: UUID.
        protocol: For instance `LWM2M`; an open set.
        status: State; `CampaignStatus.is_open` says whether devices may change.
        auto_assign_license_flag: Whether devices get licences by themselves.
        auto_add_devices_flag: Whether the campaign grows by itself.
    """

    id: str = required("id", "campaignId")
    account_name: str | None = member("accountName")
    campaign_name: str | None = member("campaignName")
    firmware_name: str | None = member("firmwareName")
    firmware_from: str | None = member("firmwareFrom")
    firmware_to: str | None = member("firmwareTo")
    protocol: str | None = member("protocol")
    make: str | None = member("make")
    model: str | None = member("model")
    start_date: Timestamp | None = member("startDate")
    end_date: Timestamp | None = member("endDate")
    campaign_time_window_list: tuple[TimeWindow, ...] = member(
        "campaignTimeWindowList", "timeWindowList", default=()
    )
    auto_assign_license_flag: bool | None = member("autoAssignLicenseFlag")
    auto_add_devices_flag: bool | None = member("autoAddDevicesFlag")
    status: CampaignStatus | None = member("status")


@attrs.frozen
class CampaignReceipt:
    """That v2 took a list of devices; the outcomes show later in the campaign devices report."""

    request_id: str = required("requestId")
    account_name: str | None = member("accountName")
    campaign_id: str | None = member("campaignId", "id")


@attrs.frozen(kw_only=True)
class CampaignDatesV2:
    """Dates and windows of a v2 campaign, always the full set."""

    start_date: date = required("startDate")
    end_date: date = required("endDate")
    download_after_date: date | None = member("downloadAfterDate")
    download_time_window_list: tuple[TimeWindow, ...] = member("downloadTimeWindowList", default=())
    install_after_date: date | None = member("installAfterDate")
    install_time_window_list: tuple[TimeWindow, ...] = member("installTimeWindowList", default=())


@attrs.frozen(kw_only=True)
class CampaignDatesV3:
    """Dates and windows of a v3 campaign, always the full set."""

    start_date: date = required("startDate")
    end_date: date = required("endDate")
    campaign_time_window_list: tuple[TimeWindow, ...] = member("campaignTimeWindowList", default=())

"""Devices of an account (vendor page "Get a List of Devices in an Account" and its kin)."""

import attrs

from fota_async.wire.convert import DeviceId, member, required
from fota_async.wire.paging import Page
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class InstalledSoftware:
    """A piece of software or a file on a device."""

    name: str | None = member("name")
    version: str | None = member("version")
    upgrade_time: Timestamp | None = member("upgradeTime")


@attrs.frozen
class DeviceV1:
    """A device of a v1 account.

    Attributes:
        device_id: IMEI.
        mdn: Phone number.
        firmware: Version on the device.
        fota_eligible: Whether it can be upgraded over the air.
        license_assigned: Whether it holds a licence, which monthly billed accounts need.
        upgrade_time: Last upgrade; its `is_never` tells a device never upgraded.
    """

    device_id: DeviceId = required("deviceId")
    mdn: str | None = member("mdn")
    model: str | None = member("model")
    make: str | None = member("make")
    firmware: str | None = member("firmware")
    fota_eligible: bool | None = member("fotaEligible")
    license_assigned: bool | None = member("licenseAssigned")
    upgrade_time: Timestamp | None = member("upgradeTime")


@attrs.frozen
class DeviceV2:
    """An HTTP device.

    Attributes:
        device_id: IMEI.
        mdn: Phone number.
        fota_eligible: Whether its firmware can be upgraded over the air.
        app_fota_eligible: Whether its applications can.
        license_assigned: Whether it holds a licence, which monthly billed accounts need.
        distribution_type: Protocol, for instance `HTTP`; an open set.
        software_list: What is installed.
    """

    device_id: DeviceId = required("deviceId")
    mdn: str | None = member("mdn")
    model: str | None = member("model")
    make: str | None = member("make")
    fota_eligible: bool | None = member("fotaEligible")
    app_fota_eligible: bool | None = member("appFotaEligible")
    license_assigned: bool | None = member("licenseAssigned")
    distribution_type: str | None = member("distributionType")
    software_list: tuple[InstalledSoftware, ...] = member("softwareList", default=())
    create_time: Timestamp | None = member("createTime")
    upgrade_time: Timestamp | None = member("upgradeTime")
    update_time: Timestamp | None = member("updateTime")
    refresh_time: Timestamp | None = member("refreshTime")


@attrs.frozen
class DeviceV3:
    """A device of a v3 account.

    Attributes:
        device_id: IMEI.
        mdn: Phone number.
        firmware: Version on the device.
        fota_eligible: Whether it can be upgraded over the air.
        status: Word for word, for instance `Active`.
        license_assigned: Whether it holds a licence, which monthly billed accounts need.
        protocol: For instance `LWM2M`; an open set.
    """

    device_id: DeviceId = required("deviceId")
    mdn: str | None = member("mdn")
    model: str | None = member("model")
    make: str | None = member("make")
    firmware: str | None = member("firmware")
    fota_eligible: bool | None = member("fotaEligible")
    status: str | None = member("status")
    license_assigned: bool | None = member("licenseAssigned")
    protocol: str | None = member("protocol")
    software_list: tuple[InstalledSoftware, ...] = member("softwareList", default=())
    file_list: tuple[InstalledSoftware, ...] = member("fileList", default=())
    create_time: Timestamp | None = member("createTime")
    update_time: Timestamp | None = member("updateTime")
    refresh_time: Timestamp | None = member("refreshTime")
    upgrade_time: Timestamp | None = member("upgradeTime")


@attrs.frozen
class DeviceDetailsV3(DeviceV3):
    """A v3 device in detail.

    Attributes:
        request_status: Success or failure of looking it up.
        result_reason: Detail of that.
        status_time: Time of `status`.
        last_connection_time: When it was last connected.
    """

    request_status: str | None = member("requestStatus")
    result_reason: str | None = member("resultReason")
    status_time: Timestamp | None = member("statusTime")
    last_connection_time: Timestamp | None = member("lastConnectionTime")


@attrs.frozen
class DeviceDetailsList:
    """Details of the devices that were asked about."""

    device_list: tuple[DeviceDetailsV3, ...] = required("deviceList")
    account_name: str | None = member("accountName")
    device_count: int | None = member("deviceCount")


@attrs.frozen
class DevicePageV1(Page[DeviceV1]):
    """At most 1,000 devices, by ascending IMEI."""

    account_name: str | None = member("accountName")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: DeviceId | None = member("lastSeenDeviceId")
    items: tuple[DeviceV1, ...] = member("deviceList", default=())


@attrs.frozen
class DevicePageV2(Page[DeviceV2]):
    """At most 1,000 devices, by ascending IMEI."""

    items: tuple[DeviceV2, ...] = required("deviceList")
    account_name: str | None = member("accountName")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: DeviceId | None = member("lastSeenDeviceId")
    max_page_size: int | None = member("maxPageSize")


@attrs.frozen
class DevicePageV3(Page[DeviceV3]):
    """At most 1,000 devices, by ascending IMEI."""

    items: tuple[DeviceV3, ...] = required("deviceList")
    account_name: str | None = member("accountName")
    more: bool | None = member("hasMoreData", "hasMoreFlag")
    cursor: DeviceId | None = member("lastSeenDeviceId")
    max_page_size: int | None = member("maxPageSize")

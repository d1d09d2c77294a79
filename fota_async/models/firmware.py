"""Firmware images, and the firmware on devices (vendor page "Get a List of Available Firmware")."""

import attrs

from fota_async.wire.convert import DeviceId, member, required
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class FirmwareV1:
    """An image for OMA-DM and LWM2M devices.

    Attributes:
        firmware_name: What a schedule request calls it.
        participant_name: Internal to the vendor.
        launch_date: When it became available.
        release_note: Reserved.
        from_version: Version that a device must have.
        to_version: Version that it then has.
    """

    firmware_name: str = required("firmwareName")
    participant_name: str | None = member("participantName")
    launch_date: Timestamp | None = member("launchDate")
    release_note: str | None = member("releaseNote")
    model: str | None = member("model")
    make: str | None = member("make")
    from_version: str | None = member("fromVersion")
    to_version: str | None = member("toVersion")


@attrs.frozen
class FirmwareV3:
    """An image for v3 devices.

    Attributes:
        firmware_name: What a schedule request calls it.
        firmware_from: Version that a device must have.
        firmware_to: Version that it then has.
        launch_date: When it became available.
        release_note: Reserved.
        protocol: For instance `LWM2M`; an open set.
    """

    firmware_name: str = required("firmwareName")
    firmware_from: str | None = member("firmwareFrom")
    firmware_to: str | None = member("firmwareTo")
    launch_date: Timestamp | None = member("launchDate")
    release_note: str | None = member("releaseNote")
    model: str | None = member("model")
    make: str | None = member("make")
    protocol: str | None = member("protocol")


@attrs.frozen
class DeviceFirmware:
    """The firmware that the FOTA server holds for a device.

    Attributes:
        device_id: IMEI.
        status: Word for word, for instance `FirmwareVersionUpdateSuccess`.
        reason: Detail.
        firmware_version: Version on the device.
        update_time: When the server learned of it.
    """

    device_id: DeviceId = required("deviceId")
    status: str | None = member("status")
    reason: str | None = member("reason")
    firmware_version: str | None = member("firmwareVersion")
    update_time: Timestamp | None = member("firmwareVersionUpdateTime", "VersionUpdateTime")


@attrs.frozen
class DeviceFirmwareList:
    """The firmware of the devices that were asked about."""

    account_name: str | None = member("accountName")
    # The first spelling is the vendor's.
    device_list: tuple[DeviceFirmware, ...] = member(
        "deviceFirmwarVersionList", "deviceFirmwareVersionList", default=()
    )


@attrs.frozen
class FirmwareReportReceipt:
    """That a device was asked to report its firmware; the outcome shows in its details."""

    request_id: str = required("requestId")
    account_name: str | None = member("accountName")

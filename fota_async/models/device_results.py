"""What an answer says of each device of a request."""

import attrs

from fota_async.wire.convert import DeviceId, member, required


@attrs.frozen
class DeviceResult:
    """What became of one device.

    Attributes:
        device_id: IMEI.
        status: Word for word, for instance `AddDeviceSucceed`, `LicenseRemoveFailed`, `Failure`;
            an open set.
        reason: Detail, word for word.
    """

    device_id: DeviceId = required("deviceId")
    status: str | None = member("status")
    reason: str | None = member("Reason", "resultReason", "reason")


@attrs.frozen
class DeviceListRequest:
    """A request whose body is a list of devices."""

    device_list: tuple[str, ...] = required("deviceList")

"""What an answer says of each device of a request."""

import attrs

from fota_async.wire.convert import DeviceId, member, required
from fota_async.wire.timestamp import Timestamp


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
class DeviceResultV3(DeviceResult):
    """What became of one v3 device, and when.

    Attributes:
        device_id: IMEI.
        status: Word for word, for instance `UpgradePending`; an open set. Not every failure word
            is final: `RequestToFotaServerFailed` comes with a time of the next attempt.
        reason: Detail; `Timestamp.in_prose` finds the time that some of them name.
    """

    updated_time: Timestamp | None = member("updatedTime")
    recent_attempt_time: Timestamp | None = member("recentAttemptTime")
    next_attempt_time: Timestamp | None = member("nextAttemptTime")

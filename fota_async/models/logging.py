"""Logs of HTTP devices (vendor pages "Verbose Logging", "Get Check-in History for a Device")."""

import attrs

from fota_async.wire.convert import DeviceId, member, required
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class LoggingStatus:
    """A device with logging on; `expiry_date` is when that ends by itself."""

    device_id: DeviceId = required("deviceId")
    expiry_date: Timestamp | None = member("expiryDate")


@attrs.frozen
class DeviceLog:
    """An entry of a device's log; a binary one comes as Base64 with its file name."""

    device_id: DeviceId = required("deviceId")
    log_time: Timestamp | None = member("logTime")
    log_type: str | None = member("logType")
    event_log: str | None = member("eventLog")
    binary_log_file_base64: str | None = member("binaryLogFileBase64")
    binary_log_filename: str | None = member("binaryLogFilename")


@attrs.frozen
class CheckIn:
    """A device that asked the server for news.

    Attributes:
        client_type: A number in text: 0 unknown, 1 device, 3 RovaContainer, 5 WiFiClient,
            6 RovaClient, 7 RovaClientAppStore, and more.
    """

    device_id: DeviceId = required("deviceId")
    client_type: str | None = member("clientType")
    result: str | None = member("result")
    failure_type: str | None = member("failureType")
    time_completed: Timestamp | None = member("timeCompleted")

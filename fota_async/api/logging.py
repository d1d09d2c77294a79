"""Logging of HTTP devices, and their check-ins.

Logging may be on for 20 devices of a customer at a time. It ends by itself after 7 days; logs
can be read 24 hours after it was turned on, and are kept for 30 days.
"""

from collections.abc import Sequence

from fota_async.api.context import Context, check_device_id, check_device_ids
from fota_async.models.logging import CheckIn, DeviceLog, LoggingRequest, LoggingStatus
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, list_of, or_nothing, put

LIST = get("/api/fota/v2/logging/{account}/devices", list_of(LoggingStatus))
ENABLE = put("/api/fota/v2/logging/{account}/devices", list_of(LoggingStatus), Repeat.IDEMPOTENT)
DISABLE = or_nothing(delete("/api/fota/v2/logging/{account}/devices", SuccessFlag))
ENABLE_DEVICE = put(
    "/api/fota/v2/logging/{account}/devices/{device_id}", LoggingStatus, Repeat.IDEMPOTENT
)
DISABLE_DEVICE = or_nothing(
    delete("/api/fota/v2/logging/{account}/devices/{device_id}", SuccessFlag)
)
LIST_LOGS = get("/api/fota/v2/logging/{account}/devices/{device_id}/logs", list_of(DeviceLog))
LIST_CHECK_INS = get(
    "/api/fota/v2/logging/{account}/devices/{device_id}/checkInHistory", list_of(CheckIn)
)

MOST_LOGGING = 20
"""How many devices of a customer may log at a time."""


class LoggingV2:
    """Logging of HTTP devices.

    Vendor pages "Verbose Logging", "Get Check-in History for a Device".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self) -> tuple[LoggingStatus, ...]:
        """List the devices that have logging on.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST)

    async def enable_batch(self, device_ids: Sequence[str]) -> tuple[LoggingStatus, ...]:
        """Turn logging on for some devices, for 7 days, in one request.

        Repeated after a lost answer.

        Args:
            device_ids: At most 20 IMEIs, those that have it on already counted in.

        Raises:
            ConfigurationError: No device, too many, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        body = LoggingRequest(check_device_ids(device_ids, most=MOST_LOGGING))
        return await self._context.call(ENABLE, body=body)

    async def disable_batch(self, device_ids: Sequence[str]) -> None:
        """Turn logging off by the call for lists, which is certain for one device only.

        How the API wants several devices to be separated is not documented, so this takes one;
        `disable_device` does the same. Repeated after a lost answer.

        Args:
            device_ids: One IMEI.

        Raises:
            ConfigurationError: It is not one device id; nothing was sent.
            CallError: The call did not give its result.
        """
        (only,) = check_device_ids(device_ids, most=1)
        await self._context.call(DISABLE, query={"deviceIds": only})

    async def enable_device(self, device_id: str) -> LoggingStatus:
        """Turn logging on for a device, for 7 days.

        Repeated after a lost answer.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(ENABLE_DEVICE, device_id=device_id)

    async def disable_device(self, device_id: str) -> None:
        """Turn logging off for a device.

        Repeated after a lost answer.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        await self._context.call(DISABLE_DEVICE, device_id=check_device_id(device_id))

    async def list_logs(self, device_id: str) -> tuple[DeviceLog, ...]:
        """Read the logs of a device: of the last 30 days, 24 hours after logging was turned on.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(LIST_LOGS, device_id=device_id)

    async def list_check_ins(self, device_id: str) -> tuple[CheckIn, ...]:
        """Read when a device asked the server for news; whether or not logging is on.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(LIST_CHECK_INS, device_id=device_id)

"""Firmware: the images there are, and what devices run."""

from collections.abc import Sequence

from fota_async.api.context import Context, check_device_id, check_device_ids
from fota_async.models.device_results import DeviceListRequest
from fota_async.models.firmware import (
    DeviceFirmwareList,
    FirmwareReportReceipt,
    FirmwareV1,
    FirmwareV3,
)
from fota_async.wire.route import Repeat, get, list_of, put

LIST_V1 = get("/api/fota/v1/firmware/{account}", list_of(FirmwareV1))
LIST_V3 = get("/api/fota/v3/firmware/{account}", list_of(FirmwareV3))
REPORT_DEVICE_V3 = put(
    "/api/fota/v3/firmware/{account}/async/{device_id}", FirmwareReportReceipt, Repeat.IDEMPOTENT
)
SYNC_DEVICES_V3 = put("/api/fota/v3/firmware/{account}/devices", DeviceFirmwareList, Repeat.SAFE)

MOST_SYNCED = 100
"""What one request to sync firmware carries at most: the operation's text says 100, and 1,000 is
said elsewhere."""


class FirmwareOfV1:
    """The firmware for OMA-DM and LWM2M devices (page "Get a List of Available Firmware")."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self) -> tuple[FirmwareV1, ...]:
        """List the images there are for the devices of the account.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST_V1)


class FirmwareOfV3:
    """The firmware for v3 devices, and what they run."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, protocol: str) -> tuple[FirmwareV3, ...]:
        """List the images there are for the devices of the account.

        Args:
            protocol: For instance `LWM2M`; passed on as it is.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST_V3, query={"protocol": protocol})

    async def sync_batch(self, device_ids: Sequence[str]) -> DeviceFirmwareList:
        """Read the firmware that the FOTA server holds for some devices, in one request.

        Args:
            device_ids: At most 100 IMEIs.

        Raises:
            ConfigurationError: No device, too many, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        body = DeviceListRequest(check_device_ids(device_ids, most=MOST_SYNCED))
        return await self._context.call(SYNC_DEVICES_V3, body=body)

    async def report_device(self, device_id: str) -> FirmwareReportReceipt:
        """Wake a device and have it report its firmware to the FOTA server.

        The answer is a receipt; the outcome shows later in `devices.get_details_batch`. Repeated
        after a lost answer, which wakes the device once more.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(REPORT_DEVICE_V3, device_id=device_id)

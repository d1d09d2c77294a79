"""Licences, which monthly billed accounts assign to devices before they schedule anything."""

from collections.abc import Sequence

from fota_async.api.context import Context, check_device_ids
from fota_async.api.pages import Pages
from fota_async.models.device_results import DeviceListRequest
from fota_async.models.licenses import LicenseChange, LicenseChangeV3, LicensePage
from fota_async.wire.route import Repeat, get, post

GET_STATUS_V1 = get("/api/fota/v1/licenses/{account}/index/{start_index}", LicensePage)
GET_STATUS_V2 = get("/api/fota/v2/licenses/{account}", LicensePage)
GET_STATUS_V3 = get("/api/fota/v3/licenses/{account}", LicensePage)
# A repeat would end well, and tell of each device that it had its licence before, or has none: so
# a lost answer is settled by reading the status.
ASSIGN_V1 = post("/api/fota/v1/licenses/{account}/assign", LicenseChange, Repeat.SETTLE)
ASSIGN_V2 = post("/api/fota/v2/licenses/{account}/assign", LicenseChange, Repeat.SETTLE)
ASSIGN_V3 = post("/api/fota/v3/licenses/{account}/assign", LicenseChangeV3, Repeat.SETTLE)
REMOVE_V1 = post("/api/fota/v1/licenses/{account}/remove", LicenseChange, Repeat.SETTLE)
REMOVE_V2 = post("/api/fota/v2/licenses/{account}/remove", LicenseChange, Repeat.SETTLE)
REMOVE_V3 = post("/api/fota/v3/licenses/{account}/remove", LicenseChangeV3, Repeat.SETTLE)


class LicensesV1:
    """The v1 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_status(self) -> Pages[LicensePage]:
        """Read how many licences there are, and which devices hold one.

        Returns:
            Pages of `LicensedDevice`, by ascending IMEI, 1,000 a page. `await` it for the totals:
            they are on every page.
        """
        return self._context.pages(GET_STATUS_V1, "start_index")

    async def assign_batch(self, device_ids: Sequence[str]) -> LicenseChange:
        """Assign a licence to each of some devices, in one request.

        The vendor's SDK marks this call as deprecated.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be assigned all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(ASSIGN_V1, body=body)

    async def remove_batch(self, device_ids: Sequence[str]) -> LicenseChange:
        """Take back the unused licences of some devices, in one request.

        An upgrade that is scheduled for such a device and has not started is cancelled. A licence
        is unused while the device was not upgraded since its assignment, and is not being upgraded.
        The vendor's SDK marks this call as deprecated.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be removed all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(REMOVE_V1, body=body)


class LicensesV2:
    """The v2 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_status(self) -> Pages[LicensePage]:
        """Read how many licences there are, and which devices hold one.

        Returns:
            Pages of `LicensedDevice`, by ascending IMEI. `await` it for the totals: they are
            on every page.
        """
        return self._context.pages(GET_STATUS_V2, "lastSeenDeviceId")

    async def assign_batch(self, device_ids: Sequence[str]) -> LicenseChange:
        """Assign a licence to each of some devices, in one request.

        The vendor's SDK marks this call as deprecated.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be assigned all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(ASSIGN_V2, body=body)

    async def remove_batch(self, device_ids: Sequence[str]) -> LicenseChange:
        """Take back the unused licences of some devices, in one request.

        An upgrade that is scheduled for such a device and has not started is cancelled. A licence
        is unused while the device was not upgraded since its assignment, and is not being upgraded.
        The vendor's SDK marks this call as deprecated.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be removed all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(REMOVE_V2, body=body)


class LicensesV3:
    """The v3 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_status(self) -> Pages[LicensePage]:
        """Read how many licences there are, and which devices hold one.

        Returns:
            Pages of `LicensedDevice`, by ascending IMEI. `await` it for the totals: they are
            on every page.
        """
        return self._context.pages(GET_STATUS_V3, "lastSeenDeviceId")

    async def assign_batch(self, device_ids: Sequence[str]) -> LicenseChangeV3:
        """Assign a licence to each of some devices, in one request.

        The network then watches whether the devices can be reached.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be assigned all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(ASSIGN_V3, body=body)

    async def remove_batch(self, device_ids: Sequence[str]) -> LicenseChangeV3:
        """Take back the unused licences of some devices, in one request.

        An upgrade that is scheduled for such a device and has not started is cancelled. A licence
        is unused while the device was not upgraded since its assignment, and is not being upgraded.
        The network no longer watches whether the devices can be reached.
        Never repeated after a lost answer; `get_status` then tells.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Returns:
            What became of each device: an answer does not mean success.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            LostError: No answer came, and licences may be removed all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        body = DeviceListRequest(check_device_ids(device_ids))
        return await self._context.call(REMOVE_V3, body=body)

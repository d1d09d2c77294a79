"""Devices of the account: what they are, what they run, whether they can be upgraded."""

from collections.abc import Sequence

from fota_async.api.context import Context, check_device_ids
from fota_async.api.pages import Pages
from fota_async.models.device_results import DeviceListRequest
from fota_async.models.devices import (
    DeviceDetailsList,
    DevicePageV1,
    DevicePageV2,
    DevicePageV3,
)
from fota_async.wire.route import Repeat, get, post

LIST_V1 = get("/api/fota/v1/devices/{account}/index/{start_index}", DevicePageV1)
LIST_V2 = get("/api/fota/v2/devices/{account}", DevicePageV2)
LIST_V3 = get("/api/fota/v3/devices/{account}", DevicePageV3)
GET_DETAILS_V3 = post("/api/fota/v3/devices/{account}", DeviceDetailsList, Repeat.SAFE)

MOST_DETAILS = 1000
"""What one answer about device details holds at most."""


class DevicesV1:
    """The OMA-DM and LWM2M devices of the account.

    Vendor page "Get a List of Devices in an Account".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self, *, client_type: str | None = None) -> Pages[DevicePageV1]:
        """List the devices, by ascending IMEI, 1,000 a page.

        Args:
            client_type: Only devices of this protocol, `OMADM` or `LWM2M`. The vendor's page has
                this filter, the SDK does not.

        Returns:
            Pages of `DeviceV1`; see there for what is raised.
        """
        query = {"clientType": client_type}
        return self._context.pages(LIST_V1, "start_index", query=query)


class DevicesV2:
    """The HTTP devices of the account.

    Vendor page "Get a List of Devices in an Account" (v2).
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self, *, distribution_type: str | None = None) -> Pages[DevicePageV2]:
        """List the devices, by ascending IMEI, 1,000 a page.

        Args:
            distribution_type: Only devices of this protocol, for instance `HTTP`, `LWM2M`, or
                `all`; passed on as it is.

        Returns:
            Pages of `DeviceV2`; see there for what is raised.
        """
        query = {"distributionType": distribution_type}
        return self._context.pages(LIST_V2, "lastSeenDeviceId", query=query)


class DevicesV3:
    """The LWM2M devices of the account.

    Vendor page "Get a List of Devices in an Account" (v3).
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self, *, protocol: str | None = None) -> Pages[DevicePageV3]:
        """List the devices, by ascending IMEI, 1,000 a page.

        Args:
            protocol: Only devices of this protocol; passed on as it is. The API takes `LWM2M`
                where none is given.

        Returns:
            Pages of `DeviceV3`; see there for what is raised.
        """
        return self._context.pages(LIST_V3, "lastSeenDeviceId", query={"protocol": protocol})

    async def get_details_batch(self, device_ids: Sequence[str]) -> DeviceDetailsList:
        """Read details of some devices, in one request; a device may be missing from the answer.

        Args:
            device_ids: At most 1,000 IMEIs, which is what an answer holds; 100 are kinder.

        Raises:
            ConfigurationError: No device, too many, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        body = DeviceListRequest(check_device_ids(device_ids, most=MOST_DETAILS))
        return await self._context.call(GET_DETAILS_V3, body=body)

"""Devices of the account: what they are, what they run, whether they can be upgraded."""

from collections.abc import Sequence
from typing import Unpack

from fota_async.api.context import Context
from fota_async.api.pages import Pages
from fota_async.batch.device_ids import as_json
from fota_async.batch.operation import Operation
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.batch.states import well_unless_told
from fota_async.models.device_answers import DeviceAnswers
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

    >>> async for device in fota.v1.devices.list():
    ...     print(device.device_id, device.model)
    356938035643809 BG96
    356938035643817 BG96
    356938035643825 BG96
    900000000000001 Model-A
    900000000000998 Model-A
    900000000000999 Model-A
    990000473475989 Model-A
    990003425730524 Model-A
    990003425730535 Model-A
    990013907835573 Model-A
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

    >>> async for device in fota.v2.devices.list(distribution_type="HTTP"):
    ...     print(device.device_id, device.model)
    990000473475989 Model-A
    990003425730524 Model-A
    990003425730535 Model-A
    990013907835573 Model-A
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

    >>> async for device in fota.v3.devices.list():
    ...     print(device.device_id, device.firmware)
    356938035643809 BG96MAR04A04M1G
    356938035643817 BG96MAR04A04M1G
    356938035643825 BG96MAR04A04M1G
    >>> report = await fota.v3.devices.get_details(["356938035643809", "356938035643817"])
    >>> for outcome in report:
    ...     print(outcome.device_id, outcome.detail.firmware)
    356938035643809 BG96MAR04A04M1G
    356938035643817 BG96MAR04A04M1G
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

    def get_details(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Read details of devices.

        `detail` of each outcome is a `DeviceDetailsV3`. A read: lost answers are asked for again,
        and so are, once, devices that an answer leaves out; they are `unknown` if the second answer
        does, too. One that the API says it cannot find is `failed`.

        Args:
            devices: Ids one by one, sync or async, or the path of a file. At most 1,000 go in a
                request, which is what an answer holds; a `batch_size` of 100 is kinder.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`. `journal` is not possible.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        operation = read_device_details(self._context.account)
        return self._context.run(operation, devices, column, options)


def read_device_details(account: str) -> Operation:
    """Return the operation that reads details of v3 devices.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = read_device_details(simulator.account)
    >>> report = await DeviceBatcher(fota.session, operation).run(["356938035643809"])
    >>> [outcome.detail.firmware for outcome in report]
    ['BG96MAR04A04M1G']

    Args:
        account: Billing account.

    Raises:
        ConfigurationError: The account cannot be part of a path.
    """
    GET_DETAILS_V3.fill(account=account)
    return Operation(
        name="get_details",
        account=account,
        target="v3 devices",
        route=GET_DETAILS_V3,
        values={"account": account},
        encode=lambda ids: b'{"deviceList":%s}' % as_json(ids),
        answers=_details,
        judge=well_unless_told,
        cap=MOST_DETAILS,
        details=True,
    )


def _details(result: DeviceDetailsList, _: Sequence[str]) -> DeviceAnswers:
    # An item's `status` is that of the device, for instance `Active`.
    found = result.device_list
    return DeviceAnswers(
        [str(one.device_id) for one in found],
        [one.request_status or "" for one in found],
        [one.result_reason or "" for one in found],
        found,
    )

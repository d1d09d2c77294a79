"""Firmware: the images there are, and what devices run."""

from collections.abc import Sequence
from typing import Unpack

from fota_async.api.context import Context, check_device_id
from fota_async.batch.device_ids import as_json
from fota_async.batch.operation import Operation
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.batch.states import well_unless_told
from fota_async.models.device_answers import DeviceAnswers
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
    """The firmware for OMA-DM and LWM2M devices (page "Get a List of Available Firmware").

    >>> for image in await fota.v1.firmware.list():
    ...     print(image.firmware_name, image.from_version, image.to_version)
    FOTA_Verizon_Model-A_01To02_HF VerizonFirmwareVersion-01 VerizonFirmwareVersion-02
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self) -> tuple[FirmwareV1, ...]:
        """List the images there are for the devices of the account.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST_V1)


class FirmwareOfV3:
    """The firmware for v3 devices, and what they run.

    Wire contract, operations `v3_list_firmware`, `v3_sync_device_firmware` and
    `v3_report_device_firmware`.

    >>> for image in await fota.v3.firmware.list("LWM2M"):
    ...     print(image.firmware_from, image.firmware_to)
    BG96MAR04A04M1G BG96MAR04A04M1G_BETA0130B
    >>> report = await fota.v3.firmware.sync(["356938035643809"])
    >>> [outcome.detail.status for outcome in report]
    ['FirmwareVersionUpdateSuccess']
    >>> receipt = await fota.v3.firmware.report_device("356938035643809")
    >>> receipt.account_name
    '0402196254-00001'
    """

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

    def sync(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Read the firmware that the FOTA server holds for devices.

        `detail` of each outcome is a `DeviceFirmware`. A read: lost answers are asked for again,
        and so are, once, devices that an answer leaves out; they are `unknown` if the second answer
        does, too.

        Args:
            devices: Ids one by one, sync or async, or the path of a file. 100 go in a request.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`. `journal` is not possible.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        return self._context.run(sync_firmware(self._context.account), devices, column, options)

    async def report_device(self, device_id: str) -> FirmwareReportReceipt:
        """Wake a device and have it report its firmware to the FOTA server.

        The answer is a receipt; the outcome shows later in `devices.get_details`. Repeated
        after a lost answer, which wakes the device once more.

        Args:
            device_id: IMEI.

        Raises:
            ConfigurationError: It is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        device_id = check_device_id(device_id)
        return await self._context.call(REPORT_DEVICE_V3, device_id=device_id)


def sync_firmware(account: str) -> Operation:
    """Return the operation that reads the firmware which the FOTA server holds for v3 devices.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = sync_firmware(simulator.account)
    >>> report = await DeviceBatcher(fota.session, operation).run(["356938035643809"])
    >>> [outcome.detail.status for outcome in report]
    ['FirmwareVersionUpdateSuccess']

    Args:
        account: Billing account.

    Raises:
        ConfigurationError: The account cannot be part of a path.
    """
    SYNC_DEVICES_V3.fill(account=account)
    return Operation(
        name="sync",
        account=account,
        target="v3 firmware",
        route=SYNC_DEVICES_V3,
        values={"account": account},
        encode=lambda ids: b'{"deviceList":%s}' % as_json(ids),
        answers=_held,
        judge=well_unless_told,  # the contract requires a version of each item, and no status
        cap=MOST_SYNCED,
        details=True,
    )


def _held(result: DeviceFirmwareList, _: Sequence[str]) -> DeviceAnswers:
    held = result.device_list
    return DeviceAnswers(
        [str(one.device_id) for one in held],
        [one.status or "" for one in held],
        [one.reason or "" for one in held],
        held,
    )

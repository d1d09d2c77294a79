"""Licences, which monthly billed accounts assign to devices before they schedule anything."""

from typing import ClassVar, Literal, TypeAlias, Unpack

from fota_async.api.context import Context
from fota_async.api.listed import read_listed
from fota_async.api.pages import Pages
from fota_async.batch.device_ids import as_json
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Reading, append_decision, remove_decision
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.models.device_answers import DeviceAnswers, answers_about
from fota_async.models.licenses import LicensePage
from fota_async.wire.route import Repeat, get, post

GET_STATUS_V1 = get("/api/fota/v1/licenses/{account}/index/{start_index}", LicensePage)
GET_STATUS_V2 = get("/api/fota/v2/licenses/{account}", LicensePage)
GET_STATUS_V3 = get("/api/fota/v3/licenses/{account}", LicensePage)
# A repeat would end well, and tell of each device that it had its licence before, or has none: so
# a lost answer is settled by reading the status.
ASSIGN_V1 = post("/api/fota/v1/licenses/{account}/assign", DeviceAnswers, Repeat.SETTLE)
ASSIGN_V2 = post("/api/fota/v2/licenses/{account}/assign", DeviceAnswers, Repeat.SETTLE)
ASSIGN_V3 = post("/api/fota/v3/licenses/{account}/assign", DeviceAnswers, Repeat.SETTLE)
REMOVE_V1 = post("/api/fota/v1/licenses/{account}/remove", DeviceAnswers, Repeat.SETTLE)
REMOVE_V2 = post("/api/fota/v2/licenses/{account}/remove", DeviceAnswers, Repeat.SETTLE)
REMOVE_V3 = post("/api/fota/v3/licenses/{account}/remove", DeviceAnswers, Repeat.SETTLE)

Version: TypeAlias = Literal["v1", "v2", "v3"]

_STATUS = {
    "v1": (GET_STATUS_V1, "start_index"),
    "v2": (GET_STATUS_V2, "lastSeenDeviceId"),
    "v3": (GET_STATUS_V3, "lastSeenDeviceId"),
}
_CHANGE = {
    ("v1", "assign"): ASSIGN_V1,
    ("v2", "assign"): ASSIGN_V2,
    ("v3", "assign"): ASSIGN_V3,
    ("v1", "remove"): REMOVE_V1,
    ("v2", "remove"): REMOVE_V2,
    ("v3", "remove"): REMOVE_V3,
}


class Licenses:
    """The licences of the account; what all versions have in common."""

    version: ClassVar[Version]

    def __init__(self, context: Context) -> None:
        self._context = context

    def get_status(self) -> Pages[LicensePage]:
        """Read how many licences there are, and which devices hold one.

        Returns:
            Pages of `LicensedDevice`, by ascending IMEI. `await` it for the totals: they are on
            every page.

        Raises:
            CallError: When read: a page could not be read.
        """
        return _status(self._context, self.version)

    def assign(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Assign a licence to each of some devices.

        In v3 the network then watches whether the devices can be reached. The vendor's SDK marks
        the calls of v1 and v2 as deprecated. A lost answer is settled by reading the status, all of
        its pages, and no batch of this run is sent meanwhile. A device that had its licence before
        is told so in the `reason` of its outcome.

        Args:
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`. The vendor documents no limit for `batch_size`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes. It raises
            `MisuseError` when it begins while licences of the account are being removed.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        operation = change_licenses("assign", self._context.account, self.version)
        return self._context.run(operation, devices, column, options)

    def remove(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Take back the unused licences of some devices.

        **An upgrade that is scheduled for such a device and has not started is cancelled.** A
        licence is unused while the device was not upgraded since its assignment, and is not being
        upgraded. In v3 the network no longer watches whether the devices can be reached.

        Arguments, result and errors are those of `assign`, and so is what else is said there.
        """
        operation = change_licenses("remove", self._context.account, self.version)
        return self._context.run(operation, devices, column, options)


class LicensesV1(Licenses):
    """The v1 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices". To assign and to remove is deprecated by its SDK.

    >>> report = await fota.v1.licenses.assign(imeis)
    >>> report.succeeded
    3
    >>> status = await fota.v1.licenses.get_status()
    >>> print(status.assigned_licenses, "of", status.total_licenses)
    3 of 5000
    >>> report = await fota.v1.licenses.remove(imeis[:1])
    >>> [one.device_id async for one in fota.v1.licenses.get_status()]
    ['990003425730535', '990013907835573']
    """

    version = "v1"


class LicensesV2(Licenses):
    """The v2 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices". To assign and to remove is deprecated by its SDK.

    >>> report = await fota.v2.licenses.assign(imeis)
    >>> report.succeeded
    3
    >>> status = await fota.v2.licenses.get_status()
    >>> print(status.assigned_licenses, "of", status.total_licenses)
    3 of 5000
    >>> report = await fota.v2.licenses.remove(imeis[:1])
    >>> [one.device_id async for one in fota.v2.licenses.get_status()]
    ['990003425730535', '990013907835573']
    """

    version = "v2"


class LicensesV3(Licenses):
    """The v3 licences of the account.

    Vendor pages "Get License Status", "Assign Licenses to Devices",
    "Remove unused licenses from devices".

    >>> report = await fota.v3.licenses.assign(imeis)
    >>> report.succeeded
    3
    >>> status = await fota.v3.licenses.get_status()
    >>> print(status.assigned_licenses, "of", status.total_licenses)
    3 of 5000
    >>> report = await fota.v3.licenses.remove(imeis[:1])
    >>> [one.device_id async for one in fota.v3.licenses.get_status()]
    ['990003425730535', '990013907835573']
    """

    version = "v3"


def change_licenses(
    name: Literal["assign", "remove"], account: str, version: Version = "v3"
) -> Operation:
    """Return the operation that assigns licences to devices, or takes them back.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = change_licenses("assign", simulator.account, "v3")
    >>> report = await DeviceBatcher(fota.session, operation).run(imeis)
    >>> report.succeeded
    3

    Args:
        name: What to do.
        account: Billing account.
        version: Of the API; it goes with the protocol of the devices.

    Raises:
        ConfigurationError: The account cannot be part of a path.
    """
    route = _CHANGE[version, name]
    route.fill(account=account)

    async def read(session: BatchSession, wanted: frozenset[str]) -> Reading:
        return await read_listed(
            _status(Context(session, account), version),
            wanted,
            id_of=lambda item: str(item.device_id),
            total_of=lambda page: page.assigned_licenses,
        )

    return Operation(
        name=name,
        account=account,
        target=f"{version} licenses",
        route=route,
        values={"account": account},
        encode=lambda ids: b'{"deviceList":%s}' % as_json(ids),
        reader=answers_about,
        read=read,
        read_alone=True,
        decide=append_decision if name == "assign" else remove_decision,
        present_counts=name == "assign",
        has_state=False,
        claims="licenses",
    )


def _status(context: Context, version: Version) -> Pages[LicensePage]:
    route, position = _STATUS[version]
    return context.pages(route, position)

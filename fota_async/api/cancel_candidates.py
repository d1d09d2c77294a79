"""Cancellation candidates: devices that lose their licences first when a subscription shrinks.

After them come the oldest assignments. The vendor's SDK marks all of these calls as deprecated.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias, Unpack

from fota_async.api.context import Context
from fota_async.api.listed import read_listed
from fota_async.api.pages import Pages
from fota_async.batch.device_ids import as_json
from fota_async.batch.operation import Opening, Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Reading
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.batch.states import well_unless_told
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.licenses import CancelCandidatePage, CancelCandidatesChange
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, or_nothing, post

LIST_V1 = get("/api/fota/v1/licenses/{account}/cancel/index/{start_index}", CancelCandidatePage)
LIST_V2 = get("/api/fota/v2/licenses/{account}/cancel", CancelCandidatePage)
# A repeat would end well; but one that replaces, and comes late, undoes what was appended since.
STORE_V1 = post("/api/fota/v1/licenses/{account}/cancel", CancelCandidatesChange, Repeat.SETTLE)
STORE_V2 = post("/api/fota/v2/licenses/{account}/cancel", CancelCandidatesChange, Repeat.SETTLE)
CLEAR_V1 = or_nothing(delete("/api/fota/v1/licenses/{account}/cancel", SuccessFlag))
CLEAR_V2 = or_nothing(delete("/api/fota/v2/licenses/{account}/cancel", SuccessFlag))

Version: TypeAlias = Literal["v1", "v2"]

_LIST = {"v1": (LIST_V1, "start_index"), "v2": (LIST_V2, "startIndex")}
_STORE = {"v1": STORE_V1, "v2": STORE_V2}
_CLEAR = {"v1": CLEAR_V1, "v2": CLEAR_V2}


class CancelCandidates:
    """The cancellation candidates; what both versions have in common."""

    version: ClassVar[Version]

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self) -> Pages[CancelCandidatePage]:
        """List the candidates, in v1 1,000 a page.

        Returns:
            Pages of IMEIs; see there for what is raised.
        """
        return _list(self._context, self.version)

    def append(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Add devices to the stored list.

        A lost answer is settled by reading the list, all of its pages, and no batch of this run is
        sent meanwhile.

        Args:
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`. The vendor documents no limit for `batch_size`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes. It raises
            `MisuseError` when it begins while the list is being replaced.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        operation = store_candidates("append", self._context.account, self.version)
        return self._context.run(operation, devices, column, options)

    def replace(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Store these devices, and forget those stored before.

        The first request replaces the list, alone; those after it append to it. Until a request
        that replaces was taken nothing is appended: a lost one is settled first, of a refused one
        the parts replace in turn, and where that ends without an answer, the run stops. Going on
        from a journal, a run whose first request was taken replaces nothing again.

        Arguments, result and errors are those of `append`. The run raises `MisuseError` when it
        begins while any other run changes the list, and `ConfigurationError` for an empty device
        list: to forget all devices is `clear`.
        """
        operation = store_candidates("replace", self._context.account, self.version)
        return self._context.run(operation, devices, column, options)

    async def clear(self) -> None:
        """Forget the stored list.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(_CLEAR[self.version])


class CancelCandidatesV1(CancelCandidates):
    """The v1 cancellation candidates; deprecated by the vendor's SDK.

    Vendor pages "Create a List of Licenses to Remove", "Get the List of Licenses to Remove",
    "Delete the List of Licenses to Remove".

    >>> report = await fota.v1.cancel_candidates.append(imeis[:2])
    >>> report.succeeded
    2
    >>> report = await fota.v1.cancel_candidates.replace(imeis[2:])
    >>> [device_id async for device_id in fota.v1.cancel_candidates.list()]
    ['990013907835573']
    >>> await fota.v1.cancel_candidates.clear()
    """

    version = "v1"


class CancelCandidatesV2(CancelCandidates):
    """The v2 cancellation candidates; deprecated by the vendor's SDK.

    Vendor pages "Create a List of Licenses to Remove", "Get the List of Licenses to Remove",
    "Delete the List of Licenses to Remove".

    >>> report = await fota.v2.cancel_candidates.append(imeis[:2])
    >>> report.succeeded
    2
    >>> report = await fota.v2.cancel_candidates.replace(imeis[2:])
    >>> [device_id async for device_id in fota.v2.cancel_candidates.list()]
    ['990013907835573']
    >>> await fota.v2.cancel_candidates.clear()
    """

    version = "v2"


def store_candidates(
    name: Literal["append", "replace"], account: str, version: Version
) -> Operation:
    """Return the operation that appends to the stored candidates, or replaces them.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = store_candidates("replace", simulator.account, "v1")
    >>> report = await DeviceBatcher(fota.session, operation).run(imeis)
    >>> report.succeeded
    3

    Args:
        name: What to do.
        account: Billing account.
        version: Of the API.

    Raises:
        ConfigurationError: The account cannot be part of a path.
    """
    route = _STORE[version]
    route.fill(account=account)

    def encode(kind: bytes, ids: Sequence[str]) -> bytes:
        count = b'"count":%d,' % len(ids) if version == "v2" else b""
        return b'{%s%s"deviceList":%s}' % (kind, count, as_json(ids))

    async def read(session: BatchSession, wanted: frozenset[str]) -> Reading:
        return await read_listed(
            _list(Context(session, account), version),
            wanted,
            id_of=str,
            total_of=lambda page: page.count,
        )

    opening = Opening(
        encode=lambda ids: encode(b"", ids),
        if_empty="the device list is empty, and without devices nothing is replaced; "
        "to forget all candidates, use clear()",
    )
    return Operation(
        name=name,
        account=account,
        target=f"{version} cancel candidates",
        route=route,
        values={"account": account},
        encode=lambda ids: encode(b'"type":"append",', ids),
        answers=_stored,
        judge=well_unless_told,
        read=read,
        read_alone=True,
        has_state=False,
        claims="cancel candidates",
        alone=name == "replace",
        opening=opening if name == "replace" else None,
    )


def _list(context: Context, version: Version) -> Pages[CancelCandidatePage]:
    route, position = _LIST[version]
    return context.pages(route, position)


def _stored(result: CancelCandidatesChange, asked: Sequence[str]) -> DeviceAnswers:
    """Return which devices are stored now.

    Whether an answer lists all that is stored or what was sent is not documented; either way a
    device that it lists is stored.
    """
    stored = set(result.device_list)
    return DeviceAnswers.naming([device for device in asked if device in stored])

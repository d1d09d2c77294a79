"""Logging of HTTP devices, and their check-ins.

Logging may be on for 20 devices of a customer at a time. It ends by itself after 7 days; logs
can be read 24 hours after it was turned on, and are kept for 30 days.
"""

from collections.abc import Sequence
from typing import Literal, Unpack

from fota_async.api.context import Context, check_device_id
from fota_async.batch.device_ids import as_json
from fota_async.batch.operation import Admission, Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Reading, Row, remove_decision
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.batch.states import well_unless_told
from fota_async.errors import ConfigurationError
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.logging import CheckIn, DeviceLog, LoggingStatus
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, list_of, or_nothing, put

LIST = get("/api/fota/v2/logging/{account}/devices", list_of(LoggingStatus))
# A repeat would end well; but the second answer may be a refusal, and then says nothing of the
# first: so a lost answer is settled by reading what is on.
ENABLE = put("/api/fota/v2/logging/{account}/devices", list_of(LoggingStatus), Repeat.SETTLE)
DISABLE = or_nothing(delete("/api/fota/v2/logging/{account}/devices", SuccessFlag, Repeat.SETTLE))
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

    >>> report = await fota.v2.logging.enable(["990003425730524", "990003425730535"])
    >>> report.succeeded
    2
    >>> await fota.v2.logging.enable_device("990000473475989")
    LoggingStatus(device_id='990000473475989', expiry_date='2027-03-08')
    >>> [one.device_id for one in await fota.v2.logging.list()]
    ['990003425730524', '990003425730535', '990000473475989']
    >>> await fota.v2.logging.disable_device("990000473475989")
    >>> report = await fota.v2.logging.disable(["990003425730524", "990003425730535"])
    >>> report.succeeded
    2
    >>> await fota.v2.logging.list_logs("990003425730524")
    ()
    >>> [one.time_completed for one in await fota.v2.logging.list_check_ins("990003425730524")]
    ['03/01/2027 00:00:00']
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self) -> tuple[LoggingStatus, ...]:
        """List the devices that have logging on.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST)

    def enable(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Turn logging on for some devices, for 7 days.

        What is on is read first, in a dry run too: with it, no more than 20 devices may be on.
        `detail` of each outcome is a `LoggingStatus`, unless a reading decided.

        Args:
            devices: At most 20 ids, those that have it on already counted in once.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`. `journal` is not possible.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes. It raises
            `ConfigurationError` when more than 20 devices would be on, `MisuseError` when it begins
            while another run turns logging on or off, and `CallError` when what is on cannot be
            read; nothing was sent then.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        operation = switch_logging("enable", self._context.account)
        return self._context.run(operation, devices, column, options)

    def disable(
        self, devices: Devices, *, column: str | None = None, **options: Unpack[RunOptions]
    ) -> BatchRun:
        """Turn logging off for some devices.

        One request a device: how the API wants several to be separated is not documented. Its
        answers name no device, so a reading of what is on confirms them.

        Args:
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes. It raises
            `MisuseError` when it begins while logging is being turned on.

        Raises:
            ConfigurationError: An option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        operation = switch_logging("disable", self._context.account)
        return self._context.run(operation, devices, column, options)

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


def switch_logging(name: Literal["enable", "disable"], account: str) -> Operation:
    """Return the operation that turns logging of HTTP devices on or off.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = switch_logging("enable", simulator.account)
    >>> report = await DeviceBatcher(fota.session, operation).run(["990003425730524"])
    >>> report.succeeded
    1

    Args:
        name: Which of the two.
        account: Billing account.

    Raises:
        ConfigurationError: The account cannot be part of a path.
    """
    values = {"account": account}
    LIST.fill(**values)

    async def read(session: BatchSession, _: frozenset[str]) -> Reading:
        return Reading({str(one.device_id): Row() for one in await session.call(LIST, values)})

    if name == "disable":
        return Operation(
            name=name,
            account=account,
            target="v2 logging",
            route=DISABLE,
            values=values,
            encode=lambda _: None,
            query=lambda ids: {"deviceIds": ids[0]},
            cap=1,
            names_no_device=True,
            read=read,
            decide=remove_decision,
            present_counts=False,
            has_state=False,
        )

    async def check(session: BatchSession, given: Sequence[str]) -> None:
        on = set((await read(session, frozenset())).rows)
        _check_room(on, set(given))

    return Operation(
        name=name,
        account=account,
        target="v2 logging",
        route=ENABLE,
        values=values,
        encode=lambda ids: b'{"deviceIds":%s}' % as_json(ids),
        answers=_turned_on,
        judge=well_unless_told,
        cap=MOST_LOGGING,
        details=True,
        read=read,
        has_state=False,
        alone=True,
        admission=Admission(MOST_LOGGING + 1, check),
    )


def _turned_on(result: Sequence[LoggingStatus], asked: Sequence[str]) -> DeviceAnswers:
    # Whether an answer lists what was asked for or all that is on is not documented.
    wanted = set(asked)
    statuses = [one for one in result if one.device_id in wanted]
    return DeviceAnswers.naming([str(one.device_id) for one in statuses], statuses)


def _check_room(on: set[str], given: set[str]) -> None:
    """Refuse what would have logging on for more devices than the API allows.

    Raises:
        ConfigurationError: Nothing was sent.
    """
    if len(on | given) <= MOST_LOGGING:
        return
    # No more of the input was read than it takes to know.
    count = f"{len(given - on)}" if len(given) <= MOST_LOGGING else f"at least {len(given - on)}"
    listed = f" ({', '.join(sorted(on))})" if on else ""
    raise ConfigurationError(
        f"logging may be on for {MOST_LOGGING} devices of a customer at a time: it is on for "
        f"{len(on)}{listed}, and {count} more were given; nothing was sent. Disable some first"
    )

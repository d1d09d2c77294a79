"""Upgrades: a firmware image, a list of devices, a start date."""

from collections.abc import Awaitable, Generator, Sequence
from datetime import date
from functools import partial
from typing import Literal, Unpack

from pyroaring import BitMap64

from fota_async.api.awaited import Awaited, rows_of
from fota_async.api.context import Context, check_dates, check_uuid
from fota_async.api.reports import ReportsV1
from fota_async.api.schedule import ScheduledUpgrade, find_candidates, schedule_run, verdicts_of
from fota_async.api.watching import Seen
from fota_async.batch.candidates import Candidate
from fota_async.batch.device_ids import DeviceSet, is_device_id, pack
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import (
    Members,
    Reading,
    Row,
    append_decision,
    is_rejected,
    remove_decision,
)
from fota_async.batch.run import BatchRun
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.schedule_operation import ScheduleOperation
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices, open_source
from fota_async.batch.sync import Approve, Sync, SyncReport
from fota_async.models.device_answers import DeviceAnswers, answers_about
from fota_async.models.success import SuccessFlag
from fota_async.models.upgrade_rows import (
    UpgradeRows,
    read_head,
    read_rows,
    read_statuses,
    read_upgrade,
)
from fota_async.models.upgrades import FirmwareUpgrade, ScheduleUpgrade
from fota_async.wire.enums import UpgradeStatus
from fota_async.wire.route import Repeat, delete, get, or_nothing, post, put, read_as

SCHEDULE_UPGRADE = post("/api/fota/v1/upgrades", FirmwareUpgrade)
GET_UPGRADE = get("/api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}", FirmwareUpgrade)
READ_UPGRADE = read_as(GET_UPGRADE, UpgradeRows)
MODIFY_UPGRADE = put(
    "/api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}", DeviceAnswers, Repeat.SETTLE
)
CANCEL_UPGRADE = or_nothing(
    delete("/api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}", SuccessFlag)
)


class UpgradesV1(Awaited[UpgradeStatus]):
    """v1 upgrades, for OMA-DM and LWM2M devices.

    Vendor pages "Schedule a Firmware Upgrade", "Modify a Scheduled Upgrade", "Cancel an Upgrade".

    >>> scheduled = await fota.v1.upgrades.schedule(
    ...     "FOTA_Verizon_Model-A_01To02_HF",
    ...     "VerizonFirmwareVersion-02",
    ...     imeis,
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ... )
    >>> report = await fota.v1.upgrades.append_devices(scheduled.id, ["356938035643809"])
    >>> scheduled.report.succeeded, report.succeeded
    (3, 1)
    >>> synced = await fota.v1.upgrades.sync_devices(scheduled.id, imeis, max_removals=5)
    >>> synced.append.inputs, synced.remove.succeeded, synced.unchanged
    (0, 1, 3)
    >>> report = await fota.v1.upgrades.remove_devices(scheduled.id, imeis[:1])
    >>> upgrade = await fota.v1.upgrades.get(scheduled.id)
    >>> upgrade.status, len(upgrade.device_list)
    (<UpgradeStatus.REQUEST_PENDING: 'RequestPending'>, 2)
    >>> await fota.v1.upgrades.cancel(scheduled.id)
    """

    _states = UpgradeStatus

    def schedule(
        self,
        firmware_name: str,
        firmware_to: str,
        devices: Devices,
        *,
        start_date: date,
        end_date: date | None = None,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> ScheduleRun[ScheduledUpgrade]:
        """Schedule an upgrade, with the first batch of a device list; append the rest.

        An answer means accepted, not scheduled: the step to `Queued` shows in `get`. The request is
        never repeated after a lost answer, since a repeat can create a second upgrade.

        Args:
            firmware_name: Image name from the firmware listing.
            firmware_to: Version wanted on the devices.
            devices: Ids one by one, sync or async, or the path of a file.
            start_date: First day.
            end_date: Last day; the vendor's current documents require it.
            column: Header of the device ids in a CSV.
            options: See `RunOptions`. With `journal`, the same call goes on after a crash, and
                never schedules twice.

        Returns:
            A run: `await` it for the `ScheduledUpgrade` with its `id` and its `report` over all
            devices, or enter it to iterate over outcomes. See `ScheduleRun` for what it raises.

        Raises:
            ConfigurationError: Dates in the wrong order, or an option cannot work.
            TypeError: `devices` is a bare string or no device list at all.
        """
        check_dates(start_date, end_date or start_date)
        body = ScheduleUpgrade(
            account_name=self._context.account,
            firmware_name=firmware_name,
            firmware_to=firmware_to,
            start_date=start_date.isoformat(),
            end_date=end_date.isoformat() if end_date else None,
            device_list=(),
        )
        schedule = schedule_upgrade(self._context, body)
        result = ScheduledUpgrade
        return schedule_run(self._context, schedule, devices, column, options, result=result)

    async def get(self, upgrade_id: str) -> FirmwareUpgrade:
        """Read an upgrade with all its devices; the answer is not paged.

        Args:
            upgrade_id: UUID from the schedule answer.

        Raises:
            ConfigurationError: The id is no UUID; nothing was sent.
            InvalidRequestError: There is no such upgrade (`Invalid upgradeId`).
            CallError: Any other way for a call to end.
        """
        values = self._values(upgrade_id)
        return await self._context.session.call(GET_UPGRADE, values, read=read_upgrade)

    def append_devices(
        self,
        upgrade_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Add devices to a scheduled upgrade; possible until it starts.

        Args:
            upgrade_id: UUID from the schedule answer.
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.
            options: See `RunOptions`.

        Returns:
            A run: `await` it for its `BatchReport`, or enter it to iterate over outcomes.

        Raises:
            ConfigurationError: The id is no UUID or an option cannot work; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        return self._run("append", upgrade_id, devices, column, options)

    def remove_devices(
        self,
        upgrade_id: str,
        devices: Devices,
        *,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> BatchRun:
        """Take devices off a scheduled upgrade; possible until it starts.

        Arguments, result and errors are those of `append_devices`.
        """
        return self._run("remove", upgrade_id, devices, column, options)

    async def sync_devices(
        self,
        upgrade_id: str,
        devices: Devices,
        *,
        max_removals: int = 0,
        approve: Approve | None = None,
        column: str | None = None,
        **options: Unpack[RunOptions],
    ) -> SyncReport:
        """Bring a scheduled upgrade to a wanted list of devices; possible until it starts.

        Reads the upgrade, appends what is missing, reads it again until it shows what was appended,
        then removes what is not wanted. Devices that the API refuses to append do not hold that up,
        unless `max_failures` stops it. Started again after a stop it does what is left.

        A reading may lag: leave `settle_delay` between other changes of the upgrade and a sync.

        Args:
            upgrade_id: UUID from the schedule answer.
            devices: All devices that the upgrade should have; see `append_devices`.
            max_removals: The most devices it may remove. The default 0 refuses a plan with
                removals: a list that was cut short would remove the rest of the fleet.
            approve: A function, sync or async, that is asked about a plan that would change
                something; anything but True refuses it. A dry run does not ask.
            column: Header of the device ids in a CSV.
            options: See `RunOptions`, for each of the two runs. `journal` is not possible, and
                `keep="none"` keeps failures.

        Returns:
            What was appended, removed and left alone.

        Raises:
            SyncRefused: Empty input, inputs that are no device ids, too many removals, a closed
                upgrade, or not approved; nothing was sent.
            SyncStopped: It ended early; carries the report.
            ConfigurationError: The id is no UUID or an option cannot work; nothing was sent.
            SourceError: The device list cannot be read; nothing was sent.
            MisuseError: A removal is under way on this upgrade; nothing was sent.
            CallError: The upgrade cannot be read; nothing was sent.
            TypeError: `devices` is a bare string or no device list at all.
        """
        sync = Sync(
            self._context.session,
            modify_upgrade("append", self._context.account, upgrade_id),
            modify_upgrade("remove", self._context.account, upgrade_id),
            max_removals=max_removals,
            approve=approve,
            options=options,
        )
        return await sync.run(open_source(devices, column))

    async def cancel(self, upgrade_id: str) -> None:
        """Cancel an upgrade that has not started.

        Repeated after a lost answer; the second answer may then be a refusal.

        Args:
            upgrade_id: UUID from the schedule answer.

        Raises:
            ConfigurationError: The id is no UUID; nothing was sent.
            RefusedError: It has started, or there is none.
            CallError: Any other way for a call to end.
        """
        await self._context.session.call(CANCEL_UPGRADE, self._values(upgrade_id))

    async def _read_status(self, target_id: str) -> UpgradeStatus | None:
        nobody: frozenset[str] = frozenset()
        upgrade = await self._context.session.call(
            READ_UPGRADE, self._values(target_id), read=lambda body: read_rows(body, nobody)
        )
        return upgrade.status

    async def _read_devices(self, target_id: str) -> Seen:
        upgrade = await self.get(target_id)
        return Seen(upgrade.status, rows_of(upgrade.device_list))

    def _run(
        self,
        name: Literal["append", "remove"],
        upgrade_id: str,
        devices: Devices,
        column: str | None,
        options: RunOptions,
    ) -> BatchRun:
        operation = modify_upgrade(name, self._context.account, upgrade_id)
        return self._context.run(operation, devices, column, options)

    def _values(self, upgrade_id: str) -> dict[str, str]:
        return upgrade_values(self._context.account, upgrade_id)


def upgrade_values(account: str, upgrade_id: str) -> dict[str, str]:
    """Return what goes into the path of an upgrade.

    Raises:
        ConfigurationError: The id is no UUID, as the vendor's pages say it is, or the account
            cannot be part of a path.
    """
    values = {"account": account, "upgrade_id": check_uuid(upgrade_id, "an upgrade id")}
    GET_UPGRADE.fill(**values)
    return values


def schedule_upgrade(context: Context, body: ScheduleUpgrade) -> ScheduleOperation[FirmwareUpgrade]:
    """Return the operation that schedules a v1 upgrade.

    Args:
        context: The account, and how it is asked.
        body: What to schedule, without devices.
    """
    account, session = context.account, context.session
    append = partial(modify_upgrade, "append", account)

    async def get(_: BatchSession, upgrade_id: str) -> FirmwareUpgrade:
        return await session.call(GET_UPGRADE, upgrade_values(account, upgrade_id), read=read_head)

    def find(ids: Sequence[str]) -> Awaitable[tuple[Candidate, ...]]:
        reports = ReportsV1(context)
        states = (UpgradeStatus.REQUEST_PENDING, UpgradeStatus.QUEUED)
        lists = map(reports.list_upgrades, states)
        return find_candidates(session, lists, body, ids, append)

    return ScheduleOperation(
        account=account,
        route=SCHEDULE_UPGRADE,
        values={},
        body=body,
        append=append,
        id_of=lambda upgrade: upgrade.id,
        verdicts=lambda upgrade, ids: verdicts_of(upgrade.device_list, ids),
        get=get,
        find=find,
    )


def modify_upgrade(name: Literal["append", "remove"], account: str, upgrade_id: str) -> Operation:
    """Return the operation that appends devices to a v1 upgrade, or removes them.

    For `fota_async.DeviceBatcher`, where no client is wanted.

    >>> operation = modify_upgrade("remove", simulator.account, upgrade_id)
    >>> report = await DeviceBatcher(fota.session, operation).run(imeis)
    >>> report.succeeded
    3

    Args:
        name: Which of the two.
        account: Billing account.
        upgrade_id: UUID from the schedule answer.

    Raises:
        ConfigurationError: The id is no UUID, or the account cannot be part of a path.
    """
    values = upgrade_values(account, upgrade_id)

    def encode(ids: Sequence[str]) -> bytes:
        # Device ids are digits: nothing in them needs escaping.
        return b'{"type":"%s","deviceList":["%s"]}' % (name.encode(), '","'.join(ids).encode())

    async def read(session: BatchSession, wanted: frozenset[str]) -> Reading:
        upgrade = await session.call(
            READ_UPGRADE, values, read=lambda body: read_rows(body, wanted)
        )
        rows = {device: Row(*row) for device, row in upgrade.rows.items()}
        status = upgrade.status
        return Reading(rows, str(status), status.is_open if status else None)

    async def read_members(session: BatchSession) -> Members:
        members, listed = BitMap64(), BitMap64()

        def take(rows: list[tuple[str, str]]) -> None:
            rows = [row for row in rows if is_device_id(row[0])]
            listed.update(pack(one for one, _ in rows))
            members.update(pack(one for one, status in rows if not is_rejected(status)))

        def read_all(body: bytes) -> Generator[None, None, UpgradeRows]:
            members.clear()  # a try that broke off may have left some
            listed.clear()
            return read_statuses(body, take)

        upgrade = await session.call(READ_UPGRADE, values, read=read_all)
        status = upgrade.status
        is_open = status.is_open if status else None
        return Members(DeviceSet(members), DeviceSet(listed), str(status), is_open)

    return Operation(
        name=name,
        account=account,
        target=upgrade_id,
        route=MODIFY_UPGRADE,
        values=values,
        encode=encode,
        reader=answers_about,
        read=read,
        read_members=read_members,
        decide=append_decision if name == "append" else remove_decision,
        present_counts=name == "append",
    )

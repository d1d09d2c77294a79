"""A pilot, and the fleet that follows when the pilot succeeded."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from fota_async.api.context import Context, check_dates, check_device_ids
from fota_async.api.schedule import ScheduledCampaign
from fota_async.api.waiting import intervals, passes
from fota_async.api.watching import Seen
from fota_async.batch.errors import PilotStopped
from fota_async.batch.first_batch import LookAhead
from fota_async.batch.journal.read_journal import read_journal
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import APPEND
from fota_async.batch.pilot import LEAST, MOST, RATE, Judgement, PilotReport
from fota_async.batch.report import BatchReport
from fota_async.batch.schedule import ScheduleRun
from fota_async.batch.settings import RunOptions, RunSettings
from fota_async.batch.source import Source
from fota_async.batch.states import State
from fota_async.batch.without import Without
from fota_async.clock import within
from fota_async.errors import CallError, ConfigurationError, FotaError, JournalError
from fota_async.events import PilotEvent
from fota_async.models.campaigns import CampaignV2, CampaignV3

C = TypeVar("C", bound=CampaignV2 | CampaignV3)

ScheduleCall: TypeAlias = Callable[..., ScheduleRun[ScheduledCampaign[C]]]
"""Takes a device list and `RunOptions`."""


@attrs.frozen
class PilotResult(Generic[C]):
    """A pilot that succeeded, and the fleet that followed.

    Each of the two reports counts every input of its own once. An input that names a device of the
    pilot is in the pilot's report when it is the one that made it part of the pilot, else it is
    among `duplicates`: so nothing is counted twice, and nothing is lost.

    >>> days = {
    ...     "pilot_start_date": date(2027, 4, 1),
    ...     "pilot_end_date": date(2027, 4, 2),
    ...     "start_date": date(2027, 4, 5),
    ...     "end_date": date(2027, 5, 4),
    ... }
    >>> simulator.rules = Rules(
    ...     life_cycle=True, pending_for=0, queued_for=0, prescheduled_for=0, runs_for=5
    ... )
    >>> result = await fota.v3.campaigns.pilot_then_fleet(
    ...     "SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1",
    ...     [f"35693803564{n}" for n in range(4000, 4100)],
    ...     firmware_from="SR1.2.0.0-10512",
    ...     firmware_to="SR1.2.0.0-10657",
    ...     pilot=10,
    ...     timeout=3600,
    ...     **days,
    ... )
    >>> result.pilot.succeeded, result.fleet.report.inputs, result.ok
    (10, 90, True)

    Attributes:
        pilot: What was seen of the pilot; its `report` is about scheduling it.
        fleet: The campaign of all other devices, with its report.
        duplicates: Inputs that named a device of the pilot again.
    """

    pilot: PilotReport
    fleet: ScheduledCampaign[C]
    duplicates: int

    @property
    def ok(self) -> bool:
        """Whether nothing of the pilot or the fleet failed, and nothing is unknown or unsent."""
        return self.pilot.report.ok and not self.pilot.failed and self.fleet.report.ok

    def __str__(self) -> str:
        return f"{self.pilot}\n{self.fleet.report}"


def _rate(_: object, __: object, value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not RATE <= value <= 1:
        raise ConfigurationError(
            f"success_rate is a share from {RATE:g}, which the vendor asks for, to 1, not {value!r}"
        )


def _devices(value: Any) -> int | tuple[str, ...]:
    devices = value if isinstance(value, int) else check_device_ids(value)
    size = devices if isinstance(devices, int) else len(devices)
    if isinstance(value, bool) or not LEAST <= size <= MOST:
        raise ConfigurationError(f"a pilot has {LEAST} to {MOST} devices, not {size!r}")
    if not isinstance(devices, int) and len(set(devices)) < size:
        raise ConfigurationError("a device is in the pilot twice")
    return devices


def _days(_: object, __: object, value: Mapping[str, Any]) -> None:
    check_dates(value["start_date"], value["end_date"])


def _timeout(_: object, __: object, value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and value >= 0):
        raise ConfigurationError(f"timeout is a number of seconds or None, not {value!r}")


@attrs.frozen(kw_only=True)
class Pilot(Generic[C]):
    """A pilot and its fleet.

    Attributes:
        context: The account, and how it is asked.
        schedule: Schedules a campaign.
        of_pilot: What only the pilot's campaign has: days, and a name.
        of_fleet: What only the fleet's has.
        read: Reads a campaign with its devices.
        devices: How many devices of the list are the pilot, or which devices.
        success_rate: The share of them that must succeed.
        timeout: Seconds after which the pilot is waited for no longer; None for never.
        options: Of both runs.

    Raises:
        ConfigurationError: An option cannot work.
    """

    context: Context
    schedule: ScheduleCall[C]
    of_pilot: Mapping[str, Any] = attrs.field(validator=_days)
    of_fleet: Mapping[str, Any] = attrs.field(validator=_days)
    read: Callable[[str], Awaitable[Seen]]
    devices: int | tuple[str, ...] = attrs.field(converter=_devices)
    success_rate: float = attrs.field(validator=_rate)
    timeout: float | None = attrs.field(validator=_timeout)
    options: RunOptions

    async def run(self, source: Source) -> PilotResult[C]:
        """Schedule the pilot, wait until it succeeded, and schedule the fleet.

        Raises:
            PilotStopped: The pilot did not succeed, or not in time.
            FotaError: What `ScheduleRun` raises, for the pilot or, with a note, for the fleet.
        """
        settings = RunSettings(**self.options)
        unread = fleet = LookAhead(source)
        try:
            await unread.open()
            before = await asyncio.to_thread(_before, settings.journal)
            ids = before.pilot or await self._choose(unread)
            rest = Without(unread, ids)
            fleet = LookAhead(rest)
            if not await fleet.first(1):
                raise ConfigurationError(
                    "there is no device beside the pilot; schedule it by itself"
                )
            report = await self._schedule(ids, settings)
            pilot = await self._wait(ids, report, before, dry_run=settings.dry_run)
        except BaseException:
            await fleet.aclose()
            raise
        try:
            scheduled = await self.schedule(fleet, **self.of_fleet, **self.options)
        except FotaError as error:
            error.add_note(str(pilot))
            raise
        # Those that made the pilot are in its own report.
        made_it = len(ids) if isinstance(self.devices, int) else 0
        return PilotResult(pilot, scheduled, max(0, rest.left_out - made_it))

    async def _choose(self, source: LookAhead) -> tuple[str, ...]:
        if not isinstance(self.devices, int):
            return self.devices
        ids = await source.first(self.devices)
        if len(ids) < LEAST:
            raise ConfigurationError(
                f"a pilot has at least {LEAST} devices, and the whole input has {len(ids)}"
            )
        return tuple(ids)

    async def _schedule(self, ids: Sequence[str], settings: RunSettings) -> BatchReport:
        options = {**self.options, "keep": "all", "batch_size": max(MOST, settings.batch_size)}
        options["journal"] = _pilot_journal(settings.journal)
        try:
            scheduled = await self.schedule(ids, **self.of_pilot, **options)
        except FotaError as error:
            error.add_note("this is about the pilot; nothing was scheduled for the fleet")
            raise
        return scheduled.report

    async def _wait(
        self, ids: Sequence[str], report: BatchReport, before: "_Before", *, dry_run: bool
    ) -> PilotReport:
        """Read the pilot until it is decided; return what was seen of one that succeeded."""
        target = report.target
        seen = [PilotReport(target, "", dict.fromkeys(ids), report)]
        if dry_run:
            return seen[0]

        async def look_until_decided() -> PilotReport:
            pauses = intervals()
            started = self.context.session.clock.monotonic()
            while True:
                try:
                    # Rows may lag behind the state that is the last one.
                    was_over, seen[0] = seen[0].is_over, await self._look(seen[0])
                except CallError as error:
                    if not passes(error):
                        raise
                else:
                    self._tell(seen[0], started)
                    judgement = seen[0].judge(self.success_rate)
                    if judgement is Judgement.PASSED and (was_over or not seen[0].undecided):
                        return seen[0]
                    if before.fleet_was_made:
                        return seen[0]
                    if judgement is Judgement.FAILED and (was_over or not seen[0].is_over):
                        raise PilotStopped(self._failure(seen[0]), seen[0])
                await wakeup.sleep(self.context.session.clock, next(pauses))

        with self.context.wakeups.waiting_for(target) as wakeup:
            try:
                return await within(self.context.session.clock, self.timeout, look_until_decided())
            except TimeoutError:
                message = f"the pilot is not decided after {self.timeout:g} s: {seen[0]}"
                raise PilotStopped(message, seen[0], timed_out=True) from None

    async def _look(self, pilot: PilotReport) -> PilotReport:
        seen = await self.read(pilot.target)
        rows = {device: seen.rows.get(device) for device in pilot.rows}
        is_over = seen.status is not None and bool(seen.status.is_final)
        return attrs.evolve(pilot, status=str(seen.status or ""), rows=rows, is_over=is_over)

    def _tell(self, pilot: PilotReport, started: float) -> None:
        self.context.session.tell(
            PilotEvent(
                target=pilot.target,
                status=pilot.status,
                devices=pilot.devices,
                succeeded=pilot.succeeded,
                failed=pilot.failed,
                undecided=pilot.undecided,
                seconds=self.context.session.clock.monotonic() - started,
            )
        )

    def _failure(self, pilot: PilotReport) -> str:
        return (
            f"the pilot did not succeed, and nothing was scheduled for the fleet: {pilot}; "
            f"{self.success_rate:.0%} of them had to succeed, and {LEAST} to be taken at least"
        )


def pilot_name(campaign_name: str | None) -> str | None:
    """Return the name of the pilot of a campaign."""
    return None if campaign_name is None else f"{campaign_name} pilot"


def _pilot_journal(journal: Path | None) -> Path | None:
    """Return where the pilot is recorded: beside the fleet."""
    return None if journal is None else journal.with_name(f"{journal.stem}-pilot{journal.suffix}")


@attrs.frozen
class _Before:
    """What journals tell of earlier starts.

    Attributes:
        pilot: The devices of a pilot that was begun; empty if none was.
        fleet_was_made: Whether the fleet's campaign was made, which it is only after its pilot
            succeeded.
    """

    pilot: tuple[str, ...] = ()
    fleet_was_made: bool = False


def _before(journal: Path | None) -> _Before:
    """Return what the journals of a pilot and its fleet tell.

    Raises:
        JournalError: The fleet's holds something that no pilot went before, or one of them cannot
            be read; nothing was sent.
    """
    beside = _pilot_journal(journal)
    if journal is None or beside is None:
        return _Before()
    undone = {State.UNSENT, State.INVALID}
    sent = (
        [one for one in read_journal(beside) if one.state not in undone] if _holds(beside) else []
    )
    if not _holds(journal):
        return _Before(tuple(one.device_id for one in sent))
    if not sent:
        raise JournalError(
            f"journal {journal}: something was begun with it, and no pilot is recorded beside it, "
            f"in {beside.name}; give a pilot and its fleet a new journal"
        )
    # Noted is also a request that was refused, and one that no pilot went before.
    with JournalReader.open(journal) as reader:
        made = reader.identities()[-1].operation == APPEND
    return _Before(tuple(one.device_id for one in sent), made)


def _holds(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0

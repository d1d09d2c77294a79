"""What schedule calls share: their results, and the search for what a lost one may have made."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import attrs

from fota_async.api.context import Context
from fota_async.batch.candidates import Candidate, Listed, likeliest_first, resembles
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Row, append_decision
from fota_async.batch.report import BatchReport
from fota_async.batch.schedule import Scheduled, ScheduleRun
from fota_async.batch.schedule_engine import ScheduleEngine
from fota_async.batch.schedule_operation import ScheduleOperation
from fota_async.batch.settings import RunOptions, RunSettings
from fota_async.batch.source import Devices, open_source
from fota_async.batch.states import State, Verdict
from fota_async.errors import CallError, ConfigurationError
from fota_async.models.campaigns import CampaignV2, CampaignV3
from fota_async.models.upgrades import FirmwareUpgrade, UpgradeDevice
from fota_async.wire.enums import CampaignStatus
from fota_async.wire.route import Route

C = TypeVar("C", bound=CampaignV2 | CampaignV3)
T = TypeVar("T")
S = TypeVar("S", bound=Scheduled[Any])

# On-demand campaigns of v2 skip the queue (page "Campaign Lifecycle Flow for v2").
_JUST_MADE = (
    CampaignStatus.REQUEST_PENDING,
    CampaignStatus.REQUEST_QUEUED,
    CampaignStatus.SCHEDULED,
)
_TAKEN = Verdict(
    State.PENDING,
    reason="taken with the request that scheduled; the campaign devices report shows the outcome",
)


class ScheduledUpgrade(Scheduled[FirmwareUpgrade]):
    """A v1 upgrade that was scheduled, and what became of every device.

    >>> scheduled = await fota.v1.upgrades.schedule(
    ...     "FOTA_Verizon_Model-A_01To02_HF",
    ...     "VerizonFirmwareVersion-02",
    ...     imeis,
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ... )
    >>> scheduled.report.succeeded, scheduled.upgrade.status
    (3, <UpgradeStatus.REQUEST_PENDING: 'RequestPending'>)

    Attributes:
        report: Over all devices, those of the first request included.
    """

    @property
    def upgrade(self) -> FirmwareUpgrade:
        """The upgrade as the answer has it, with the devices of the first request.

        A run that went on from a journal has read it again, without devices.

        Raises:
            MisuseError: Nothing was scheduled, since it was a dry run.
        """
        return self.target


class ScheduledCampaign(Scheduled[C]):
    """A v2 or v3 campaign that was scheduled, and what became of every device.

    >>> scheduled = await fota.v2.campaigns.schedule_software(
    ...     "FOTA_Verizon_Model-A_02To03_HF",
    ...     imeis,
    ...     software_from="FOTA_Verizon_Model-A_00To01_HF",
    ...     software_to="FOTA_Verizon_Model-A_02To03_HF",
    ...     start_date=date(2027, 4, 1),
    ...     end_date=date(2027, 4, 8),
    ... )
    >>> scheduled.report.pending, scheduled.campaign.status
    (3, <CampaignStatus.REQUEST_PENDING: 'CampaignRequestPending'>)

    Attributes:
        report: Over all devices, those of the first request included.
    """

    @property
    def campaign(self) -> C:
        """The campaign as the answer has it; a run that went on from a journal has read it again.

        Raises:
            MisuseError: Nothing was scheduled, since it was a dry run.
        """
        return self.target


def schedule_campaign(
    context: Context,
    route: Route[C],
    body: object,
    *,
    append: Callable[[str], Operation],
    get: Callable[[str], Awaitable[C]],
    list_campaigns: Callable[[CampaignStatus], AsyncIterable[Listed]],
) -> ScheduleOperation[C]:
    """Return the operation that schedules a v2 or v3 campaign.

    Args:
        context: The account, and how it is asked.
        route: Where the request goes.
        body: What to schedule, without devices.
        append: Returns the operation that appends to a campaign.
        get: Reads a campaign.
        list_campaigns: Lists the campaigns in a state.
    """

    def find(ids: Sequence[str]) -> Awaitable[tuple[Candidate, ...]]:
        lists = map(list_campaigns, _JUST_MADE)
        return find_candidates(context.session, lists, body, ids, append)

    return ScheduleOperation(
        account=context.account,
        route=route,
        values={"account": context.account},
        body=body,
        append=append,
        id_of=lambda campaign: campaign.id,
        # Some answers name devices, none says anything of them.
        verdicts=lambda _, ids: [_TAKEN] * len(ids),
        get=lambda _, campaign_id: get(campaign_id),
        find=find,
    )


def schedule_run(
    context: Context,
    schedule: ScheduleOperation[T],
    devices: Devices,
    column: str | None,
    options: RunOptions,
    *,
    result: Callable[[BatchReport, T | None], S],
) -> ScheduleRun[S]:
    """Return the run that schedules, and appends the rest of a device list.

    Raises:
        ConfigurationError: An option cannot work.
        TypeError: `devices` is a bare string or no device list at all.
    """
    source, settings = open_source(devices, column), RunSettings(**options)
    return ScheduleRun(ScheduleEngine(context.session, schedule, source, settings), result)


def verdicts_of(rows: Iterable[UpgradeDevice], ids: Sequence[str]) -> list[Verdict | None]:
    """Return what the rows of an answer mean for the devices that were sent, as in a reading.

    Args:
        rows: What the answer says.
        ids: The devices; one without a row gets None.
    """
    said = {str(one.device_id): Row(one.status or "", one.reason or "") for one in rows}
    decided = [append_decision(said[one]) if one in said else None for one in ids]
    return [
        attrs.evolve(one, settled=False) if isinstance(one, Verdict) else None for one in decided
    ]


async def find_candidates(
    session: BatchSession,
    lists: Iterable[AsyncIterable[Listed]],
    asked: object,
    ids: Sequence[str],
    append: Callable[[str], Operation],
) -> tuple[Candidate, ...]:
    """Look for what a lost schedule request may have made.

    Args:
        session: How candidates are read.
        lists: What is pending, queued, and so on.
        asked: The body of the request.
        ids: The devices of the request.
        append: Returns the operation that appends to a target; it knows how to read one.

    Raises:
        CallError: A list cannot be read.
    """
    found = [one for some in lists async for one in some if resembles(one, asked)]
    distinct = {one.id: one for one in found}

    async def devices_in(target: str) -> int | None:
        try:
            read = append(target).read
            return None if read is None else len((await read(session, frozenset(ids))).rows)
        except (CallError, ConfigurationError):
            return None

    return likeliest_first(
        [Candidate(one, await devices_in(one.id), len(ids)) for one in distinct.values()]
    )

"""What schedule calls share: their results, and the search for what a lost one may have made."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from typing import TypeVar

import attrs

from fota_async.batch.candidates import Candidate, Listed, likeliest_first, resembles
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Row, append_decision
from fota_async.batch.schedule import Scheduled
from fota_async.batch.states import Verdict
from fota_async.errors import CallError, ConfigurationError
from fota_async.models.upgrades import FirmwareUpgrade, UpgradeDevice

C = TypeVar("C")


class ScheduledUpgrade(Scheduled[FirmwareUpgrade]):
    """A v1 upgrade that was scheduled, and what became of every device."""

    @property
    def upgrade(self) -> FirmwareUpgrade:
        """The upgrade as the answer has it, with the devices of the first request.

        A run that went on from a journal has read it again, without devices.

        Raises:
            MisuseError: Nothing was scheduled, since it was a dry run.
        """
        return self.target


class ScheduledCampaign(Scheduled[C]):
    """A v2 or v3 campaign that was scheduled, and what became of every device."""

    @property
    def campaign(self) -> C:
        """The campaign as the answer has it; a run that went on from a journal has read it again.

        Raises:
            MisuseError: Nothing was scheduled, since it was a dry run.
        """
        return self.target


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

"""What schedule calls share: their results, and the search for what a lost one may have made."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from typing import TypeVar

from fota_async.batch.candidates import Candidate, Listed, likeliest_first, resembles
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.schedule import Scheduled
from fota_async.errors import CallError
from fota_async.models.upgrades import FirmwareUpgrade

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
    return likeliest_first(
        [
            Candidate(one, await _devices_in(session, append(one.id), ids), len(ids))
            for one in distinct.values()
        ]
    )


async def _devices_in(
    session: BatchSession, operation: Operation, ids: Sequence[str]
) -> int | None:
    if operation.read is None:
        return None
    try:
        reading = await operation.read(session, frozenset(ids))
    except CallError:
        return None
    return len(reading.rows)

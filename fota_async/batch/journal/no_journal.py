"""The face of a journal, for a run that leaves no record."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from pyroaring import BitMap64

from fota_async.batch.device_ids import Malformed
from fota_async.batch.journal.past import Past
from fota_async.batch.ledger import Column
from fota_async.batch.pieces import Batch

Report: TypeAlias = Callable[[Column, bool], object]
"""Takes outcomes that may be reported, and whether they can be read from a journal."""


class NoJournal:
    """Notes nothing: everything may be reported at once, and a run has no past.

    Args:
        report: Takes outcomes.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self.past = Past()

    @property
    def unwritten(self) -> Iterable[Column]:
        """Outcomes that may not be reported yet."""
        return ()

    @property
    def has_work(self) -> bool:
        """Whether this start of the run did anything that the earlier ones had not done."""
        return True

    async def open(self) -> None:
        """Learn what earlier starts left behind; `past` holds it.

        Raises:
            JournalError: The run must not begin; nothing was sent.
        """

    async def intend(self, batch: Batch) -> None:
        """Return when it is noted that a batch is about to be sent.

        Raises:
            JournalError: It cannot be noted, so the batch must not be sent.
        """

    def returned(self, batch: Batch) -> None:
        """Note that a batch was surely not taken and waits to be sent again."""

    def receive(self, batch: Batch) -> None:
        """Note that a batch was received; it is reported when it shows what became of it."""

    def enter(self, batch: Batch, column: Column, *, whole: bool) -> None:  # noqa: ARG002 - for those who keep a record
        """Note outcomes; they are reported once they are noted.

        Args:
            batch: Whose devices they are about.
            column: The outcomes.
            whole: Whether they are about all devices of the batch as it was last sent.
        """
        if not batch.gone:
            self._report(column, False)

    def malformed(self, malformed: Sequence[Malformed]) -> None:
        """Note inputs that are not device ids."""

    async def caught_up(self) -> None:
        """Wait until nothing waits to be noted."""

    def outcomes(self, among: BitMap64) -> Iterable[Column]:  # noqa: ARG002 - as above
        """Return outcomes that the report need not hold, since they can be read again.

        Args:
            among: Devices that the input holds.
        """
        return ()

    async def close(self) -> None:
        """Note how the start ended; nothing is noted any more."""

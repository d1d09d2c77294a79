"""What is not decided: seen from outside while a run goes on, and entered when it ends early."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from fota_async.batch.books import IN_DOUBT, IN_FLIGHT, WAITING, Books
from fota_async.batch.errors import StopCause
from fota_async.batch.operation import RECEIVED
from fota_async.batch.reader import TargetReader
from fota_async.batch.receipts import Receipt
from fota_async.batch.settle import Doubt
from fota_async.batch.settler import Settler
from fota_async.batch.states import State, Verdict
from fota_async.batch.stopping import Stop
from fota_async.batch.watch import Watch
from fota_async.batch.work import Work
from fota_async.errors import CallError


def still_open(
    work: Work, doubts: Iterable[Doubt], receipts: Iterable[Receipt]
) -> Iterator[tuple[int, list[str], Verdict]]:
    """Yield place, devices and present state of everything that is not decided yet."""
    for batch in work.in_flight:
        yield batch.place, batch.ids, IN_FLIGHT
    for doubt in doubts:
        if doubt.batch.gone:
            continue
        yield doubt.batch.place, doubt.ids, IN_DOUBT
    for receipt in receipts:
        yield receipt.batch.place, receipt.ids, RECEIVED
    for batch in (*work.again, *work.refused):
        yield batch.place, batch.ids, WAITING
    for batch in work.later:
        yield batch.place, batch.ids, batch.fallback or WAITING
    yield work.feed.place, work.feed.waiting, WAITING


def unsend(work: Work, books: Books, stop: Stop | None) -> None:
    """Enter everything that waits as `unsent`; a later run may send it.

    Args:
        work: What waits; nothing does afterwards.
        books: Where it is entered.
        stop: Why the run ends.
    """
    stopped = f"the run stopped first ({stop.cause if stop else StopCause.ERROR})"
    for batch in (*work.again, *work.refused, *work.later):
        unsent = Verdict(State.UNSENT, reason="; ".join(filter(None, (stopped, batch.why))))
        books.enter(batch, batch.fallback or unsent)
    work.again.clear()
    work.refused.clear()
    work.later.clear()
    if work.feed.waiting:
        waiting = work.new_batch(*work.feed.take(len(work.feed.waiting)))
        books.enter(waiting, Verdict(State.UNSENT, reason=stopped))


async def last_look(reader: TargetReader, settler: Settler, watch: Watch) -> None:
    """Make one reading, and let what it shows count.

    Args:
        reader: Reads the target.
        settler: Has what is in doubt.
        watch: Has what was received and does not show yet.
    """
    wanted = settler.wanted() | watch.wanted()
    if wanted:
        with suppress(CallError):  # nothing was learned: they stay undecided
            reading = await reader.read(lambda: wanted)
            settler.last_look(reading)
            watch.last_look(reading)

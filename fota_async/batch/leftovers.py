"""What a run leaves when it ends early: surely not taken, and every device says why."""

from fota_async.batch.books import Books
from fota_async.batch.errors import StopCause
from fota_async.batch.states import State, Verdict
from fota_async.batch.stopping import Stop
from fota_async.batch.work import Work


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
    if waiting := work.feed.take(len(work.feed.waiting)):
        books.enter(work.new_batch(waiting), Verdict(State.UNSENT, reason=stopped))

"""What is seen to before a run sends anything."""

from collections.abc import Callable

from fota_async.batch.books import Books
from fota_async.batch.feed import Feed
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.work import Work
from fota_async.errors import ConfigurationError


def claim(session: BatchSession, operation: Operation) -> Callable[[], None]:
    """Reserve what an operation changes; return what gives it up.

    Raises:
        MisuseError: Another run has it.
    """
    claims = operation.claims or operation.target
    return session.claim(operation.account, claims, operation.name, alone=operation.alone)


async def admit(
    session: BatchSession, operation: Operation, feed: Feed, work: Work, books: Books
) -> None:
    """Look at the first devices, and see whether the run has an opening before it.

    Raises:
        ConfigurationError: The operation cannot be done with these devices; nothing was sent.
        CallError: Whether it can is not known, since something could not be read.
        SourceError: The devices cannot be read.
    """
    opening, admission = operation.opening, operation.admission
    if opening is not None:
        await feed.begin()
        if feed.ended and not books.ledger.inputs:
            raise ConfigurationError(opening.if_empty)
        work.opening = not books.journal.past.any_succeeded
    if admission is not None:
        await feed.fill(admission.devices)
        await admission.check(session, tuple(feed.waiting))

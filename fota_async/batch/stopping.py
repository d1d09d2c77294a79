"""Why a run ends early, decided in one place."""

from collections.abc import Callable

import attrs

from fota_async.batch.books import Books
from fota_async.batch.errors import StopCause
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Reading
from fota_async.batch.settings import RunSettings
from fota_async.batch.work import Work
from fota_async.errors import AuthError, CallError, JournalError, RefusedError, ThrottledError


@attrs.frozen
class Stop:
    """Why a run ends early.

    Attributes:
        cause: In one word.
        message: For a person.
        error: What brought it about, if an error did.
    """

    cause: StopCause
    message: str
    error: Exception | None = None


class Stopper:
    """Stops a run, once.

    Args:
        session: Whose clock counts.
        settings: How many failures are too many.
        books: How many there are.
        work: What is left to do.
        on_stop: Called when the run stops.
    """

    def __init__(
        self,
        session: BatchSession,
        settings: RunSettings,
        books: Books,
        work: Work,
        on_stop: Callable[[], object],
    ) -> None:
        self.stop: Stop | None = None
        self._session = session
        self._settings = settings
        self._books = books
        self._work = work
        self._on_stop = on_stop
        self._last_answer = session.clock.monotonic()
        self._frozen = False

    @property
    def stopped(self) -> bool:
        """Whether the run ends early."""
        return self.stop is not None

    def answered(self) -> None:
        """The API answered a request of this run."""
        self._last_answer = self._session.clock.monotonic()

    def stop_for(self, cause: StopCause, message: str, error: Exception | None = None) -> None:
        """Stop the run; the first cause counts."""
        if self.stop is None and not self._frozen:
            self.stop = Stop(cause, f"the run was stopped ({cause}): {message}", error)
            self._on_stop()

    def freeze(self) -> None:
        """Nothing stops the run any more: it is over."""
        self._frozen = True

    def journal_broke(self, error: JournalError) -> None:
        """Stop, since the journal can note nothing any more; said whatever stopped before."""
        if self.stop is None:
            self._frozen = False  # the end itself could not be noted
            self.stop_for(StopCause.JOURNAL, str(error), error)
        else:
            self.stop = attrs.evolve(self.stop, message=f"{self.stop.message}; moreover {error}")

    def stop_because_of(self, error: CallError) -> None:
        """Stop the run for an error of the session that is no refusal of single devices."""
        if isinstance(error, ThrottledError):
            silence = self._session.clock.monotonic() - self._last_answer
            longest = self._session.max_pause
            if (error.retry_after or 0.0) > longest or silence > longest:
                self.stop_for(StopCause.THROTTLED, str(error), error)
        elif isinstance(error, AuthError):
            self.stop_for(StopCause.CREDENTIALS, str(error), error)
        elif isinstance(error, RefusedError):
            self.stop_for(StopCause.REFUSED, str(error), error)
        else:
            self.stop_for(StopCause.ERROR, str(error), error)

    def saw(self, reading: Reading) -> None:
        """Stop if the target is closed while there is something left to send."""
        if reading.is_open is False and not self._work.nothing_to_send:
            self.stop_for(
                StopCause.CLOSED, f"the target is {reading.status} and takes no changes any more"
            )

    def check_failures(self) -> None:
        """Stop if more devices failed than the caller accepts."""
        failed, decided = self._books.failed, self._books.decided
        if self._settings.too_many(failed, decided):
            self.stop_for(
                StopCause.MAX_FAILURES,
                f"{failed} of {decided} decided devices failed, "
                f"and max_failures is {self._settings.max_failures}",
            )

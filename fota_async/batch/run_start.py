"""What one start of a run took, for its report."""

from typing import TYPE_CHECKING, Self

import attrs

if TYPE_CHECKING:
    from fota_async.batch.journal.rows import Start


@attrs.frozen(kw_only=True)
class RunStart:
    """One start of a run; a run with a journal may have several.

    In a journal, a request that schedules is a start of its own, without an end.

    Attributes:
        requests: Requests of the operation that were written to the wire.
        retries: Those of them that carried a device sent before.
        seconds: How long it took.
        ended: Whether it came to its end; False for one that was killed, or goes on.
        stopped: Why it ended early, in one word, or None.
    """

    requests: int
    retries: int
    seconds: float
    ended: bool
    stopped: str | None

    @classmethod
    def from_journal(cls, start: "Start") -> Self:
        """Return what a journal says of a start."""
        return cls(
            requests=start.requests,
            retries=start.retries,
            seconds=start.seconds,
            ended=start.ended,
            stopped=start.stopped,
        )

    def after(self, before: "RunStart") -> "RunStart":
        """Return this start with what was done right before it."""
        return attrs.evolve(
            self,
            requests=self.requests + before.requests,
            retries=self.retries + before.retries,
            seconds=self.seconds + before.seconds,
        )

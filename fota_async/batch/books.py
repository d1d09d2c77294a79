"""What a run knows, for everyone who asks: the report, the stream of outcomes, the events."""

from collections.abc import Iterable

from fota_async.batch.device_ids import Malformed, pack
from fota_async.batch.ledger import Column, Keep, Ledger, malformed_outcome, merged
from fota_async.batch.operation import Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.protocol import BatchSession
from fota_async.batch.recheck import recheck_with
from fota_async.batch.report import BatchReport
from fota_async.batch.states import State, Verdict
from fota_async.batch.stream import Stream
from fota_async.events import BatchEvent, BatchOutcome, ProgressEvent

IN_FLIGHT = Verdict(State.UNKNOWN, reason="in flight")
IN_DOUBT = Verdict(State.UNKNOWN, reason="being settled")
WAITING = Verdict(State.UNSENT, reason="not sent yet")


class Books:
    """The books of one run.

    Args:
        session: Whose clock counts and where events go.
        operation: What the run does.
        keep: Which outcomes stay for the report.
    """

    def __init__(self, session: BatchSession, operation: Operation, keep: Keep) -> None:
        self.ledger = Ledger(keep)
        self.stream = Stream()
        self.requests = 0
        self.retries = 0
        self.unasked = 0
        self.total: int | None = None
        self._session = session
        self._operation = operation
        self._started = session.clock.monotonic()
        self._ended: float | None = None

    def start(self) -> None:
        """The run starts now."""
        self._started = self._session.clock.monotonic()

    def end(self) -> None:
        """The run ended; nothing changes any more."""
        self._ended = self._session.clock.monotonic()
        self.stream.end()

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._ended is not None

    @property
    def seconds(self) -> float:
        """How long the run took so far."""
        end = self._session.clock.monotonic() if self._ended is None else self._ended
        return end - self._started

    @property
    def failed(self) -> int:
        """Devices to which the API said no."""
        return self.ledger.states[State.FAILED]

    @property
    def decided(self) -> int:
        """Devices with an outcome."""
        return sum(self.ledger.states.values())

    def enter(
        self, batch: Batch, verdicts: Verdict | list[Verdict], ids: list[str] | None = None
    ) -> None:
        """Enter what became of a batch, or of some of its devices. It is final."""
        column = Column(batch.order, pack(batch.ids if ids is None else ids), verdicts)
        self.ledger.enter(column)
        self.stream.append(column.outcomes())

    def malformed(self, malformed: list[Malformed]) -> None:
        """Show inputs that are not device ids to the reader of the stream."""
        self.stream.append(map(malformed_outcome, malformed))

    def written(self, requests: int, *, sent_before: bool) -> None:
        """Count requests of one batch that were written to the wire."""
        self.requests += requests
        self.retries += requests if sent_before else max(0, requests - 1)

    def report(
        self,
        still_open: Iterable[tuple[int, list[str], Verdict]],
        *,
        input_complete: bool,
        stopped: str | None,
    ) -> BatchReport:
        """Return the report as of now.

        Args:
            still_open: Order, devices and present state of what is not decided yet.
            input_complete: Whether the input was read to its end.
            stopped: Why the run ended early, or None.
        """
        ledger = self.ledger
        if not self.ended:
            columns = (Column(order, pack(ids), verdict) for order, ids, verdict in still_open)
            ledger = merged(ledger, columns)
        return BatchReport(
            ledger,
            operation=self._operation.name,
            account=self._operation.account,
            target=self._operation.target,
            input_complete=input_complete,
            requests=self.requests,
            retries=self.retries,
            seconds=self.seconds,
            stopped=stopped,
            unasked=self.unasked,
            recheck=recheck_with(self._session, self._operation),
        )

    def tell(
        self, batch: Batch, outcome: BatchOutcome, reason: str = "", devices: int = -1
    ) -> None:
        """Tell the hook about a batch."""
        self._session.tell(
            BatchEvent(
                operation=self._operation.name,
                target=self._operation.target,
                devices=len(batch.ids) if devices < 0 else devices,
                outcome=outcome,
                reason=reason,
            )
        )

    def progress(self, doubtful: int) -> None:
        """Tell the hook where the run stands."""
        states = self.ledger.states
        self._session.tell(
            ProgressEvent(
                operation=self._operation.name,
                target=self._operation.target,
                inputs=self.ledger.inputs,
                total=self.total,
                succeeded=states[State.SUCCEEDED],
                failed=states[State.FAILED],
                pending=states[State.PENDING],
                invalid=self.ledger.invalid,
                unknown=states[State.UNKNOWN],
                unsent=states[State.UNSENT],
                duplicates=self.ledger.duplicates,
                doubtful=doubtful,
                requests=self.requests,
                retries=self.retries,
                seconds=self.seconds,
                finished=self.ended,
            )
        )

"""Triage: what an answer or a refusal means for each device of a batch, and where it goes next."""

from collections.abc import Callable
from typing import Any

from fota_async.batch.books import Books
from fota_async.batch.errors import StopCause
from fota_async.batch.examiner import Examiner
from fota_async.batch.ledger import outcome_of
from fota_async.batch.operation import RECEIVED, Folded, Operation, fold
from fota_async.batch.pieces import Batch
from fota_async.batch.refusals import Alike, is_about_devices, is_about_size
from fota_async.batch.settings import RetryRule, RunSettings
from fota_async.batch.settler import Settler
from fota_async.batch.states import DeviceOutcome, State, Verdict
from fota_async.batch.stopping import Stopper
from fota_async.batch.watch import Watch
from fota_async.batch.work import Work
from fota_async.errors import CallError, RefusedError


class Triage:
    """Sorts the answers of one run.

    Args:
        operation: How words are read.
        settings: What counts as temporary.
        books: Where final outcomes are entered.
        work: Where devices go that are sent again.
        settler: Where doubts go.
        watch: Where devices go that were received.
        alike: Counts refusals.
        examiner: Decides about refused batches.
        stopper: Is told why the run must stop.
        send_later: Queues a batch after a while.
        examine: Wakes the examiner.
    """

    def __init__(
        self,
        *,
        operation: Operation,
        settings: RunSettings,
        books: Books,
        work: Work,
        settler: Settler,
        watch: Watch,
        alike: Alike,
        examiner: Examiner,
        stopper: Stopper,
        send_later: Callable[[Batch], object],
        examine: Callable[[], object],
    ) -> None:
        self._operation = operation
        self._settings = settings
        self._books = books
        self._work = work
        self._settler = settler
        self._watch = watch
        self._alike = alike
        self._examiner = examiner
        self._stopper = stopper
        self._send_later = send_later
        self._examine = examine

    def answered(self, batch: Batch, result: Any) -> None:
        """Sort a good answer: one that names devices, or a receipt.

        Raises:
            Exception: A defect; the whole batch is in doubt then, since it was sent.
        """
        if self._operation.names_no_device:
            self._was_answered(batch)
            self._settler.doubt(batch, "answered, and not confirmed by a reading", done=True)
            self._books.tell(batch, "answered")
            return
        try:
            answers = self._operation.answers(result, batch.ids)
            folded = fold(batch.ids, answers, self._operation.judge)
        except Exception:
            self.lost(batch, "its answer could not be sorted")
            raise
        self._books.unasked += folded.unasked
        if folded.is_answer:
            self._was_answered(batch)
        whole = folded.verdicts
        if whole is RECEIVED:
            self._watch.receive(batch)
        elif isinstance(whole, Verdict) and whole.state is not State.FAILED:
            self._books.enter(batch, whole, details=folded.details)
        else:
            self._sort(batch, folded)
        self._books.tell(batch, "answered")
        self._stopper.check_failures()

    def _was_answered(self, batch: Batch) -> None:
        self._stopper.answered()
        self._alike.answered(whole_batch=len(batch.ids) >= self._work.size)
        self._examiner.anything_answered = True
        self._work.opening = False

    def _sort(self, batch: Batch, folded: Folded) -> None:
        verdicts = folded.verdicts
        each = [verdicts] * len(batch.ids) if isinstance(verdicts, Verdict) else verdicts
        ids: list[str] = []
        final: list[Verdict] = []
        details: list[object] = []
        doubts: dict[Verdict, list[str]] = {}
        temporary: dict[Verdict, list[str]] = {}
        ask_again: list[str] = []
        said = folded.details or [None] * len(batch.ids)
        for device, known, detail in zip(batch.ids, each, said, strict=True):
            verdict = known or folded.doubts[device]
            if verdict.state is State.UNKNOWN and self._may_ask_again(batch):
                ask_again.append(device)
            elif self._is_doubtful(batch, verdict):
                doubts.setdefault(verdict, []).append(device)
            elif self._is_temporary(batch, device, verdict):
                temporary.setdefault(verdict, []).append(device)
            else:
                ids.append(device)
                final.append(verdict)
                details.append(detail)
        if ids:
            self._books.enter(batch, final, ids, details if folded.details else None)
        if ask_again:
            self._ask_again(batch.part(ask_again), "the answer did not decide")
        for verdict, devices in temporary.items():
            again = batch.part(devices)
            again.rounds, again.fallback, again.sent = batch.rounds + 1, verdict, True
            self._send_later(again)
        for verdict, devices in doubts.items():
            refusal = verdict if verdict.state is State.FAILED else None
            why = " ".join(filter(None, (verdict.status, verdict.reason)))
            self._settler.doubt(batch, why, ids=devices, refusal=refusal, said=verdict)
        # Told when all is entered: whoever listens may look at the report.
        for devices in doubts.values():
            self._books.tell(batch, "lost", "the answer does not decide", devices=len(devices))

    def _is_doubtful(self, batch: Batch, verdict: Verdict) -> bool:
        if self._operation.is_read:
            return False
        refused_again = batch.lost and verdict.state is State.FAILED
        return verdict.state is State.UNKNOWN or refused_again

    def _may_ask_again(self, batch: Batch) -> bool:
        """Whether a read is made once more; the session has done so already where it was lost."""
        return self._operation.is_read and not batch.rounds

    def _ask_again(self, batch: Batch, why: str) -> None:
        batch.rounds, batch.sent, batch.why = batch.rounds + 1, True, why
        self._work.put(batch)

    def _is_temporary(self, batch: Batch, device: str, verdict: Verdict) -> bool:
        rule = self._settings.retry_if
        return (
            rule is not None
            and verdict.state is State.FAILED
            and batch.rounds < self._settings.max_rounds
            and not self._stopper.stopped
            and self._says_yes(rule, outcome_of(device, verdict))
        )

    def _says_yes(self, rule: RetryRule, outcome: DeviceOutcome) -> bool:
        try:
            return bool(rule(outcome))
        except Exception as error:  # noqa: BLE001 - the caller's rule may raise anything
            said = f"retry_if raised {type(error).__name__}: {error}"
            self._stopper.stop_for(StopCause.ERROR, said, error)
            return False

    def lost(self, batch: Batch, why: str, error: CallError | None = None) -> None:
        """Take a whole batch into doubt, or ask once more."""
        if self._may_ask_again(batch):
            self._ask_again(batch, why)
        else:
            self._settler.doubt(batch, why)
        self._books.tell(batch, "lost", error.brief if error else why)

    def refused(self, batch: Batch, error: RefusedError) -> None:
        """Sort a refusal of a whole batch."""
        refusal = Verdict(State.FAILED, error.code or str(error.status), error.text)
        batch.why = error.message
        if not is_about_devices(error):
            self.put_back(batch, error.message, error)
            self._stopper.stop_because_of(error)
        elif is_about_size(error, batch):
            self._books.returned(batch)
            self._work.size = min(self._work.size, len(batch.ids) // 2)
            self._work.put_first(batch.cut(self._work.size))
        else:
            self._alike.refused(error)
            self._refused_devices(batch, refusal, error)
            self._examine()
        self._books.tell(batch, "refused", error.brief)

    def _refused_devices(self, batch: Batch, refusal: Verdict, error: RefusedError) -> None:
        if len(batch.ids) > 1:
            self._books.returned(batch)
            self._work.refused.append(batch)
            self._examiner.refused(batch, error)
        elif batch.lost:
            why = f"refused after having been sent before: {error.message}"
            self._settler.doubt(batch, why, refusal=refusal, said=refusal)
        else:
            self._books.enter(batch, refusal)
            self._stopper.check_failures()

    def put_back(self, batch: Batch, why: str, error: CallError | None = None) -> None:
        """Queue a batch again that was surely not applied."""
        batch.why = why
        self._requeue(batch, error.brief if error else why)

    def put_back_cut_short(self, batch: Batch) -> None:
        """Queue a batch again whose sending was cut short; what ended the run is told with it."""
        self._requeue(batch, "interrupted")

    def put_back_unbegun(self) -> None:
        """Queue batches again whose tasks were cancelled before they began; nobody sends now."""
        for batch in list(self._work.in_flight):
            self._work.in_flight.discard(batch)
            self.put_back_cut_short(batch)

    def _requeue(self, batch: Batch, brief: str) -> None:
        self._books.returned(batch)
        self._work.put(batch)
        self._books.tell(batch, "requeued", brief)

"""Reports and records to write, made without a run."""

from array import array
from collections.abc import Iterable, Sequence

from simulator_api import imei

from fota_async import BatchReport, RunRecord, State
from fota_async.batch.device_ids import Malformed
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.run_start import RunStart
from fota_async.batch.states import Verdict
from fota_async.events import BatchEvent, LimitEvent, PauseEvent, ProgressEvent, RequestEvent

DONE = Verdict(State.SUCCEEDED, "AddDeviceSucceed", "Device added Successfully")
SETTLED = Verdict(State.SUCCEEDED, "DeviceAccepted", settled=True)
HOSTILE = Verdict(
    State.FAILED,
    '=HYPERLINK("http://x.invalid")',
    "<script>document.title='pwned'</script> \"&' \x00\x1b[31m\u202e\ud800 \r\n,;\t ]]>&#x41;",
)
ERROR_VALUE = Verdict(State.FAILED, "#N/A", "  two blanks before, an emoji \U0001f6f0 behind")
MALFORMED = (Malformed("+49 not an id", "not 15 digits"), Malformed("4.90E+14", "rounded"))


def report_of(
    columns: Iterable[tuple[Sequence[int], Verdict]],
    *,
    malformed: Sequence[Malformed] = (),
    duplicates: int = 0,
    stopped: str | None = None,
    starts: Sequence[RunStart] = (),
    keep: str = "all",
    dry_run: bool = False,
) -> BatchReport:
    """Return a report of devices by their verdicts."""
    ledger = Ledger(keep)  # type: ignore[arg-type]  # one of its words
    devices = 0
    for numbers, verdict in columns:
        packed = array("Q", (int(imei(number)) for number in numbers))
        ledger.enter(Column(devices, packed, verdict))
        devices += len(packed)
    ledger.take_in(devices + len(malformed) + duplicates, duplicates, malformed)
    return BatchReport(
        ledger,
        operation="append",
        account="0402196254-00001",
        target="60b5d639-ccdc-4db8-8824-069bd94c95bf",
        input_complete=True,
        requests=12,
        retries=2,
        seconds=3.5,
        stopped=stopped,
        starts=starts,
        dry_run=dry_run,
    )


def every_kind() -> BatchReport:
    """Return a report with devices in every state, and with texts that mean harm."""
    return report_of(
        [
            (range(1, 6), DONE),
            (range(6, 9), SETTLED),
            (range(9, 11), HOSTILE),
            ([11], ERROR_VALUE),
            ([12], Verdict(State.PENDING, "Queued")),
            ([13], Verdict(State.UNKNOWN, reason="no answer")),
            ([14], Verdict(State.UNSENT, reason="the run stopped")),
        ],
        malformed=MALFORMED,
        duplicates=3,
        stopped="deadline",
    )


def progress(seconds: float, **counts: int) -> ProgressEvent:
    """Return where a run stands."""
    names = "inputs succeeded failed pending invalid unknown unsent duplicates doubtful requests"
    nothing = dict.fromkeys([*names.split(), "retries"], 0)
    finished = bool(counts.pop("finished", False))
    return ProgressEvent(
        operation="append",
        target="an-upgrade",
        total=None,
        seconds=seconds,
        finished=finished,
        **{**nothing, **counts},
    )


def batch(outcome: str, devices: int = 100, **more: object) -> BatchEvent:
    """Return what was decided about a batch."""
    return BatchEvent(
        operation="append",
        target="an-upgrade",
        devices=devices,
        outcome=outcome,
        **more,  # type: ignore[arg-type]  # as the tests write them
    )


def lively_record() -> RunRecord:
    """Return the record of a minute in which all kinds of things happened."""
    record = RunRecord(asked={"device list": "fleet<b>.csv"})
    record(LimitEvent(account="an-account", limit=8, rate=None))
    for second in range(1, 61):
        status = 429 if second % 10 == 0 else 200
        error = "ThrottledError" if status == 429 else None
        record.note(
            RequestEvent(route="a_route", attempt=1, seconds=0.2, status=status, error=error),
            second,
        )
        record.note(progress(second, succeeded=90 * second, failed=3 * second), second)
    record.note(LimitEvent(account="an-account", limit=5, rate=12.5), 30)
    record.note(PauseEvent(seconds=5, reason="ThrottledError (429)"), 60)
    record.note(batch("lost", reason="<i>ServerError</i>", place=300, seconds=2.5), 62)
    record.note(batch("settled"), 66)
    return record

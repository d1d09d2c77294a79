"""The few reasons that an event tells: the most frequent ones, counted without much work."""

from array import array

from batch_helpers import FakeSession, answers, imeis, run_over

from fota_async import State
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.states import Verdict
from fota_async.batch.top_reasons import TopReasons
from fota_async.events import ProgressEvent
from fota_async.models.device_answers import DeviceAnswers


def fail(ledger: Ledger, reason: str, devices: int = 1) -> None:
    numbers = array("Q", range(devices))
    ledger.enter(Column(0, numbers, Verdict(State.FAILED, "No", reason)))


def test_the_three_most_frequent_reasons_are_told() -> None:
    ledger, reasons = Ledger(), TopReasons()
    assert reasons.of(ledger) == ()
    for devices, reason in enumerate(("a", "b", "c", "d"), start=1):
        fail(ledger, reason, devices)

    assert reasons.of(ledger) == (("No: d", 4), ("No: c", 3), ("No: b", 2))


def test_reasons_name_no_device() -> None:
    ledger, reasons = Ledger(), TopReasons()
    for device in imeis(2):
        fail(ledger, f"{device} is not eligible")

    assert reasons.of(ledger) == (("No: (number) is not eligible", 2),)


def test_no_reason_that_is_cut_short_ends_with_a_part_of_a_device_id() -> None:
    ledger, reasons = Ledger(), TopReasons()
    [device] = imeis(1)
    fail(ledger, f"{'x' * 185}{device}")

    assert device[:4] not in str(reasons.of(ledger))


def test_a_million_reasons_are_not_counted_again_for_each_event() -> None:
    ledger, reasons = Ledger(), TopReasons()
    for number in range(1000):
        fail(ledger, f"reason {number}")
    told = reasons.of(ledger)
    fail(ledger, "reason 0", 10)
    assert reasons.of(ledger) is told

    fail(ledger, "reason 0", 50)
    assert reasons.of(ledger)[0] == ("No: reason 0", 61)


async def test_a_run_tells_why_devices_failed() -> None:
    async def some_fail(ids: list[str]) -> DeviceAnswers:
        bad, good = answers(ids[:1], "AddDeviceFailed", "no licence"), answers(ids[1:])
        return DeviceAnswers(
            bad.ids + good.ids, bad.statuses + good.statuses, bad.reasons + good.reasons
        )

    session = FakeSession(some_fail)
    await run_over(session, imeis(40), batch_size=10)

    told = [one.failures for one in session.events if isinstance(one, ProgressEvent)]
    assert told[-1] == (("AddDeviceFailed: no licence", 4),)

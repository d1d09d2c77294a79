"""Devices that v2 took with a receipt: when they are looked for, and what is made of it."""

from typing import Any

import pytest
from batch_helpers import imeis
from simulator_api import imei

from fota_async import State
from fota_async.batch.pieces import Batch
from fota_async.batch.reading import (
    SEND_AGAIN,
    Decision,
    Reading,
    Row,
    campaign_append_decision,
    campaign_remove_decision,
)
from fota_async.batch.receipts import Receipt, Receipts
from fota_async.batch.settle import Settled
from fota_async.batch.states import Verdict

DELAY, LIMIT = 5.0, 600.0
A = imei(1)
ACCEPTED = Row("Accepted")
REJECTED = Row("DeviceRejected", "Invalid IMEI")


def receipts_of(operation: str, *since: float, limit: float = LIMIT) -> Receipts:
    append = operation == "append"
    receipts = Receipts(
        campaign_append_decision if append else campaign_remove_decision,
        present_counts=append,
        settle_delay=DELAY,
        limit=limit,
    )
    for number, moment in enumerate(since or (0.0,), start=1):
        ids = [imei(number)]
        receipts.add(Receipt(Batch(number, ids), ids, moment))
    return receipts


def reading(at: float, row: Row | None = None, *, took: float = 0.0) -> Reading:
    rows = {} if row is None else {A: row}
    return Reading(rows, "CampaignRequestQueued", is_open=True, started=at, ended=at + took)


def settle(receipts: Receipts, reading: Reading) -> list[Settled]:
    """Return all that a reading decides."""
    return [one for part in receipts.settle(reading) for one in part]


def verdicts(settled: list[Settled]) -> list[Decision]:
    return [one.decision for one in settled]


@pytest.mark.parametrize(
    ("operation", "rows", "state"),
    [
        ("append", [None, ACCEPTED], State.SUCCEEDED),
        ("append", [Row("UpgradePending")], State.SUCCEEDED),
        ("append", [Row("UpgradeSuccess", "DownloadInstallSucceeded")], State.SUCCEEDED),
        ("append", [REJECTED, REJECTED], State.FAILED),
        ("append", [REJECTED, ACCEPTED], State.SUCCEEDED),
        ("append", [REJECTED, None, REJECTED, REJECTED], State.FAILED),
        ("append", [Row("UpgradedFailed"), Row("UpgradeFailed")], State.FAILED),
        ("append", [Row("CampaignCancelled"), Row("CampaignCancelled")], State.FAILED),
        ("remove", [ACCEPTED, None, None], State.SUCCEEDED),
        ("remove", [None, ACCEPTED, None, None], State.SUCCEEDED),
        ("remove", [REJECTED, REJECTED], State.SUCCEEDED),
        ("remove", [Row("UpgradeSuccess"), Row("UpgradeSuccess")], State.FAILED),
    ],
)
def test_what_readings_show_decides(operation: str, rows: list[Row | None], state: State) -> None:
    receipts = receipts_of(operation)
    *before, last = rows
    for number, row in enumerate(before, start=1):
        assert settle(receipts, reading(DELAY * number, row)) == []

    ((settled),) = settle(receipts, reading(DELAY * len(rows), last))

    assert isinstance(settled.decision, Verdict)
    assert (settled.decision.state, settled.decision.settled) == (state, True)
    assert settled.ids == [A]
    if state is State.FAILED:
        assert isinstance(last, Row)
        assert (settled.decision.status, settled.decision.reason) == (last.status, last.reason)
    assert not receipts


def test_a_reading_too_early_says_nothing() -> None:
    receipts = receipts_of("append")

    assert settle(receipts, reading(DELAY - 1, ACCEPTED)) == []
    assert verdicts(settle(receipts, reading(DELAY, ACCEPTED)))


def test_two_readings_too_close_count_as_one() -> None:
    receipts = receipts_of("remove")

    assert settle(receipts, reading(DELAY, took=2.0)) == []
    assert settle(receipts, reading(DELAY + 6.0)) == []
    assert verdicts(settle(receipts, reading(DELAY + 7.0)))


@pytest.mark.parametrize(
    ("operation", "row"),
    [("append", None), ("remove", ACCEPTED), ("remove", Row("CampaignCancelled"))],
)
def test_what_does_not_show_within_the_limit_stays_pending(operation: str, row: Row | None) -> None:
    receipts = receipts_of(operation)

    assert settle(receipts, reading(LIMIT - 1, row)) == []
    ((settled),) = settle(receipts, reading(LIMIT, row))

    assert isinstance(settled.decision, Verdict)
    assert settled.decision.state is State.PENDING
    assert "does not show after 600 s (settle_limit)" in settled.decision.reason
    assert not receipts


def test_what_was_seen_once_at_the_limit_is_looked_at_once_more() -> None:
    receipts = receipts_of("remove")

    assert settle(receipts, reading(LIMIT)) == []
    assert [one.decision.state for one in settle(receipts, reading(LIMIT + DELAY))] == [  # type: ignore[union-attr]
        State.SUCCEEDED
    ]


def moments(receipts: Receipts, *, took: float = 0.0) -> list[float]:
    """Return when a target is read that never shows anything."""
    found = []
    while receipts:
        found.append(receipts.next_moment)
        one = reading(found[-1], took=took)
        settle(receipts, one)
        receipts.read(one.started, one.ended)
    return found


def test_readings_become_rarer_and_the_last_one_comes_at_the_limit() -> None:
    assert moments(receipts_of("append")) == [
        *(5.0, 10.0, 20.0, 40.0, 80.0),
        *(80.0 + 60.0 * number for number in range(1, 9)),
        600.0,
    ]


@pytest.mark.parametrize("limit", [0.0, 3.0, 5.0])
def test_there_is_one_reading_however_short_the_limit(limit: float) -> None:
    assert moments(receipts_of("append", limit=limit)) == [DELAY]


def test_a_large_campaign_is_read_more_rarely_so_that_readings_are_a_fifth_of_the_time() -> None:
    at = moments(receipts_of("append", limit=2000.0), took=100.0)

    assert at == [5.0, 505.0, 1005.0, 1505.0, 2000.0]


def test_a_second_look_is_not_put_off() -> None:
    receipts = receipts_of("append", 0.0, 0.0)
    for moment in (5.0, 10.0, 20.0, 40.0):
        assert receipts.next_moment == moment
        settle(receipts, reading(moment, REJECTED if moment == 40.0 else None))
        receipts.read(moment, moment)

    assert receipts.next_moment == 45.0


def test_many_receipts_in_a_row_do_not_bring_a_reading_each() -> None:
    """While a run goes on receipts pass their limit all the time."""
    receipts = receipts_of("append", limit=100.0)
    read = []
    for second in range(1, 1000):
        ids = imeis(1, first=second + 1)
        receipts.add(Receipt(Batch(second, ids), ids, float(second)))
        if receipts.next_moment <= second:
            read.append(second)
            settle(receipts, reading(float(second)))
            receipts.read(float(second), float(second))

    assert len(read) == 5 + (1000 - 80) // 60
    assert len(receipts) < 100 + 60


@pytest.mark.parametrize(
    ("row", "state"),
    [(ACCEPTED, State.SUCCEEDED), (REJECTED, State.FAILED), (None, State.PENDING)],
)
def test_at_the_last_look_one_reading_counts(row: Row | None, state: State) -> None:
    receipts = receipts_of("append")

    ((settled),) = receipts.last_look(reading(1.0, row), "interrupted")

    assert isinstance(settled.decision, Verdict)
    assert settled.decision.state is state
    assert not receipts


def test_without_a_reading_everything_stays_pending() -> None:
    receipts = receipts_of("append", 0.0, 1.0)

    settled = receipts.last_look(None, "interrupted")

    reason = "taken with a receipt; interrupted"
    assert verdicts(settled) == [Verdict(State.PENDING, reason=reason)] * 2


# Rows of campaigns


@pytest.mark.parametrize(
    ("row", "append", "remove"),
    [
        (None, SEND_AGAIN, State.SUCCEEDED),
        (ACCEPTED, State.SUCCEEDED, SEND_AGAIN),
        (REJECTED, State.FAILED, State.SUCCEEDED),
        (Row("UpgradeSuccess"), State.SUCCEEDED, State.FAILED),
        (Row("UpgradedFailed"), State.FAILED, State.FAILED),
        (Row("UpgradeFailed"), State.FAILED, State.FAILED),
        (Row("CampaignAborted"), State.FAILED, SEND_AGAIN),
        (Row("RequestToFotaServerFailed", "estimated retry time on"), State.SUCCEEDED, SEND_AGAIN),
        (Row("NoDeviceDataFromNetwork", "not reachable"), State.SUCCEEDED, SEND_AGAIN),
        (
            Row("NoDeviceDataFromNetwork", "not reachable, No retry available, try count 42"),
            State.FAILED,
            SEND_AGAIN,
        ),
        (Row("ReceivedDeviceDataFromNetwork"), State.SUCCEEDED, SEND_AGAIN),
        (Row("DeviceRemoved"), SEND_AGAIN, State.SUCCEEDED),
        (Row("SomethingNew"), State.SUCCEEDED, SEND_AGAIN),
    ],
)
def test_what_a_row_of_a_campaign_says(row: Row | None, append: Any, remove: Any) -> None:
    for decide, expected in (
        (campaign_append_decision, append),
        (campaign_remove_decision, remove),
    ):
        decision = decide(row)
        assert (decision.state if isinstance(decision, Verdict) else decision) == expected

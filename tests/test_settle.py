"""How readings of the target settle doubts: the table and the moments, nothing on a wire."""

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
    append_decision,
    remove_decision,
)
from fota_async.batch.settle import Doubt, Doubts, Settled
from fota_async.batch.states import Verdict

DELAY = 5.0
A = imei(1)
ACCEPTED = Row("Device Accepted", "success")
REJECTED = Row("Device Rejected", "Invalid IMEI")
PENDING = Row("RequestPending")
ENDED = Row("UpgradeSuccess", "DownloadInstallSucceeded")
BROKEN = Row("UpgradeFailed", "no battery")
NO = Verdict(State.FAILED, "INVALID_PARAMETER", "Invalid device id format")


def doubts_of(operation: str, *, max_rounds: int = 3, batch_size: int = 1000) -> Doubts:
    return Doubts(
        append_decision if operation == "append" else remove_decision,
        present_counts=operation == "append",
        settle_delay=DELAY,
        batch_size=batch_size,
        max_rounds=max_rounds,
    )


def doubt(
    *ids: str, noticed: float = 0.0, rounds: int = 0, refusal: Verdict | None = None
) -> Doubt:
    batch = Batch(1, list(ids), rounds=rounds, lost=True)
    return Doubt(batch, list(ids), "no answer", noticed, refusal)


def reading(at: float, until: float | None = None, **rows: Row) -> Reading:
    """A reading begun `at` a moment; rows are named `_1` for the first device, and so on."""
    named = {imei(int(name[1:])): row for name, row in rows.items()}
    return Reading(named, "Queued", is_open=True, started=at, ended=at if until is None else until)


def decisions(settled: list[Settled]) -> dict[str, Decision]:
    return {device: one.decision for one in settled for device in one.ids}


def after(doubts: Doubts, *rows: Row | None) -> Decision | None:
    """What readings that show these rows, one after another, make of the first device."""
    for number, row in enumerate(rows):
        at = DELAY * (number + 1)
        found = decisions(doubts.settle(reading(at, **({"_1": row} if row else {}))))
        if found:
            assert number == len(rows) - 1, "decided too early"
            return found[A]
    return None


# The table

TABLE: list[tuple[str, list[Row | None], Decision]] = [
    ("append", [ACCEPTED], Verdict(State.SUCCEEDED, "Device Accepted", "success", settled=True)),
    ("append", [PENDING], Verdict(State.SUCCEEDED, "RequestPending", settled=True)),
    (
        "append",
        [REJECTED, REJECTED],
        Verdict(State.FAILED, "Device Rejected", "Invalid IMEI", settled=True),
    ),
    (
        "append",
        [BROKEN, BROKEN],
        Verdict(State.FAILED, "UpgradeFailed", "no battery", settled=True),
    ),
    ("append", [None, None], SEND_AGAIN),
    (
        "append",
        [None, ACCEPTED],
        Verdict(State.SUCCEEDED, "Device Accepted", "success", settled=True),
    ),
    ("remove", [ACCEPTED, ACCEPTED], SEND_AGAIN),
    ("remove", [PENDING, ACCEPTED], SEND_AGAIN),
    (
        "remove",
        [REJECTED, REJECTED],
        Verdict(State.SUCCEEDED, "Device Rejected", "Invalid IMEI", settled=True),
    ),
    (
        "remove",
        [ENDED, ENDED],
        Verdict(State.FAILED, "UpgradeSuccess", "DownloadInstallSucceeded", settled=True),
    ),
    (
        "remove",
        [None, None],
        Verdict(State.SUCCEEDED, reason="not in the list any more", settled=True),
    ),
]


@pytest.mark.each_python
@pytest.mark.parametrize(("operation", "rows", "expected"), TABLE)
def test_what_readings_mean(operation: str, rows: list[Row | None], expected: Decision) -> None:
    doubts = doubts_of(operation)
    doubts.add(doubt(A))

    assert after(doubts, *rows) == expected
    assert len(doubts) == 0


@pytest.mark.parametrize("operation", ["append", "remove"])
def test_readings_that_disagree_decide_nothing(operation: str) -> None:
    seen = {"append": [None, REJECTED, None, REJECTED], "remove": [None, ACCEPTED, None, ACCEPTED]}
    doubts = doubts_of(operation)
    doubts.add(doubt(A))

    assert after(doubts, *seen[operation]) is None
    assert doubts.wanted() == {A}


# The moments


def test_no_reading_counts_that_begins_before_the_delay_is_over() -> None:
    doubts = doubts_of("append")
    doubts.add(doubt(A, noticed=10.0))

    assert doubts.best_moment == 15.0
    assert doubts.settle(reading(14.9, until=20.0, _1=ACCEPTED)) == []
    assert list(decisions(doubts.settle(reading(15.0, _1=ACCEPTED)))) == [A]


def test_the_second_reading_begins_a_delay_after_the_first_ended() -> None:
    doubts = doubts_of("remove")
    doubts.add(doubt(A))

    assert doubts.settle(reading(5.0, until=9.0)) == []
    assert doubts.best_moment == 14.0
    assert doubts.settle(reading(13.9)) == []
    assert list(decisions(doubts.settle(reading(14.0)))) == [A]


def test_each_doubt_has_its_own_moment_and_all_are_read_together() -> None:
    doubts = doubts_of("append")
    doubts.add(doubt(A, noticed=0.0))
    doubts.add(doubt(imei(2), noticed=3.0))

    assert doubts.wanted() == {A, imei(2)}
    assert doubts.best_moment == 8.0
    assert list(decisions(doubts.settle(reading(6.0, _1=ACCEPTED, _2=ACCEPTED)))) == [A]
    assert doubts.wanted() == {imei(2)}


def test_devices_of_one_batch_part_ways() -> None:
    doubts = doubts_of("append")
    doubts.add(doubt(*imeis(4)))

    first = decisions(doubts.settle(reading(5.0, _1=ACCEPTED, _2=REJECTED)))
    second = decisions(doubts.settle(reading(10.0, _2=REJECTED, _4=ACCEPTED)))

    assert list(first) == [imei(1)]
    assert second[imei(2)] == Verdict(State.FAILED, "Device Rejected", "Invalid IMEI", settled=True)
    assert second[imei(3)] is SEND_AGAIN
    assert isinstance(fourth := second[imei(4)], Verdict)
    assert fourth.state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("doubtful", "now", "nothing_else", "due"),
    [
        (1, 0.0, False, False),
        (999, 29.9, False, False),
        (999, 30.0, False, True),
        (1000, 0.0, False, True),
        (1, 0.0, True, True),
        (0, 99.0, True, False),
    ],
)
def test_when_a_reading_is_planned(
    doubtful: int, now: float, nothing_else: bool, due: bool
) -> None:
    doubts = doubts_of("append", batch_size=1000)
    if doubtful:
        doubts.add(doubt(*imeis(doubtful)))

    assert doubts.is_due(now, nothing_else=nothing_else) is due


def test_what_was_seen_once_is_read_again_without_waiting_for_more() -> None:
    doubts = doubts_of("append")
    doubts.add(doubt(A))
    doubts.settle(reading(5.0))

    assert doubts.is_due(5.0, nothing_else=False)


# Refused after having been sent, and rounds


@pytest.mark.parametrize(
    ("operation", "rows", "state"),
    [
        ("append", [ACCEPTED], State.SUCCEEDED),
        ("append", [None, None], State.FAILED),
        ("remove", [None, None], State.SUCCEEDED),
        ("remove", [ACCEPTED, ACCEPTED], State.FAILED),
    ],
)
def test_a_device_refused_after_having_been_sent_is_settled_but_never_sent_again(
    operation: str, rows: list[Row | None], state: State
) -> None:
    doubts = doubts_of(operation)
    doubts.add(doubt(A, refusal=NO))

    decided = after(doubts, *rows)

    assert isinstance(decided, Verdict)
    assert (decided.state, decided.settled) == (state, True)
    if state is State.FAILED:
        assert (decided.status, decided.reason) == (NO.status, NO.reason)


def test_a_device_is_sent_again_so_often_and_then_unknown_with_why() -> None:
    decided = []
    for rounds in range(4):
        doubts = doubts_of("append", max_rounds=3)
        doubts.add(doubt(A, rounds=rounds))
        decided.append(after(doubts, None, None))

    assert decided[:3] == [SEND_AGAIN] * 3
    assert decided[3] == Verdict(State.UNKNOWN, reason="no answer; sent 4 times without effect")


# The last look of a run that must end


def test_the_last_look_lets_a_single_reading_count_and_leaves_nothing_in_doubt() -> None:
    doubts = doubts_of("append")
    doubts.add(doubt(*imeis(3)))

    found = decisions(doubts.last_look(reading(0.1, _1=ACCEPTED, _2=REJECTED), "interrupted"))

    states = {device: d.state for device, d in found.items() if isinstance(d, Verdict)}
    assert states == {imei(1): State.SUCCEEDED, imei(2): State.FAILED, imei(3): State.UNKNOWN}
    assert found[imei(3)] == Verdict(State.UNKNOWN, reason="no answer; interrupted")
    assert len(doubts) == 0


def test_without_a_last_look_all_is_unknown() -> None:
    doubts = doubts_of("remove")
    doubts.add(doubt(*imeis(2), refusal=NO))

    found = decisions(doubts.last_look(None, "the target cannot be read"))

    assert set(found.values()) == {
        Verdict(State.UNKNOWN, reason="no answer; the target cannot be read")
    }

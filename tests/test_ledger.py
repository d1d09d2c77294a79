"""The books of a run: what they count and what they keep."""

import pytest
from batch_helpers import FakeSession, answers, assert_law, ids_of, imeis, run_over
from hypothesis import given
from hypothesis import strategies as st

from fota_async import State
from fota_async.batch.device_ids import Malformed, pack
from fota_async.batch.ledger import Column, Keep, Ledger, merged
from fota_async.batch.states import Verdict
from fota_async.models.device_answers import DeviceAnswers

IDS = imeis(12)
FINE = {State.SUCCEEDED, State.PENDING}


async def some_fail(ids: list[str]) -> DeviceAnswers:
    """The first device of each request fails, all of a request that holds the last one."""
    failed = len(ids) if IDS[-1] in ids else 1
    bad, good = answers(ids[:failed], "AddDeviceFailed", "no"), answers(ids[failed:])
    return DeviceAnswers(
        bad.ids + good.ids, bad.statuses + good.statuses, bad.reasons + good.reasons
    )


@pytest.mark.parametrize("keep", ["all", "failures", "none"])
async def test_counts_and_groups_are_whole_whatever_is_kept(keep: Keep) -> None:
    session = FakeSession(some_fail)

    report = await run_over(session, [*IDS, "bad", IDS[0]], batch_size=4, keep=keep)

    assert (report.inputs, report.succeeded, report.failed) == (14, 6, 6)
    assert (report.invalid, report.duplicates) == (1, 1)
    assert {(group.reason, group.devices) for group in report.groups} == {
        ("no", 6),
        ("not 15 digits", 1),
    }


async def test_keeping_failures_keeps_whatever_needs_a_look() -> None:
    session = FakeSession(some_fail)

    report = await run_over(session, [*IDS, "bad"], batch_size=4, keep="failures")

    assert [outcome.device_id for outcome in report] == [IDS[0], IDS[4], *IDS[8:], "bad"]
    assert ids_of(report, State.FAILED) == [IDS[0], IDS[4], *IDS[8:]]
    assert len(report.to_csv().splitlines()) == 1 + 7


async def test_keeping_none_keeps_nothing() -> None:
    report = await run_over(FakeSession(some_fail), [*IDS, "bad"], batch_size=4, keep="none")

    assert list(report) == []


verdicts = st.builds(Verdict, st.sampled_from(State), st.sampled_from(["", "a", "b"]))
batches = st.lists(st.lists(verdicts, min_size=1, max_size=4), max_size=6)


def columns(batches: list[list[Verdict]]) -> list[Column]:
    """Return batches as the engine enters them: all alike in one word, or one by one."""
    made, first = [], 0
    for order, batch in enumerate(batches):
        numbers = pack(imeis(len(batch), first))
        made.append(Column(order, numbers, batch[0] if len(set(batch)) == 1 else batch))
        first += len(batch)
    return made


@given(batches, st.sampled_from(["all", "failures", "none"]))
def test_entering_counts_each_device_once_and_keeps_what_was_asked(
    batches: list[list[Verdict]], keep: Keep
) -> None:
    ledger = Ledger(keep)
    for column in columns(batches):
        ledger.enter(column)

    flat = [verdict for batch in batches for verdict in batch]
    assert ledger.states == {state: sum(v.state is state for v in flat) for state in State}
    assert ledger.groups == {verdict: flat.count(verdict) for verdict in flat}
    wanted = {"all": set(State), "failures": set(State) - FINE, "none": set()}[keep]
    kept = [outcome for column in ledger.columns for outcome in column.outcomes()]
    assert [(outcome.device_id, outcome.state, outcome.status) for outcome in kept] == [
        (device, v.state, v.status)
        for device, v in zip(imeis(len(flat), 0), flat, strict=True)
        if v.state in wanted
    ]


@given(batches, batches)
def test_a_look_in_the_middle_changes_nothing(
    before: list[list[Verdict]], open_ones: list[list[Verdict]]
) -> None:
    ledger = Ledger()
    ledger.take_in(3, 1, [Malformed("x", "y")])
    entered, more = columns(before), columns(before + open_ones)[len(before) :]
    for column in entered:
        ledger.enter(column)
    groups, states = dict(ledger.groups), dict(ledger.states)

    look = merged(ledger, more)

    assert (ledger.groups, ledger.states, ledger.columns) == (groups, states, entered)
    assert look.columns == entered + more
    assert (look.inputs, look.duplicates, look.invalid) == (3, 1, 1)
    devices = sum(len(column.numbers) for column in look.columns)
    assert sum(look.states.values()) == devices
    assert sum(look.groups.values()) == devices + 1


async def test_a_report_lists_devices_in_the_order_of_the_input_not_of_the_answers() -> None:
    async def first_last(ids: list[str]) -> DeviceAnswers:
        if IDS[0] in ids:
            await session.until_sent(6)
        return answers(ids)

    session = FakeSession(first_last)
    report = await run_over(session, ["bad", *IDS], batch_size=2, concurrency=2)

    assert [outcome.device_id for outcome in report] == [*IDS, "bad"]
    assert_law(report)

"""Totals: whatever is added to what in whichever order, every input is counted once."""

import asyncio
import pickle
from array import array
from collections.abc import Sequence
from functools import reduce
from operator import add

import attrs
import pytest
from batch_helpers import FakeSession, answers, imeis, run_over
from hypothesis import given, settings
from hypothesis import strategies as st
from report_helpers import report_of

from fota_async import BatchReport, State, StopCause, Totals
from fota_async.batch.device_ids import Malformed
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.report import Group
from fota_async.batch.states import Verdict
from fota_async.models.device_answers import DeviceAnswers

words = st.sampled_from(["", "AddDeviceFailed", "Device not found"])
verdicts = st.builds(
    Verdict, st.sampled_from([*State]), status=words, reason=words, settled=st.booleans()
)
counts = st.integers(0, 5)


@st.composite
def reports(draw: st.DrawFn) -> BatchReport:
    """Make a report of any kind."""
    ledger, devices = Ledger(), 0
    for verdict in draw(st.lists(verdicts.filter(lambda one: one.state is not State.INVALID))):
        numbers = array("Q", range(devices, devices + draw(counts)))
        ledger.enter(Column(devices, numbers, verdict))
        devices += len(numbers)
    malformed = [Malformed("12", hint) for hint in draw(st.lists(words))]
    duplicates = draw(counts)
    ledger.take_in(devices + len(malformed) + duplicates, duplicates, malformed)
    return BatchReport(
        ledger,
        operation="append",
        account="0402196254-00001",
        target="60b5d639-ccdc-4db8-8824-069bd94c95bf",
        input_complete=draw(st.booleans()),
        requests=draw(counts),
        retries=draw(counts),
        seconds=draw(st.floats(0, 1e6)),
        stopped=draw(st.none() | st.sampled_from([cause.value for cause in StopCause])),
        unasked=draw(counts),
        dry_run=draw(st.booleans()),
    )


totals = reports().map(Totals.of) | st.lists(reports()).map(lambda some: Totals.of(*some))


def assert_law(one: Totals) -> None:
    assert one.inputs == sum(getattr(one, state.value) for state in State) + one.duplicates
    not_well = sum(getattr(one, state.value) for state in State if state is not State.SUCCEEDED)
    assert sum(group.devices for group in one.groups) == not_well


@given(totals, totals, totals)
def test_it_does_not_matter_which_are_added_first(a: Totals, b: Totals, c: Totals) -> None:
    assert (a + b) + c == a + (b + c)


@given(totals, totals)
def test_it_does_not_matter_which_is_added_to_which(a: Totals, b: Totals) -> None:
    assert a + b == b + a
    assert hash(a + b) == hash(b + a)


@given(totals)
def test_the_totals_of_no_report_change_nothing(one: Totals) -> None:
    assert one + Totals() == Totals() + one == one
    assert Totals.of() == Totals()


@given(st.lists(reports(), min_size=1))
def test_all_ways_of_adding_reports_give_the_same(some: list[BatchReport]) -> None:
    each = [Totals.of(report) for report in some]

    assert Totals.of(*some) == sum(each) == sum(each, Totals()) == reduce(add, reversed(each))


@given(totals, totals)
def test_the_law_holds_of_a_sum(a: Totals, b: Totals) -> None:
    assert_law(a)
    assert_law(a + b)


@given(st.lists(reports()))
def test_nothing_of_a_report_is_lost(some: list[BatchReport]) -> None:
    merged = Totals.of(*some)

    assert merged.reports == len(some)
    for name in ("inputs", "duplicates", "requests", "retries", "unasked", *map(str, State)):
        assert getattr(merged, name) == sum(getattr(report, name) for report in some)
    assert merged.input_complete == all(report.input_complete for report in some)
    assert merged.dry_runs == sum(report.dry_run for report in some)
    assert merged.ok == all(report.ok for report in some)
    assert merged.seconds == max([0.0, *(report.seconds for report in some)])
    stopped = [report.stopped for report in some if report.stopped]
    assert dict(merged.stopped) == {cause: stopped.count(cause) for cause in stopped}
    for group in merged.groups:
        alike = [one for report in some for one in report.groups if _words(one) == _words(group)]
        assert group.devices == sum(one.devices for one in alike)
    assert {_words(one) for one in merged.groups} == {
        _words(one) for report in some for one in report.groups
    }


def _words(group: Group) -> tuple[State, str, str]:
    return group.state, group.status, group.reason


def _texts(part: int) -> st.SearchStrategy[list[str]]:
    own = [*imeis(12, first=1 + 100 * part), f"{part}", f"{part}-{part}"]
    return st.lists(st.sampled_from(own), max_size=20)


parts = st.integers(1, 4).flatmap(lambda number: st.tuples(*map(_texts, range(number))))


@given(parts)
@settings(deadline=None)
def test_parts_that_run_apart_count_as_one_run_over_the_whole(parts: Sequence[list[str]]) -> None:
    async def by_the_number(ids: list[str]) -> DeviceAnswers:
        kind = int(ids[0]) % 4
        reason = "no such device" if kind == 1 else "another carrier"
        return answers(ids, "AddDeviceFailed", reason) if kind else answers(ids)

    async def report_over(texts: list[str]) -> BatchReport:
        return await run_over(FakeSession(by_the_number), texts, batch_size=1)

    async def main() -> None:
        apart = Totals.of(*[await report_over(part) for part in parts])
        whole = Totals.of(await report_over([text for part in parts for text in part]))

        assert_law(apart)
        assert attrs.evolve(apart, reports=1, seconds=0.0) == attrs.evolve(whole, seconds=0.0)

    asyncio.run(main())


def test_groups_are_those_of_all_reports_the_largest_first() -> None:
    failed = Verdict(State.FAILED, "AddDeviceFailed", "no such device")
    unsent = Verdict(State.UNSENT, reason="the run stopped first (closed)")
    first = report_of([([1, 2], unsent), ([3], failed)], stopped="closed")
    second = report_of([([4, 5], failed)])

    merged = Totals.of(first, second)

    assert merged.groups == (
        Group(State.FAILED, "AddDeviceFailed", "no such device", 3),
        Group(State.UNSENT, "", "the run stopped first (closed)", 2),
    )
    assert merged.stopped == (("closed", 1),)


def test_totals_as_plain_values() -> None:
    told = Totals.of(
        report_of([([1], Verdict(State.FAILED, "F", "no"))], stopped="closed")
    ).as_dict()

    assert (told["inputs"], told["failed"], told["reports"], told["seconds"]) == (1, 1, 1, 3.5)
    assert told["stopped"] == {"closed": 1}
    assert told["groups"] == [{"state": "failed", "status": "F", "reason": "no", "devices": 1}]


def test_only_totals_can_be_added() -> None:
    for other in (1, report_of([])):
        with pytest.raises(TypeError):
            Totals() + other  # type: ignore[operator]  # what is tested
        with pytest.raises(TypeError):
            other + Totals()  # type: ignore[operator]  # what is tested


def test_totals_survive_pickling() -> None:
    one = Totals.of(report_of([([1], Verdict(State.FAILED, "F", "no"))]))

    assert pickle.loads(pickle.dumps(one)) == one

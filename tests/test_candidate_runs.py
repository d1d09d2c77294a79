"""Runs over cancellation candidates: the first request replaces, alone; the others append."""

import asyncio
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import (
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    let_run,
)
from list_helpers import Candidates, no_answer, run_of, stored
from refusing import refusal, stopped

from fota_async import (
    ConfigurationError,
    MisuseError,
    RunStopped,
    State,
    StopCause,
    store_candidates,
)
from fota_async.batch.iterables import IterableSource
from fota_async.clock import ScaledClock
from fota_async.models.licenses import CancelCandidatesChange
from fota_async.simulator import Faults, Rules, Simulator

IDS = imeis(50)
OTHERS = imeis(5, first=901)


def replace(session: Candidates, devices: Any = IDS, **options: Any) -> Any:
    options.setdefault("batch_size", 10)
    return run_of(
        session, store_candidates("replace", "0402196254-00001", "v1"), devices, **options
    )


@pytest.mark.parametrize(("version", "count"), [("v1", {}), ("v2", {"count": 10})])
async def test_the_first_request_replaces_and_the_others_append(version: Any, count: Any) -> None:
    session = Candidates()
    session.members.update(OTHERS)
    operation = store_candidates("replace", "0402196254-00001", version)

    report = await run_of(session, operation, IDS, batch_size=10)

    assert (report.succeeded, session.members) == (50, set(IDS))
    assert session.replaced == [True, False, False, False, False]
    first, *others = session.bodies
    assert first == {"deviceList": IDS[:10], **count}
    assert others[0] == {"type": "append", "deviceList": others[0]["deviceList"], **count}
    assert report.unasked == 0
    assert_law(report)


async def test_nothing_is_sent_beside_the_first_request() -> None:
    opened = asyncio.Event()

    async def held(ids: list[str]) -> CancelCandidatesChange:
        await opened.wait()
        await let_run()
        return await session.accept(ids)

    session = Candidates(held)
    run = asyncio.ensure_future(replace(session))
    await session.until_sent(1)
    await let_run()

    assert len(session.sent) == 1

    opened.set()
    report = await run
    assert (report.succeeded, session.most_in_flight) == (50, 4)


async def test_an_append_replaces_nothing_and_goes_side_by_side() -> None:
    async def slow(ids: list[str]) -> CancelCandidatesChange:
        await let_run()
        return await session.accept(ids)

    session = Candidates(slow)
    session.members.update(OTHERS)
    operation = store_candidates("append", "0402196254-00001", "v1")

    report = await run_of(session, operation, IDS, batch_size=10)

    assert report.succeeded == 50
    assert session.members == {*IDS, *OTHERS}
    assert session.most_in_flight == 5
    assert session.claimed == [("cancel candidates", False)]


@pytest.mark.parametrize("landed", [True, False])
async def test_a_lost_first_request_is_settled_before_anything_else_is_sent(landed: bool) -> None:
    async def lost_at_first(ids: list[str]) -> CancelCandidatesChange:
        if len(session.sent) > 1:
            return await session.accept(ids)
        if landed:
            session.store(ids)
        return await no_answer(ids)  # type: ignore[return-value]  # it raises

    session = Candidates(lost_at_first)
    # Some of the first devices were on the list before: to see them there proves nothing.
    session.members.update(OTHERS, IDS[:3])

    report = await replace(session)

    assert (report.succeeded, session.members) == (50, set(IDS))
    assert session.sent_at_reads[0] == 1
    assert set(session.in_flight_at_reads) == {0}
    if landed:
        assert session.replaced == [True, False, False, False, False]
        assert session.reads == 1
    else:
        assert session.sent[1] == session.sent[0]
        assert session.replaced == [True, True, False, False, False, False]
        assert session.sent_at_reads == [1, 1]


async def test_devices_that_a_first_answer_leaves_out_are_read_back_and_appended() -> None:
    async def forgets_some(ids: list[str]) -> CancelCandidatesChange:
        if len(session.sent) > 1:
            return await session.accept(ids)
        session.store(ids[:-2])
        return stored(ids[:-3])

    session = Candidates(forgets_some)
    session.members.update(OTHERS)

    report = await replace(session)

    assert (report.succeeded, session.members) == (50, set(IDS))
    assert session.replaced.count(True) == 1
    assert session.sent[-1] == IDS[8:10]


async def test_an_answer_that_names_no_device_does_not_say_that_the_list_was_replaced() -> None:
    async def empty_at_first(ids: list[str]) -> CancelCandidatesChange:
        return stored([]) if len(session.sent) == 1 else await session.accept(ids)

    session = Candidates(empty_at_first)
    session.members.update(OTHERS)

    report = await replace(session)

    assert (report.succeeded, session.members) == (50, set(IDS))
    assert session.replaced == [True, True, False, False, False, False]


@pytest.mark.parametrize("bad", [IDS[3:4], IDS[:1], IDS[:12]])
async def test_of_a_refused_first_request_the_first_part_that_is_taken_replaces(
    bad: list[str],
) -> None:
    async def refuses(ids: list[str]) -> CancelCandidatesChange:
        if not set(bad).isdisjoint(ids):
            raise refusal()
        return await session.accept(ids)

    session = Candidates(refuses)
    session.members.update(OTHERS)

    report = await replace(session)

    assert ids_of(report, State.FAILED) == bad
    assert session.members == set(IDS) - set(bad)
    taken = [
        replaced
        for ids, replaced in zip(session.sent, session.replaced, strict=True)
        if set(bad).isdisjoint(ids)
    ]
    assert taken[0]
    assert not any(taken[1:])
    # What was refused before that was to replace, too: nothing was appended to the old list.
    assert session.replaced == sorted(session.replaced, reverse=True)
    assert session.reads == 0
    assert_law(report)


async def test_probes_of_a_first_request_are_sent_one_by_one() -> None:
    """The first devices of a long list are bad: single ones from everywhere tell."""
    ids, bad = imeis(400), set(imeis(60))

    async def refuses(sent: list[str]) -> CancelCandidatesChange:
        in_flight.append(session.in_flight)
        if not bad.isdisjoint(sent):
            raise refusal()
        return await session.accept(sent)

    in_flight: list[int] = []
    session = Candidates(refuses)
    session.members.update(OTHERS)

    report = await replace(session, ids, batch_size=200, concurrency=2)

    assert set(ids_of(report, State.FAILED)) == bad
    assert session.members == set(ids) - bad
    replacing = session.replaced.count(True)
    assert set(in_flight[:replacing]) == {1}
    assert len(session.sent[replacing - 1]) == 1


async def test_when_every_request_is_refused_nothing_is_replaced_and_the_run_stops() -> None:
    async def refuses(_: list[str]) -> CancelCandidatesChange:
        raise refusal()

    session = Candidates(refuses)
    session.members.update(OTHERS)

    report = await stopped(
        replace(session, imeis(4000), batch_size=1000), StopCause.REFUSED, "first request"
    )

    assert session.members == set(OTHERS)
    assert (report.succeeded, report.failed + report.unsent) == (0, 4000)
    assert session.most_in_flight == 1
    assert len(session.sent) < 50
    assert all(session.replaced)


async def test_a_first_request_that_cannot_be_settled_stops_the_run() -> None:
    session = Candidates(no_answer)
    session.members.update(OTHERS)

    report = await stopped(replace(session, max_rounds=2), StopCause.ERROR, "first request")

    assert (report.unknown, report.unsent) == (10, 40)
    assert (len(session.sent), session.replaced) == (3, [True] * 3)
    assert session.members == set(OTHERS)


async def test_an_empty_list_is_refused_and_the_way_to_forget_all_is_named() -> None:
    session = Candidates()
    for devices in ([], iter(())):
        with pytest.raises(ConfigurationError, match=r"clear\(\)"):
            await replace(session, devices)
    assert not session.sent
    assert_no_task_left()

    operation = store_candidates("append", "0402196254-00001", "v1")
    assert (await run_of(session, operation, [])).inputs == 0
    assert (await replace(session, ["garbage"])).invalid == 1
    assert not session.sent


async def test_a_replacement_goes_on_from_its_journal_without_replacing_again(
    journal: Path,
) -> None:
    async def stops_after_two(ids: list[str]) -> CancelCandidatesChange:
        if len(session.sent) == 3:
            run.stop()
        return await session.accept(ids)

    session = Candidates(stops_after_two)
    run = replace(session, concurrency=1, journal=journal)
    with pytest.raises(RunStopped):
        await run
    assert session.members == set(IDS[:30])

    again = Candidates()
    again.members.update(session.members)
    report = await replace(again, concurrency=1, journal=journal)

    assert (report.succeeded, again.members) == (50, set(IDS))
    assert again.replaced == [False, False]


@pytest.mark.parametrize("landed", [True, False])
async def test_a_first_request_that_was_under_way_is_settled_by_the_next_start(
    journal: Path, landed: bool
) -> None:
    async def killed(ids: list[str]) -> CancelCandidatesChange:
        if landed:
            session.store(ids)
        run.stop()
        run.stop()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # cancelled

    session = Candidates(killed)
    session.members.update(OTHERS, IDS[:3])
    run = replace(session, journal=journal)
    with pytest.raises(RunStopped) as caught:
        await run
    assert caught.value.report.unknown == 10

    again = Candidates()
    again.members.update(session.members)
    # The devices in doubt are not all in the first slice that is read, or not there any more.
    devices = [*IDS[20:], *IDS[:20]] if landed else [*IDS[20:], *IDS[:9]]
    report = await replace(again, iter(devices), journal=journal)

    assert report.succeeded == len(devices)
    assert again.members == {*devices, *(IDS if landed else ())}
    assert again.replaced.count(True) == (0 if landed else 1)


async def test_devices_in_doubt_are_known_before_the_input_names_them(journal: Path) -> None:
    async def killed(ids: list[str]) -> CancelCandidatesChange:
        session.store(ids)
        run.stop()
        run.stop()
        return await asyncio.Event().wait()  # type: ignore[return-value]  # cancelled

    class Slow(IterableSource):
        async def read(self) -> list[object]:
            """Return the rest when the list was read."""
            while slices and len(slices) < 2 and not again.reads:
                await again.clock.sleep(1.0)
            return slices.pop(0) if slices else []

    slices: list[list[object]] = [[*IDS[:5]], [*IDS[5:]]]
    session = Candidates(killed)
    run = replace(session, journal=journal)
    with pytest.raises(RunStopped):
        await run

    again = Candidates()
    again.members.update(session.members)
    report = await replace(again, Slow([]), journal=journal)

    assert (report.succeeded, again.members) == (50, set(IDS))
    assert not any(again.replaced)


async def test_a_dry_run_sends_nothing() -> None:
    session = Candidates()
    report = await replace(session, dry_run=True)
    assert (report.unsent, report.requests, session.sent, session.reads) == (50, 5, [], 0)


async def test_the_devices_of_an_answer_with_the_whole_list_are_all_asked_for() -> None:
    async def whole_list(ids: list[str]) -> CancelCandidatesChange:
        session.store(ids)
        return stored(sorted(session.members))

    session = Candidates(whole_list)
    report = await replace(session)
    assert (report.succeeded, report.unasked, session.reads) == (50, 0, 0)


# On the real socket

TROUBLE = Faults(
    seed=8,
    drop_after=0.2,
    drop_before=0.2,
    error_after=0.1,
    empty_body=0.1,
    null_list=0.1,
    missing_items=0.2,
    late_write=0.5,
    late_write_seconds=2.0,
    only=frozenset({"v1_set_cancel_candidates", "v2_set_cancel_candidates"}),
)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("answer", ["list", "sent"])
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_candidates_are_replaced_and_appended_under_every_trouble(
    version: str, answer: Any, seed: int
) -> None:
    clock, ids = ScaledClock(100.0), imeis(120)
    rules = Rules(page_size=25, candidates_answer=answer, poison=frozenset(ids[seed : seed + 2]))
    faults = attrs.evolve(TROUBLE, seed=seed)
    async with Simulator(clock=clock, rules=rules) as sim, client_of(sim, clock=clock) as fota:
        candidates = getattr(fota, version).cancel_candidates
        await candidates.append(OTHERS)
        sim.faults = faults

        report = await candidates.replace(ids, batch_size=20, max_rounds=20)

        assert set(ids_of(report, State.FAILED)) == rules.poison
        assert report.succeeded == 118
        assert sim.candidates() == set(ids) - rules.poison

        report = await candidates.append(OTHERS, max_rounds=20)
        assert report.succeeded == 5
        assert sim.candidates() == {*ids, *OTHERS} - rules.poison

        sim.faults = Faults()
        assert await report.recheck() == []
        assert [one async for one in candidates.list()] == list(sim_order(sim))
    assert_no_task_left()


def sim_order(sim: Simulator) -> Any:
    return sim._world.accounts[sim.account].candidates.ids()


async def test_while_a_list_is_replaced_no_other_run_changes_it_whatever_its_version() -> None:
    async with Simulator(faults=Faults(latency=0.2)) as sim, client_of(sim) as fota:
        run = asyncio.ensure_future(fota.v1.cancel_candidates.replace(IDS))
        await let_run()
        for candidates in (fota.v1.cancel_candidates, fota.v2.cancel_candidates):
            for other in (candidates.replace, candidates.append):
                with pytest.raises(MisuseError, match="replace is under way on cancel candidates"):
                    await other(OTHERS)
        assert (await run).succeeded == 50
        assert sim.candidates() == set(IDS)

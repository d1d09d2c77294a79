"""Runs over licences: doubt is settled by reading who holds one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import (
    ACCOUNT,
    answers,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    let_run,
)
from list_helpers import FakeAccount, assigned, no_answer, run_of
from refusing import refusal, stopped

from fota_async import (
    CallError,
    ConfigurationError,
    ForbiddenError,
    FotaClient,
    JournalError,
    MisuseError,
    RunStopped,
    State,
    StopCause,
    change_licenses,
)
from fota_async.api.listed import read_listed
from fota_async.api.pages import Pages
from fota_async.clock import ScaledClock
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.licenses import LicensedDevice, LicensePage
from fota_async.simulator import Faults, Rules, Simulator
from fota_async.wire.convert import Cursor, DeviceId

IDS = imeis(30)


def over(session: FakeAccount, name: Any, devices: Any = IDS, **options: Any) -> Any:
    options.setdefault("batch_size", 10)
    return run_of(session, change_licenses(name, ACCOUNT), devices, **options)


@pytest.mark.parametrize("name", ["assign", "remove"])
@pytest.mark.parametrize("landed", [True, False])
async def test_a_lost_answer_is_settled_by_reading_who_holds_one(name: Any, landed: bool) -> None:
    async def lost_at_first(ids: list[str]) -> DeviceAnswers:
        lost = len(session.sent) <= 3
        if landed or not lost:
            change = (
                session.members.update if name == "assign" else session.members.difference_update
            )
            change(ids)
        return await no_answer(ids) if lost else answers(ids, "Success", "Success")

    session = FakeAccount(lost_at_first)
    session.members.update(IDS if name == "remove" else (), imeis(9, first=501))

    report = await over(session, name)

    assert (report.succeeded, len(session.sent)) == (30, 3 if landed else 6)
    assert {one.settled for one in report} == {landed}
    assert session.members == {*imeis(9, first=501), *(IDS if name == "assign" else ())}
    # Pages shift when the list changes: nothing of the run is under way while it is read.
    assert set(session.in_flight_at_reads) == {0}
    assert_law(report)


async def test_other_batches_wait_while_the_status_is_read() -> None:
    class Slow(FakeAccount):
        async def call(self, route: Any, *what: Any, **options: Any) -> Any:
            if route.method == "GET":
                self.in_flight_at_reads.append(self.in_flight)
                self.sent_at_reads.append(len(self.sent))
                await let_run()
                self.sent_at_reads.append(len(self.sent))
            return await super().call(route, *what, **options)

    async def first_is_lost(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            return await no_answer(ids)
        await session.clock.sleep(2.0)  # three times, and the doubt is old enough for a reading
        session.members.update(ids)
        return assigned(ids)

    session = Slow(first_is_lost)
    report = await over(session, "assign", imeis(200), concurrency=2)

    assert report.succeeded == 200
    before, after = session.sent_at_reads[:2]
    assert 2 < before < 20
    assert before == after
    assert max(session.in_flight_at_reads) == 0


@pytest.mark.parametrize("holds", [True, False])
async def test_an_item_that_fails_after_an_earlier_loss_is_settled_not_sent_again(
    holds: bool,
) -> None:
    """As when a removal landed late: the second one says that there is no licence."""

    async def lost_then_refused(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            return await no_answer(ids)
        if not holds:
            session.members.clear()
        return answers(ids, "LicenseRemoveFailed", "No license attached to device")

    session = FakeAccount(lost_then_refused)
    session.members.update(IDS[:2])

    report = await over(session, "remove", IDS[:2])

    assert len(session.sent) == 2
    assert {one.state for one in report} == {State.FAILED if holds else State.SUCCEEDED}
    assert all(one.settled for one in report)


async def test_a_licence_that_was_there_before_is_told_in_the_reason() -> None:
    async def preexisting(ids: list[str]) -> DeviceAnswers:
        return answers(ids, "LicenseAssignSuccess", "Device license preexisting")

    report = await over(FakeAccount(preexisting), "assign")

    assert {(one.state, one.reason) for one in report} == {
        (State.SUCCEEDED, "Device license preexisting")
    }


async def test_a_refused_batch_is_divided_without_asking_for_a_state_there_is_none() -> None:
    bad = IDS[17]

    async def refuses(ids: list[str]) -> DeviceAnswers:
        if bad in ids:
            raise refusal()
        return assigned(ids)

    session = FakeAccount(refuses)
    report = await over(session, "assign")

    assert ids_of(report, State.FAILED) == [bad]
    assert (report.succeeded, session.reads) == (29, 0)


async def test_a_run_that_stops_while_it_probes_ends_though_something_is_in_doubt() -> None:
    """What was to be sent and never began is not in flight: the reading must not wait for it."""

    async def lost_refused_forbidden(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            return await no_answer(ids)
        raise refusal() if len(session.sent) == 2 else ForbiddenError("no", status=403)

    session = FakeAccount(lost_refused_forbidden)
    async with asyncio.timeout(5):
        report = await stopped(
            over(session, "assign", batch_size=1, concurrency=1), StopCause.REFUSED, "no"
        )

    assert (report.failed, report.unsent, len(session.sent)) == (1, 29, 3)
    assert session.reads == 2


def page(ids: list[str], total: int, cursor: str | None = None) -> LicensePage:
    return LicensePage(
        assigned_licenses=total,
        more=cursor is not None,
        cursor=None if cursor is None else Cursor(cursor),
        items=tuple(LicensedDevice(DeviceId(one)) for one in ids),
    )


def read_pages(*pages: LicensePage) -> Any:
    left = list(pages)

    async def fetch(_: str) -> LicensePage:
        return left.pop(0)

    async def read() -> Any:
        return await read_listed(
            Pages(fetch, "GET x"),
            frozenset(IDS),
            id_of=lambda item: str(item.device_id),
            total_of=lambda page: page.assigned_licenses,
        )

    return read()


async def test_a_list_that_shifts_while_it_is_read_by_number_is_read_again() -> None:
    shifted = page(IDS[:2], 4, "2"), page(IDS[3:4], 3)
    whole = page([IDS[0], IDS[2], *imeis(1, first=999)], 4, "3"), page(IDS[3:4], 4)

    reading = await read_pages(*shifted, *whole)

    assert set(reading.rows) == {IDS[0], IDS[2], IDS[3]}
    assert reading.others == 1
    with pytest.raises(CallError, match="changed while it was read"):
        await read_pages(*shifted, *shifted, *shifted)


async def test_a_list_that_is_read_by_device_cannot_shift() -> None:
    reading = await read_pages(page(IDS[:2], 4, IDS[1]), page(IDS[2:3], 3))

    assert set(reading.rows) == set(IDS[:3])


# On the real socket

VERSIONS = ("v1", "v2", "v3")
TROUBLE = Faults(
    seed=5,
    drop_after=0.2,
    drop_before=0.2,
    error_after=0.1,
    torn_body=0.1,
    missing_items=0.2,
    odd_status=0.1,
    late_write=0.5,
    late_write_seconds=2.0,
    only=frozenset(
        f"{version}_{name}_licenses" for version in VERSIONS for name in ("assign", "remove")
    ),
)


def client(sim: Simulator, clock: ScaledClock) -> FotaClient:
    return client_of(sim, clock=clock, timeout=5.0)


def licenses(fota: FotaClient, version: str) -> Any:
    return getattr(fota, version).licenses


@pytest.mark.parametrize("index", ["device", "count"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_licences_are_assigned_and_removed_under_every_trouble(
    version: str, index: Any
) -> None:
    ids, clock = imeis(200), ScaledClock(100.0)
    rules = Rules(page_size=30, license_index=index, refused={ids[7]: "Device does not exist."})
    async with (
        Simulator(clock=clock, rules=rules, faults=TROUBLE) as sim,
        client(sim, clock) as fota,
    ):
        sim.license(imeis(50, first=901))
        report = await licenses(fota, version).assign(ids, batch_size=20, max_rounds=20)

        assert ids_of(report, State.FAILED) == [ids[7]]
        assert report.succeeded == 199
        assert any(one.settled for one in report)
        assert sim.licensed() == {*ids, *imeis(50, first=901)} - {ids[7]}
        assert_law(report)

        sim.faults = Faults()
        assert await report.recheck() == []
        sim.faults = TROUBLE

        report = await licenses(fota, version).remove(ids[10:], batch_size=20, max_rounds=20)
        assert (report.succeeded, report.failed) == (190, 0)
        assert sim.licensed() == {*ids[:10], *imeis(50, first=901)} - {ids[7]}
    assert_no_task_left()


@pytest.mark.parametrize("version", VERSIONS)
async def test_devices_without_a_licence_fail_word_for_word(version: str) -> None:
    ids = imeis(4)
    async with Simulator() as sim, client_of(sim) as fota:
        sim.license(ids[:2])
        report = await licenses(fota, version).remove(ids)

        assert [one.device_id for one in report if one.state is State.FAILED] == ids[2:]
        (group,) = report.groups
        assert (group.reason, group.devices) == ("No license attached to device", 2)
        assert group.status == ("Failure" if version == "v2" else "LicenseRemoveFailed")


async def test_opposite_runs_on_an_account_are_refused_whatever_the_version() -> None:
    async with Simulator(faults=Faults(latency=0.2)) as sim, client_of(sim) as fota:
        run = asyncio.ensure_future(fota.v1.licenses.assign(imeis(3)))
        await let_run()
        with pytest.raises(MisuseError, match="assign is under way on licenses"):
            await fota.v3.licenses.remove(imeis(3))
        other = fota.with_account("0000000000-00000")
        with pytest.raises(RunStopped):
            await other.v3.licenses.remove(imeis(3))  # the account is not the user's
        assert (await fota.v2.licenses.assign(imeis(2, first=11))).succeeded == 2
        assert (await run).succeeded == 3
        assert (await fota.v3.licenses.remove(imeis(3))).succeeded == 3


async def test_a_journal_of_another_version_is_another_run(journal: Path) -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        await fota.v1.licenses.assign(imeis(3), journal=journal)
        with pytest.raises(JournalError, match="assign on v1 licenses"):
            await fota.v3.licenses.assign(imeis(3), journal=journal)
        again = await fota.v1.licenses.assign(imeis(3), journal=journal)
        assert (again.succeeded, again.requests) == (3, 1)


async def test_options_work_as_everywhere() -> None:
    rules = Rules(refuse_rate=1.0)
    async with Simulator(rules=rules) as sim, client_of(sim) as fota:
        dry = await fota.v3.licenses.assign(imeis(25), batch_size=10, dry_run=True)
        assert (dry.unsent, dry.requests, sim.licensed()) == (25, 3, set())
        with pytest.raises(RunStopped, match="max_failures"):
            await fota.v3.licenses.assign(imeis(100), batch_size=10, max_failures=5)
        with pytest.raises(ConfigurationError):
            fota.v3.licenses.assign(imeis(2), batch_size=0)
        with pytest.raises(TypeError):
            fota.v3.licenses.assign("356938035643809")

"""Runs that read: what the answers say of each device is in its outcome."""

import json
import pickle
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from batch_helpers import assert_law, assert_no_task_left, client_of, ids_of, imeis
from list_helpers import FakeAccount, run_of
from refusing import refusal

from fota_async import (
    AnswerTimeoutError,
    ConfigurationError,
    DeviceBatcher,
    MisuseError,
    RetryPolicy,
    State,
    read_device_details,
    sync_firmware,
)
from fota_async.models import DeviceDetailsV3, DeviceFirmware
from fota_async.models.devices import DeviceDetailsList
from fota_async.simulator import Faults, Rules, Simulator
from fota_async.wire.convert import DeviceId

ACCOUNT = "0402196254-00001"
IDS = imeis(30)


def details(ids: list[str], **members: Any) -> DeviceDetailsList:
    return DeviceDetailsList(tuple(DeviceDetailsV3(DeviceId(one), **members) for one in ids))


def over(session: FakeAccount, devices: Any = IDS, **options: Any) -> Any:
    options.setdefault("batch_size", 10)
    return run_of(session, read_device_details(ACCOUNT), devices, **options)


async def answered(ids: list[str]) -> DeviceDetailsList:
    return details(ids[::-1], firmware="1.0", status="Active")


@pytest.mark.parametrize("keep", ["all", "failures", "none"])
async def test_each_outcome_holds_what_the_answer_says(keep: Any) -> None:
    async def fails_some(ids: list[str]) -> DeviceDetailsList:
        bad = details(ids[:2], request_status="Failure", result_reason="Device does not exist.")
        return DeviceDetailsList((await answered(ids[2:])).device_list + bad.device_list)

    run = over(FakeAccount(fails_some), keep=keep)
    streamed = []
    async with run:
        streamed = [one async for one in run]
    report = run.report

    assert (report.succeeded, report.failed) == (24, 6)
    assert {one.device_id for one in streamed} == set(IDS)
    for one in streamed:
        assert isinstance(one.detail, DeviceDetailsV3)
        assert one.detail.device_id == one.device_id
        good = one.state is State.SUCCEEDED
        assert one.detail.firmware == ("1.0" if good else None)
        assert one.reason == ("" if good else "Device does not exist.")
    kept = {"all": streamed, "failures": [o for o in streamed if o.state is State.FAILED]}
    assert set(report) == set(kept.get(keep, []))
    assert set(pickle.loads(pickle.dumps(report))) == set(report)


async def test_details_are_in_the_json_of_a_report_and_not_in_its_csv() -> None:
    report = await over(FakeAccount(answered))

    told = json.loads(report.to_json())
    assert list(told["details"]) == IDS
    assert told["details"][IDS[0]]["firmware"] == "1.0"
    assert "1.0" not in report.to_csv()
    for other in (await over(FakeAccount(answered), keep="none"), await over(FakeAccount(), [])):
        assert "details" not in json.loads(other.to_json())


@pytest.mark.parametrize("appears", [True, False])
async def test_a_device_that_an_answer_leaves_out_is_asked_about_once_more(appears: bool) -> None:
    missing = {IDS[3], IDS[14]}

    async def forgets(ids: list[str]) -> DeviceDetailsList:
        left_out = missing if len(ids) > 5 or not appears else set()
        return await answered([one for one in ids if one not in left_out])

    session = FakeAccount(forgets)
    report = await over(session)

    assert sorted(sent for sent in session.sent if len(sent) == 1) == [[IDS[3]], [IDS[14]]]
    assert report.requests == 5
    if appears:
        assert report.succeeded == 30
        assert all(one.detail for one in report)
    else:
        assert set(ids_of(report, State.UNKNOWN)) == missing
        (group,) = report.groups
        assert group.reason == "missing from the answer"
    assert_law(report)


async def test_a_lost_read_is_asked_for_again_and_then_unknown() -> None:
    async def first_are_lost(ids: list[str]) -> DeviceDetailsList:
        if IDS[0] in ids or session.sent.count(ids) == 1:
            raise AnswerTimeoutError("no answer")
        return await answered(ids)

    session = FakeAccount(first_are_lost)
    report = await over(session)

    assert (report.succeeded, report.unknown, len(session.sent)) == (20, 10, 6)
    assert all("no answer" in one.reason for one in report if one.state is State.UNKNOWN)


async def test_a_refused_read_is_divided() -> None:
    async def refuses(ids: list[str]) -> DeviceDetailsList:
        if IDS[7] in ids:
            raise refusal()
        return await answered(ids)

    session = FakeAccount(refuses)
    report = await over(session)

    assert (ids_of(report, State.FAILED), report.succeeded) == ([IDS[7]], 29)
    assert session.reads == 0


@pytest.mark.parametrize(
    ("operation", "most"), [(read_device_details(ACCOUNT), 1000), (sync_firmware(ACCOUNT), 100)]
)
async def test_no_request_carries_more_than_is_documented(operation: Any, most: int) -> None:
    session = FakeAccount()
    report = await run_of(session, operation, imeis(1500), batch_size=1500, dry_run=True)
    assert report.requests == -(-1500 // most)


def test_a_journal_is_refused_since_it_would_lose_the_details(journal: Path) -> None:
    for operation in (read_device_details(ACCOUNT), sync_firmware(ACCOUNT)):
        with pytest.raises(ConfigurationError, match=r"takes no journal.*run it again"):
            DeviceBatcher(Mock(), operation, journal=journal)
    assert not journal.exists()


async def test_a_read_cannot_be_rechecked() -> None:
    report = await over(FakeAccount(answered))
    with pytest.raises(MisuseError, match="target that can be read"):
        await report.recheck()


# On the real socket


TROUBLE = Faults(seed=3, drop_before=0.2, drop_after=0.1, torn_body=0.1, missing_items=0.2)
PATIENT = RetryPolicy(tries=30, seconds=60.0, base=0.001, cap=0.01)


@pytest.mark.parametrize("faults", [Faults(), TROUBLE])
async def test_the_firmware_of_devices_is_read(faults: Faults) -> None:
    ids = imeis(250)
    rules = Rules(refused={ids[7]: "Device does not exist."})
    async with Simulator(rules=rules) as sim, client_of(sim, retry=PATIENT) as fota:
        sim.add_devices(ids)
        sim.faults = faults
        report = await fota.v3.firmware.sync(ids)

        assert (report.succeeded, ids_of(report, State.FAILED)) == (249, [ids[7]])
        for one in report:
            assert isinstance(one.detail, DeviceFirmware)
            assert bool(one.detail.firmware_version) == (one.device_id != ids[7])
        if faults == Faults():
            assert report.requests == 3
            assert {one.status for one in report if one.device_id != ids[7]} == {
                "FirmwareVersionUpdateSuccess"
            }
    assert_no_task_left()


@pytest.mark.parametrize("faults", [Faults(), TROUBLE])
async def test_the_details_of_devices_are_read(faults: Faults) -> None:
    ids = imeis(250)
    rules = Rules(known_devices_only=True)
    async with Simulator(rules=rules) as sim, client_of(sim, retry=PATIENT) as fota:
        sim.add_devices(ids[1:])
        sim.faults = faults
        report = await fota.v3.devices.get_details(ids, batch_size=100)

        found = {one.device_id: one.detail for one in report if one.state is State.SUCCEEDED}
        if faults == Faults():
            assert list(found) == ids[1:]
            assert report.requests == 3
        else:
            assert report.succeeded + report.unknown == 249
            assert len(found) > 200
        assert all(isinstance(d, DeviceDetailsV3) and d.fota_eligible for d in found.values())
        assert ids_of(report, State.FAILED) == ids[:1]
        assert {one.reason for one in report if one.state is State.FAILED} == {
            "Device does not exist."
        }

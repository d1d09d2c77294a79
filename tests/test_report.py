"""The report as its reader uses it."""

import csv
import io
import json
import pickle
from pathlib import Path

import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    answers,
    assert_law,
    ids_of,
    imeis,
    report_over,
    run_over,
)

from fota_async import (
    BatchReport,
    DeviceOutcome,
    DevicesFailed,
    LoginRefusedError,
    RunStopped,
    State,
    StopCause,
)
from fota_async.models.device_answers import DeviceAnswers

IDS = imeis(6)
REFUSED = ("AddDeviceFailed", "Device is not eligible for service")
MISSED = ("AddDeviceFailed", "Device not found")


async def mixed(ids: list[str]) -> DeviceAnswers:
    """Two devices are refused for one reason, one for another, one has to wait."""
    words = {IDS[0]: REFUSED, IDS[1]: REFUSED, IDS[2]: MISSED, IDS[3]: ("Queued", "in a minute")}
    parts = [answers([i], *words.get(i, ("AddDeviceSucceed", "fine"))) for i in ids]
    return DeviceAnswers(
        [part.ids[0] for part in parts],
        [part.statuses[0] for part in parts],
        [part.reasons[0] for part in parts],
    )


async def mixed_report(**options: object) -> BatchReport:
    return await run_over(FakeSession(mixed), [*IDS, IDS[0], "4.90E+14", "7"], **options)


@pytest.mark.each_python
async def test_every_input_is_counted_once_and_says_what_became_of_it() -> None:
    report = await mixed_report(batch_size=4)

    assert_law(report)
    assert list(report) == [
        DeviceOutcome(IDS[0], State.FAILED, *REFUSED),
        DeviceOutcome(IDS[1], State.FAILED, *REFUSED),
        DeviceOutcome(IDS[2], State.FAILED, *MISSED),
        DeviceOutcome(IDS[3], State.PENDING, "Queued", "in a minute"),
        DeviceOutcome(IDS[4], State.SUCCEEDED, "AddDeviceSucceed", "fine"),
        DeviceOutcome(IDS[5], State.SUCCEEDED, "AddDeviceSucceed", "fine"),
        DeviceOutcome(
            "4.90E+14", State.INVALID, "", "a spreadsheet turned it into a rounded number"
        ),
        DeviceOutcome("7", State.INVALID, "", "1 digits, not 15"),
    ]


async def test_the_summary_is_plain_values() -> None:
    report = await mixed_report(batch_size=4)

    summary = report.summary()
    assert summary.pop("seconds") == round(report.seconds, 3)
    assert summary == {
        "operation": "append",
        "account": ACCOUNT,
        "target": UPGRADE,
        "inputs": 9,
        "input_complete": True,
        "duplicates": 1,
        "succeeded": 2,
        "failed": 3,
        "pending": 1,
        "invalid": 2,
        "unknown": 0,
        "unsent": 0,
        "requests": 2,
        "retries": 0,
        "stopped": None,
        "dry_run": False,
    }


async def test_what_did_not_succeed_is_grouped_by_reason_word_for_word_the_largest_first() -> None:
    report = await mixed_report(batch_size=2)

    groups = [(group.state, group.status, group.reason, group.devices) for group in report.groups]
    assert groups[0] == (State.FAILED, *REFUSED, 2)
    assert sorted(groups[1:]) == sorted(
        [
            (State.FAILED, *MISSED, 1),
            (State.PENDING, "Queued", "in a minute", 1),
            (State.INVALID, "", "a spreadsheet turned it into a rounded number", 1),
            (State.INVALID, "", "1 digits, not 15", 1),
        ]
    )


async def test_the_json_holds_the_summary_and_the_groups() -> None:
    report = await mixed_report()

    obj = json.loads(report.to_json())

    groups = obj.pop("groups")
    assert obj == report.summary()
    assert groups[0] == {
        "state": "failed",
        "status": REFUSED[0],
        "reason": REFUSED[1],
        "devices": 2,
    }
    assert len(groups) == 5


async def test_a_report_reads_like_a_report() -> None:
    lines = str(await mixed_report()).splitlines()

    assert lines[0].startswith(f"append on {UPGRADE} of account {ACCOUNT}: done after ")
    assert [line.split() for line in lines[1:7]] == [
        ["9", "inputs"],
        ["2", "succeeded"],
        ["3", "failed"],
        ["1", "pending"],
        ["2", "invalid"],
        ["1", "duplicates"],
    ]
    assert "            1 requests, 0 of them retries" in lines[7]
    assert lines[9].strip() == f"2 failed: {REFUSED[0]}: {REFUSED[1]}"
    assert not any("unknown" in line or "unsent" in line for line in lines)


async def test_a_report_with_many_reasons_shows_ten_and_counts_the_rest() -> None:
    report = await report_over(["1" * length for length in range(1, 14)])

    assert str(report).splitlines()[-1] == "  and 3 reasons more"
    assert len(report.groups) == 13


async def test_the_csv_has_one_row_for_each_distinct_input_with_its_leading_zeros() -> None:
    report = await mixed_report()

    text = report.to_csv()

    assert text.startswith("device_id,state,status,reason")
    assert f"\n{IDS[0]},failed,AddDeviceFailed,Device is not eligible for service,no\n" in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["device_id"] for row in rows] == [*IDS, "4.90E+14", "7"]
    assert [row["state"] for row in rows] == [outcome.state.value for outcome in report]


AWKWARD = ["a,b", 'say "b"', "two\nlines", "back\rforth", "both\r\nends", "é", "; or \t tab"]


@pytest.mark.each_python
@pytest.mark.parametrize("awkward", AWKWARD)
async def test_any_text_is_one_cell_of_the_csv(tmp_path: Path, awkward: str) -> None:
    session = FakeSession()
    session.script = lambda ids: mixed_in(ids, awkward)
    report = await run_over(session, [IDS[0], awkward])

    report.to_csv(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))

    assert rows[1:] == [
        [IDS[0], "succeeded", "AddDeviceSucceed", awkward, "no"],
        [awkward, "invalid", "", "not 15 digits", "no"],
    ]
    assert (tmp_path / "report.csv").read_bytes().decode() == report.to_csv()


async def mixed_in(ids: list[str], reason: str) -> DeviceAnswers:
    return answers(ids, reason=reason)


async def test_a_text_that_utf_8_cannot_hold_does_not_cost_the_file(tmp_path: Path) -> None:
    report = await report_over([IDS[0], "\udcff"])

    report.to_csv(tmp_path / "report.csv")

    assert len((tmp_path / "report.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "defused"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1")),
        ("\r=1", "'\r'=1"),
        # Where cells are parted at semicolons, quotes within a row hold nothing together.
        ("no;=cmd|' /C calc'!A0;", "no;'=cmd|' /C calc'!A0;"),
        ("no\n@SUM(A1)", "no\n'@SUM(A1)"),
        ("a - b; c+d=e", "a - b; c+d=e"),
    ],
)
async def test_a_text_that_a_spreadsheet_would_run_is_defused(text: str, defused: str) -> None:
    session = FakeSession()
    session.script = lambda ids: mixed_in(ids, text)
    report = await run_over(session, [*IDS[:1], "x" + text])

    row = next(csv.DictReader(io.StringIO(report.to_csv(), newline="")))

    assert row["reason"] == defused
    assert next(outcome.reason for outcome in report) == text


async def test_raise_for_failures_raises_with_the_report_unless_all_is_well() -> None:
    (await report_over(IDS)).raise_for_failures()

    report = await mixed_report()
    with pytest.raises(DevicesFailed, match="3 failed, 2 invalid, 0 unknown") as caught:
        report.raise_for_failures()

    assert caught.value.report is report
    assert not report.ok


async def test_pending_devices_are_no_failure() -> None:
    report = await run_over(FakeSession(mixed), IDS[3:])

    assert report.pending == 1
    report.raise_for_failures()


@pytest.mark.each_python
async def test_report_and_errors_can_be_pickled() -> None:
    async def no_tokens(_: list[str]) -> DeviceAnswers:
        raise LoginRefusedError("refused", text="no")

    with pytest.raises(RunStopped) as caught:
        await run_over(FakeSession(no_tokens), [*IDS, "bad"], batch_size=2)
    stopped = pickle.loads(pickle.dumps(caught.value))
    report = await mixed_report()
    failed = pickle.loads(pickle.dumps(DevicesFailed(report)))

    assert str(stopped) == str(caught.value)
    assert stopped.cause is StopCause.CREDENTIALS
    assert ids_of(stopped.report, State.UNSENT) == IDS
    assert str(failed) == str(DevicesFailed(report))
    assert list(failed.report) == list(report)
    assert failed.report.summary() == report.summary()
    assert failed.report.groups == report.groups


async def test_what_nobody_asked_about_is_counted_aside() -> None:
    async def chatty(ids: list[str]) -> DeviceAnswers:
        return answers([*ids, *imeis(3, first=900)])

    report = await run_over(FakeSession(chatty), IDS, batch_size=2)

    assert report.unasked == 9
    assert report.succeeded == len(IDS)
    assert_law(report)

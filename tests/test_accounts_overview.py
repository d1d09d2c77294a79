"""The overview of many accounts: what a person reads, and what a program reads."""

import csv
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
from batch_helpers import imeis, report_over
from report_helpers import HOSTILE, every_kind, report_of

from fota_async import (
    AccountsFailed,
    BatchReport,
    Overview,
    RunStopped,
    SourceError,
    State,
    StopCause,
)
from fota_async.batch.states import Verdict

DONE = Verdict(State.SUCCEEDED, "AddDeviceSucceed", "Device added Successfully")
FAILED = Verdict(State.FAILED, "AddDeviceFailed", "no such device")
UNSENT = Verdict(State.UNSENT, reason="the run stopped first (closed)")


def overview_of(
    reports: Mapping[str, BatchReport],
    errors: Mapping[str, Exception] | None = None,
    unfinished: frozenset[str] = frozenset(),
) -> Overview:
    return Overview(reports=reports, errors=errors or {}, unfinished=unfinished)


def closed(devices: int) -> tuple[BatchReport, RunStopped]:
    report = report_of([(range(devices), UNSENT)], stopped="closed")
    message = "the run was stopped (closed): the target is Finished"
    return report, RunStopped(message, report, StopCause.CLOSED)


def some() -> Overview:
    """Return an overview in which one account is fine, and each other has another fate."""
    stopped, error = closed(1200)
    return overview_of(
        {
            "0402196254-00001": report_of([(range(3000), DONE)]),
            "0402196254-00002": report_of([(range(100), DONE), (range(100, 110), FAILED)]),
            "0402196254-00003": stopped,
            "0402196254-00004": report_of([]),
            "0402196254-00005": report_of([(range(7), DONE)]),
        },
        {"0402196254-00003": error, "0402196254-00004": SourceError("cannot read\nfleet.csv")},
        frozenset({"0402196254-00005"}),
    )


def test_a_line_for_each_account_that_is_not_ok_then_the_sum_and_the_reasons() -> None:
    assert str(some()).splitlines() == [
        "5 accounts, 1 of them unfinished, 4 of them not ok: 1 closed, 1 SourceError",
        "  account           inputs  succeeded  failed  unsent",
        "  0402196254-00002     110        100      10       0",
        "  0402196254-00003   1,200          0       0   1,200",
        "    the run was stopped (closed): the target is Finished",
        "  0402196254-00004       0          0       0       0",
        "    SourceError: cannot read fleet.csv",
        "  0402196254-00005       7          7       0       0",
        "    not ended yet",
        "  all                4,317      3,107      10   1,200",
        "60 requests, 10 of them retries; the longest run took 3.5 s",
        "by reason:",
        "         1,200 unsent: the run stopped first (closed)",
        "            10 failed: AddDeviceFailed: no such device",
    ]


def test_hundreds_of_accounts_stay_readable() -> None:
    reports, errors = {}, {}
    for number in range(400):
        name = f"{number:010d}-00001" + "x" * number
        reports[name], errors[name] = closed(number)
        ids = range(number, number + 1)
        kinds = Verdict(State.FAILED, "F", f"reason {number}")
        reports[f"other {number}"] = report_of([(ids, kinds)])

    lines = str(overview_of(reports, errors)).splitlines()

    assert lines[0] == "800 accounts, 800 of them not ok: 400 closed"
    assert "  and 780 accounts more that are not ok" in lines
    assert lines[-1] == "  and 391 reasons more"
    assert len(lines) < 60
    assert max(map(len, lines)) < 120


def test_what_all_agree_on_takes_no_line_for_each() -> None:
    lines = str(overview_of({f"{n}": report_of([([n], DONE)]) for n in range(300)})).splitlines()

    assert lines[0] == "300 accounts, all ok"
    assert len(lines) == 4


def test_a_dry_run_says_that_nothing_was_sent() -> None:
    dry = report_of([([1], Verdict(State.UNSENT, reason="dry run"))], dry_run=True)

    assert "1 of them dry runs, which sent nothing" in str(overview_of({"a": dry}))


def test_texts_cannot_take_over_the_terminal() -> None:
    report = report_of([([1], HOSTILE)])
    error = SourceError("\x1b]0;pwned\x07")

    text = str(overview_of({"\x1b[31m": report}, {"\x1b[31m": error}))

    assert text.replace("\n", "").isprintable()


# What a program reads


def test_as_json() -> None:
    told = json.loads(some().to_json())

    assert told["ok"] is False
    assert (told["totals"]["inputs"], told["totals"]["stopped"]) == (4317, {"closed": 1})
    assert told["totals"]["groups"][1]["reason"] == "no such device"
    stopped = told["accounts"]["0402196254-00003"]
    assert (stopped["cause"], stopped["finished"], stopped["unsent"]) == ("closed", True, 1200)
    assert stopped["error"] == "the run was stopped (closed): the target is Finished"
    assert told["accounts"]["0402196254-00004"]["cause"] == "SourceError"
    assert told["accounts"]["0402196254-00005"]["finished"] is False
    fine = told["accounts"]["0402196254-00001"]
    assert (fine["cause"], fine["error"], fine["succeeded"]) == (None, None, 3000)


def test_as_csv_with_the_account_first(tmp_path: Path) -> None:
    overview = overview_of({'the "first", =1': every_kind(), "second": report_of([([1], DONE)])})

    overview.to_csv(tmp_path / "overview.csv")
    every_kind().to_csv(tmp_path / "alone.csv")

    rows, alone = rows_of(tmp_path / "overview.csv"), rows_of(tmp_path / "alone.csv")
    assert [*rows[0]] == ["account", "device_id", "state", "status", "reason", "settled"]
    assert rows[:-1] == [{"account": 'the "first", =1', **row} for row in alone]
    assert (rows[-1]["account"], rows[-1]["state"]) == ("second", "succeeded")
    written = (tmp_path / "overview.csv").read_bytes()
    assert overview.to_csv().encode(errors="backslashreplace") == written


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_spreadsheet_runs_no_name_of_an_account() -> None:
    [_, row] = overview_of({"=1+1": report_of([([1], DONE)])}).to_csv().splitlines()

    assert row.startswith("'=1+1,")


async def test_the_csv_is_valid_input_of_another_run(tmp_path: Path) -> None:
    path = tmp_path / "overview.csv"
    overview_of(
        {"first": await report_over(imeis(10)), "second": await report_over(imeis(5, first=50))}
    ).to_csv(path)

    report = await report_over(path)

    assert report.inputs == report.succeeded == 15
    assert sorted(one.device_id for one in report) == [*imeis(10), *imeis(5, first=50)]


# Whether all is well


def test_ok_is_what_ended_by_itself_with_every_device_well() -> None:
    fine = {"a": report_of([([1], DONE)])}

    assert overview_of(fine).ok
    assert not overview_of(fine, {"a": SourceError("no")}).ok
    assert not overview_of(fine, unfinished=frozenset("a")).ok
    assert not overview_of({**fine, "b": report_of([([1], FAILED)])}).ok
    overview_of(fine).raise_for_failures()


def test_whoever_wants_an_error_gets_one_with_the_overview() -> None:
    overview = some()
    with pytest.raises(AccountsFailed) as caught:
        overview.raise_for_failures()

    assert caught.value.overview is overview
    assert str(caught.value) == str(overview).splitlines()[0]


def test_it_survives_pickling() -> None:
    same = pickle.loads(pickle.dumps(some()))

    assert (str(same), same.to_json(), same.to_csv()) == (
        str(some()),
        some().to_json(),
        some().to_csv(),
    )


def test_a_log_line_does_not_hold_hundreds_of_reports() -> None:
    assert repr(some()) == f"<Overview {str(some()).splitlines()[0]}>"

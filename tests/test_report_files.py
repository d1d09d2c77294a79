"""Reports as files: each format read back, and never half a file."""

import csv
import gc
import importlib.util
import json
import os
import re
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import attrs
import pytest
from openpyxl import load_workbook
from report_helpers import DONE, HOSTILE, every_kind, report_of
from simulator_api import imei

from fota_async import (
    BatchReport,
    ConfigurationError,
    DeviceOutcome,
    JournalError,
    State,
    SyncReport,
    write_report,
)
from fota_async.models.licenses import LicensedDevice
from fota_async.reports import workbook
from fota_async.reports.files import companion_of

Row = tuple[str, str, str, str, bool]
ENDINGS = ("csv", "json", "ndjson", "xlsx", "html")


def rows_of(report: BatchReport) -> list[Row]:
    return [(o.device_id, o.state.value, o.status, o.reason, o.settled) for o in report]


def from_json(text: str) -> list[Row]:
    devices = json.loads(text)["devices"]
    return [tuple(device.values()) for device in devices]


def from_ndjson(text: str) -> list[Row]:
    return [tuple(json.loads(line).values()) for line in text.splitlines()]


@pytest.mark.parametrize(("ending", "read"), [("json", from_json), ("ndjson", from_ndjson)])
def test_json_read_back_is_the_report(
    ending: str, read: Callable[[str], list[Row]], tmp_path: Path
) -> None:
    report, file = every_kind(), tmp_path / f"out.{ending}"

    write_report(report, file)

    assert read(file.read_text("ascii")) == rows_of(report)


def test_json_holds_the_counts_and_the_reasons_too(tmp_path: Path) -> None:
    report = every_kind()
    write_report(report, tmp_path / "out.json")

    told = json.loads((tmp_path / "out.json").read_text())
    assert {name: told[name] for name in report.summary()} == report.summary()
    assert (
        sum(group["devices"] for group in told["groups"])
        == report.inputs - report.duplicates - report.succeeded
    )


def test_csv_is_the_same_as_ever(tmp_path: Path) -> None:
    report = every_kind()
    write_report(report, tmp_path / "new.csv")
    report.to_csv(tmp_path / "old.csv")

    assert (tmp_path / "new.csv").read_bytes() == (tmp_path / "old.csv").read_bytes()
    with (tmp_path / "new.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + len(rows_of(report))


def in_a_cell(text: str) -> str:
    """What a text becomes that XML cannot hold."""
    kept = re.compile(r"[\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
    return "".join(
        one if kept.match(one) else one.encode("unicode_escape").decode() for one in text
    )


def sheets_of(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(file)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_a_workbook_read_back_is_the_report(tmp_path: Path) -> None:
    report, file = every_kind(), tmp_path / "out.xlsx"
    write_report(report, file)

    header, *rows = sheets_of(file)["Devices"]
    assert header == ("device_id", "state", "status", "reason", "settled")
    assert [tuple(cell or "" for cell in row) for row in rows] == [
        (device, state, in_a_cell(status), in_a_cell(reason), "yes" if settled else "no")
        for device, state, status, reason, settled in rows_of(report)
    ]


def test_ids_are_text_in_a_workbook_and_nothing_is_a_formula_or_an_error(tmp_path: Path) -> None:
    write_report(every_kind(), tmp_path / "out.xlsx")

    book = load_workbook(tmp_path / "out.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "inlineStr", "n"}
    ids = [cell for (cell,) in book["Devices"].iter_rows(min_row=2, max_col=1)]
    assert all(cell.data_type in {"s", "inlineStr"} and cell.number_format == "@" for cell in ids)


def test_a_workbook_counts_and_names_the_reasons(tmp_path: Path) -> None:
    report = every_kind()
    write_report(report, tmp_path / "out.xlsx")

    sheets = sheets_of(tmp_path / "out.xlsx")
    assert list(sheets) == ["Devices", "Summary", "Reasons"]
    summary = dict(sheets["Summary"])
    assert (summary["inputs"], summary["failed"]) == (report.inputs, report.failed)
    assert [row[0] for row in sheets["Reasons"][1:]] == [one.devices for one in report.groups]


@pytest.mark.parametrize(
    ("devices", "held"), [(0, [0]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])]
)
def test_a_full_sheet_goes_on_on_the_next(devices: int, held: list[int], tmp_path: Path) -> None:
    report, file = report_of([(range(devices), DONE)]), tmp_path / "out.xlsx"
    workbook.write_workbook(report, iter(report), file, rows=5)

    sheets = sheets_of(file)
    names = ["Devices", "Devices 2", "Devices 3"][: len(held)]
    assert list(sheets) == [*names, "Summary", "Reasons"]
    assert [len(sheets[name]) - 1 for name in names] == held
    listed = [row[0] for name in names for row in sheets[name][1:]]
    assert listed == [row[0] for row in rows_of(report)]


def test_a_sheet_holds_what_excel_holds() -> None:
    assert workbook.ROWS == 1_048_576


def test_a_text_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    long = DeviceOutcome("1", State.FAILED, reason="x" * 40_000)
    workbook.write_workbook(report_of([]), [long], tmp_path / "out.xlsx")

    (_, row) = sheets_of(tmp_path / "out.xlsx")["Devices"]
    assert row[3] == "x" * 32_766 + "…"


def test_details_are_in_json_where_there_are_any(tmp_path: Path) -> None:
    report = report_of([([1], DONE)])
    ledger = report._ledger
    ledger.columns[0].details = [LicensedDevice(device_id="356938030000001")]

    write_report(report, tmp_path / "out.ndjson")

    told = json.loads((tmp_path / "out.ndjson").read_text())
    assert told["detail"]["device_id"] == "356938030000001"


@pytest.mark.parametrize("ending", ENDINGS)
def test_only_the_states_that_are_asked_for_are_listed(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"out.{ending}"
    write_report(every_kind(), file, states=[State.UNKNOWN])

    if ending == "xlsx":
        listed = [row[1] for row in sheets_of(file)["Devices"][1:]]
        assert listed == ["unknown"]
        return
    listed = file.read_text().split('id="list"')[-1]  # a page has examples of all states
    assert imei(13) in listed
    assert imei(12) not in listed
    assert imei(14) not in listed


@pytest.mark.parametrize("name", ["out.txt", "out", "out.xls", "out.csv.gz", ".csv"])
def test_an_ending_without_a_format_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.csv, \.json, \.ndjson, \.xlsx, \.html"):
        write_report(every_kind(), tmp_path / name)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("ending", "package", "extra"), [("xlsx", "openpyxl", "xlsx"), ("html", "jinja2", "report")]
)
def test_a_missing_extra_is_named(
    ending: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "fota_async.reports.files.find_spec",
        lambda name: None if name == package else found(name),
    )

    with pytest.raises(ConfigurationError, match=rf"pip install 'fota_async\[{extra}\]'"):
        write_report(every_kind(), tmp_path / f"out.{ending}")

    assert not list(tmp_path.iterdir())


class Breaking(BatchReport):
    """A report whose journal is damaged somewhere behind the first devices."""

    def __iter__(self) -> Iterator[DeviceOutcome]:
        yield DeviceOutcome("356938030000001", State.SUCCEEDED)
        raise JournalError("a row is not what was written")


@pytest.mark.parametrize("ending", ENDINGS)
def test_half_a_report_never_stands_under_its_name(ending: str, tmp_path: Path) -> None:
    report = every_kind()
    report.__class__ = Breaking
    fresh, old = tmp_path / f"fresh.{ending}", tmp_path / f"old.{ending}"
    old.write_text("what was there")

    for file in (fresh, old):
        with pytest.raises(JournalError):
            write_report(report, file)

    assert [file.name for file in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "what was there"


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_room_the_file_that_was_there_stays(ending: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    file = tmp_path / f"out.{ending}"
    file.write_text("what was there")
    report = report_of([(range(400), HOSTILE)])

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_report(report, file)
        gc.collect()  # whatever complains only when it is collected
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    assert file.read_text() == "what was there"


def test_a_workbook_on_a_full_disk_complains_once() -> None:
    report, full = report_of([(range(4000), HOSTILE)]), Path("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        workbook.write_workbook(report, report, full)
    gc.collect()  # what is left open complains when it is collected, which fails a test


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_was_there_keeps_its_mode_and_a_link_stays_one(
    ending: str, tmp_path: Path
) -> None:
    real, link = tmp_path / f"real.{ending}", tmp_path / f"link.{ending}"
    real.write_text("")
    real.chmod(0o640)
    link.symlink_to(real)

    write_report(every_kind(), link)

    assert link.is_symlink()
    assert real.stat().st_size > 100
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize("leads_to", ["blob", "other.csv"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_link_is_called_names_the_format(ending: str, leads_to: str, tmp_path: Path) -> None:
    link, plain = tmp_path / f"link.{ending}", tmp_path / f"plain.{ending}"
    link.symlink_to(tmp_path / leads_to)
    write_report(every_kind(), link)
    write_report(every_kind(), plain)

    assert link.is_symlink()
    assert (tmp_path / leads_to).read_bytes()[:50] == plain.read_bytes()[:50]


def test_what_is_no_ordinary_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.mkdir()

    with pytest.raises(OSError, match="no ordinary file"):
        write_report(every_kind(), file)

    assert list(tmp_path.iterdir()) == [file]


def test_a_name_may_be_as_long_as_names_are(tmp_path: Path) -> None:
    report, file = report_of([([1], DONE)]), tmp_path / f"{'x' * 251}.csv"
    write_report(report, file)

    assert file.read_text() == report.to_csv()


def test_a_whole_report_that_cannot_take_its_name_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held_open(_: Path, __: Path) -> None:
        raise PermissionError(13, "another program has the file open")

    report, file = report_of([([1], DONE)]), tmp_path / "out.csv"
    file.write_text("what was there")
    monkeypatch.setattr(Path, "replace", held_open)

    with pytest.raises(OSError, match="another program has the file open; all of it is in") as told:
        write_report(report, file)

    [kept] = [one for one in tmp_path.iterdir() if one != file]
    assert str(kept) in str(told.value)
    assert kept.read_text() == report.to_csv()
    assert file.read_text() == "what was there"


def test_a_page_leads_to_the_file_beside_it_whatever_its_name_is(tmp_path: Path) -> None:
    page = tmp_path / os.fsdecode(b"\xff 100%?#.html")
    write_report(report_of([(range(6000), DONE)]), page)

    beside = companion_of(page)
    assert beside is not None
    [link] = re.findall('href="([^"]*)"', page.read_text())
    assert os.fsdecode(unquote_to_bytes(link)) == beside.name
    assert beside.read_text().count("\n") == 6001


def test_a_page_about_many_devices_lists_them_beside_it(tmp_path: Path) -> None:
    report = report_of([(range(6000), DONE), (range(6000, 6010), HOSTILE)])
    page = tmp_path / "my report.html"
    write_report(report, page)

    beside = tmp_path / "my report.devices.csv"
    assert companion_of(page) == beside
    with beside.open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)][1:] == [row[0] for row in rows_of(report)]
    text = page.read_text()
    assert 'href="my%20report.devices.csv"' in text
    # What went wrong is little enough to be listed all the same.
    assert text.count('<tr><th scope="row"><bdi>000000') == 10


def test_a_page_about_few_devices_has_nothing_beside_it(tmp_path: Path) -> None:
    write_report(report_of([(range(5000), DONE)]), tmp_path / "out.html")

    assert [file.name for file in tmp_path.iterdir()] == ["out.html"]
    assert (tmp_path / "out.html").read_text().count('<tr><th scope="row"><bdi>000000') == 5000


def a_sync() -> SyncReport:
    """A sync whose runs have devices in every state, and one device in both of them."""
    removed = report_of([([1], DONE), ([40, 41], HOSTILE)])
    removed.operation = "remove"
    return SyncReport(append=every_kind(), remove=removed, unchanged=7, duplicates=2)


def test_rows_and_objects_of_a_sync_name_the_operation(tmp_path: Path) -> None:
    sync = a_sync()
    for ending in ("csv", "ndjson", "json"):
        write_report(sync, tmp_path / f"out.{ending}")

    wanted = [
        (one.device_id, one.state.value, run.operation)
        for run in (sync.append, sync.remove)
        for one in run
    ]
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["device_id", "state", "status", "reason", "settled", "operation"]
    assert [(row[0].lstrip("'"), row[1], row[5]) for row in rows] == wanted
    told = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert [(one["device_id"], one["state"], one["operation"]) for one in told] == wanted
    whole = json.loads((tmp_path / "out.json").read_text())
    assert list(whole) == ["append", "remove", "unchanged", "duplicates"]
    assert (whole["unchanged"], whole["duplicates"]) == (7, 2)
    for run in (sync.append, sync.remove):
        part = whole[run.operation]
        assert {name: part[name] for name in run.summary()} == run.summary()
        assert [one["device_id"] for one in part["devices"]] == [one.device_id for one in run]


def test_a_workbook_of_a_sync_has_sheets_for_each_operation(tmp_path: Path) -> None:
    sync = a_sync()
    write_report(sync, tmp_path / "out.xlsx", states=[State.FAILED])

    sheets = sheets_of(tmp_path / "out.xlsx")
    assert sheets["Sync"][1:] == [("unchanged", 7), ("duplicates", 2)]
    for run in (sync.append, sync.remove):
        name = run.operation.capitalize()
        assert len(sheets[f"{name} devices"]) == 1 + run.failed
        assert dict(sheets[f"{name} summary"])["inputs"] == run.inputs
        assert len(sheets[f"{name} reasons"]) == 1 + len(run.groups)


def test_a_page_of_a_large_sync_lists_both_runs_beside_it(tmp_path: Path) -> None:
    sync = attrs.evolve(a_sync(), append=report_of([(range(6000), DONE)]))
    write_report(sync, tmp_path / "out.html")

    lines = (tmp_path / "out.devices.csv").read_text(encoding="utf-8").splitlines()
    assert sum(line.endswith(",append") for line in lines) == 6000
    assert sum(line.endswith(",remove") for line in lines) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "devices"),
    # A workbook takes twenty times as long to write.
    [("csv", 200_000), ("json", 200_000), ("ndjson", 200_000), ("html", 200_000), ("xlsx", 20_000)],
)
def test_devices_are_never_all_in_memory(ending: str, devices: int, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        report = report_of([(range(count // 2), DONE), (range(count // 2, count), HOSTILE)])
        tracemalloc.start()
        write_report(report, tmp_path / f"out.{ending}")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = max(devices // 10, 12_000)  # more than a page lists
    peak(few)
    assert peak(devices) < 1.3 * peak(few) + 200_000

"""`--report` of the commands that run, and of `fota report`: every format, from a real run."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_helpers import Fota, point_at, runner
from helpers import UPGRADE
from openpyxl import load_workbook
from simulator_api import imei

from fota_async import read_journal
from fota_async.simulator import Faults, Rules, Simulator, SimulatorThread


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    rules = Rules(refused={imei(3): "<b>Not</b> 'eligible'"})
    with SimulatorThread(rules=rules, faults=Faults(seed=1, drop_after=0.1)) as simulator:
        point_at(simulator, monkeypatch)
        yield simulator


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    file = tmp_path / "fleet.csv"
    ids = [imei(number) for number in range(1, 41)]
    file.write_text("\n".join(["imei", *ids, imei(1), "4.90E+14"]))
    return str(file)


FAST = ("--settle-delay", "0.05", "--batch-size", "5")


def test_each_format_says_what_the_run_came_to(
    fota: Fota, served: Simulator, fleet: str, tmp_path: Path
) -> None:
    listed: dict[str, list[tuple[str, str]]] = {}
    for ending in ("csv", "json", "ndjson", "xlsx", "html"):
        out = tmp_path / f"out.{ending}"
        code, _, errors = fota(
            *("append", "--upgrade", UPGRADE, *FAST, "--report", str(out), fleet)
        )
        assert code == 3, errors
        if ending == "csv":
            with out.open(newline="") as file:
                listed[ending] = [(row[0], row[1]) for row in csv.reader(file)][1:]
        elif ending == "json":
            devices = json.loads(out.read_text())["devices"]
            listed[ending] = [(one["device_id"], one["state"]) for one in devices]
        elif ending == "ndjson":
            lines = map(json.loads, out.read_text().splitlines())
            listed[ending] = [(one["device_id"], one["state"]) for one in lines]
        elif ending == "xlsx":
            _, *rows = load_workbook(out)["Devices"].iter_rows(values_only=True)
            listed[ending] = [(str(row[0]), str(row[1])) for row in rows]

    assert len(listed["csv"]) == 41
    assert (imei(3), "failed") in listed["csv"]
    assert listed["json"] == listed["ndjson"] == listed["xlsx"] == listed["csv"]
    page = (tmp_path / "out.html").read_text()
    assert "42 inputs = 39 succeeded + 1 failed + 1 invalid + 1 duplicates" in page
    assert "throughput-wide-title" in page
    assert "fleet.csv" in page
    for secret in (served.key, served.secret, served.username, served.password):
        assert secret not in page


@pytest.mark.parametrize(
    ("name", "words"),
    [("out.txt", "names its format"), ("no/such/out.html", "cannot write"), ("out", ".xlsx")],
)
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_sent(
    fota: Fota, served: Simulator, fleet: str, name: str, words: str
) -> None:
    out = str(Path(fleet).parent / name)
    code, _, errors = fota("append", "--upgrade", UPGRADE, "--report", out, fleet)

    assert code == 2
    assert words in errors
    assert not served.stats()["requests"]


def test_a_place_that_takes_no_file_is_refused_before_anything_is_sent(
    fota: Fota, served: Simulator, fleet: str, tmp_path: Path
) -> None:
    loop, folder, beside = (tmp_path / name for name in ("loop.csv", "a.csv", "b.devices.csv"))
    loop.symlink_to(loop)
    folder.mkdir()
    beside.mkdir()
    too_long = tmp_path / f"{'x' * 252}.csv"

    for out in (loop, folder, tmp_path / "b.html", too_long):
        code, _, errors = fota("append", "--upgrade", UPGRADE, "--report", str(out), fleet)
        assert (code, len(errors.splitlines())) == (2, 1)
        assert "cannot write" in errors
    assert not served.stats()["requests"]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_missing_extra_is_named_before_anything_is_sent(
    fota: Fota, served: Simulator, fleet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fota_async.reports.files.find_spec", lambda _: None)

    out = str(tmp_path / "out.html")
    code, _, errors = fota("append", "--upgrade", UPGRADE, "--report", out, fleet)

    assert code == 2
    assert "pip install 'fota_async[report]'" in errors
    assert not served.stats()["requests"]


def test_the_file_beside_a_page_may_not_be_the_device_list(
    fota: Fota, served: Simulator, fleet: str, tmp_path: Path
) -> None:
    listed = Path(fleet).rename(tmp_path / "out.devices.csv")

    out = str(tmp_path / "out.html")
    code, _, errors = fota("append", "--upgrade", UPGRADE, "--report", out, str(listed))

    assert code == 2
    assert "would overwrite" in errors
    assert not served.stats()["requests"]


def test_a_journal_becomes_any_format_too(
    fota: Fota, served: Simulator, fleet: str, tmp_path: Path
) -> None:
    journal = str(tmp_path / "enrol.db")
    fota("append", "--upgrade", UPGRADE, *FAST, "--journal", journal, fleet)
    sent = served.stats()["requests"]
    report = read_journal(journal)

    for ending in ("csv", "json", "ndjson", "xlsx", "html"):
        out = tmp_path / f"told.{ending}"
        code, stdout, errors = fota("report", journal, "--report", str(out), "--state", "failed")
        assert (code, stdout, errors) == (0, "", "")
        assert out.stat().st_size

    assert (tmp_path / "told.ndjson").read_text().count("\n") == report.failed == 1
    page = (tmp_path / "told.html").read_text()
    assert "Times were not recorded" in page
    assert (
        page.count(f'<tr><th scope="row"><bdi>{imei(3)}')
        == page.count('<tr><th scope="row"><bdi>0')
        == 1
    )
    assert served.stats()["requests"] == sent


@pytest.mark.parametrize("others", [("--json",), ("--csv", "other.csv")])
def test_a_journal_goes_to_one_place_at_a_time(fota: Fota, others: tuple[str, ...]) -> None:
    code, _, errors = fota("report", "enrol.db", "--report", "out.html", *others)

    assert code == 2
    assert "one of --report, --csv and --json" in errors


@pytest.mark.usefixtures("served")
def test_a_resumed_run_says_which_numbers_are_of_which_start(
    fota: Fota, fleet: str, tmp_path: Path
) -> None:
    journal, out = str(tmp_path / "enrol.db"), tmp_path / "out.html"
    command = ("append", "--upgrade", UPGRADE, *FAST, "--journal", journal)
    fota(*command, "--deadline", "0.000001", fleet)
    fota(*command, "--report", str(out), fleet)

    page = out.read_text()
    assert "This is start 2 of the run" in page
    assert "stopped: its deadline passed" in page


@pytest.mark.parametrize("with_journal", [False, True])
@pytest.mark.usefixtures("served")
def test_scheduling_and_appending_the_rest_is_one_start(
    fota: Fota, fleet: str, tmp_path: Path, with_journal: bool
) -> None:
    out, journal = tmp_path / "out.html", tmp_path / "enrol.db"
    asked = ("--firmware-name", "F", "--firmware-to", "2", "--start-date", "2027-04-01")
    kept = ("--journal", str(journal)) if with_journal else ()
    command = ("upgrades", "schedule", *asked, "--end-date", "2027-04-08", *FAST, *kept)
    code, _, errors = fota(*command, "--report", str(out), fleet)

    assert code == 3, errors
    page = out.read_text()
    assert "<dt>started</dt><dd><bdi>once</bdi></dd>" in page
    assert "42 inputs = " in page
    assert "Starts of the run" not in page


def test_neither_jinja2_nor_openpyxl_is_loaded_unless_it_is_used() -> None:
    code = (
        "import sys, fota_async.cli.app, fota_async.cli.runs, fota_async.cli.report\n"
        "from fota_async import write_report\n"
        "print([name for name in ('jinja2', 'openpyxl') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"

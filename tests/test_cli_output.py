"""What single calls print: JSON for programs, tables for people, and nothing that can do harm."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import UPGRADE, Seen, Stub, reply

from fota_async import models
from fota_async.cli.plain import printable_lines
from fota_async.cli.tables import COLUMNS, list_table
from fota_async.printable import printable

pty = pytest.importorskip("pty")

HARM = "\x1b]0;owned\x07\x1b[2Jred [bold]\u202edne\r\n\x9b31m"
FIRMWARE = {
    "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
    "launchDate": "2018-04-01T16:03:00.000Z",
    "releaseNote": HARM,
    "model": "Model-A",
    "make": HARM,
    "fromVersion": "01",
    "toVersion": "02",
}


def page(seen: Seen) -> bytes:
    """Answer with one of three pages of a device list."""
    first = {"0": 1, "2": 3, "4": 5}[seen.path.partition("lastSeenDeviceId=")[2]]
    devices = [
        {"deviceId": f"{one:015d}", "licenseAssigned": one % 2 == 0, "firmware": "7"}
        for one in range(first, first + 2)
    ]
    answer = {"hasMoreData": first < 5, "lastSeenDeviceId": str(first + 1), "deviceList": devices}
    return reply(answer)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub()
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fota:
    """Run a command whose standard output is a terminal; what colours text is taken out."""
    monkeypatch.setenv("COLUMNS", "160")
    run = runner(capsys)

    def call(*arguments: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys.stdout, "isatty", lambda: True)
            code, stdout, stderr = run(*arguments)
        return code, re.sub(r"\x1b\[[0-9;]*m", "", stdout), stderr

    return call


# JSON


def test_a_single_answer_is_one_object_under_our_names(fota: Fota, stub: Stub) -> None:
    stub.script = lambda _: reply(
        {
            "campaignId": UPGRADE,
            "softwareName": "s",
            "status": "CampaignScheduled",
            "startDate": "2027-04-01",
            "downloadTimeWindowList": [{"startTime": "20", "endTime": "21"}],
        }
    )

    code, stdout, stderr = fota("campaigns", "get", "--api", "v2", UPGRADE)

    answer = json.loads(stdout)
    assert (code, stderr, stdout.count("\n")) == (0, "", 1)
    assert list(answer) == [field.name for field in attrs.fields(models.CampaignV2)]
    assert (answer["id"], answer["status"]) == (UPGRADE, "CampaignScheduled")
    assert answer["start_date"] == "2027-04-01"
    assert answer["download_time_window_list"] == [{"start_time": 20, "end_time": 21}]
    assert answer["campaign_name"] is None


def test_pages_are_a_line_for_each_item(fota: Fota, stub: Stub) -> None:
    stub.script = page

    code, stdout, _ = fota("devices", "list", "--api", "v3")

    items = [json.loads(line) for line in stdout.splitlines()]
    assert code == 0
    assert [item["device_id"] for item in items] == [f"{one:015d}" for one in range(1, 7)]
    assert len(stub.asked()) == 3


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (2, 1), (3, 2), (6, 3), (99, 3)])
def test_a_limit_ends_a_list_and_asks_for_no_page_that_is_not_needed(
    fota: Fota, stub: Stub, limit: int, pages: int
) -> None:
    stub.script = page

    code, stdout, _ = fota("devices", "list", "--api", "v3", "--limit", str(limit))

    assert (code, len(stdout.splitlines())) == (0, min(limit, 6))
    assert len(stub.asked()) == pages


def test_items_are_printed_before_the_next_page_is_there(stub: Stub) -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stdout:

        def slow(seen: Seen) -> bytes:
            if not seen.path.endswith("=0"):
                # The second page comes only when the first was printed.
                assert json.loads(stdout.readline())["device_id"] == f"{1:015d}"
            return page(seen)

        stub.script = slow
        done = subprocess.run(
            [sys.executable, "-m", "fota_async", "devices", "list", "--api", "v3", "--limit", "3"],
            stdout=write,
            check=False,
            timeout=60,
        )
        os.close(write)
        assert (done.returncode, len(stdout.readlines())) == (0, 2)


def test_a_list_that_is_not_paged_has_lines_too_and_ids_are_objects(fota: Fota, stub: Stub) -> None:
    stub.script = lambda seen: reply(
        {"count": 1, "deviceList": [990013907835573]} if "cancel" in seen.path else [FIRMWARE] * 2
    )

    assert len(fota("firmware", "list", "--api", "v1")[1].splitlines()) == 2
    assert json.loads(fota("licenses", "candidates", "list", "--api", "v2")[1]) == {
        "device_id": "990013907835573"
    }


def test_an_answer_that_holds_nothing_is_said_on_stderr(fota: Fota, stub: Stub) -> None:
    stub.script = lambda _: reply()

    assert fota("callbacks", "get", "--api", "v3") == (0, "", "none is registered\n")
    code, stdout, stderr = fota("upgrades", "cancel", "--yes", UPGRADE)
    assert (code, stdout) == (0, "")
    assert f"{UPGRADE} is cancelled" in stderr


def test_a_password_of_a_listener_is_not_shown(fota: Fota, terminal: Fota, stub: Stub) -> None:
    listener = {"url": "https://here.example", "username": "u", "password": "opens-nothing-else"}
    stub.script = lambda _: reply([listener])

    assert json.loads(fota("callbacks", "list")[1])["password"] == "***"
    assert "opens-nothing-else" not in terminal("callbacks", "list")[1]


@pytest.mark.parametrize(("options", "name"), [((), "listener"), (("--username", "me"), "me")])
def test_a_v1_listener_takes_its_password_from_the_environment(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], name: str
) -> None:
    monkeypatch.setenv("THINGSPACE_CALLBACK_USERNAME", "listener")
    monkeypatch.setenv("THINGSPACE_CALLBACK_PASSWORD", "opens-nothing-else")
    stub.script = lambda _: reply({"accountName": "a", "serviceName": "Fota"})

    fota("callbacks", "register", "--api", "v1", *options, "https://here.example")

    body = json.loads(stub.asked()[0].body)
    assert (body["username"], body["password"]) == (name, "opens-nothing-else")


# Tables


def test_on_a_terminal_a_list_is_a_table_of_chosen_columns(terminal: Fota, stub: Stub) -> None:
    stub.script = page

    code, stdout, _ = terminal("devices", "list", "--api", "v3", "--limit", "2")

    header, *rows = (line.split() for line in stdout.splitlines())
    assert code == 0
    assert header == list(COLUMNS[models.DeviceV3])
    assert [row[0] for row in rows] == [f"{one:015d}" for one in (1, 2)]
    assert [row[-1] for row in rows] == ["no", "yes"]


def test_on_a_terminal_an_answer_is_its_values_and_its_devices(terminal: Fota, stub: Stub) -> None:
    rows = [{"deviceId": "990013907835573", "status": "Device Rejected", "resultReason": "why"}]
    stub.script = lambda _: reply({"id": UPGRADE, "status": "Queued", "deviceList": rows})

    _, stdout, _ = terminal("upgrades", "get", UPGRADE)

    assert re.search(rf"^id +{UPGRADE} *$", stdout, re.MULTILINE)
    assert re.search(r"^status +Queued *$", stdout, re.MULTILINE)
    assert re.search(r"^990013907835573 +Device Rejected +why *$", stdout, re.MULTILINE)


def test_json_is_there_for_a_terminal_too(terminal: Fota, stub: Stub) -> None:
    stub.script = page
    assert json.loads(terminal("devices", "list", "--api", "v3", "--json", "--limit", "1")[1])


def test_no_id_is_cut_on_a_narrow_terminal(
    terminal: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stub.script = page
    assert "000000000000001" in terminal("devices", "list", "--api", "v3")[1]


def test_every_chosen_column_is_an_attribute() -> None:
    for kind, names in COLUMNS.items():
        assert set(names) <= {field.name for field in attrs.fields(kind)}, kind


def test_hours_and_truth_are_readable() -> None:
    campaign = models.CampaignV3(UPGRADE, campaign_time_window_list=(models.TimeWindow(8, 17),))
    assert COLUMNS[models.CampaignV3][0] == "id"
    assert UPGRADE in list_table([campaign])


# Harm


def test_what_is_no_print_is_shown_by_its_escape() -> None:
    assert printable(HARM).isprintable()
    assert printable("\x1b[2J\u202e") == "\\x1b[2J\\u202e"
    assert printable("Zoë 5 µm") == "Zoë 5 µm"
    assert printable_lines("a\x07\nb") == "a\\x07\nb"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nothing_that_moves_a_terminal_gets_through(
    terminal: Fota, stub: Stub, options: tuple[str, ...]
) -> None:
    stub.script = lambda _: reply([FIRMWARE])

    code, stdout, _ = terminal("firmware", "list", "--api", "v1", *options)

    assert code == 0
    assert all(line.isprintable() for line in stdout.splitlines())
    assert "red [bold]" in " ".join(stdout.split())


def test_an_error_of_the_api_is_one_clean_line(fota: Fota, stub: Stub) -> None:
    said = {"errorCode": "INVALID_PARAMETER", "errorMessage": f"Invalid [red]{HARM}"}
    stub.script = lambda _: reply(said, status=400)

    code, stdout, stderr = fota("upgrades", "get", UPGRADE)

    [line] = stderr.splitlines()
    assert (code, stdout) == (1, "")
    assert line.isprintable()
    assert line.startswith("fota: GET /api/fota/v1/upgrades/")
    assert "INVALID_PARAMETER: Invalid [red]" in line


def test_a_real_terminal_gets_a_table(stub: Stub) -> None:
    stub.script = lambda _: reply([FIRMWARE])
    leading, following = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "fota_async", "firmware", "list", "--api", "v1"],
        stdout=following,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm"},
        check=False,
        timeout=60,
    )
    os.close(following)
    text = os.read(leading, 1 << 16).decode()
    os.close(leading)

    assert done.returncode == 0
    assert "firmware_name" in text
    assert "\x1b]0;" not in text
    assert "\x9b" not in text


def test_a_reader_that_goes_away_ends_a_list(stub: Stub) -> None:
    stub.script = page
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "fota_async", "devices", "list", "--api", "v3"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writing)

    assert done.returncode == 1
    assert len(stub.asked()) == 1
    assert "standard output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_long_pause_is_told(fota: Fota, stub: Stub) -> None:
    answers: list[Any] = [reply({}, status=429, Retry_After="2"), reply([FIRMWARE])]
    stub.script = lambda _: answers.pop(0)

    code, stdout, stderr = fota("firmware", "list", "--api", "v1")

    assert (code, len(stdout.splitlines())) == (0, 1)
    assert "wait 2 s" in stderr

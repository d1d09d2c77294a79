"""What goes wrong is one line that says what happened and what to do, and an exit code."""

import signal
import threading
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import FAST, LOGIN, TOKEN, UPGRADE, Seen, Stub, drop, never, reply

from fota_async.cli.output import told
from fota_async.errors import FotaError

DEVICE = "990013907835573"
DATES = ["--start-date", "2027-04-01", "--end-date", "2027-04-08"]
IMAGE = ["--name", "n", "--from", "1", "--to", "2"]
FIRMWARE = ["--firmware-name", "n", "--firmware-to", "2"]
GENERAL = ["campaigns", "schedule", "--api", "v2", *IMAGE]
DATING = ["campaigns", "dates", "--api"]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub()
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fota_async.session.RetryPolicy", lambda: FAST)


def fleet(tmp_path: Path, content: str = f"{DEVICE}\n") -> str:
    file = tmp_path / "fleet.csv"
    file.write_text(content)
    return str(file)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["upgrades", "get", "not-a-uuid"], "UUID"),
        (["upgrades", "cancel", "--yes", "not-a-uuid"], "UUID"),
        (["campaigns", "get", "--api", "v2", "../x"], "UUID"),
        (["campaigns", "get", UPGRADE], "--api"),
        (["campaigns", "get", "--api", "v1", UPGRADE], "v2"),
        (["campaigns", "devices", "--api", "v3", "a/b"], "UUID"),
        (["upgrades", "history", "99001390783557"], "15 digits"),
        (["reports", "history", "--api", "v2", "x"], "15 digits"),
        (["logging", "logs", "9900139078355731"], "15 digits"),
        (["firmware", "report", "x"], "15 digits"),
        (["upgrades", "list", "--status", "Queud"], "RequestPending, Queued"),
        (["reports", "list", "--api", "v1", "--status", "CampaignEnded"], "RequestPending"),
        (["campaigns", "list", "--api", "v3", "--status", "Queued"], "CampaignRequestQueued"),
        (["devices", "list", "--api", "v1", "--limit", "0"], "--limit"),
        (["firmware", "list", "--api", "v1", "--protocol", "LWM2M"], "--protocol"),
        (["callbacks", "register", "--api", "v2", "http://here.example"], "https"),
        (["callbacks", "register", "--api", "v3", "--username", "u", "https://h.e"], "--username"),
        ([*DATING, "v3", "--start-date", "2027-4-1", *DATES[2:], UPGRADE], "start"),
        ([*DATING, "v3", "--start-date", "2027-02-30", *DATES[2:], UPGRADE], "start"),
        ([*DATING, "v3", "--start-date", "2027-04-09", *DATES[2:], UPGRADE], "before"),
        ([*DATING, "v3", *DATES, "--window", "8", UPGRADE], "8-17"),
        ([*DATING, "v3", *DATES, "--window", "24-25", UPGRADE], "8-17"),
        ([*DATING, "v3", *DATES, "--window", "8-0", UPGRADE], "8-17"),
        ([*DATING, "v3", *DATES, "--window", "\u0668-\u0661\u0667", UPGRADE], "8-17"),
        ([*DATING, "v3", *DATES, "--install-window", "8-17", UPGRADE], "--install-window"),
        ([*DATING, "v2", *DATES, "--window", "8-17", UPGRADE], "--window"),
        ([*DATING, "v2", *DATES, "--download-window", "8:17", UPGRADE], "--download-window"),
        (["append", "--upgrad", UPGRADE, "fleet.csv"], "no such option"),
        (["append", "--upgrad", UPGRADE, "fleet.csv"], "did you mean --upgrade?"),
        (["append", "--upgrade", UPGRADE], "FILE is missing"),
        (["upgrades", "list"], "--status is missing"),
        (["upgrades", "list", "--staus", "Queued"], "Did you mean --status"),
        (["upgrades", "list", "--status"], "--status requires an argument"),
        (["upgrades", "schedule", *FIRMWARE, "--start-date", "1.4.2027", "x.csv"], "YYYY-MM-DD"),
        (["append", "--upgrade", UPGRADE, "fleet.csv", "more.csv"], "one argument too many"),
        (["append", "--upgrade", UPGRADE, "--report", "/no/such/x.csv", "f"], "'/no/such'"),
        (["append", "--upgrade", UPGRADE, "/no/such/file"], "No such file"),
        (["apend"], '"append"'),
        (["upgrades", "gett"], "schedule, cancel, history"),
        (["listen", "--store", "/no/such/e.db"], "--cert"),
        (["files", "upload", "/no/such/file", "--file-version", "1", "--make", "m", "--model", "m",
          "--local-target-path", "/p"], "/no/such/file"),
        (["subscriptions", "get", "--api", "v1", "--base-url", "http://example.com"], "https"),
        (["subscriptions", "get", "--api", "v1", "--account", "a/b"], "account"),
        (["subscriptions", "get", "--api", "v1", "--timeout", "0"], "--timeout"),
        (["subscriptions", "get", "--api", "v1", "--password", "x"], "--password"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_sent(
    fota: Fota, stub: Stub, command: list[str], said: str
) -> None:
    code, stdout, stderr = fota(*command)

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    assert line.startswith("fota: ")
    assert said in line


@pytest.mark.parametrize(
    "case",
    [
        (["upgrades", "schedule", *FIRMWARE, *DATES], "", "no device"),
        (["campaigns", "schedule", "--api", "v3", *IMAGE, *DATES], "imei\n", "no device"),
        (["campaigns", "schedule", "--api", "v3", *IMAGE, *DATES], "9900139078\n", "10 digits"),
        (["campaigns", "schedule-software", *IMAGE, *DATES], "9.90013E+14\n", "spreadsheet"),
        ([*GENERAL, *DATES, "--window", "1-2"], "", "--window"),
        ([*GENERAL, *DATES, "--auto-add-devices"], "", "--auto-add-devices"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_scheduled_is_refused_before_anything_is_sent(
    fota: Fota, stub: Stub, tmp_path: Path, case: tuple[list[str], str, str]
) -> None:
    command, content, said = case

    code, stdout, stderr = fota(*command, fleet(tmp_path, content))

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    assert said in line


def test_a_device_that_is_listed_twice_is_scheduled_once(
    fota: Fota, stub: Stub, tmp_path: Path
) -> None:
    rows = [{"deviceId": DEVICE, "status": "RequestPending"}]
    stub.script = lambda _: reply({"id": UPGRADE, "deviceList": rows})
    code, stdout, _ = fota(
        "upgrades", "schedule", *FIRMWARE, *DATES, fleet(tmp_path, f"{DEVICE}\n {DEVICE}\n")
    )

    [seen] = stub.asked()
    assert (code, UPGRADE in stdout) == (0, True)
    assert seen.body.count(DEVICE.encode()) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["files", "upload", "FILE", "--file-version", "1", "--make", "m", "--model", "m",
             "--local-target-path", "/p"],
            "files list",
        ),
    ],
)  # fmt: skip
def test_when_nobody_knows_whether_it_was_done_it_says_where_to_look(
    fota: Fota, stub: Stub, tmp_path: Path, command: list[str], said: str
) -> None:
    stub.script = drop
    given = [fleet(tmp_path) if one == "FILE" else one for one in command]

    code, stdout, stderr = fota(*given)

    [line] = stderr.splitlines()
    assert (code, stdout, len(stub.asked())) == (1, "", 1)
    assert "may have been done" in line
    assert said in line


def test_a_read_that_is_lost_may_not_have_been_done_at_all(fota: Fota, stub: Stub) -> None:
    stub.script = lambda _: reply(b"{", status=200)

    code, _, stderr = fota("subscriptions", "get", "--api", "v2")

    assert code == 1
    assert "may have been done" not in stderr


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (TOKEN, 401, "THINGSPACE_KEY"),
        (LOGIN, 400, "THINGSPACE_PASSWORD"),
        ("", 403, "account"),
        ("", 404, "--api"),
        ("", 400, "look at the ids and options"),
        ("", 413, "fewer devices"),
        ("", 302, "THINGSPACE_BASE_URL"),
    ],
)
def test_an_error_says_what_to_look_at(
    fota: Fota, stub: Stub, path: str, status: int, said: str
) -> None:
    refused = reply({"errorCode": "NO", "errorMessage": "no"}, status=status)
    if path:
        stub.at[path] = lambda _: refused
    else:
        stub.script = lambda _: refused

    code, stdout, stderr = fota("subscriptions", "get", "--api", "v1")

    [line] = stderr.splitlines()
    assert (code, stdout) == (1, "")
    assert said in line


def test_no_connection_is_said_to_have_sent_nothing(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9")

    code, stdout, stderr = fota("subscriptions", "get", "--api", "v1")

    assert (code, stdout, stub.requests) == (1, "", [])
    assert "nothing was sent" in stderr.splitlines()[-1]


def test_a_state_is_known_in_any_letter_case(fota: Fota, stub: Stub) -> None:
    stub.script = lambda _: reply({"reportList": None, "hasMoreFlag": False})

    assert fota("upgrades", "list", "--status", "requestPENDING") == (0, "", "")
    assert "/status/RequestPending/" in stub.asked()[0].path


def test_an_interruption_of_a_write_says_where_to_look(fota: Fota, stub: Stub) -> None:
    def interrupted(_: Seen) -> Awaitable[bytes]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return never(_)

    stub.script = interrupted

    code, stdout, stderr = fota("campaigns", "cancel", "--api", "v2", "--yes", UPGRADE)

    [line] = stderr.splitlines()
    assert (code, stdout) == (130, "")
    assert "interrupted; it may have been done" in line
    assert "fota campaigns get" in line


@pytest.mark.parametrize(
    "case",
    [
        (TOKEN, 401, "THINGSPACE_KEY"),
        (LOGIN, 400, "THINGSPACE_PASSWORD"),
        ("", 405, "it is not the devices"),
    ],
)
def test_a_run_that_is_stopped_says_what_to_look_at(
    fota: Fota, stub: Stub, tmp_path: Path, case: tuple[str, int, str]
) -> None:
    path, status, said = case
    refused = reply({"errorCode": "NO", "errorMessage": "no"}, status=status)
    if path:
        stub.at[path] = lambda _: refused
    else:
        stub.script = lambda _: refused

    code, _, stderr = fota("append", "--upgrade", UPGRADE, fleet(tmp_path))

    [line] = [one for one in stderr.splitlines() if one.startswith("fota: ")]
    assert code == 1
    assert said in line
    assert "1 unsent (the run stopped first" in stderr
    assert DEVICE in stderr


def test_a_column_that_is_not_found_is_to_be_named(fota: Fota, stub: Stub, tmp_path: Path) -> None:
    code, _, stderr = fota("append", "--upgrade", UPGRADE, fleet(tmp_path, "phone,site\n1,2\n"))

    assert (code, stub.requests) == (2, [])
    assert "--column" in stderr


def test_what_was_noted_about_an_error_is_told() -> None:
    error = FotaError("refused")
    error.add_note("this is about the pilot")
    assert told(error) == "refused; this is about the pilot"

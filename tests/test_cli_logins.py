"""A login that was refused is not tried again by any later command of this user."""

import asyncio
import json
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_helpers import Fota, in_thread, point_at, runner
from helpers import CREDENTIALS, FAST, LOGIN, UPGRADE, Seen, Stub, counts, drop, never, reply

from fota_async import Credentials
from fota_async.cli.refused_logins import LoginGuard, RefusedLogins
from fota_async.clock import ScaledClock
from fota_async.errors import AuthError, ConfigurationError, LoginLostError, LoginRefusedError
from fota_async.events import TokenEvent
from fota_async.simulator import SimulatorThread
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.service import Service
from fota_async.sqlite_file.lock import HeldError, Lock

RESET = "/api/m2m/v1/session/password/actions/reset"
NO = reply({"errorCode": "NO", "errorMessage": "no"}, status=400)
READ = ("subscriptions", "get", "--api", "v1")
NOW = datetime(2027, 4, 1, 12, 30, tzinfo=UTC)
URL = "https://here.example"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub(lambda _: reply({"accountName": "a"}))
    monkeypatch.setattr("fota_async.session.RetryPolicy", lambda: FAST)
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def refused(tmp_path: Path) -> RefusedLogins:
    return RefusedLogins(tmp_path / "state" / "refused-logins")


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("990013907835573\n")
    return fleet


def command(fleet: Path) -> list[str]:
    return [sys.executable, "-m", "fota_async", "append", "--upgrade", UPGRADE, str(fleet)]


def append(fleet: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(fleet),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def let_log_in_at_once(number: int, patch: pytest.MonkeyPatch) -> None:
    """Let the simulator keep the bearer tokens, which come before the logins, for so many."""
    respond, waiting, all_came = Service.respond, [], asyncio.Event()

    async def respond_to_all(self: Service, call: Call) -> tuple[Answer, str | None]:
        if call.route.name == "oauth_create_token":
            waiting.append(call)
            if len(waiting) == number:
                all_came.set()
            await all_came.wait()
        return await respond(self, call)

    patch.setattr(Service, "respond", respond_to_all)


def test_five_commands_with_a_wrong_password_are_one_login(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        monkeypatch.setenv("THINGSPACE_PASSWORD", "a-wrong-one")
        done = [append(fleet) for _ in range(5)]

        assert counts(sim)["session_login"] == 1
        assert not sim.stats()["locked"]
        assert [one.returncode for one in done] == [1] * 5
        assert "the login was refused" in done[0].stderr
        for one in done[1:]:
            [line] = one.stderr.splitlines()
            assert "nothing was sent" in line
            assert "--try-login-again" in line
            assert f"on {datetime.now(UTC):%Y-%m}" in line
        assert not any("a-wrong-one" in one.stderr + one.stdout for one in done)

        monkeypatch.setenv("THINGSPACE_PASSWORD", sim.password)
        assert append(fleet).returncode == 0


def test_five_commands_at_once_with_a_wrong_password_are_one_login(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_log_in_at_once(5, monkeypatch)
    with SimulatorThread() as sim, ThreadPoolExecutor(5) as pool:
        point_at(sim, monkeypatch)
        monkeypatch.setenv("THINGSPACE_PASSWORD", "a-wrong-one")
        done = list(pool.map(append, [fleet] * 5))

        assert counts(sim)["session_login"] == 1
        assert [one.returncode for one in done] == [1] * 5
        assert sum("nothing was sent: this user name" in one.stderr for one in done) == 4


def test_five_commands_at_once_with_the_right_password_all_do_their_work(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_log_in_at_once(5, monkeypatch)
    with SimulatorThread() as sim, ThreadPoolExecutor(5) as pool:
        point_at(sim, monkeypatch)
        done = list(pool.map(append, [fleet] * 5))

        assert [one.returncode for one in done] == [0] * 5
        assert counts(sim)["session_login"] == 5


def test_a_command_that_was_killed_while_it_logged_in_keeps_nobody_waiting(
    fota: Fota, stub: Stub, fleet: Path
) -> None:
    asked = threading.Event()
    right = stub.at[LOGIN]

    def hang(seen: Seen) -> Awaitable[bytes]:
        asked.set()
        return never(seen)

    stub.at[LOGIN] = hang
    with subprocess.Popen(command(fleet), stdin=subprocess.DEVNULL) as first:
        assert asked.wait(60)
        first.kill()
    stub.at[LOGIN] = right

    code, _, stderr = fota(*READ)

    assert (code, stderr) == (0, "")


async def test_whoever_waits_for_long_is_told_and_ends_without_a_login(
    refused: RefusedLogins, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ScaledClock(500)
    async with LoginGuard(refused, URL, CREDENTIALS).turn():
        started = clock.monotonic()
        with pytest.raises(AuthError, match="nothing was sent: another command") as caught:
            async with LoginGuard(refused, URL, CREDENTIALS, clock).turn():
                pytest.fail("it must not log in")

    assert caught.value.sent == "no"
    assert clock.monotonic() - started >= 60
    assert capsys.readouterr().err == (
        "fota: waiting for another command that is logging in as this user\n"
    )


async def test_after_a_login_that_got_no_answer_the_next_one_goes_on(
    refused: RefusedLogins,
) -> None:
    first, second = (LoginGuard(refused, URL, CREDENTIALS, ScaledClock(500)) for _ in range(2))
    with pytest.raises(LoginLostError):
        async with first.turn():
            raise LoginLostError("the login got no answer")

    async with second.turn():
        pass


async def test_another_server_is_not_waited_for(refused: RefusedLogins) -> None:
    there = LoginGuard(refused, "https://there.example", CREDENTIALS, ScaledClock(500))
    async with LoginGuard(refused, URL, CREDENTIALS).turn(), there.turn():
        pass


async def test_of_two_that_try_again_at_once_one_does(refused: RefusedLogins) -> None:
    refused.keep(URL, CREDENTIALS, "refused", NOW)
    first, second = (LoginGuard(refused, URL, CREDENTIALS) for _ in range(2))
    for guard in (first, second):
        guard.waive()
        guard.check()
    async with first.turn():
        refused.keep(URL, CREDENTIALS, "refused", NOW)

    with pytest.raises(LoginRefusedError, match="nothing was sent"):
        async with second.turn():
            pytest.fail("it must not log in")


def test_where_every_lock_seems_to_be_held_nobody_waits(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(_: Lock) -> None:
        raise HeldError

    monkeypatch.setattr(Lock, "take", take)

    assert fota(*READ)[0] == 0
    assert len(stub.asked(LOGIN)) == 1


def test_where_no_lock_can_be_made_the_command_does_its_work(
    fota: Fota, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a-file"))

    code, _, stderr = fota(*READ)

    assert (code, stderr, len(stub.asked(LOGIN))) == (0, "", 1)


def test_what_is_kept_is_its_owners_and_holds_no_secret(fota: Fota, stub: Stub, home: Path) -> None:
    stub.at[LOGIN] = lambda _: NO
    fota(*READ)

    directory = home / "state" / "fota_async" / "refused-logins"
    files = list(directory.iterdir())
    assert sorted(len(file.name) for file in files) == [len("salt"), len("turn-00-lock"), 64]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        kept = file.name.encode() + file.read_bytes()
        for secret in (CREDENTIALS.username, CREDENTIALS.password):
            assert secret.encode() not in kept


def test_it_may_be_tried_again_on_demand_and_is_forgotten_when_it_succeeds(
    fota: Fota, stub: Stub
) -> None:
    right = stub.at[LOGIN]
    stub.at[LOGIN] = lambda _: NO
    assert fota(*READ)[0] == 1
    assert fota(*READ, "--try-login-again")[0] == 1
    assert len(stub.asked(LOGIN)) == 2

    stub.at[LOGIN] = right
    assert fota(*READ)[0] == 1
    assert len(stub.asked(LOGIN)) == 2
    assert fota(*READ, "--try-login-again")[0] == 0
    assert fota(*READ)[0] == 0


def test_another_password_or_server_is_another_login(refused: RefusedLogins) -> None:
    refused.keep(URL, CREDENTIALS, "refused", NOW)

    other = Credentials("k", "s", CREDENTIALS.username, "another")
    same = Credentials("another-key", "s", CREDENTIALS.username, CREDENTIALS.password)
    known = refused.find(URL, CREDENTIALS) or {}
    assert (known["since"], known["why"]) == ("2027-04-01 12:30 UTC", "refused")
    assert refused.find(URL, same) is not None
    assert refused.find(URL, other) is None
    assert refused.find("https://there.example", CREDENTIALS) is None
    refused.forget(URL, CREDENTIALS)
    assert refused.find(URL, CREDENTIALS) is None


def test_logins_that_got_no_answer_three_times_are_told_as_such(refused: RefusedLogins) -> None:
    guard = LoginGuard(refused, URL, CREDENTIALS)
    for action in ("lost", "lost"):
        guard.hear(TokenEvent(kind="session", action=action))
    guard.check()
    for action in ("lost", "refused"):
        guard.hear(TokenEvent(kind="session", action=action))

    with pytest.raises(LoginRefusedError, match=r"nothing was sent.*got no answer"):
        guard.check()


def test_a_refused_bearer_token_says_nothing_of_the_password(refused: RefusedLogins) -> None:
    guard = LoginGuard(refused, URL, CREDENTIALS)

    guard.hear(TokenEvent(kind="bearer", action="refused"))

    guard.check()
    assert not refused.directory.exists()


def test_the_password_that_a_reset_replaced_is_not_tried_again(fota: Fota, stub: Stub) -> None:
    stub.at[RESET] = lambda _: reply({"newPassword": "9Yq!new#password"})
    assert fota("password", "reset", "--yes")[0] == 0

    code, _, stderr = fota(*READ)

    assert (code, len(stub.asked(LOGIN))) == (1, 1)
    assert "replaced" in stderr


def test_a_reset_whose_answer_is_lost_leaves_the_password_in_doubt(fota: Fota, stub: Stub) -> None:
    stub.at[RESET] = drop
    assert fota("password", "reset", "--yes")[0] == 1

    assert fota(*READ)[0] == 1
    assert len(stub.asked(LOGIN)) == 1


def test_a_reset_that_was_refused_leaves_the_password_as_it_was(fota: Fota, stub: Stub) -> None:
    stub.at[RESET] = lambda _: NO
    assert fota("password", "reset", "--yes")[0] == 1

    assert fota(*READ)[0] == 0


def test_many_at_once_spoil_nothing(refused: RefusedLogins) -> None:
    users = [Credentials("k", "s", f"user{number}", "p") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda user: refused.keep(URL, user, "refused", NOW), users))

    assert all(refused.find(URL, user) for user in users)
    assert not [file for file in refused.directory.iterdir() if file.name.startswith("new-")]


def test_an_entry_that_was_cut_short_counts(refused: RefusedLogins) -> None:
    refused.keep(URL, CREDENTIALS, "refused", NOW)
    for file in refused.directory.iterdir():
        if file.name != "salt":
            file.write_bytes(b'{"since"')

    with pytest.raises(LoginRefusedError, match="nothing was sent"):
        LoginGuard(refused, URL, CREDENTIALS).check()


def test_what_cannot_be_read_is_an_error_and_nothing_is_sent(refused: RefusedLogins) -> None:
    (refused.directory / "salt").mkdir(parents=True)

    guard = LoginGuard(refused, URL, CREDENTIALS)
    with pytest.raises(ConfigurationError, match=r"refused-logins.*nothing was sent"):
        guard.check()

    guard.waive()
    guard.check()


def test_a_reset_that_was_made_is_told_as_made_though_nothing_can_be_kept_of_it(
    fota: Fota, stub: Stub, home: Path
) -> None:
    (home / "state" / "fota_async" / "refused-logins" / "salt").mkdir(parents=True)
    stub.at[RESET] = lambda _: reply({"newPassword": "9Yq!new#password"})

    code, stdout, stderr = fota("password", "reset", "--yes", "--try-login-again")

    assert (code, stdout) == (0, "9Yq!new#password\n")
    assert "the next command cannot know" in stderr
    assert "nothing was sent" not in stderr


def test_a_refusal_that_cannot_be_kept_is_told_as_such(fota: Fota, stub: Stub, home: Path) -> None:
    (home / "state" / "fota_async" / "refused-logins" / "salt").mkdir(parents=True)
    stub.at[LOGIN] = lambda _: NO

    code, _, stderr = fota(*READ, "--try-login-again")

    assert code == 1
    assert "the next command cannot know" in stderr
    assert "the login was refused" in stderr


def test_a_file_that_cannot_be_written_whole_is_not_left_behind(refused: RefusedLogins) -> None:
    refused.keep(URL, CREDENTIALS, "refused", NOW)
    before = set(refused.directory.iterdir())
    other = Credentials("k", "s", CREDENTIALS.username, "another")
    resource = pytest.importorskip("resource")
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, allowed[1]))
    try:
        with pytest.raises(OSError, match="large"):
            refused.keep(URL, other, "refused", NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)

    assert set(refused.directory.iterdir()) == before


def test_where_nothing_can_be_written_the_refusal_says_so(
    fota: Fota, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a-file"))
    stub.at[LOGIN] = lambda _: NO

    code, _, stderr = fota(*READ)

    assert code == 1
    assert "the next command cannot know" in stderr
    assert "a-file" in stderr


def test_no_command_that_calls_nothing_is_kept_from_its_work(fota: Fota, stub: Stub) -> None:
    stub.at[LOGIN] = lambda _: NO
    fota(*READ)

    code, stdout, _ = fota("config", "show", "--json")

    assert code == 0
    assert json.loads(stdout.splitlines()[0])["name"] == "account"

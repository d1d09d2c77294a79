"""`fota doctor` says in a line each what works, what does not, and what to do."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cli_helpers import Fota, environment, in_thread, point_at, runner
from helpers import CREDENTIALS, LOGIN, TOKEN, Stub, counts, drop, reply

from fota_async.cli.checks import NAMES, check_certificate, check_clock, check_proxy
from fota_async.simulator import Simulator, SimulatorThread

NOW = datetime(2027, 4, 1, 12, 30, tzinfo=UTC)
AFTER_LOGIN = NAMES[NAMES.index("account") :]
Found = dict[str, tuple[str, str]]


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with SimulatorThread() as sim:
        point_at(sim, monkeypatch)
        yield sim


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub(lambda _: reply())
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


def found_in(stdout: str) -> Found:
    lines = [json.loads(line) for line in stdout.splitlines()]
    return {line["name"]: (line["state"], line["message"]) for line in lines}


def examine(fota: Fota, *flags: str) -> tuple[int, Found]:
    """Run the doctor; every check is told once, and nothing goes to standard error."""
    code, stdout, stderr = fota("doctor", "--json", *flags)
    found = found_in(stdout)
    assert stderr == ""
    assert len(stdout.splitlines()) == len(found)
    assert set(found) == set(NAMES)
    return code, found


def fails(found: Found) -> list[str]:
    return [name for name, (state, _) in found.items() if state == "fail"]


def test_where_all_is_well_every_check_says_so(fota: Fota, sim: Simulator) -> None:
    code, found = examine(fota)

    assert code == 0
    assert list(found) == list(NAMES)
    assert {name: state for name, (state, _) in found.items() if state != "ok"} == {"tls": "warn"}
    assert counts(sim)["session_login"] == 1
    assert Simulator.account in found["account"][1]


def test_a_registered_listener_is_shown(fota: Fota, sim: Simulator) -> None:
    for api in ("v1", "v3"):
        url = f"https://{api}.example"
        assert fota("callbacks", "register", "--api", api, url)[0] == 0

    _, found = examine(fota)

    assert "https://v1.example" in found["callbacks v1"][1]
    assert "none is registered" in found["callbacks v2"][1]
    assert "https://v3.example" in found["callbacks v3"][1]
    assert sim.stats()["logins"] == 3


def test_a_terminal_gets_a_line_each(
    fota: Fota, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True)
        code, stdout, _ = fota("doctor")

    assert code == 0
    words = [line.split(maxsplit=1) for line in stdout.splitlines()]
    assert {state for state, _ in words} == {"ok", "warn"}
    for (_, rest), name in zip(words, NAMES, strict=True):
        assert rest.startswith(f"{name} ")
    assert sim.base_url in stdout


def test_a_wrong_secret_is_told_and_no_login_is_made(
    fota: Fota, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_SECRET", "a-wrong-one")

    code, found = examine(fota)

    assert (code, fails(found)) == (3, ["credentials"])
    assert "THINGSPACE_SECRET" in found["credentials"][1]
    assert {found[name][0] for name in AFTER_LOGIN} == {"skipped"}
    assert "session_login" not in counts(sim)
    assert "a-wrong-one" not in str(found)


def test_a_wrong_password_is_one_login_and_none_after_that(
    fota: Fota, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THINGSPACE_PASSWORD", "a-wrong-one")

    first, second = examine(fota), examine(fota)

    for code, found in (first, second):
        assert (code, fails(found)) == (3, ["credentials"])
        assert "THINGSPACE_PASSWORD" in found["credentials"][1]
        assert {found[name][0] for name in AFTER_LOGIN} == {"skipped"}
    assert "--try-login-again" in second[1]["credentials"][1]
    assert counts(sim)["session_login"] == 1


def test_a_lost_login_is_not_repeated_for_another_check(fota: Fota, stub: Stub) -> None:
    stub.at[LOGIN] = drop

    code, found = examine(fota)

    assert (code, fails(found)) == (3, ["credentials"])
    assert len(stub.asked(LOGIN)) == 1


def test_a_session_that_ends_is_not_followed_by_another_login(fota: Fota, stub: Stub) -> None:
    ended = reply({"errorCode": "SessionToken.Expired", "errorMessage": "ended"}, 400)
    good = reply({"accountName": "a"})
    stub.script = lambda seen: good if "subscriptions" in seen.path else ended

    code, found = examine(fota)

    assert (code, fails(found)) == (3, ["callbacks v1", "callbacks v2", "callbacks v3"])
    assert "no second one" in found["callbacks v1"][1]
    assert len(stub.asked(LOGIN)) == 1


def test_an_unknown_account_is_told_apart_from_credentials(fota: Fota, sim: Simulator) -> None:
    code, found = examine(fota, "--account", "0000000000-00001")

    assert (code, fails(found)) == (3, ["account"])
    assert found["credentials"][0] == "ok"
    assert found["callbacks v1"][0] == "skipped"
    assert counts(sim)["session_login"] == 1


@pytest.mark.parametrize(("variable", "name"), [("ACCOUNT", "account"), ("KEY", "credentials")])
def test_what_is_missing_is_named(
    fota: Fota, sim: Simulator, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.delenv(f"THINGSPACE_{variable}")

    code, found = examine(fota)

    assert (code, fails(found)) == (3, [name])
    assert f"THINGSPACE_{variable}" in found[name][1]
    assert "session_login" not in counts(sim)


def test_http_to_another_machine_is_refused(fota: Fota) -> None:
    code, found = examine(fota, "--base-url", "http://here.example")

    assert (code, fails(found)) == (3, ["server"])
    assert "https" in found["server"][1]


def test_no_server_is_told(fota: Fota, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, "http://127.0.0.1:9")

    code, found = examine(fota)

    assert (code, fails(found)) == (3, ["server"])
    assert "no connection" in found["server"][1]
    assert found["credentials"][0] == "skipped"


def test_a_server_that_is_down_is_told(fota: Fota, stub: Stub) -> None:
    stub.at[TOKEN] = lambda _: reply(status=503)

    _, found = examine(fota)

    assert found["server"][0] == "warn"
    assert "503" in found["server"][1]


def test_a_clock_that_is_off_is_told(fota: Fota, stub: Stub) -> None:
    token = {"access_token": "b" * 20, "token_type": "Bearer"}
    stub.at[TOKEN] = lambda _: reply(token, Date="Thu, 01 Apr 2021 12:30:00 GMT")

    _, found = examine(fota)

    state, message = found["clock"]
    assert state == "warn"
    assert "ahead of the server" in message


@pytest.mark.parametrize(
    ("date", "state", "said"),
    [
        ("Thu, 01 Apr 2027 12:30:00 GMT", "ok", "within"),
        ("Thu, 01 Apr 2027 12:29:01 GMT", "ok", "within"),
        ("Thu, 01 Apr 2027 12:28:00 GMT", "warn", "120 s ahead of"),
        ("Thu, 01 Apr 2027 13:30:00 GMT", "warn", "3600 s behind"),
        ("Thu, 01 Apr 2027 12:30:00 -0000", "ok", "within"),
        ("yesterday", "warn", "does not tell"),
        (None, "warn", "does not tell"),
    ],
)
def test_judging_a_clock(date: str | None, state: str, said: str) -> None:
    check = check_clock(date, NOW)

    assert check.state == state
    assert said in check.message


@pytest.mark.parametrize(("days", "state"), [(300, "ok"), (15, "ok"), (13, "warn")])
def test_judging_a_certificate(days: int, state: str) -> None:
    ends = NOW + timedelta(days=days)

    check = check_certificate(ends, NOW)

    assert check.state == state
    assert f"{ends:%Y-%m-%d}" in check.message


def test_a_proxy_that_is_named_and_not_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:hunter2@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")

    unused = check_proxy("https://here.example", trust_env=False)
    used = check_proxy("https://here.example", trust_env=True)
    none = check_proxy("https://inside.example", trust_env=True)

    assert [one.state for one in (unused, used, none)] == ["warn", "ok", "ok"]
    assert "--trust-env" in unused.message
    for one in (unused, used):
        assert "proxy.example:3128" in one.message
        assert "hunter2" not in one.message
    assert "none" in none.message


class TlsStub(Stub):
    """A stub that speaks TLS on localhost."""

    def __init__(self, issued: trustme.LeafCert) -> None:
        super().__init__(lambda _: reply())
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued.configure_cert(self._context)

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self._port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._port = self._server.sockets[0].getsockname()[1]


def test_a_certificate_that_nobody_trusts_is_told(
    fota: Fota, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(stub := TlsStub(trustme.CA().issue_cert("localhost"))):
        environment(monkeypatch, stub.base_url)
        code, found = examine(fota)

    assert (code, fails(found)) == (3, ["tls"])
    assert "certificate" in found["tls"][1].lower()
    assert stub.requests == []


def test_the_end_of_a_trusted_certificate_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    ends = datetime.now(UTC) + timedelta(days=5)
    with in_thread(stub := TlsStub(authority.issue_cert("localhost", not_after=ends))):
        environment(monkeypatch, stub.base_url)
        # A process of its own: the authorities are read once.
        done = subprocess.run(
            [sys.executable, "-m", "fota_async", "doctor"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    found = found_in(done.stdout)
    assert done.stderr == ""
    assert found["tls"][0] == "warn"
    assert f"{ends:%Y-%m-%d}" in found["tls"][1]
    assert found["credentials"][0] == "ok"
    assert CREDENTIALS.password not in done.stdout

"""Settings come from flags, the environment and a file, in that order, and say where from."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from cli_helpers import Fota, environment, in_thread, point_at, runner
from helpers import ACCOUNT, ONCE, UPGRADE, Seen, Stub, reply

from fota_async.cli import main
from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.settings import NAMES

READ = ("subscriptions", "get", "--api", "v1")
Write = Callable[..., Path]


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    stub = Stub(lambda _: reply({"accountName": "a"}))
    with in_thread(stub):
        point_at(stub, monkeypatch)
        yield stub


@pytest.fixture
def write(home: Path) -> Write:
    """Write the file of settings where it is looked for, or under another name."""

    def written(text: str, path: Path | None = None) -> Path:
        file = path or home / "config" / "fota_async" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return written


def shown(fota: Fota, *arguments: str) -> dict[str, tuple[object, str]]:
    code, stdout, _ = fota("config", "show", "--json", *arguments)
    assert code == 0
    lines = [json.loads(line) for line in stdout.splitlines()]
    return {line["name"]: (line["value"], line["source"]) for line in lines}


def accounts(stub: Stub) -> list[str]:
    return [seen.path.rpartition("/")[2] for seen in stub.asked()]


def test_a_flag_comes_before_a_variable_and_that_before_the_file(
    fota: Fota, stub: Stub, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('account = "of-the-file"')
    monkeypatch.setenv("THINGSPACE_ACCOUNT", "of-the-variable")

    assert fota(*READ, "--account", "of-the-flag")[0] == 0
    assert fota(*READ)[0] == 0
    monkeypatch.setenv("THINGSPACE_ACCOUNT", "")
    assert fota(*READ)[0] == 0

    assert accounts(stub) == ["of-the-flag", "of-the-variable", "of-the-file"]


def test_a_run_behaves_as_it_is_set(
    fota: Fota, stub: Stub, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("batch-size = 2")
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("".join(f"99001390783{number:04}\n" for number in range(6)))

    def requests(*flags: str) -> int:
        stdout = fota("append", "--upgrade", UPGRADE, "--dry-run", "--json", *flags, str(fleet))[1]
        return int(json.loads(stdout)["requests"])

    assert requests() == 3
    monkeypatch.setenv("THINGSPACE_BATCH_SIZE", "3")
    assert requests() == 2
    assert requests("--batch-size", "6") == 1
    assert stub.requests == []


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_another_file_may_be_named(
    fota: Fota, stub: Stub, write: Write, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    usual = write('account = "of-the-usual-one"')
    file = write('account = "of-the-other-one"', usual.with_name("other!.toml"))
    monkeypatch.delenv("THINGSPACE_ACCOUNT")
    flags = ["--config", str(file)] if way == "flag" else []
    if way == "variable":
        monkeypatch.setenv("FOTA_CONFIG", str(file))

    assert fota(*READ, *flags)[0] == 0
    assert shown(fota, *flags)["account"] == ("of-the-other-one", str(file))
    assert fota("config", "path", *flags) == (0, f"{file}\n", "")
    assert accounts(stub) == ["of-the-other-one"]


@pytest.mark.parametrize(
    "case",
    [
        ("acount = 'a'", ["acount", "batch_size"]),
        ("[fota]\naccount = 'a'", ["fota.account"]),
        ("account = 40219625400001", ["account", "text in quotes"]),
        ("timeout = 'soon'", ["timeout", "a number", "'soon'"]),
        ("timeout = true", ["timeout", "a number"]),
        ("timeout = 0", ["timeout", "> 0"]),
        ("batch_size = 1.5", ["batch_size", "a whole number"]),
        ("batch_size = '5'", ["batch_size", "a whole number"]),
        ("batch_size = 0", ["batch_size", ">= 1"]),
        ("trust_env = 'yes'", ["trust_env", "true or false"]),
        ("max_failures = 5", ["max_failures", "text in quotes"]),
        ("account = ", ["cannot be read"]),
        ("account = 'a'\naccount = 'b'", ["Cannot overwrite a value"]),
        ("\udcff", ["cannot be read"]),
        (f"account = {'[' * 100_000}", ["cannot be read"]),
    ],
)
@pytest.mark.parametrize("command", [READ, ("config", "show")], ids=["call", "show"])
def test_what_the_file_must_not_hold_is_named(
    fota: Fota, stub: Stub, write: Write, command: tuple[str, ...], case: tuple[str, list[str]]
) -> None:
    text, said = case
    file = write("")
    file.write_bytes(text.encode(errors="surrogateescape"))

    code, stdout, stderr = fota(*command)

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    for words in [str(file), *said]:
        assert words in line


@pytest.mark.parametrize("name", ["password", "secret", "THINGSPACE_KEY", "username"])
def test_a_secret_in_the_file_is_refused_and_not_shown(
    fota: Fota, stub: Stub, write: Write, name: str
) -> None:
    file = write(f'{name} = "hunter2-and-more"')

    for command in (READ, ("config", "show")):
        code, stdout, stderr = fota(*command)
        assert (code, stdout, stub.requests) == (2, "", [])
        assert name in stderr
        assert str(file) in stderr
        assert "a secret must not stand there" in stderr
        assert "hunter2" not in stderr


@pytest.mark.parametrize(
    "case",
    [
        ("THINGSPACE_TIMEOUT", "soon", "a number"),
        ("THINGSPACE_TIMEOUT", "-1", "> 0"),
        ("THINGSPACE_TRUST_ENV", "maybe", "true or false"),
        ("THINGSPACE_CONCURRENCY", "many", "a whole number"),
        ("FOTA_CONFIG", "/no/such/file", "no such file"),
    ],
)
def test_a_variable_that_cannot_be_is_named(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]
) -> None:
    variable, value, said = case
    monkeypatch.setenv(variable, value)

    code, stdout, stderr = fota(*READ)

    [line] = stderr.splitlines()
    assert (code, stdout, stub.requests) == (2, "", [])
    assert variable in line
    assert said in line


def test_show_tells_every_setting_and_where_it_came_from(
    fota: Fota, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, "https://here.example")
    monkeypatch.delenv("THINGSPACE_SECRET")
    monkeypatch.setenv("THINGSPACE_TRUST_ENV", "TRUE")
    file = write('batch-size = 500\nmax_rate = 20\nmax_failures = "5%"\naccount = "hidden"')

    table = shown(fota)

    assert list(table) == [*NAMES, "key", "secret", "username", "password"]
    assert table["account"] == (ACCOUNT, "THINGSPACE_ACCOUNT")
    assert table["base_url"] == ("https://here.example", "THINGSPACE_BASE_URL")
    assert table["batch_size"] == (500, str(file))
    assert table["max_rate"] == (20.0, str(file))
    assert table["max_failures"] == ("5%", str(file))
    assert table["trust_env"] == (True, "THINGSPACE_TRUST_ENV")
    assert table["timeout"] == (30.0, "default")
    assert table["key"] == ("***", "THINGSPACE_KEY")
    assert table["secret"] == (None, "nowhere")


def test_show_shows_no_secret(fota: Fota, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, "https://here.example")
    for name in ("KEY", "SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"THINGSPACE_{name}", "hunter2-and-more")

    code, stdout, stderr = fota("config", "show")

    assert code == 0
    assert "hunter2" not in stdout + stderr


def test_path_says_where_the_file_would_be(fota: Fota, home: Path) -> None:
    code, stdout, stderr = fota("config", "path")

    assert (code, stdout) == (0, f"{home / 'config' / 'fota_async' / 'config.toml'}\n")
    assert "no such file yet" in stderr


def test_what_can_be_set_is_an_option_with_the_same_default(fota: Fota) -> None:
    defaults = {field.name: field.default for field in attrs.fields(RecordFlags)}

    assert {name: shown(fota)[name][0] for name in NAMES} == {
        name: defaults[name] for name in NAMES
    }


def test_commands_that_call_nothing_do_not_read_the_file(fota: Fota, write: Write) -> None:
    write("this is no TOML")

    assert fota("config", "path")[0] == 0
    assert fota("append", "--help")[0] == 0


def test_the_account_may_be_missing_everywhere_and_the_ways_to_give_it_are_told(
    fota: Fota, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THINGSPACE_ACCOUNT")

    code, _, stderr = fota(*READ)

    [line] = stderr.splitlines()
    assert (code, stub.requests) == (2, [])
    for way in ("--account", "THINGSPACE_ACCOUNT", "fota config path"):
        assert way in line


def test_the_proxy_of_the_environment_is_used_where_it_is_set(
    fota: Fota, stub: Stub, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub.base_url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("THINGSPACE_BASE_URL", "http://127.0.0.1:9")
    through = Seen("", "", {}, b"", 0)

    def proxied(seen: Seen) -> bytes:
        nonlocal through
        through = seen
        return reply(status=502)

    stub.script = proxied
    monkeypatch.setattr("fota_async.session.RetryPolicy", lambda: ONCE)
    assert fota(*READ)[0] == 1
    assert stub.requests == []

    write("trust_env = true")
    assert fota(*READ, "--no-trust-env")[0] == 1
    assert stub.requests == []
    assert fota(*READ)[0] == 1
    assert through.path.startswith("http://127.0.0.1:9/")


def test_the_help_does_not_pay_for_settings() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, fota_async.cli.app; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert not {"typed_settings", "platformdirs", "keyring"} & set(done.stdout.split())


@pytest.mark.parametrize("name", ["cyclopts", "platformdirs", "rich", "typed_settings"])
def test_without_the_extra_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)

    assert main() == 1
    assert capsys.readouterr().err == (
        "fota: the command line needs `pip install 'fota_async[cli]'`\n"
    )

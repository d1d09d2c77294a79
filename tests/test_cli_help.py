"""The help teaches: every command has an example that works, and the first page comes quickly."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from fota_async import __version__
from fota_async.cli.app import COMMANDS, execute, make_app

Words = tuple[str, ...]


def commands(app: App, words: Words) -> Iterator[tuple[Words, str]]:
    """Yield the words that lead to a command and to all below it, each with its help."""
    command = app.default_command
    yield words, (command.__doc__ if command else app.help) or ""
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*words, name))


HELP = {words: text for name in COMMANDS for words, text in commands(make_app(name)[name], (name,))}


def examples(text: str) -> list[list[str]]:
    """Return the words of each command that a help shows, without what the shell takes."""
    found = re.findall(r"Example: (fota .*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
    return [shlex.split(one.partition(" > ")[0])[1:] for one in found]


@pytest.mark.parametrize("words", HELP, ids=" ".join)
def test_each_example_is_one_of_its_own_command_and_would_run(words: Words) -> None:
    shown = examples(HELP[words])

    assert shown
    for example in shown:
        assert tuple(example[: len(words)]) == words
        # Raises where an option or an argument is wrong; calls nothing.
        command, _, ignored = make_app(words[0]).parse_args(example)
        assert command is not None
        assert not ignored


@pytest.mark.parametrize("words", [(), *HELP], ids=" ".join)
def test_help_is_there_for_everything(words: Words, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*words, "--help"]) == 0
    captured = capsys.readouterr()
    assert f"Usage: fota {' '.join(words)}".strip() in " ".join(captured.out.split())
    assert captured.err == ""


def test_the_first_page_shows_every_command_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["--help"])
    page = capsys.readouterr().out

    for name in COMMANDS:
        assert re.search(rf"^│ {name} +\w.* │$", page, re.MULTILINE), name
    assert len(page.splitlines()) < 60


def test_the_first_page_names_the_commands_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["--help"])
    page = " ".join(capsys.readouterr().out.split())

    for group, command in (("upgrades", "watch"), ("licenses", "candidates"), ("files", "upload")):
        assert re.search(rf"│ {group} [^│]*{command}", page)


def test_json_and_tables_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    execute(["devices", "list", "--help"])
    page = re.sub(r"[\s│]+", " ", capsys.readouterr().out)

    assert "one line for each item of a list" in page
    assert "no terminal" in page


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["upgrades", "--help"]])
def test_no_command_is_loaded_that_is_not_called(arguments: list[str]) -> None:
    code = (
        "import sys; from fota_async.cli.app import execute; "
        f"execute({arguments}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stderr.split())

    ours = {name for name in loaded if name.startswith("fota_async.cli.")}
    assert "fota_async.cli.app" in ours
    wanted = {f"fota_async.cli.groups.{arguments[0]}"} if len(arguments) > 1 else set()
    groups = {f"fota_async.cli.{place.partition(':')[0]}" for place, _, _ in COMMANDS.values()}
    assert ours & groups == wanted
    assert not any(name.startswith("fota_async.simulator") for name in loaded)
    # Most of what a command waits for at its start.
    assert ("aiohttp" in loaded) == bool(wanted)


def test_the_readme_names_the_commands_of_every_group() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    named = {
        (group, command)
        for group, row in re.findall(r"^\| `fota (\w+)`[^|]*\| (.*) \|$", readme, re.MULTILINE)
        for command in re.findall(r"`([\w-]+)`", row)
    }

    assert named == {(words[0], words[-1]) for words in HELP if len(words) > 1}

"""What the README says exists."""

import ast
import re
from pathlib import Path

import pytest

from fota_async.batch.journal import schema as journal_schema
from fota_async.callbacks.store import schema as store_schema

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_test_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", README))
    there = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(named) > 20
    assert named <= there


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_its_code_is_python(code: str) -> None:
    compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_it_shows_two_commands_on_lines_of_their_own() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("fota demo")
    assert commands[1].endswith("pytest")


def test_what_it_shows_of_the_recipes_is_theirs() -> None:
    section = README.partition("\n## Embedding\n")[2].partition("\n## ")[0]
    shown = re.findall(r"```python\n# (tests/recipes/\w+\.py)\n(.*?)```", section, re.DOTALL)
    assert section.count("```python") == len(shown)
    for file, code in shown:
        assert code in (ROOT / file).read_text(encoding="utf-8"), file
    recipes = (ROOT / "tests" / "recipes").glob("[!_]*.py")
    assert {file for file, _ in shown} == {f"tests/recipes/{one.name}" for one in recipes}


def test_it_names_the_formats_of_the_files_on_disk() -> None:
    assert {journal_schema.VERSION, store_schema._VERSION} == {1}
    assert "the number of their format, 1 for both" in README

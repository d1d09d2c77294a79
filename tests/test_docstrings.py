"""What `help()` shows: every public name has an example, and all of them give what they say."""

import inspect
import re
import textwrap
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from docstring_helpers import (
    Documented,
    examples_in_the_source,
    methods,
    public_names,
    resources,
    run_examples,
    undescribed,
)

import fota_async
import fota_async.testing

NAMES = public_names()
RESOURCES = resources()
METHODS = {str(one): one for owner in (*NAMES, *RESOURCES) for one in methods(owner)}
WITH_EXAMPLES = {
    one.text: one for one in (*NAMES, *RESOURCES, *METHODS.values()) if one.has_example
}


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_every_public_name_has_an_example(one: Documented) -> None:
    assert one.has_example


@pytest.mark.parametrize("one", RESOURCES, ids=str)
def test_every_call_of_a_resource_is_in_an_example(one: Documented) -> None:
    texts = [inspect.getdoc(parent) or "" for parent in one.thing.__mro__[:-1]]
    shown = {
        call
        for text in (*texts, *(method.text for method in methods(one)))
        for line in re.findall(r"^(?:>>>|\.\.\.) .*$", text, re.MULTILINE)
        for call in re.findall(r"fota\.v[123]\.\w+\.(\w+)\(", line)
    }
    assert {method.name.rpartition(".")[2] for method in methods(one)} <= shown


@pytest.mark.parametrize("one", METHODS.values(), ids=str)
def test_arguments_and_errors_are_described(one: Documented) -> None:
    assert not undescribed(one)


def test_no_example_is_left_out() -> None:
    assert {*examples_in_the_source()} == {*WITH_EXAMPLES}


def test_the_test_of_the_fixtures_docstring_passes(pytester: pytest.Pytester) -> None:
    text = inspect.getdoc(fota_async.testing) or ""
    pytester.makepyfile(
        textwrap.dedent(text[text.index("    async def") : text.index("They serve")])
    )
    pytester.makeini("""
        [pytest]
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = function
    """)
    pytester.runpytest("-q").assert_outcomes(passed=1)


@pytest.mark.parametrize("one", WITH_EXAMPLES.values(), ids=str)
async def test_the_examples_give_what_they_say(one: Documented, names: dict[str, Any]) -> None:
    window = import_module(one.window)
    names |= {name: getattr(window, name) for name in getattr(window, "__all__", ())}
    if one.window != "fota_async" or one.name:
        await run_examples(one.text, names, str(one))


@pytest.fixture
async def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """What the examples of the package leave behind; it is what all others begin with."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        await run_examples(inspect.getdoc(fota_async) or "", names, "fota_async")
        yield names
    finally:
        for name in ("fota", "simulator"):
            if name in names:
                await names[name].__aexit__(None, None, None)

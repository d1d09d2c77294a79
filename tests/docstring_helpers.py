"""The public names, their docstrings, and the examples in them, run as `python -m asyncio` does."""

import ast
import builtins
import doctest
import inspect
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import attrs

import fota_async
from fota_async import client

WINDOWS = (
    "fota_async",
    "fota_async.callbacks",
    "fota_async.clock",
    "fota_async.distributed",
    "fota_async.observe",
    "fota_async.simulator",
)
"""Whatever these show in `__all__`, an example goes with it."""

LOOSE = ("fota_async.events", "fota_async.models", "fota_async.testing")
"""These show many small classes, which one example for all of them explains better."""


@attrs.frozen
class Documented:
    """A public name.

    Attributes:
        window: The module in which users find it.
        name: Its name there, dotted for a method.
        text: Its docstring; empty if it has none.
        thing: What it is.
    """

    window: str
    name: str
    text: str
    thing: Any

    @property
    def has_example(self) -> bool:
        return ">>> " in self.text

    def __str__(self) -> str:
        return f"{self.window}.{self.name}".rstrip(".")


@cache
def public_names() -> list[Documented]:
    """Return every public name of the windows, and the windows themselves."""
    found = []
    for window in (*WINDOWS, *LOOSE):
        module = import_module(window)
        found.append(Documented(window, "", inspect.getdoc(module) or "", module))
        for name in module.__all__ if window in WINDOWS else ():
            thing = getattr(module, name)
            found.append(Documented(window, name, _docstring(window, name, thing), thing))
    return found


@cache
def resources() -> list[Documented]:
    """Return the classes behind `fota.v1.upgrades` and its kin, and the versions that hold them."""
    return [
        Documented(client.__name__, name, inspect.getdoc(thing) or "", thing)
        for name in client.__all__
        if name != "FotaClient"
        for thing in [getattr(client, name)]
    ]


def methods(owner: Documented) -> Iterator[Documented]:
    """Yield the public functions of a class, inherited ones of ours too, and a function itself."""
    if inspect.isfunction(owner.thing):
        yield owner
    elif inspect.isclass(owner.thing):
        for name, member in inspect.getmembers(owner.thing, inspect.isroutine):
            ours = (getattr(member, "__module__", None) or "").startswith("fota_async")
            if ours and not name.startswith("_"):
                text = inspect.getdoc(member) or ""
                yield Documented(owner.window, f"{owner.name}.{name}", text, member)


def undescribed(function: Documented) -> list[str]:
    """Return what the docstring of a function should tell, and does not: arguments, and errors."""
    text = " ".join(function.text.split())
    if re.search(r"\berrors\b[^.]* are (those of|the same)", text):
        return []
    code = inspect.unwrap(getattr(function.thing, "__func__", function.thing))
    given = inspect.signature(code).parameters.keys() - {"self", "cls"}
    missing = [name for name in given if f" {name}: " not in text and f"`{name}`" not in text]
    raises = any(
        isinstance(node, ast.Raise) and node.exc is not None
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(code))))
    )
    calls = function.window == "fota_async.client" and inspect.iscoroutinefunction(code)
    if (raises or calls) and "Raises:" not in text:
        missing.append("Raises:")
    return missing


def examples_in_the_source() -> list[str]:
    """Return every docstring of the package that has an example."""
    root = Path(fota_async.__file__).parent
    texts = [
        inspect.cleandoc(node.value)
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [text for text in texts if text.startswith(">>> ") or "\n>>> " in text]


def _docstring(module: str, name: str, thing: Any) -> str:
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return inspect.cleandoc(thing.__doc__ or "")  # its own, not one that it inherits
    # Of what is neither, the docstring is a text below it in the source.
    body = ast.parse(inspect.getsource(import_module(module))).body
    if module == "fota_async":
        body = ast.parse(inspect.getsource(import_module("fota_async._public"))).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        match node, following:
            case ast.ImportFrom(module=str(home)), _ if name in {one.name for one in node.names}:
                return _docstring(home, name, thing)
            case (
                ast.Assign(targets=[ast.Name(id=here)]) | ast.AnnAssign(target=ast.Name(id=here)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ) if here == name:
                return inspect.cleandoc(text)
    return ""


async def run_examples(text: str, names: dict[str, Any], source: str) -> None:
    """Run the examples of a docstring one by one, with `await` as in `python -m asyncio`.

    Args:
        text: The docstring.
        names: What they can name; what they define is added.
        source: Where they are from, for messages.

    Raises:
        AssertionError: One of them does not give what it says.
    """
    names.setdefault("__builtins__", builtins)
    checker = doctest.OutputChecker()
    for example in doctest.DocTestParser().get_examples(text, source):
        printed = io.StringIO()
        code = compile(example.source, source, "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        try:
            with redirect_stdout(printed):
                result = FunctionType(code, names)()
                if code.co_flags & inspect.CO_COROUTINE:
                    await result
        except Exception as error:
            raise AssertionError(f"{source}:\n{example.source}raised {error!r}") from error
        got = printed.getvalue()
        if not checker.check_output(example.want, got, doctest.ELLIPSIS):
            difference = checker.output_difference(example, got, doctest.ELLIPSIS)
            raise AssertionError(f"{source}:\n{example.source}{difference}")

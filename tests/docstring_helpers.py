"""The public names, their docstrings, and the examples in them, run as `python -m asyncio` does."""

import ast
import builtins
import doctest
import inspect
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

import attrs

from fota_async import client

WINDOWS = (
    "fota_async",
    "fota_async.callbacks",
    "fota_async.clock",
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


def _docstring(module: str, name: str, thing: Any) -> str:
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return inspect.getdoc(thing) or ""
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

"""What a type checker sees of the client."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fota_async import Credentials, FotaClient

MODULE = Path(__file__).parent / "typing" / "every_method.py"


def test_every_method_stands_in_the_module_that_mypy_reads() -> None:
    client = FotaClient(Credentials("k", "s", "u", "p"), account="0000123456-00001")
    called = set()
    for node in ast.walk(ast.parse(MODULE.read_text())):
        match node:
            case ast.Attribute(
                attr=method, value=ast.Attribute(attr=resource, value=ast.Name(id=version))
            ):
                called.add(f"{version}.{resource}.{method}")
    public = {
        f"{version}.{resource}.{method}"
        for version in ("v1", "v2", "v3")
        for resource, value in vars(getattr(client, version)).items()
        for method, _ in inspect.getmembers(value, inspect.ismethod)
        if not method.startswith("_")
    }

    assert public - called == set()
    assert len(public) > 70


def test_every_method_has_a_docstring_that_says_what_is_raised() -> None:
    client: Any = FotaClient(Credentials("k", "s", "u", "p"), account="0000123456-00001")
    for version in (client.v1, client.v2, client.v3):
        for resource in vars(version).values():
            assert type(resource).__doc__
            for name, method in inspect.getmembers(resource, inspect.ismethod):
                text = method.__doc__ or ""
                told = "Raises:" in text or "what is raised" in text or "result and errors" in text
                told = told or "Pages of" in text or "returns and raises" in text
                assert name.startswith("_") or told, f"{type(resource).__name__}.{name}"


@pytest.mark.slow
def test_mypy_knows_every_result() -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--disallow-any-expr", str(MODULE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout

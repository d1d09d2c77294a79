"""The house: who may import whom, what an import costs, what is public."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fota_async

ROOT = Path(fota_async.__file__).parent
FLOORS = {
    "_version": 0,
    "errors": 0,
    "events": 0,
    "clock": 0,
    "observe": 0.5,
    "printable": 0,
    "wire": 1,
    "credentials": 1,
    "proxy": 1,
    "sqlite_file": 1,
    "models": 2,
    "retry": 3,
    "unknown_members": 3,
    "chance": 3,
    "pacing": 3.1,
    "allowance": 3.2,
    "ceiling": 3.2,
    "claims": 3,
    "executor": 3,
    "turns": 3.2,
    "limiter": 3.5,
    "batch": 4,
    "reports": 4.6,
    "attempts": 5,
    "bodies": 4.5,
    "transport": 5,
    "auth": 6,
    "options": 6,
    "tries": 6.5,
    "session": 7,
    "api": 8,
    "client": 9,
    "_public": 9.2,
    "callbacks": 10,
    "simulator": 10,
    "distributed": 10,
    "testing": 11,
    "cli": 12,
    "__main__": 13,
}
"""Floor of each module or package; one imports only from floors below, and from itself.

`fota_async` itself, the shop window, is imported only from floor 10 up, and shows floor 9.
"""
WINDOW = 9
SIMULATOR_MAY = {"wire", "models", "clock", "_version"}


def room_of(name: str) -> str | None:
    """Return the module or package directly in `fota_async` that a dotted name lies in."""
    package, _, rest = name.partition(".")
    if package != "fota_async":
        return None
    return rest.partition(".")[0] or "fota_async"


def imports(file: Path) -> list[tuple[int, str]]:
    """Return line and room of every import in a file, those for type checkers too."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            module = node.module or ""
            # `from fota_async import errors` names a module.
            names = [
                f"{module}.{alias.name}"
                if module == "fota_async" and alias.name in FLOORS
                else module
                for alias in node.names
            ]
        else:
            continue
        found += [(node.lineno, room) for name in names if (room := room_of(name)) is not None]
    return found


FILES = sorted(ROOT.rglob("*.py"))


def home_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.each_python
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_from_floors_below(file: Path) -> None:
    home = home_of(file)
    floor = WINDOW + 0.5 if home == "__init__" else FLOORS[home]
    wrong = [
        f"line {line}: {home} (floor {floor:g}) imports {room}"
        for line, room in imports(file)
        if room != home and (WINDOW + 0.5 if room == "fota_async" else FLOORS[room]) >= floor
    ]

    assert not wrong


def test_the_simulator_shares_nothing_with_the_client() -> None:
    used = {
        room
        for file in FILES
        if home_of(file) == "simulator"
        for _, room in imports(file)
        if room != "simulator"
    }

    assert used <= SIMULATOR_MAY


def test_only_the_transport_knows_aiohttps_client() -> None:
    users = {
        home_of(file)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if (isinstance(node, ast.Import) and any(a.name == "aiohttp" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "aiohttp")
    }

    # Bodies are what the transport writes; the simulator is a server.
    assert users <= {"bodies", "transport", "session", "simulator", "callbacks", "testing"}


def test_no_file_is_much_longer_than_300_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in FILES
        if (lines := len(file.read_text().splitlines())) > 420
    }

    assert not long


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


@pytest.mark.each_python
def test_importing_the_library_loads_no_server_and_no_command_line() -> None:
    ours = loaded_by("from fota_async import FotaClient") - loaded_by("import aiohttp")

    assert "fota_async.client" in ours
    unwanted = (
        "aiohttp.web.",
        "cyclopts.",
        "rich.",
        "fota_async.simulator.",
        "fota_async.callbacks.",
        "fota_async.cli.",
        "prometheus_client.",
        "opentelemetry.",
    )
    assert not [name for name in ours if f"{name}.".startswith(unwanted)]


@pytest.mark.each_python
def test_a_pytest_run_that_does_not_use_the_plugin_does_not_pay_for_it() -> None:
    ours = loaded_by("import fota_async.testing.plugin") - loaded_by("import pytest")

    assert ours <= {
        "fota_async",
        "fota_async._version",
        "fota_async.testing",
        "fota_async.testing.plugin",
    }


@pytest.mark.each_python
def test_every_public_name_is_there() -> None:
    assert len(set(fota_async.__all__)) == len(fota_async.__all__)
    for name in fota_async.__all__:
        assert hasattr(fota_async, name), name


def test_a_type_checker_finds_our_types() -> None:
    assert (ROOT / "py.typed").is_file()


def test_the_newest_version_of_the_changelog_is_ours() -> None:
    text = (ROOT.parent / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[?(\d[^\]\s]*)", text, flags=re.MULTILINE)

    assert versions
    assert versions[0] == fota_async.__version__

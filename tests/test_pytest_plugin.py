"""Our fixtures in other people's projects, under each plugin that runs async tests."""

import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASYNCIO = "asyncio_default_fixture_loop_scope = function\n"

TESTS = '''
import asyncio

import pytest

from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Rules

IDS = [f"{number:015d}" for number in range(500)]
KEPT = []

@fixture
async def enrolled(fota_simulator, fota_client):
    """The client may be used on either side of a yield, and is closed after that."""
    upgrades = fota_client.v1.upgrades
    await upgrades.append_devices(fota_simulator.upgrade_id, IDS[:1])
    yield fota_client
    await upgrades.remove_devices(fota_simulator.upgrade_id, IDS[:1])
    assert not fota_simulator.members()


@mark
async def test_a_fixture_of_the_projects_own(enrolled, fota_simulator):
    upgrade = await enrolled.v1.upgrades.get(fota_simulator.upgrade_id)
    assert [device.device_id for device in upgrade.device_list] == IDS[:1]
    assert fota_simulator.members() == set(IDS[:1])


@mark
@pytest.mark.fota_simulator(
    faults=Faults(drop_after=0.3, throttle=0.3, throttle_seconds=30.0, seed=3),
    clock=ScaledClock(1000.0),
)
async def test_trouble(fota_simulator, fota_client):
    append = fota_client.v1.upgrades.append_devices
    report = await append(fota_simulator.upgrade_id, IDS, batch_size=10)
    assert report.succeeded == 500
    assert fota_simulator.members() == set(IDS)
    assert fota_simulator.stats()["requests"]["v1_modify_upgrade"].keys() > {"200", "drop_after"}


@pytest.mark.fota_simulator(rules=Rules(refused={IDS[1]: "Invalid IMEI"}, rate=1.0))
class TestMarkers:
    @mark
    @pytest.mark.fota_simulator(rules=Rules(refused={IDS[0]: "Device not found"}))
    async def test_the_closest_counts(self, fota_simulator, fota_client):
        report = await fota_client.v1.upgrades.append_devices(fota_simulator.upgrade_id, IDS[:2])
        assert [one.reason for one in report if one.state == "failed"] == ["Device not found"]
        KEPT.append(fota_client)

    @mark
    @pytest.mark.fota_client(account="0000123456-00001", on_event=KEPT.append)
    async def test_options(self, fota_simulator, fota_client):
        fota_simulator.add_account("0000123456-00001")
        upgrade_id = fota_simulator.add_upgrade("0000123456-00001")
        assert fota_client.account == "0000123456-00001"
        upgrade = await fota_client.v1.upgrades.get(upgrade_id)
        assert upgrade.account_name == "0000123456-00001"
        assert KEPT


@mark
@pytest.mark.fota_simulator(rules=Rules(rate=0.001, burst=1, retry_after=60.0))
async def test_time(fota_simulator, fota_client, fota_clock):
    get = fota_client.v1.upgrades.get
    await get(fota_simulator.upgrade_id)
    late = asyncio.ensure_future(get(fota_simulator.upgrade_id))
    await fota_clock.asleep.wait()
    assert not late.done()
    fota_clock.turn(1000.0)
    await late


@mark
async def test_an_outage(fota_simulator, fota_client, fota_clock):
    get = fota_client.v1.upgrades.get
    await get(fota_simulator.upgrade_id)
    await fota_simulator.stop()
    during = asyncio.ensure_future(get(fota_simulator.upgrade_id))
    await fota_clock.asleep.wait()
    await fota_simulator.start()
    fota_clock.turn(60.0)
    await during


@mark
async def test_a_client_that_nobody_uses(fota_client):
    pass


def test_it_is_not_async_at_all(fota_simulator, fota_client):
    asyncio.run(fota_client.v1.upgrades.get(fota_simulator.upgrade_id))
    fota_simulator.seed(IDS)
    assert fota_simulator.members() == set(IDS)
    assert fota_simulator.stats()["logins"] == 1
'''
COUNT = TESTS.count("def test_")


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the project's tests in a process of their own, in which each warning is an error."""
    ours = [one.name == "fota_async" for one in importlib.metadata.entry_points(group="pytest11")]
    given = [] if any(ours) else ["-p", "fota_async.testing.plugin"]
    return pytester.runpytest_subprocess(
        "-W", "error", "-p", "no:randomly", "--strict-markers", *given, *options, timeout=60
    )


def code(mark: str = "lambda test: test", fixture: str = "pytest.fixture") -> str:
    return f"import pytest\nmark = {mark}\nfixture = {fixture}\n{TESTS}"


SPARE_TRIO = """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

PROJECTS = {
    "pytest-asyncio, auto": (code(), ASYNCIO + "asyncio_mode = auto", []),
    "pytest-asyncio, strict": (
        code("pytest.mark.asyncio", "__import__('pytest_asyncio').fixture"),
        ASYNCIO,
        [],
    ),
    "pytest-asyncio, one loop for all": (
        code(),
        "asyncio_default_fixture_loop_scope = session\n"
        "asyncio_default_test_loop_scope = session\n"
        "asyncio_mode = auto",
        [],
    ),
    "anyio alone": (code("pytest.mark.anyio") + SPARE_TRIO, "", ["-p", "no:asyncio"]),
    "anyio, auto": (code() + SPARE_TRIO, "anyio_mode = auto", ["-p", "no:asyncio"]),
    "anyio beside pytest-asyncio": (code("pytest.mark.anyio") + SPARE_TRIO, ASYNCIO, []),
}


@pytest.mark.each_python
@pytest.mark.parametrize("name", PROJECTS)
def test_the_fixtures_serve_a_project(name: str, pytester: pytest.Pytester) -> None:
    tests, ini, options = PROJECTS[name]
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.makepyfile(tests)

    run(pytester, *options).assert_outcomes(passed=COUNT)


def test_a_run_without_a_test_of_ours_does_not_load_the_library(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert "fota_async.testing.plugin" in sys.modules
            assert not {"aiohttp", "cattrs", "fota_async.client"} & set(sys.modules)
        """
    )

    run(pytester, "-p", "no:asyncio", "-p", "no:aioresponses").assert_outcomes(passed=1)


SENSELESS = """
import pytest

@pytest.mark.fota_simulator(1)
def test_place_simulator(fota_simulator): ...

@pytest.mark.fota_client(1)
def test_place_client(fota_client): ...

@pytest.mark.fota_simulator(no_such_rule=1)
def test_unknown_simulator(fota_simulator): ...

@pytest.mark.fota_client(no_such_option=1)
def test_unknown_client(fota_client): ...

@pytest.mark.fota_simulator(clock=1)
def test_two_clocks(fota_simulator, fota_clock): ...
"""


def test_what_makes_no_sense_is_an_error_that_says_why(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SENSELESS)
    result = run(pytester, "-p", "no:asyncio")

    result.assert_outcomes(errors=5)
    result.stdout.fnmatch_lines_random(
        [
            "the marker fota_simulator takes its arguments by name",
            "the marker fota_client takes its arguments by name",
            "E*TypeError: *no_such_rule*",
            "E*TypeError: there is no option no_such_option",
            "a test with the fixture fota_clock needs no clock= in a marker",
        ]
    )


def test_a_leak_would_be_seen(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\n{ASYNCIO}asyncio_mode = auto\n")
    pytester.makepyfile(
        """
        async def test_it(fota_simulator, fota_client, monkeypatch):
            await fota_client.v1.upgrades.get(fota_simulator.upgrade_id)
            async def stay_open(): ...
            monkeypatch.setattr(fota_client, "aclose", stay_open)
        """
    )

    assert run(pytester).ret != 0


def test_the_readmes_example(pytester: pytest.Pytester) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Testing your own code")[2].partition("\n## ")[0]
    files = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", section, re.DOTALL)
    assert len(files) == 2
    pytester.makeini(f"[pytest]\n{ASYNCIO}asyncio_mode = auto\n")
    pytester.makepyfile(**dict(files))
    count = sum(content.count("def test_") for _, content in files)
    assert count > 2

    run(pytester).assert_outcomes(passed=count)

"""The pytest plugin: `fota_simulator`, `fota_client`, `fota_clock` and their markers.

Nothing of the library is imported before a fixture is used.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fota_async import FotaClient
    from fota_async.clock import Clock, ManualClock
    from fota_async.simulator import Simulator

_MARKERS = (
    "fota_simulator(faults, rules, clock): what the fixture `fota_simulator` is made of; arguments "
    "of fota_async.simulator.Simulator, all by name.",
    "fota_client(retry, account, ...): options of the client of the fixture `fota_client`, those "
    "of fota_async.FotaClient, all by name.",
)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture
def fota_simulator(
    request: pytest.FixtureRequest, _fota_time: "Clock | None"
) -> Iterator["Simulator"]:
    """A simulator of the API on a loopback socket, in a thread of its own.

    Its arguments are those of the marker of the same name; of several markers the closest one
    counts, argument by argument. See `fota_async.simulator.Simulator`.
    """
    from fota_async.simulator import SimulatorThread  # noqa: PLC0415 - not before it is used

    options = _options(request, "fota_simulator")
    options["clock"] = _fota_time
    with SimulatorThread(**options) as simulator:
        yield simulator


@pytest.fixture
def fota_client(
    request: pytest.FixtureRequest, fota_simulator: "Simulator", _fota_time: "Clock | None"
) -> Iterator["FotaClient"]:
    """A client of `fota_simulator`, closed at the end of the test.

    It belongs to the event loop that uses it first. The marker of the same name gives it options,
    those of `fota_async.FotaClient`. It shares the clock of the simulator.
    """
    from fota_async import Credentials  # noqa: PLC0415 - not before it is used
    from fota_async.testing.closing import ClientOfATest  # noqa: PLC0415 - likewise

    options = _options(request, "fota_client")
    if "tokens" not in options:
        names = ("key", "secret", "username", "password")
        opens = {name: getattr(fota_simulator, name) for name in names}
        options.setdefault("credentials", Credentials(**opens))
    options.setdefault("account", fota_simulator.account)
    options.setdefault("base_url", fota_simulator.base_url)
    if _fota_time is not None:
        options.setdefault("clock", _fota_time)
    with ClientOfATest(**options) as client:
        yield client


@pytest.fixture
def fota_clock() -> "ManualClock":
    """A clock that stands still until it is turned.

    Simulator and client of a test that asks for it run by it.
    """
    from fota_async.clock import ManualClock  # noqa: PLC0415 - not before it is used

    return ManualClock()


@pytest.fixture
def _fota_time(request: pytest.FixtureRequest) -> Any:
    clock = _options(request, "fota_simulator").get("clock")
    if "fota_clock" not in request.fixturenames:
        # A marker lives as long as the tests, so it may name what makes a clock instead.
        return clock() if callable(clock) else clock
    if clock is not None:
        pytest.fail("a test with the fixture fota_clock needs no clock= in a marker", pytrace=False)
    return request.getfixturevalue("fota_clock")


def _options(request: pytest.FixtureRequest, marker: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for one in reversed(list(request.node.iter_markers(marker))):
        if one.args:
            pytest.fail(f"the marker {marker} takes its arguments by name", pytrace=False)
        options |= one.kwargs
    return options

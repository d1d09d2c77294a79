"""What tests of every part use: the simulator, a stub server, clients of either."""

import inspect
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import aiohttp
import aioresponses.core
import pytest
from helpers import CREDENTIALS, FAST, Script, Stub, credentials_of
from simulator_api import Api

from fota_async import FotaClient
from fota_async.clock import ManualClock
from fota_async.simulator import Simulator, SimulatorThread
from fota_async.testing import plugin

pytest_plugins = ["pytester"]

# A shell has jobs in the background ignore SIGINT, and what they start with them; tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# aioresponses 0.7.9 makes answers without `stream_writer`, which aiohttp 3.14 demands
# (`TypeError: ... 'stream_writer'`). Can go as soon as a release of aioresponses passes it.
if "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters:

    class _Response(aiohttp.ClientResponse):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.setdefault("stream_writer", Mock(output_size=0))
            super().__init__(*args, **options)

    aioresponses.core.ClientResponse = _Response  # type: ignore[misc]


def pytest_configure(config: pytest.Config) -> None:
    """Register our plugin where the source tree is used without having been installed."""
    if not config.pluginmanager.has_plugin("fota_async"):
        config.pluginmanager.register(plugin, "fota_async")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands look for settings and refused logins: not where whoever runs this has them."""
    home = tmp_path_factory.getbasetemp() / f"home-{uuid4()}"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for name in [*os.environ]:
        if name == "FOTA_CONFIG" or name.startswith("THINGSPACE_"):
            monkeypatch.delenv(name)
    return home


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def new_sim(stack: AsyncExitStack) -> Callable[..., Awaitable[Simulator]]:
    """`sim = await new_sim(faults=..., rules=..., clock=...)`: a simulator that runs."""

    async def start(**options: Any) -> Simulator:
        return stack.enter_context(SimulatorThread(**options))

    return start


@pytest.fixture
def new_stub(stack: AsyncExitStack) -> Callable[..., Awaitable[Stub]]:
    """`stub = await new_stub(script)`: a server that says what the test tells it to."""

    async def start(script: Script | None = None) -> Stub:
        return await stack.enter_async_context(Stub(script))

    return start


@pytest.fixture
async def new_client(stack: AsyncExitStack) -> Callable[..., FotaClient]:
    """`client = new_client(server, **options)`: a client of a simulator or a stub.

    It is closed at the end of the test, before its server is.
    """

    def make(server: Simulator | Stub, **options: Any) -> FotaClient:
        known = isinstance(server, Simulator)
        options.setdefault("credentials", credentials_of(server) if known else CREDENTIALS)
        options.setdefault("account", Simulator.account)
        options.setdefault("retry", FAST)
        client = FotaClient(base_url=server.base_url, **options)
        stack.push_async_callback(client.aclose)
        return client

    return make


@pytest.fixture
def clock(fota_clock: ManualClock) -> ManualClock:
    """A clock that stands still until it is turned."""
    return fota_clock


@pytest.fixture
def sim(fota_simulator: Simulator, clock: ManualClock) -> Simulator:  # noqa: ARG001 - it makes it run by it
    """A simulator that runs by `clock`."""
    return fota_simulator


@pytest.fixture
async def api(sim: Simulator) -> AsyncIterator[Api]:
    """A bare HTTP client of `sim`, with tokens."""
    async with Api(sim) as api:
        await api.enter()
        yield api


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a journal may be kept."""
    return tmp_path / "enrol.db"


@pytest.fixture
async def cluster() -> AsyncIterator[Any]:
    """A client of a small Dask cluster within this process."""
    from dask_helpers import small_cluster  # noqa: PLC0415 - nobody else need load Dask

    async with small_cluster() as client:
        yield client


@pytest.fixture
async def executor(cluster: Any) -> AsyncIterator[Any]:
    """An executor on that cluster."""
    from fota_async.distributed import DaskExecutor  # noqa: PLC0415 - likewise

    async with DaskExecutor(cluster) as executor:
        yield executor

"""Each recipe, run as it stands against the simulator."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import ClientSession, web
from batch_helpers import imeis
from dask_helpers import small_cluster
from helpers import counts
from proxy_helpers import CorporateNetwork
from recipes import accounts, aiohttp_service, fastapi_service, proxy
from yarl import URL

from fota_async import (
    CertificateError,
    FotaClient,
    ProxyError,
    RunStopped,
)
from fota_async.distributed import DaskExecutor
from fota_async.simulator import Faults, Rules, Simulator, SimulatorThread

DEVICES = imeis(2500)


def settings_of(sim: Simulator) -> dict[str, str]:
    """Return what the environment of a client of this simulator holds."""
    names = ("key", "secret", "username", "password", "account", "base_url")
    return {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with SimulatorThread() as sim:
        yield sim


@pytest.fixture
def environment(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    for name, value in settings_of(sim).items():
        monkeypatch.setenv(name, value)
    return settings_of(sim)


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.txt"
    file.write_text("\n".join(DEVICES))
    return file


def run_recipe(
    name: str, sim: Simulator, *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", f"recipes.{name}", *arguments],
        env={**os.environ, **settings_of(sim), "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        timeout=60,
        check=check,
    )


def python_path() -> str:
    """Return a path on which this library and the recipes are found."""
    tests = Path(__file__).parent
    return os.pathsep.join([str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")])


def test_a_script(sim: Simulator, fleet: Path) -> None:
    first = run_recipe("script", sim, sim.upgrade_id, str(fleet))
    sent = counts(sim)["v1_modify_upgrade"]
    second = run_recipe("script", sim, sim.upgrade_id, str(fleet))

    assert "2,500" in first.stdout
    assert first.stderr == second.stderr == ""
    assert sim.members() == set(DEVICES)
    assert counts(sim)["v1_modify_upgrade"] == sent


def test_a_script_whose_devices_are_refused_or_that_cannot_run_at_all(
    sim: Simulator, fleet: Path
) -> None:
    sim.rules = Rules(refused={DEVICES[7]: "Device not found"})
    refused = run_recipe("script", sim, sim.upgrade_id, str(fleet), check=False)
    sim.set_status(sim.upgrade_id, "InProgress")
    other = fleet.with_name("other.txt")
    other.write_text("\n".join(imeis(5, first=9000)))
    closed = run_recipe("script", sim, sim.upgrade_id, str(other), check=False)
    nowhere = run_recipe("script", sim, sim.upgrade_id, "no-such-file", check=False)

    assert (refused.returncode, closed.returncode, nowhere.returncode) == (3, 1, 1)
    assert closed.stderr.startswith("RunStopped: ")
    assert nowhere.stderr.startswith("SourceError: ")


@pytest.mark.each_python
def test_under_uvloop(sim: Simulator, fleet: Path) -> None:
    """What is imported tells the loop: the recipe has no other one where uvloop exists."""
    done = run_recipe("uvloop_script", sim, sim.upgrade_id, str(fleet))

    assert sim.members() == set(DEVICES)
    assert done.stderr == ""
    from recipes.uvloop_script import run  # noqa: PLC0415 - it would load uvloop for every test

    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    used: str = run(loop())
    assert used.startswith("asyncio" if sys.platform == "win32" else "uvloop")


@pytest.mark.usefixtures("environment")
async def test_in_an_aiohttp_service(sim: Simulator) -> None:
    app = aiohttp_service.make_app()
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    borrowed = None
    try:
        borrowed = app[aiohttp_service.HTTP]
        address = f"http://{host}:{port}/upgrades/{sim.upgrade_id}/devices"
        async with ClientSession() as caller:

            async def post(devices: list[str]) -> tuple[int, Any]:
                async with caller.post(address, json=devices) as answer:
                    return answer.status, await answer.json()

            answers = await asyncio.gather(post(DEVICES[:1500]), post(DEVICES[1500:]))
            sim.set_status(sim.upgrade_id, "InProgress")
            closed = await post(imeis(2, first=9000))
        assert not borrowed.closed
    finally:
        await runner.cleanup()

    assert [(status, report["succeeded"]) for status, report in answers] == [
        (200, 1500),
        (200, 1000),
    ]
    assert (closed[0], closed[1]["stopped"], closed[1]["unsent"]) == (502, "closed", 2)
    assert sim.members() == set(DEVICES)
    assert counts(sim)["session_login"] == 1
    assert borrowed.closed


@pytest.mark.usefixtures("environment")
async def test_in_a_fastapi_service(sim: Simulator) -> None:
    app = fastapi_service.app
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    life = asyncio.ensure_future(app(scope, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": state.copy()}, receive, send)

    path = f"/upgrades/{sim.upgrade_id}/devices"
    transport = httpx.ASGITransport(with_state)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
        added = await caller.post(path, json=DEVICES)
        senseless = await caller.post(path, json={"no": "list"})
        sim.set_status(sim.upgrade_id, "InProgress")
        closed = await caller.post(path, json=imeis(2, first=9000))
    await told.put({"type": "lifespan.shutdown"})
    assert (await said.get())["type"] == "lifespan.shutdown.complete"
    await life

    assert (added.status_code, added.json()["succeeded"]) == (200, 2500)
    assert (closed.status_code, closed.json()["stopped"]) == (502, "closed")
    assert senseless.status_code == 422
    assert sim.members() == set(DEVICES)
    assert counts(sim)["session_login"] == 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a simulator's log signals nothing
            await asyncio.sleep(0.002)


async def start_worker(sim: Simulator, fleet: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "recipes.worker", sim.upgrade_id, str(fleet)),
        *options,
        env={**os.environ, **settings_of(sim), "PYTHONPATH": python_path()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def by_signal(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)


def by_end_of_input(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()


WAYS: dict[str, tuple[Callable[[asyncio.subprocess.Process], None], list[str]]] = {
    "by the end of its input": (by_end_of_input, ["--until-end-of-input"])
}
if sys.platform != "win32":  # where the end of a process is never announced
    WAYS["by SIGTERM"] = by_signal, []


@pytest.mark.each_python
@pytest.mark.parametrize("way", WAYS)
async def test_a_worker_drains_and_the_next_start_goes_on(
    way: str, sim: Simulator, tmp_path: Path
) -> None:
    tell, options = WAYS[way]
    devices = imeis(60_000)
    fleet = tmp_path / "fleet.txt"
    fleet.write_text("\n".join(devices))
    sim.faults = Faults(latency=0.2, only=frozenset({"v1_modify_upgrade"}))

    process = await start_worker(sim, fleet, *options)
    await until(lambda: counts(sim).get("v1_modify_upgrade", 0) >= 8)
    tell(process)
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    report = json.loads(output)
    taken = sim.members()

    assert (process.returncode, errors) == (143, b"")
    assert report["stopped"] == "interrupted"
    # What was in flight was waited for: nothing is in doubt.
    assert (report["succeeded"], report["unknown"]) == (len(taken), 0)
    assert report["unsent"] == len(devices) - len(taken) > 0

    sim.faults = Faults()
    process = await start_worker(sim, fleet, *options)
    output, errors = await process.communicate() if not options else await ended(process)
    assert (process.returncode, errors) == (0, b"")
    assert json.loads(output)["succeeded"] == len(devices)
    assert sim.members() == set(devices)


async def ended(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Return what a process printed whose input stays open until it ends by itself."""
    assert process.stdout is not None
    assert process.stderr is not None
    output = await process.stdout.read(), await process.stderr.read()
    await process.wait()
    assert process.stdin is not None
    process.stdin.close()
    return output


@pytest.mark.usefixtures("environment")
async def test_accounts_of_one_user_share_a_login_and_do_not_stop_each_other(
    sim: Simulator, fleet: Path
) -> None:
    sim.add_account("0000000002-00001")
    other = sim.add_upgrade("0000000002-00001")
    jobs = {
        sim.account: (sim.upgrade_id, fleet),
        "0000000002-00001": (other, fleet),
        "0000000003-00001": (other, fleet),
    }
    async with FotaClient.from_env() as fota:
        overview = await accounts.enrol_accounts(fota, jobs)

    assert [report.succeeded for report in overview.reports.values()] == [2500, 2500, 0]
    assert overview.not_ok == ["0000000003-00001"]
    third = overview.errors["0000000003-00001"]
    assert isinstance(third, RunStopped)
    assert (third.report.account, third.report.unsent) == ("0000000003-00001", 2500)
    assert sim.members() == sim.members(other) == set(DEVICES)
    assert counts(sim)["session_login"] == 1


async def test_customers_with_credentials_of_their_own(
    sim: Simulator, fleet: Path, new_sim: Callable[..., Any]
) -> None:
    second = await new_sim()
    second._world.access.password = "the-second-password"
    third = await new_sim()
    settings = {
        name: settings_of(one) for name, one in zip("abc", (sim, second, third), strict=True)
    }
    settings["c"]["THINGSPACE_PASSWORD"] = "wrong"
    jobs = dict.fromkeys(settings, (sim.upgrade_id, fleet))

    jobs["d"] = (sim.upgrade_id, fleet.with_name("no-such-file"))
    settings["d"] = settings["a"]

    async with small_cluster() as cluster, DaskExecutor(cluster) as executor:
        overview = await accounts.enrol_customers(settings, jobs, executor=executor)

    assert [report.succeeded for report in overview.reports.values()] == [2500, 2500, 0, 0]
    assert overview.causes == {"credentials": 1, "SourceError": 1}
    assert overview.totals.succeeded == 5000
    assert sim.members() == second.members() == set(DEVICES)
    assert [counts(one)["session_login"] for one in (sim, second, third)] == [1, 1, 1]


@pytest.fixture
async def network(sim: Simulator, tmp_path: Path) -> AsyncIterator[CorporateNetwork]:
    """The simulator, to be reached by a proxy only."""
    async with CorporateNetwork(URL(sim.base_url).port or 0, tmp_path) as network:
        yield network


@pytest.fixture
def behind_proxy(
    network: CorporateNetwork, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> CorporateNetwork:
    """What a machine's environment says in a corporate network."""
    assert environment
    monkeypatch.setenv("THINGSPACE_BASE_URL", network.base_url)
    for name in ("https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", network.proxy())
    return network


@pytest.mark.each_python
async def test_behind_a_proxy_with_its_own_authority(
    sim: Simulator, behind_proxy: CorporateNetwork
) -> None:
    async with proxy.client(behind_proxy.authority) as fota:
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, DEVICES)

    assert report.succeeded == 2500
    assert sim.members() == set(DEVICES)
    assert behind_proxy.tunnels
    assert behind_proxy.refused == 0


async def test_without_the_authority_nothing_is_sent(
    sim: Simulator, behind_proxy: CorporateNetwork
) -> None:
    async with FotaClient.from_env(trust_env=True) as fota:
        with pytest.raises(CertificateError):
            await fota.v1.upgrades.get(sim.upgrade_id)

    assert behind_proxy.tunnels
    assert sim.requests == []


async def test_behind_a_proxy_on_a_borrowed_session(
    sim: Simulator, behind_proxy: CorporateNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HTTPS_PROXY")
    async with (
        ClientSession() as http,
        proxy.client_on(http, behind_proxy.authority, behind_proxy.proxy()) as fota,
    ):
        upgrade = await fota.v1.upgrades.get(sim.upgrade_id)
    # Let the pool close its TLS connections.
    await asyncio.sleep(0)

    assert upgrade.id == sim.upgrade_id
    assert behind_proxy.tunnels


async def test_a_refusal_of_the_proxy_is_told_and_its_password_is_not(
    sim: Simulator,
    fleet: Path,
    behind_proxy: CorporateNetwork,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("HTTPS_PROXY", behind_proxy.proxy(password="not-this-secret"))
    async with proxy.client(behind_proxy.authority) as fota:
        with pytest.raises(ProxyError, match=r"another name or password \(407\)") as refused:
            await fota.v1.upgrades.get(sim.upgrade_id)
        with pytest.raises(RunStopped) as stopped:
            await fota.v1.upgrades.append_devices(sim.upgrade_id, fleet)
        shown = repr(fota) + repr(fota.session)

    errors = (refused.value, stopped.value)
    text = "".join("".join(traceback.format_exception(one)) for one in errors) + shown + caplog.text
    assert not [line for line in text.splitlines() if "secret" in line or "clerk" in line]
    assert (stopped.value.cause, stopped.value.report.unsent) == ("error", len(DEVICES))
    # Asked once for each, and never a circle of tries with a password that is refused.
    assert behind_proxy.refused == 2
    assert sim.requests == []

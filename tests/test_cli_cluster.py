"""`--cluster` and `--workers`: what they take, what they refuse, and that all else is as ever."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from copy import deepcopy
from pathlib import Path

import attrs
import dask.config
import pytest
from batch_helpers import imeis
from cli_helpers import Fota, in_thread, listed, point_at, runner
from distributed import LocalCluster
from distributed.security import Security
from helpers import UPGRADE, Stub
from test_cli_schedules import AT_ONCE, FAST, PILOTS, SCHEDULES
from test_cluster_tls import Authority
from test_floors import loaded_by

from fota_async.cli import cluster as of_commands
from fota_async.simulator import Faults, Rules, SimulatorThread

APPEND = ("append", "--upgrade", UPGRADE)


@pytest.fixture
def fota(capsys: pytest.CaptureFixture[str]) -> Fota:
    return runner(capsys)


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatorThread]:
    with SimulatorThread(faults=Faults(latency=0.01)) as simulator:
        point_at(simulator, monkeypatch)
        yield simulator


@contextmanager
def cluster(security: Security | None = None) -> Iterator[LocalCluster]:
    """Run a cluster in threads of this process."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=4,
        processes=False,
        protocol="tls://" if security else "tcp://",
        host="127.0.0.1",
        security=security,
        dashboard_address="127.0.0.1:0",  # it cannot be left out
    ) as there:
        yield there


def options_of(authority: Authority) -> list[str]:
    files = {"ca": authority.file, "cert": authority.cert, "key": authority.key}
    return [f"--cluster-{name}={file}" for name, file in files.items()]


def tries_of(there: LocalCluster) -> set[str]:
    """Return the tasks that were tries of ours, by key."""
    keys = {str(entry[0]) for entry in there.scheduler.transition_log}
    return {key for key in keys if key.startswith("fota-try-")}


def test_a_cluster_makes_the_requests_of_a_command(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet, page = listed(tmp_path, imeis(2000)), tmp_path / "out.html"
    with cluster() as there:
        address = there.scheduler_address
        code, out, err = fota(
            *(*APPEND, "--cluster", address, "--batch-size=50", "--json"),
            *("--journal", str(tmp_path / "run.db"), "--report", str(page), fleet),
        )
        tries = tries_of(there)

    assert (code, err) == (0, "")
    assert json.loads(out)["succeeded"] == 2000
    assert sim.members() == set(imeis(2000))
    assert len(tries) == sum(one.method == "PUT" for one in sim.requests) == 40
    assert address in page.read_text()


OTHERS = {
    "sync": ("sync", "--upgrade", UPGRADE, "--yes"),
    "details": ("devices", "details"),
    "assign": ("licenses", "assign", "--api", "v3"),
    "logging": ("logging", "enable"),
    "schedule": SCHEDULES["v1_schedule_upgrade"],
}


@pytest.mark.parametrize("kind", [*OTHERS, pytest.param("pilot", marks=pytest.mark.slow)])
def test_a_cluster_makes_those_of_every_command_with_a_device_list(
    fota: Fota, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    # A pilot has to end by itself, and takes devices until then.
    rules = attrs.evolve(AT_ONCE, pending_for=2.0) if kind == "pilot" else None
    command = OTHERS.get(kind, (*PILOTS["v3"], "--pilot=5"))
    with SimulatorThread(rules=rules) as sim, cluster() as there:
        point_at(sim, monkeypatch)
        address, fleet = f"--cluster={there.scheduler_address}", listed(tmp_path, imeis(20))
        code, _, err = fota(*command, address, *FAST, "--batch-size=5", fleet)

        assert code == 0, err
        assert tries_of(there)


def test_tls_protects_the_way_to_a_cluster(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    right, wrong = Authority(tmp_path / "right"), Authority(tmp_path / "wrong")
    fleet = listed(tmp_path, imeis(100))
    with cluster(right.security("client", "scheduler", "worker")) as there:
        address = there.scheduler_address
        code, _, err = fota(*APPEND, "--cluster", address, *options_of(wrong), fleet)
        assert code == 1
        assert "certificates fit; nothing was sent" in err
        assert not sim.members()
        code, _, err = fota(*APPEND, "--cluster", address, *options_of(right), fleet)

    assert address.startswith("tls://")
    assert code == 0, err
    assert sim.members() == set(imeis(100))


def test_what_is_sent_again_is_sent_by_the_same_cluster(
    fota: Fota, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, ids = Authority(tmp_path / "right"), imeis(3)
    rules = Rules(refused={ids[0]: "Device not found"})
    with (
        SimulatorThread(rules=rules) as sim,
        cluster(authority.security("client", "scheduler", "worker")) as there,
    ):
        point_at(sim, monkeypatch)
        where = ["--cluster", there.scheduler_address, *options_of(authority)]
        code, _, err = fota(*APPEND, *where, listed(tmp_path, ids))

    assert code == 3
    assert " ".join(where).replace("=", " ") in err
    assert err.rstrip().endswith(f"--cluster-key {authority.key} -")


def test_a_command_leaves_its_settings_to_the_next_one_of_the_process(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    fleet = listed(tmp_path, imeis(100))
    before = {name: value for name, value in os.environ.items() if name.startswith("THINGSPACE_")}
    of_dask = deepcopy(dask.config.config)
    code, _, err = fota(*APPEND, "--workers=1", fleet)

    assert (code, err) == (0, "")
    assert dask.config.config == of_dask
    assert sim.members() == set(imeis(100))
    assert len(before) >= 6
    assert before.items() <= os.environ.items()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--workers=2", "--cluster=tcp://127.0.0.1:8786"], "give one of them"),
        (["--cluster=tcp://10.0.0.1:8786"], "or the tokens to 10.0.0.1 are public"),
        (["--cluster=scheduler:8786"], "--cluster is tls://HOST:PORT"),
        (["--cluster=10.0.0.1:8786"], "--cluster is tls://HOST:PORT"),
        (["--cluster=tls://scheduler"], "--cluster is tls://HOST:PORT"),
        (["--cluster=tls://scheduler:99999999"], "--cluster is tls://HOST:PORT"),
        (["--cluster=https://scheduler:8786"], "--cluster is tls://HOST:PORT"),
        (["--cluster=tls://me:hush@scheduler:8786"], "has no other parts"),
        (["--cluster=tls://scheduler:8786"], "needs --cluster-ca"),
        (["--cluster=tcp://127.0.0.1:8786", "--cluster-ca=ca.pem"], "with a tls:// address"),
        (["--workers=2", "--cluster-key=key.pem"], "with a tls:// address"),
        (["--cluster-cert=cert.pem"], "with a tls:// address"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_what_cannot_work_is_said_before_anything_is_sent(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, given: list[str], said: str
) -> None:
    code, out, err = fota(*APPEND, *given, listed(tmp_path, imeis(3)))

    assert (code, out) == (2, "")
    assert said in err
    assert "nothing was sent" in err
    assert "hush" not in err
    assert not sim.requests


def test_certificates_must_be_there_and_be_some(
    fota: Fota, sim: SimulatorThread, tmp_path: Path
) -> None:
    ca, cert, key = options_of(Authority(tmp_path / "right"))
    odd = tmp_path / "odd.pem"
    odd.write_text("no certificate")
    start = (*APPEND, "--cluster=tls://127.0.0.1:8786")
    fleet = listed(tmp_path, imeis(3))

    missing = fota(*start, ca, cert, f"--cluster-key={tmp_path / 'none.pem'}", fleet)
    wrong = fota(*start, ca, f"--cluster-cert={odd}", key, fleet)

    assert (missing[0], wrong[0]) == (2, 2)
    assert "--cluster-key: there is no file" in missing[2]
    assert "cannot be used" in wrong[2]
    assert not sim.requests


@pytest.mark.parametrize("package", ["distributed", "cryptography"])
def test_without_the_extra_it_says_what_to_install(
    fota: Fota,
    sim: SimulatorThread,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    code, _, err = fota(*APPEND, "--workers=2", listed(tmp_path, imeis(3)))

    assert code == 2
    assert "pip install 'fota_async[distributed]'" in err
    assert not sim.requests


def test_where_no_scheduler_answers_nothing_is_sent(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_commands, "_PATIENCE", 0.5)
    fleet = listed(tmp_path, imeis(3))
    stranger = Stub()
    with in_thread(stranger):
        port = stranger.base_url.rpartition(":")[2]
        strange = fota(*APPEND, f"--cluster=tcp://127.0.0.1:{port}", fleet)
    nobody = fota(*APPEND, f"--cluster=tcp://127.0.0.1:{port}", fleet)

    for code, out, err in (strange, nobody):
        assert (code, out) == (1, "")
        assert err.startswith(f"fota: no Dask scheduler answers at tcp://127.0.0.1:{port}")
        assert err.endswith("nothing was sent\n")
        assert err.count("\n") == 1
    assert not sim.requests


def test_a_scheduler_that_takes_its_time_is_not_waited_for_in_silence(
    fota: Fota, sim: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_commands, "_PATIENCE", 0.5)
    monkeypatch.setattr(of_commands, "_WORTH_TELLING", 0.1)
    code, _, err = fota(*APPEND, "--cluster=tcp://127.0.0.1:9", listed(tmp_path, imeis(3)))

    waiting, failed = err.splitlines()
    assert code == 1
    assert waiting == "fota: waiting for the scheduler at tcp://127.0.0.1:9, at most 0.5 s"
    assert failed.startswith("fota: no Dask scheduler answers at tcp://127.0.0.1:9 ")
    assert not sim.requests


async def test_an_interrupt_ends_the_wait_for_a_cluster_that_does_not_let_go() -> None:
    stack, begun = AsyncExitStack(), asyncio.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    stack.push_async_callback(never)
    leaving = asyncio.create_task(of_commands._leave(stack))
    await begun.wait()
    signal.raise_signal(signal.SIGINT)

    # So that the report is still printed, which is done afterwards.
    async with asyncio.timeout(3):
        await leaving


def test_a_dry_run_starts_no_process(fota: Fota, sim: SimulatorThread, tmp_path: Path) -> None:
    code, out, err = fota(*APPEND, "--workers=2", "--dry-run", "--json", listed(tmp_path, imeis(3)))

    assert code == 0, err
    assert json.loads(out)["unsent"] == 3
    assert not sim.requests


@pytest.mark.each_python
def test_commands_that_make_their_own_requests_load_no_dask() -> None:
    loaded = loaded_by("from fota_async.cli import devices, sync, readings")

    assert "fota_async.cli.cluster" in loaded
    assert not {one for one in loaded if one.partition(".")[0] in {"distributed", "dask"}}

"""What leaves the coordinator of a cluster: tokens beside the tasks, and never what opens more."""

import asyncio
import json
import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import distributed
import pytest
from cluster_helpers import Enrolment, Truth, enrol, is_as_expected, servers_for
from cluster_processes import own_processes
from distributed.protocol import pickle

from fota_async import Credentials
from fota_async.distributed import DaskExecutor
from fota_async.distributed.outpost import equip
from fota_async.distributed.parcel import unseal


def forms(secret: str) -> set[bytes]:
    """Every way in which a secret may be written."""
    texts = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        b64encode(secret.encode()).decode(),
    }
    return {text.encode(coding) for text in texts for coding in ("utf-8", "utf-16-le")}


def secrets_of(credentials: Credentials) -> list[str]:
    """Return what opens an account, and the headers and bodies that are made of it."""
    return [
        credentials.key,
        credentials.secret,
        credentials.username,
        credentials.password,
        credentials.basic,
        credentials.basic.removeprefix("Basic "),
        f"{credentials.key}:{credentials.secret}",
    ]


def found(secrets: list[str], kept: bytes) -> set[str]:
    """Return which secrets are in `kept`, however they are written."""
    return {secret for secret in secrets if any(form in kept for form in forms(secret))}


@attrs.define
class Relay:
    """Stands between who connects and a server, and keeps what is sent to the server."""

    target: str = ""
    address: str = ""
    sent: bytearray = attrs.field(factory=bytearray)
    connections: int = 0
    _writers: list[asyncio.StreamWriter] = attrs.field(factory=list)

    async def serve(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self.connections += 1
        host, port = self.target.removeprefix("tcp://").split(":")
        answer, there = await asyncio.open_connection(host, int(port))
        self._writers += [back, there]

        async def forward() -> None:
            while data := await here.read(1 << 16):
                self.sent += data
                there.write(data)
                await there.drain()
            there.close()

        async def backward() -> None:
            while data := await answer.read(1 << 16):
                back.write(data)
                await back.drain()
            back.close()

        with suppress(ConnectionError):
            await asyncio.gather(forward(), backward())

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def relay(target: str = "") -> AsyncIterator[Relay]:
    between = Relay(target)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield between
    finally:
        server.close()
        between.close()
        await asyncio.sleep(0)  # what is being closed gets to know of it


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class Watched(distributed.Client):  # type: ignore[misc]  # distributed has no types
    """A client that keeps what it is given, and what is in the kits that are sealed."""

    def __init__(self, *given: Any, **options: Any) -> None:
        self.submitted: list[bytes] = []
        self.run_there: list[bytes] = []
        self.sealed: list[bytes] = []
        super().__init__(*given, **options)

    def submit(self, *given: Any, **options: Any) -> Any:
        self.submitted.append(pickle.dumps((given, options)))
        return super().submit(*given, **options)

    def run(self, *given: Any, **options: Any) -> Any:
        self.run_there.append(pickle.dumps((given, options)))
        if given[0] is equip:
            _, _, sealed, _ = given
            self.sealed.append(sealed)
            self.run_there.append(pickle.dumps(unseal(sealed)))
        return super().run(*given, **options)


@attrs.frozen(kw_only=True)
class Kept:
    """What was kept of a run on a cluster of which every byte goes through a relay."""

    enrolment: Enrolment
    truth: Truth
    to_scheduler: bytes
    to_workers: bytes
    submitted: bytes
    run_there: bytes
    sealed: list[bytes]
    logs: bytes
    environments: bytes
    planted: bytes

    @property
    def secrets(self) -> list[str]:
        return secrets_of(self.enrolment.credentials)

    @property
    def tokens(self) -> list[str]:
        return sorted(self.truth.bearers | self.truth.sessions)


@pytest.fixture
async def kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Kept:
    enrolment = Enrolment(number=1, devices=3000, trouble=3.0)
    environment = {
        "DASK_DISTRIBUTED__COMM__COMPRESSION": "False",
        "DASK_LOGGING__DISTRIBUTED": "info",
    }
    async with (
        servers_for([enrolment]) as servers,
        own_processes(tmp_path, workers=0, **environment) as cluster,
        relay(cluster.address) as to_scheduler,
        relay() as to_worker,
    ):
        to_worker.target = f"tcp://127.0.0.1:{free_port()}"
        await cluster.start_worker(
            *("--no-nanny", "--listen-address", to_worker.target),
            *("--contact-address", to_worker.address),
            host="",
        )
        async with Watched(to_scheduler.address, asynchronous=True) as client:
            await client.wait_for_workers(1, timeout=60)
            async with DaskExecutor(client) as executor:
                report = await enrol(
                    enrolment, servers.urls[0], executor=executor, batch_size=50, concurrency=8
                )
            truth = await servers.truth(0)
            assert not is_as_expected(enrolment, report, truth)
            environments = await client.run(lambda: dict(os.environ))
            worker_logs = await client.get_worker_logs()
            sent = bytes(to_scheduler.sent)
            await client.submit(len, enrolment.credentials.basic)
            planted = bytes(to_scheduler.sent[len(sent) :])
        logs = [cluster.log("scheduler"), cluster.log("worker-0"), str(worker_logs)]
    logs += [*capfd.readouterr()]
    return Kept(
        enrolment=enrolment,
        truth=truth,
        to_scheduler=sent,
        to_workers=bytes(to_worker.sent),
        submitted=b"\n".join(client.submitted[:-1]),
        run_there=b"\n".join(client.run_there),
        sealed=client.sealed,
        logs="\n".join(logs).encode(),
        environments=str(environments).encode(),
        planted=planted,
    )


async def test_what_leaves_the_coordinator(kept: Kept) -> None:
    everything = kept.to_scheduler + kept.to_workers + kept.submitted + kept.run_there

    assert not found(kept.secrets, everything)

    # A task stays with the scheduler: its devices are in it, tokens travel beside it.
    assert len(kept.truth.bearers) > 1
    assert found(kept.tokens, kept.run_there) == set(kept.tokens)
    assert not found(kept.tokens, kept.submitted)
    ids = kept.enrolment.ids
    assert all(device.encode() in kept.submitted for device in ids)
    assert not any(device.encode() in kept.run_there for device in ids)

    # And that is what goes over the wire: all of it, and tokens only in the kits that were seen.
    assert all(device.encode() in kept.to_scheduler for device in ids)
    for wire in (kept.to_scheduler, kept.to_workers):
        assert not found(kept.tokens, wire)
        assert [wire.count(sealed) for sealed in kept.sealed] == [1] * len(kept.sealed)

    # What would have been found.
    assert found(kept.secrets, kept.planted) >= {kept.enrolment.credentials.basic}
    for secret in kept.secrets:
        assert all(found([secret], b"before" + form + b"after") for form in forms(secret))

    # Nor is any of it kept by those who got it.
    assert b"distributed" in kept.logs
    assert not found([*kept.secrets, *kept.tokens], kept.logs)
    assert not any(device.encode() in kept.logs for device in ids)
    assert b"PATH" in kept.environments
    assert not found([*kept.secrets, *kept.tokens], kept.environments)

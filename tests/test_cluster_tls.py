"""A cluster whose parts speak TLS to each other, with certificates of an authority of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from batch_helpers import imeis
from distributed import Client, LocalCluster
from distributed.security import Security
from helpers import UPGRADE, credentials_of

from fota_async import FotaClient
from fota_async.distributed import DaskExecutor
from fota_async.simulator import Simulator

PATIENCE = "10s"
"""How long a client that is not let in may ask again; it is told at once."""


class Authority:
    """An authority, and the files that the parts of a cluster prove themselves with.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        self.file, self.cert, self.key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(self.file)
        issued.private_key_pem.write_to_path(self.key)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(self.cert, append=True)

    def security(self, *roles: str) -> Security:
        """Return what parts in these roles are to be started with."""
        files = {f"tls_{role}_cert": str(self.cert) for role in roles}
        files |= {f"tls_{role}_key": str(self.key) for role in roles}
        return Security(require_encryption=True, tls_ca_file=str(self.file), **files)


@asynccontextmanager
async def cluster_of(authority: Authority) -> AsyncIterator[LocalCluster]:
    async with LocalCluster(
        processes=False,
        n_workers=2,
        threads_per_worker=4,
        protocol="tls://",
        security=authority.security("client", "scheduler", "worker"),
        asynchronous=True,
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


async def is_refused(address: str, **options: Any) -> bool:
    client = Client(address, asynchronous=True, timeout=PATIENCE, **options)
    try:
        await client
    except OSError:
        return True
    finally:
        await client.close()
    return False


async def first_byte(address: str, context: ssl.SSLContext) -> bytes:
    """Return what a part of the cluster says first to whoever connects."""
    host, _, port = address.removeprefix("tls://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    try:
        return await reader.read(1)
    finally:
        writer.transport.abort()


async def test_a_run_goes_through_a_cluster_that_speaks_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    async with (
        cluster_of(authority) as cluster,
        Client(
            cluster.scheduler_address, security=authority.security("client"), asynchronous=True
        ) as client,
        Simulator() as sim,
        FotaClient(credentials_of(sim), account=sim.account, base_url=sim.base_url) as fota,
        DaskExecutor(client) as executor,
    ):
        report = await fota.v1.upgrades.append_devices(
            UPGRADE, imeis(500), batch_size=50, executor=executor
        )
        addresses = [cluster.scheduler_address, *await client.nthreads()]

    assert report.succeeded == 500
    assert sim.members() == set(imeis(500))
    assert [one.partition(":")[0] for one in addresses] == ["tls"] * 3


async def test_who_shows_no_certificate_is_told_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    trusting = ssl.create_default_context(cafile=str(authority.file))
    async with cluster_of(authority) as cluster:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await first_byte(cluster.scheduler_address, trusting)
        trusting.load_cert_chain(authority.cert, authority.key)
        assert await first_byte(cluster.scheduler_address, trusting)


async def test_a_client_whose_certificate_is_of_another_authority_is_not_let_in(
    tmp_path: Path,
) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    other.file.write_bytes(ours.file.read_bytes())  # it trusts the cluster, which does not trust it
    async with cluster_of(ours) as cluster:
        assert await is_refused(cluster.scheduler_address, security=other.security("client"))


async def test_a_client_without_tls_is_not_let_in(tmp_path: Path) -> None:
    async with cluster_of(Authority(tmp_path / "ours")) as cluster:
        plain = cluster.scheduler_address.replace("tls://", "tcp://")
        assert await is_refused(plain)

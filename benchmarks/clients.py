"""The four clients that are compared, each run in a process of its own.

Each does the same: log in and append one device, which is not measured; append all devices, which
is; then show that every device was answered ``AddDeviceSucceed``, so that nobody wins by not
working. What the answers said about each device is kept in memory by all of them, as a caller who
wants a report must.
"""

# ruff: noqa: PLC0415  # each client imports what it needs, so that no other one's process holds it

import argparse
import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

ACCOUNT = "0402196254-00001"
UPGRADE_ID = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
FIRST_ID = 35693803 * 10**7


@dataclass(frozen=True)
class Job:
    """What every client is asked to do."""

    base_url: str
    ids: list[str]
    batch: int
    concurrency: int

    def batches(self) -> Iterator[list[str]]:
        """Cut the ids for the clients that do not do it themselves."""
        return (self.ids[i : i + self.batch] for i in range(0, len(self.ids), self.batch))

    def check(self, answered: Iterable[tuple[str, str]]) -> None:
        """Refuse a measurement in which not exactly the devices of the job were added."""
        added = [device for device, status in answered if status == "AddDeviceSucceed"]
        if sorted(added) != self.ids:
            raise RuntimeError(f"{len(added)} answers of success for {len(self.ids)} devices")


@dataclass
class Measurement:
    """What one client needed for one job."""

    wall: float = 0.0
    """Seconds from the start of the sending to its end."""
    cpu: float = 0.0
    """CPU seconds (user and system, all threads) of the client's process in that time."""
    memory: int = 0
    """Bytes by which the sending raised the peak memory of the process."""


@contextmanager
def measured() -> Iterator[Measurement]:
    """Measure what the body needs, and nothing of what the process did before."""
    result = Measurement()
    gc.collect()
    memory = peak_memory()
    cpu = time.process_time()
    wall = time.perf_counter()
    yield result
    result.wall = time.perf_counter() - wall
    result.cpu = time.process_time() - cpu
    result.memory = peak_memory() - memory


def peak_memory() -> int:
    """Return the most memory the process has used so far.

    The ids are made after the imports, so before a run this is also what is in use.
    """
    if sys.platform == "win32":
        raise SystemExit("the benchmark needs Linux or macOS, which tell the most memory ever used")
    else:  # noqa: RET506 - where a type checker for Windows does not look
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def fota_async(job: Job) -> Measurement:
    """Run this library."""
    from fota_async import Credentials, FotaClient

    async def run() -> Measurement:
        credentials = Credentials(key="k", secret="s", username="u", password="p")
        async with FotaClient(credentials, account=ACCOUNT, base_url=job.base_url) as fota:
            upgrades = fota.v1.upgrades
            await upgrades.append_devices(UPGRADE_ID, job.ids[:1])
            with measured() as result:
                report = await upgrades.append_devices(
                    UPGRADE_ID, job.ids, batch_size=job.batch, concurrency=job.concurrency
                )
            if report.succeeded != len(job.ids):
                raise RuntimeError(str(report))
        return result

    return asyncio.run(run())


def bare(job: Job) -> Measurement:
    """Run the least one could write by hand: no checks, no retries, tokens that never expire."""
    import aiohttp
    import orjson

    url = f"{job.base_url}/api/fota/v1/upgrades/{ACCOUNT}/upgrade/{UPGRADE_ID}"
    headers = {
        "Authorization": "Bearer bench",
        "VZ-M2M-Token": "bench",
        "Content-Type": "application/json",
    }

    async def run() -> Measurement:
        gate = asyncio.Semaphore(job.concurrency)
        answers: list[list[dict[str, str]]] = []

        async def append(batch: list[str]) -> None:
            async with gate:
                body = orjson.dumps({"type": "append", "deviceList": batch})
                async with http.put(url, data=body) as answer:
                    answers.append(orjson.loads(await answer.read())["deviceList"])

        async with aiohttp.ClientSession(headers=headers) as http:
            await append(job.ids[:1])
            answers.clear()
            with measured() as result:
                await asyncio.gather(*map(append, job.batches()))
        job.check((item["deviceId"], item["status"]) for items in answers for item in items)
        return result

    return asyncio.run(run())


def sdk(job: Job) -> Measurement:
    """Run the vendor's SDK as it is documented: one request after the other."""
    append = sdk_append(job.base_url)
    append(job.ids[:1])
    with measured() as result:
        answers = [append(batch) for batch in job.batches()]
    job.check((item.device_id, item.status) for items in answers for item in items)
    return result


def sdk_threads(job: Job) -> Measurement:
    """Run the vendor's SDK with as many threads as the others have requests in flight."""
    # Its pool keeps 10 connections and warns about each one more; the printing is not measured.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    append = sdk_append(job.base_url)
    append(job.ids[:1])
    with measured() as result, ThreadPoolExecutor(job.concurrency) as pool:
        answers = list(pool.map(append, job.batches()))
    job.check((item.device_id, item.status) for items in answers for item in items)
    return result


def sdk_append(base_url: str) -> Callable[[list[str]], list[Any]]:
    """Log in with the vendor's SDK; return how it appends a batch, which gives its result items."""
    # The SDK ships no type information.
    from verizon.configuration import (  # type: ignore[import-untyped]
        Configuration,
        Server,
    )
    from verizon.http.auth.thingspace_oauth import (  # type: ignore[import-untyped]
        ThingspaceOauthCredentials,
    )
    from verizon.http.auth.vz_m2m_token import (  # type: ignore[import-untyped]
        VZM2mTokenCredentials,
    )
    from verizon.models.firmware_upgrade_change_request import (  # type: ignore[import-untyped]
        FirmwareUpgradeChangeRequest,
    )
    from verizon.models.log_in_request import LogInRequest  # type: ignore[import-untyped]
    from verizon.verizon_client import VerizonClient  # type: ignore[import-untyped]

    class Local(Configuration):  # type: ignore[misc]  # the base class is untyped
        """The SDK's own addresses, on our host: it has no setting for that."""

        def get_base_uri(self, server: Server = Server.THINGSPACE) -> str:
            address: str = super().get_base_uri(server)
            return base_url + urlsplit(address).path

    oauth = ThingspaceOauthCredentials("k", "s")
    login = VerizonClient(config=Local(thingspace_oauth_credentials=oauth))
    session = login.session_management.start_connectivity_management_session(
        LogInRequest("u", "p")
    ).body
    client = VerizonClient(
        config=Local(
            thingspace_oauth_credentials=oauth,
            vz_m2m_token_credentials=VZM2mTokenCredentials(session.session_token),
        )
    )

    def append(batch: list[str]) -> list[Any]:
        request = FirmwareUpgradeChangeRequest("append", batch)
        answer = client.firmware_v1.update_firmware_upgrade_devices(ACCOUNT, UPGRADE_ID, request)
        items: list[Any] = answer.body.device_list
        return items

    return append


CLIENTS: dict[str, Callable[[Job], Measurement]] = {
    "fota_async": fota_async,
    "bare": bare,
    "sdk": sdk,
    "sdk_threads": sdk_threads,
}


def main() -> None:
    """Run one client and print its measurement as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("base_url")
    parser.add_argument("devices", type=int)
    parser.add_argument("batch", type=int)
    parser.add_argument("concurrency", type=int)
    args = parser.parse_args()
    ids = [str(FIRST_ID + i) for i in range(args.devices)]
    job = Job(args.base_url, ids, args.batch, args.concurrency)
    print(json.dumps(asdict(CLIENTS[args.client](job))))


if __name__ == "__main__":
    main()

"""How many callback messages a second a receiver stores and acknowledges, and how fast.

The receiver is a process of its own, its store on the disk of the working directory: a message is
synced to that disk before its answer. Its handler does nothing. Beside it the same disk is asked
how many syncs a second it does.
"""

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from fota_async.callbacks import (
    CallbackReceiver,
    MessageState,
    ReceiverOptions,
    count_messages,
    serve,
)

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 64
MESSAGE = {
    "accountName": "0402196254-00001",
    "participantName": "0402196254-00001",
    "type": "upgradeScheduled",
    "username": "listener",
    "password": "example-only",
    "firmwareList": [],
    "upgradeScheduled": {
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "upgradeId": "60b5d639-ccdc-4db8-8824-069bd94c95bf",
        "startDate": "2018-04-01",
    },
}


async def listen(store: str) -> None:
    """Receive until stdin is closed."""
    # What was acknowledged is counted in the store, so nothing may be forgotten.
    options = ReceiverOptions(keep_handled=10_000_000)
    receiver = CallbackReceiver(store, allow_loopback=True, options=options)

    @receiver.on()
    async def handle(_: object) -> None: ...

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    async with serve(receiver, port=0) as server:
        print(server.url, flush=True)
        await ended.wait()


@contextmanager
def listening(store: Path) -> Iterator[str]:
    """Start the receiver and give its address; closing its stdin ends it."""
    command = [sys.executable, "-m", "benchmarks.callbacks", "--listen", str(store)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"{process.stdout.readline().strip()}/v1"


class Sender:
    """Sends messages that all differ, and remembers how long each answer took."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._numbers = itertools.count()
        self.waits: list[float] = []

    async def send(self) -> None:
        """Send one."""
        body = json.dumps({**MESSAGE, "number": next(self._numbers)}).encode()
        begin = time.perf_counter()
        async with self._http.post(self._url, data=body) as answer:
            if answer.status != 200:
                raise RuntimeError(f"the receiver answered {answer.status}")
        self.waits.append(time.perf_counter() - begin)

    async def as_fast_as_it_can(self, connections: int, seconds: float) -> None:
        """Send on each connection one after another."""
        end = time.perf_counter() + seconds

        async def one() -> None:
            while time.perf_counter() < end:
                await self.send()

        await asyncio.gather(*(one() for _ in range(connections)))

    async def steadily(self, rate: float, seconds: float) -> None:
        """Send each when its time has come, whatever became of those before."""
        begin = time.perf_counter()
        sending = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(begin + number / rate - time.perf_counter())
            sending.append(asyncio.create_task(self.send()))
        await asyncio.gather(*sending)


async def measure(url: str, store: Path, rate: float | None, seconds: float) -> str:
    """Return a row of the table; with no rate, as fast as the receiver answers."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    before = sum(count_messages(store).values())
    async with aiohttp.ClientSession(connector=connector) as http:
        sender = Sender(http, url)
        begin = time.perf_counter()
        if rate is None:
            await sender.as_fast_as_it_can(CONNECTIONS, seconds)
        else:
            await sender.steadily(rate, seconds)
        took = time.perf_counter() - begin
    counts = count_messages(store)
    if sum(counts.values()) - before != len(sender.waits):
        raise RuntimeError("the store does not hold what was acknowledged")
    waits = sorted(sender.waits)
    name = f"{CONNECTIONS} connections, one after another" if rate is None else f"{rate:g} a second"
    times = " | ".join(f"{1000 * waits[int(p * len(waits))]:.1f} ms" for p in (0.5, 0.99, 0.999))
    while count_messages(store)[MessageState.WAITING]:  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.02)
    handled = time.perf_counter() - begin - took
    return f"| {name} | {len(waits) / took:.0f} | {times} | {handled:.1f} s |"


def syncs_a_second(folder: Path) -> float:
    """Return how often the disk syncs a file of this folder in a second."""
    with (folder / "sync").open("wb", buffering=0) as file:
        begin = time.perf_counter()
        for count in itertools.count(1):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            if (took := time.perf_counter() - begin) > 1:
                return count / took
    raise AssertionError


async def main(rates: list[float], seconds: float, folder: Path) -> None:
    """Measure, and print the table."""
    print(f"The disk syncs {syncs_a_second(folder):.0f} times a second.\n")
    print("| messages | acknowledged a second | p50 | p99 | p99.9 | all handled after |")
    print("| --- | --- | --- | --- | --- | --- |")
    store = folder / "events.db"
    with listening(store) as url:
        for rate in (*rates, None):
            print(await measure(url, store, rate, seconds), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callbacks", description=__doc__)
    parser.add_argument("--rate", type=float, nargs="*", default=[100, 500, 1000])
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of each row")
    parser.add_argument("--listen", metavar="STORE", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.listen:
        asyncio.run(listen(args.listen))
    else:
        with tempfile.TemporaryDirectory(dir=".") as name:
            asyncio.run(main(args.rate, args.seconds, Path(name).resolve()))

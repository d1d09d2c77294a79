"""`fota listen` is killed under load, and every message that it acknowledged is handled."""

import asyncio
import json
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import attrs
import pytest
from callback_helpers import until

from fota_async.callbacks import MessageState, count_messages

MANY_AT_ONCE = 64


@attrs.define
class Listening:
    """One store, and the processes that listen with it, one after another."""

    folder: Path
    port: int
    outputs: list[Path] = attrs.field(factory=list)
    process: asyncio.subprocess.Process | None = None

    @property
    def store(self) -> Path:
        return self.folder / "events.db"

    async def start(self) -> None:
        # A file for each: the last line of one that was killed may be torn.
        output = self.folder / f"events{len(self.outputs)}.ndjson"
        self.outputs.append(output)
        with output.open("wb") as lines:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "fota_async", "listen", "--store", str(self.store)),
                *("--port", str(self.port), "--allow-loopback", "--path", "hooks"),
                stdout=lines,
                stderr=asyncio.subprocess.PIPE,
            )
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            said = (await self.process.stderr.readline()).decode()
        assert said == f"fota: listening on http://127.0.0.1:{self.port}/hooks\n"

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    def lines(self) -> Iterator[str]:
        """The ids of the messages on all lines that are whole."""
        for output in self.outputs:
            for line in output.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    yield json.loads(line)["target_id"]


@attrs.define
class Sender:
    """Sends messages at a steady rate, each until it is acknowledged."""

    url: str
    acknowledged: Counter[str] = attrs.field(factory=Counter)
    tries: int = 0

    async def send(self, rate: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begin, count = loop.time(), int(rate * seconds)
        connector = aiohttp.TCPConnector(limit=MANY_AT_ONCE)
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=aiohttp.ClientTimeout(sock_read=5)
            ) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(count):
                await asyncio.sleep(begin + number / rate - loop.time())
                tasks.create_task(self._send_one(http, f"m-{number}"))

    async def _send_one(self, http: aiohttp.ClientSession, number: str) -> None:
        while True:
            self.tries += 1
            try:
                async with http.post(self.url, json={"campaignId": number}) as answer:
                    if answer.status == 200:
                        self.acknowledged[number] += 1
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(random.uniform(0.1, 0.3))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


async def killed_under_load(folder: Path, rate: int, seconds: float, between: float) -> int:
    """Kill the receiver again and again while it is sent messages; return how often."""
    draw = random.Random(7)
    listening = Listening(folder, free_port())
    sender = Sender(f"http://127.0.0.1:{listening.port}/hooks/v2")
    await listening.start()
    sending = asyncio.create_task(sender.send(rate, seconds))
    kills = 0
    while not sending.done():
        await asyncio.wait([sending], timeout=between * draw.uniform(0.5, 1.5))
        if not sending.done():
            assert await listening.end(signal.SIGKILL) == -signal.SIGKILL
            kills += 1
            await listening.start()
    async with asyncio.timeout(120):
        await sending
    await until(lambda: not count_messages(listening.store)[MessageState.WAITING], seconds=60)
    counts = count_messages(listening.store)
    assert await listening.end(signal.SIGTERM) == 128 + signal.SIGTERM

    handled = Counter(listening.lines())
    sent = int(rate * seconds)
    sys.stdout.write(
        f"\n{sent} messages at {rate} a second, {kills} kills: {sender.tries} requests, "
        f"{sender.acknowledged.total()} acknowledged, {counts[MessageState.HANDLED]} stored and "
        f"handled, {handled.total()} lines, {len(handled)} messages on them, "
        f"{handled.total() - len(handled)} more than once, "
        f"{len(set(sender.acknowledged) - set(handled))} acknowledged and never handled\n"
    )
    assert len(sender.acknowledged) == sent
    assert set(handled) == set(sender.acknowledged)
    assert counts[MessageState.DEAD] == 0
    return kills


async def test_a_killed_receiver_has_lost_nothing(tmp_path: Path) -> None:
    assert await killed_under_load(tmp_path, rate=200, seconds=4, between=1) >= 1


@pytest.mark.slow
async def test_a_receiver_killed_under_500_messages_a_second_has_lost_nothing(
    tmp_path: Path,
) -> None:
    assert await killed_under_load(tmp_path, rate=500, seconds=20, between=1.5) >= 4

"""How well the limit that learns finds and shares what a server allows.

Run with ``python -m benchmarks.limit`` from the project's root; it takes about five minutes and
writes ``benchmarks/limit.svg``. Servers run in a process of their own, with a burst of 5 requests;
all is real HTTP over loopback. Six servers are asked at once, each by a client of its own.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.limit_plot import Panel, plot
from fota_async import BatchRun, Credentials, FotaClient

ACCOUNT = "0402196254-00001"
ALLOWANCES = (50.0, 10.0, 100.0)
SERVERS = tuple(itertools.product((1.0, None), (0.001, 0.05, 0.3)))
WARM_UP = 10.0
CALLERS = 120
SINGLE_CALLS = 100.0


class Servers:
    """A process of servers, and what it told."""

    def __init__(self, process: asyncio.subprocess.Process, access: list[dict[str, Any]]) -> None:
        self.process = process
        self.access = access

    async def allow(self, rate: float) -> None:
        """Change what all servers allow."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(rate).encode() + b"\n")
        await self.process.stdin.drain()

    async def seen(self) -> list[list[tuple[float, bool]]]:
        """End the process; return when each server was asked, and whether it let that through."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        seen: list[list[tuple[float, bool]]] = json.loads(await self.process.stdout.readline())
        return seen

    def client(self, place: int, **options: Any) -> FotaClient:
        """Return a client of one server."""
        access = self.access[place]
        names = ("key", "secret", "username", "password")
        credentials = Credentials(**{name: access[name] for name in names})
        return FotaClient(credentials, account=ACCOUNT, base_url=access["base_url"], **options)


@asynccontextmanager
async def serving(servers: list[dict[str, Any]]) -> AsyncIterator[Servers]:
    """Run servers in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.limit_server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({"servers": servers}).encode() + b"\n")
        yield Servers(process, json.loads(await process.stdout.readline()))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def measure_allowances(phase: float) -> list[str]:
    """Ask servers whose allowance changes; return the rows of the table."""
    plan: list[dict[str, Any]] = [
        {"rate": ALLOWANCES[0], "retry_after": retry_after, "latency": latency}
        for retry_after, latency in SERVERS
    ]
    async with serving(plan) as servers:
        clients = [servers.client(place, deadline=None) for place in range(len(plan))]

        async def ask(client: FotaClient, upgrade: str) -> None:
            while True:
                await client.v1.upgrades.get(upgrade)

        callers = [
            asyncio.create_task(ask(client, access["upgrades"][0]))
            for client, access in zip(clients, servers.access, strict=True)
            for _ in range(CALLERS)
        ]
        changes = [time.monotonic()]
        await asyncio.sleep(phase)
        for rate in ALLOWANCES[1:]:
            await servers.allow(rate)
            changes.append(time.monotonic())
            await asyncio.sleep(phase)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        for client in clients:
            await client.aclose()
        seen = await servers.seen()
    panels = [
        _panel(server, asked, changes[0], phase) for server, asked in zip(plan, seen, strict=True)
    ]
    path = Path(__file__).with_suffix(".svg")
    title = "requests a second: allowed (grey), let through (blue), refused (red)"
    await asyncio.to_thread(path.write_text, plot(panels, 3, title))
    return [_row(server, asked, changes, phase) for server, asked in zip(plan, seen, strict=True)]


def _name(server: dict[str, Any]) -> str:
    told = server["retry_after"]
    header = f"Retry-After: {told:g}" if told else "no Retry-After"
    return f"{1000 * server['latency']:g} ms, {header}"


def _row(
    server: dict[str, Any], asked: list[tuple[float, bool]], changes: list[float], phase: float
) -> str:
    cells = [_name(server)]
    for rate, start in zip(ALLOWANCES, changes, strict=True):
        since, until = start + WARM_UP, start + phase
        answers = [accepted for at, accepted in asked if since <= at < until]
        share = sum(answers) / (rate * (until - since))
        refused = 1 - sum(answers) / max(1, len(answers))
        cells.append(f"{share:.0%}, {refused:.1%}")
    return "| " + " | ".join(cells) + " |"


def _panel(
    server: dict[str, Any], asked: list[tuple[float, bool]], start: float, phase: float
) -> Panel:
    seconds = int(len(ALLOWANCES) * phase)
    accepted, refused = [0.0] * seconds, [0.0] * seconds
    for at, was_accepted in asked:
        if 0 <= (second := int(at - start)) < seconds:
            (accepted if was_accepted else refused)[second] += 1
    allowance = [ALLOWANCES[int(second / phase)] for second in range(seconds)]
    return Panel(_name(server), allowance, accepted, refused)


async def measure_fairness(seconds: float) -> list[str]:
    """Measure two runs and single calls at once; return the rows of the table."""
    rows = []
    for name, rate, options in (
        ("server allows 500 a second", 500.0, {}),
        ("16 in flight at most", None, {"max_concurrency": 16}),
    ):
        plan: dict[str, Any] = {"rate": rate, "retry_after": None, "latency": 0.05}
        async with serving([plan]) as servers, servers.client(0, **options) as client:
            idle = await _single_calls(client, seconds / 2)
            runs = [
                client.v1.upgrades.append_devices(upgrade, devices(), batch_size=10, keep="none")
                for upgrade in servers.access[0]["upgrades"]
            ]
            running = [asyncio.create_task(_awaited(run)) for run in runs]
            await _single_calls(client, WARM_UP)
            before = [run.report.succeeded for run in runs]
            busy = await _single_calls(client, seconds)
            done = [run.report.succeeded - b for run, b in zip(runs, before, strict=True)]
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        shares = " : ".join(f"{part / sum(done):.1%}" for part in done)
        requests = f"{sum(done) / 10 / seconds:.0f}"
        ends = " | ".join(f"{1000 * p99(waits):.0f} ms" for waits in (idle, busy))
        rows.append(f"| {name} | {requests} | {shares} | {ends} |")
    return rows


def devices() -> Iterator[str]:
    """Yield device ids without end."""
    return (f"{number:015d}" for number in itertools.count(1))


async def _awaited(run: BatchRun) -> None:
    await run


async def _single_calls(client: FotaClient, seconds: float) -> list[float]:
    """Make single calls, each when its time has come; return how long each one took."""
    waits: list[float] = []

    async def call() -> None:
        started = time.monotonic()
        await client.v2.callbacks.get()
        waits.append(time.monotonic() - started)

    start = time.monotonic()
    calls = []
    for number in range(int(seconds * SINGLE_CALLS)):
        await asyncio.sleep(start + number / SINGLE_CALLS - time.monotonic())
        calls.append(asyncio.create_task(call()))
    await asyncio.gather(*calls)
    return waits


def p99(waits: list[float]) -> float:
    """Return what 99 of 100 did not exceed."""
    return sorted(waits)[int(0.99 * len(waits))]


async def main(phase: float, seconds: float) -> None:
    """Measure both; the first one not, for a phase of 0 s."""
    if phase:
        await show_allowances(phase)
    await show_sharing(seconds)


async def show_allowances(phase: float) -> None:
    """Measure how well allowances are found, and print the table."""
    allowed = " | ".join(f"{rate:g} a second" for rate in ALLOWANCES)
    print(f"Share of the allowance let through, share refused; {phase:g} s of each allowance,")
    print(f"after the first {WARM_UP:g}.\n")
    print(f"| | {allowed} |\n| --- | --- | --- | --- |")
    print("\n".join(await measure_allowances(phase)), "\n")


async def show_sharing(seconds: float) -> None:
    """Measure how evenly is shared, and print the table."""
    print(f"Two runs and {SINGLE_CALLS:g} single calls a second, answers after 50 ms.\n")
    print("| | requests of runs a second | shares of the runs | p99 of a call, idle | with runs |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(await measure_fairness(seconds)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limit", description=__doc__)
    parser.add_argument("--phase", type=float, default=60.0, help="seconds of each allowance")
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of sharing")
    args = parser.parse_args()
    asyncio.run(main(args.phase, args.seconds))

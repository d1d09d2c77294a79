"""Let the clients take turns at one server, and print what each needed as a Markdown table."""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.clients import CLIENTS, Measurement

# This process stays small on purpose: a child's peak memory counts from its parent's on Linux.
ROOT = Path(__file__).resolve().parents[1]
ENV = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
LABELS = {
    "fota_async": "fota_async",
    "bare": "bare loop: aiohttp + orjson",
    "sdk": "vendor's SDK, sequential",
    "sdk_threads": "vendor's SDK, {concurrency} threads",
}


@dataclass
class Turn(Measurement):
    """One client's run in one round."""

    client: str = ""
    latency: float = 0.0
    server_cpu: float = 0.0
    """CPU seconds of the server in that time: a check that it was not the bottleneck."""


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--devices", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=1000, help="devices a request")
    parser.add_argument("--concurrency", type=int, default=32, help="requests in flight")
    parser.add_argument(
        "--latency", type=float, nargs="+", default=[0, 0.05], help="seconds before each answer"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every turn here")
    return parser.parse_args()


@contextmanager
def running_server(latencies: list[float]) -> Iterator[dict[float, str]]:
    """Start the server and give its address for each latency; closing its stdin ends it."""
    command = [sys.executable, "-m", "benchmarks.server", *map(str, latencies)]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        ports = server.stdout.readline().split()
        if len(ports) != len(latencies):
            raise RuntimeError("the benchmark's server did not start")
        yield {
            latency: f"http://127.0.0.1:{port}"
            for latency, port in zip(latencies, ports, strict=True)
        }


def tally(base_url: str) -> dict[str, float]:
    """Ask the server what it has done so far."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base_url}/tally", timeout=10) as answer:
        counts: dict[str, float] = json.load(answer)
    return counts


def take_turn(args: argparse.Namespace, client: str, latency: float, base_url: str) -> Turn:
    """Run one client in a fresh process, and compare what it did with the server's count."""
    before = tally(base_url)
    work = map(str, (args.devices, args.batch, args.concurrency))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.clients", client, base_url, *work],
        cwd=ROOT,
        env=ENV,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60 + args.devices * (0.001 + 2 * latency / args.batch),
    )
    if done.returncode:
        sys.exit(f"{client} failed; what it said is above")
    after = tally(base_url)
    sent = after["devices"] - before["devices"]
    if sent != args.devices + 1:  # one to warm up
        raise RuntimeError(f"{client} sent {sent - 1:.0f} devices, not {args.devices}")
    return Turn(
        **json.loads(done.stdout),
        client=client,
        latency=latency,
        server_cpu=after["cpu"] - before["cpu"],
    )


def take_turns(args: argparse.Namespace) -> list[Turn]:
    """Run all rounds; each round starts with another client, as the machine's mood changes."""
    turns: list[Turn] = []
    with running_server(args.latency) as addresses:
        for latency, base_url in addresses.items():
            for number in range(args.rounds):
                first = number % len(args.clients)
                for client in args.clients[first:] + args.clients[:first]:
                    turn = take_turn(args, client, latency, base_url)
                    turns.append(turn)
                    print(
                        f"latency {latency:g} s, round {number + 1} of {args.rounds}, {client}: "
                        f"{turn.wall:.2f} s, {turn.cpu * 1e6 / args.devices:.2f} µs CPU a device",
                        file=sys.stderr,
                    )
    return turns


def table(args: argparse.Namespace, turns: list[Turn]) -> str:
    """Return the medians, each beside its ratio to the bare loop's."""

    def medians(client: str, latency: float) -> list[float]:
        mine = [turn for turn in turns if (turn.client, turn.latency) == (client, latency)]
        return [
            median(turn.wall for turn in mine),
            median(turn.cpu for turn in mine) * 1e6 / args.devices,
            median(turn.memory for turn in mine) / 1e6,
            median(turn.server_cpu for turn in mine) * 1e6 / args.devices,
        ]

    lines = [
        f"{args.devices:,} devices, {args.batch:,} a request, {args.concurrency} requests in "
        f"flight, medians of {args.rounds} rounds",
        "",
        "| latency | client | wall s | x bare | CPU µs/device | x bare | peak MB | x bare "
        "| server µs/device |",
        "| --: | :-- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for latency in args.latency:
        base = medians("bare", latency)[:3] if "bare" in args.clients else [0.0] * 3
        for client in args.clients:
            *values, server = medians(client, latency)
            cells = [f"{latency:g} s", LABELS[client].format(concurrency=args.concurrency)]
            for value, bare in zip(values, base, strict=True):
                cells += [f"{value:.2f}", f"{value / bare:.2f}" if bare else "-"]
            lines.append(f"| {' | '.join([*cells, f'{server:.2f}'])} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and keep every turn if asked to."""
    args = parse()
    turns = take_turns(args)
    print(table(args, turns))
    if args.json:
        args.json.write_text(json.dumps([asdict(turn) for turn in turns], indent=1) + "\n")


if __name__ == "__main__":
    main()

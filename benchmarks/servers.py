"""The server's process, as those who measure at it see it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Concatenate, ParamSpec

from benchmarks.turn import ENV, ROOT, Figures, Turn, fresh

P = ParamSpec("P")


class Servers:
    """One process that answers on one port for each latency.

    Args:
        ports: The port of each latency, in seconds.
    """

    def __init__(self, ports: dict[float, int]) -> None:
        self._addresses = {latency: f"http://127.0.0.1:{port}" for latency, port in ports.items()}

    def turn(
        self,
        latency: float,
        work: Callable[Concatenate[str, P], Figures],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Turn:
        """Return a turn that calls a client's function with the address of a server.

        Its figure ``sent`` must be what the server counted. ``server_cpu`` is added, the CPU
        seconds of the server meanwhile: a check that it was not the bottleneck.
        """
        base_url = self._addresses[latency]
        take_client = fresh(work, base_url, *args, **kwargs)

        def take() -> Figures:
            before = _tally(base_url)
            figures = take_client()
            after = _tally(base_url)
            received = after["devices"] - before["devices"]
            if received != figures["sent"]:
                raise RuntimeError(f"{figures['sent']} devices were sent, {received} received")
            return {**figures, "server_cpu": after["cpu"] - before["cpu"]}

        return take


@contextmanager
def running(latencies: Sequence[float] = (0.0,)) -> Iterator[Servers]:
    """Start the process; closing its stdin ends it."""
    command = [sys.executable, "-m", "benchmarks.server", *map(str, latencies)]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ports = list(map(int, process.stdout.readline().split()))
        yield Servers(dict(zip(latencies, ports, strict=True)))


def _tally(base_url: str) -> Figures:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base_url}/tally", timeout=10) as answer:
        counts: Figures = json.load(answer)
    return counts

"""Servers of a known allowance for ``benchmarks.limit``, in a process of their own.

Reads one JSON line that says which servers to run, prints their addresses, changes their
allowances as told, and prints what each saw when its stdin is closed.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from fota_async.simulator import Faults, Rules, Simulator


async def serve(plan: dict[str, Any]) -> None:
    """Run the servers of a plan until stdin is closed."""
    async with AsyncExitStack() as stack:
        sims = [
            await stack.enter_async_context(
                Simulator(
                    rules=Rules(rate=server["rate"], retry_after=server["retry_after"]),
                    faults=Faults(latency=server["latency"]),
                )
            )
            for server in plan["servers"]
        ]
        given = ("base_url", "key", "secret", "username", "password")
        access = [{name: getattr(sim, name) for name in given} for sim in sims]
        for sim, extra in zip(sims, access, strict=True):
            extra["upgrades"] = [sim.upgrade_id, sim.add_upgrade()]
        print(json.dumps(access), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            rate = json.loads(line)
            for sim, server in zip(sims, plan["servers"], strict=True):
                sim.rules = Rules(rate=rate, retry_after=server["retry_after"])
        seen = [
            [(r.at, r.status != 429) for r in sim.requests if r.route.startswith("v1_")]
            for sim in sims
        ]
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.stdin.readline())))

"""`python tests/cluster_seeds.py 0 20`: more kills than the test suite has."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import test_cluster_coordinator_kill as coordinator_kill
import test_cluster_worker_kill as worker_kill
from cluster_helpers import Enrolment


async def workers(seed: int) -> None:
    accounts = [
        Enrolment(number=n, devices=6_000, rate=20.0, told=n < 3, seed=100 * seed)
        for n in (1, 2, 3, 4)
    ]
    results, killed = await worker_kill.enrolled_among_kills(
        accounts, kills=6, between=(0.1, 1.2), batch_size=50
    )
    for result in results:
        worker_kill.check(result)
    print("seed", seed, "killed", killed)  # noqa: T201 - it is a command


async def coordinators(seed: int) -> None:
    accounts = [Enrolment(number=n, devices=5_000, seed=100 * seed) for n in (1, 2, 3, 4)]
    with tempfile.TemporaryDirectory() as folder:
        results = await coordinator_kill.enrolled_among_kills(
            Path(folder), accounts, kills=5, batch_size=50
        )
        # A report with a journal reads it.
        for result in results:
            coordinator_kill.check(result, kills=5)
    print("seed", seed)  # noqa: T201 - as above


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=("workers", "coordinators"))
    parser.add_argument("seeds", nargs=2, type=int, metavar=("FROM", "TO"))
    options = parser.parse_args()
    act = workers if options.who == "workers" else coordinators
    for seed in range(*options.seeds):
        began = time.monotonic()
        asyncio.run(asyncio.wait_for(act(seed), 240))
        print(f"{time.monotonic() - began:.0f} s")  # noqa: T201 - as above


if __name__ == "__main__":
    main()

"""A script: add the devices of a file to an upgrade.

`asyncio.run` is all it takes, on every system. With a journal the same command goes on after
whatever ended the last one, and a finished one sends nothing. The exit code tells whether any
device is left that was not added.
"""

import asyncio
import sys
from pathlib import Path

from fota_async import FotaClient, FotaError


async def main(upgrade_id: str, fleet: Path) -> int:
    async with FotaClient.from_env() as fota:
        report = await fota.v1.upgrades.append_devices(
            upgrade_id, fleet, journal=fleet.with_suffix(".db")
        )
    print(report)
    return 0 if report.ok else 3


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(sys.argv[1], Path(sys.argv[2]))))
    except FotaError as error:  # RunStopped among them, whose text has the counts
        sys.exit(f"{type(error).__name__}: {error}")

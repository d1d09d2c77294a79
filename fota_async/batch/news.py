"""News: something about a run changed, look again."""

import asyncio
from collections.abc import Collection
from typing import Any

from fota_async.clock import Clock


class News:
    """Wakes everyone who waits for a change.

    Args:
        clock: Whose seconds `wait_until` counts.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self) -> None:
        """Wake everyone who waits now."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """Wait for the next news, counted from this call and not from the first turn."""
        one = asyncio.get_running_loop().create_future()
        self._waiting.append(one)
        return one

    async def wait_until(self, moment: float | None) -> None:
        """Wait for the next news, or until `moment` of the clock."""
        if moment is None:
            await self.wait()
            return
        tasks = {
            self.wait(),
            asyncio.create_task(self._clock.sleep(max(0.0, moment - self._clock.monotonic()))),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all(tasks)


async def cancel_all(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they are gone."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)

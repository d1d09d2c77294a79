"""The callback service: tells listeners what changed, as unreliably as it is told to."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
import attrs

from fota_async.clock import within
from fota_async.simulator.draws import share
from fota_async.simulator.faults import Faults
from fota_async.simulator.messages import Message
from fota_async.simulator.world import Listener, World

_PATIENCE = aiohttp.ClientTimeout(total=30.0)


@attrs.frozen(kw_only=True)
class CallbackRecord:
    """A message that was posted, or lost.

    >>> import asyncio
    >>> simulator.faults = Faults(callback_drop=1.0)
    >>> simulator.listen("https://fota.example.com/v1")
    >>> simulator.set_status(upgrade_id, "Finished")
    >>> while not simulator.callbacks:
    ...     await asyncio.sleep(0.01)
    >>> for callback in simulator.callbacks:
    ...     print(callback.version, callback.document["type"], callback.lost)
    v1 upgradeFinished True

    Args:
        at: When, in seconds of the server's clock.
        version: The version whose listener it was for.
        document: What it said, without user name and password.
        status: What the listener answered; None if it did not.
        lost: Whether it was not even sent.
    """

    at: float
    version: str
    document: dict[str, Any]
    status: int | None
    lost: bool = False


class Poster:
    """Posts what is in the world's outbox, and lets the lives of targets go on meanwhile.

    Args:
        world: The server's state.
        faults: Gives what goes wrong now.
        trust: What certificates of listeners are checked with; None for the usual authorities.

    """

    def __init__(
        self, world: World, faults: Callable[[], Faults], trust: ssl.SSLContext | None
    ) -> None:
        self._world = world
        self._faults = faults
        self._trust = trust
        self._draws: Counter[str] = Counter()
        self._running: asyncio.Task[None] | None = None
        self.records: list[CallbackRecord] = []

    async def start(self) -> None:
        """Begin to post."""
        self._running = asyncio.create_task(self._run(), name="simulator")

    async def stop(self) -> None:
        """End what is being posted; what is in the outbox stays there."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])

    async def _run(self) -> None:
        world = self._world
        async with aiohttp.ClientSession(timeout=_PATIENCE) as http, asyncio.TaskGroup() as posts:
            while True:
                world.stirred.clear()
                now = world.now()
                while world.outbox:
                    message = world.outbox.popleft()
                    posts.create_task(self._deliver(http, message))
                due = world.next_due if world.has_listeners else None
                seconds = None if due is None else due - now
                try:
                    await within(world.clock, seconds, world.stirred.wait())
                except TimeoutError:
                    continue

    async def _deliver(self, http: aiohttp.ClientSession, message: Message) -> None:
        rules, faults = self._world.rules, self._faults()
        draw = self._draw_of(message)
        low, high = faults.callback_delay
        await self._world.clock.sleep(low + (high - low) * draw("callback_delay"))
        if draw("callback_drop") < faults.callback_drop:
            self._note(message, None, lost=True)
            return
        times = 2 if draw("callback_repeat") < faults.callback_repeat else 1
        for _ in range(times):
            for number in range(rules.callback_tries):
                if number:
                    await self._world.clock.sleep(rules.callback_retry_after)
                listener = self._world.accounts[message.account].listeners.get(message.version)
                if listener is None or await self._post(http, listener, message):
                    break

    async def _post(self, http: aiohttp.ClientSession, to: Listener, message: Message) -> bool:
        """Post once; return whether the listener acknowledged it."""
        document = dict(message.document)
        if message.version == "v1":
            # In clear text in every message: that is what v1 documents.
            document |= {"username": to.username or "", "password": to.password or ""}
        status = None
        try:
            async with http.post(
                to.url, json=document, ssl=self._trust or True, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            # The record says that no answer came. A host that no name can be is a ValueError.
            pass
        self._note(message, status)
        # Stated for callbacks of the Connectivity service, and assumed for these.
        return status is not None and 200 <= status < 300

    def _note(self, message: Message, status: int | None, *, lost: bool = False) -> None:
        self.records.append(
            CallbackRecord(
                at=self._world.now(),
                version=message.version,
                document=dict(message.document),
                status=status,
                lost=lost,
            )
        )

    def _draw_of(self, message: Message) -> Callable[[str], float]:
        text = f"{message.version} {message.document}"
        seen = self._draws[text]
        self._draws[text] += 1
        seed = self._faults().seed
        return lambda about: share(seed, about, text, seen)

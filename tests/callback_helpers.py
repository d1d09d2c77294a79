"""Receivers on real sockets, and what is sent to them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import attrs

from fota_async.callbacks import (
    CallbackCredentials,
    CallbackEvent,
    CallbackReceiver,
    CallbackServer,
    MessageState,
    ReceiverOptions,
    read_store,
)

UPGRADE = "60b5d639-ccdc-4db8-8824-069bd94c95bf"
CREDENTIALS = CallbackCredentials("listener", "example-only")
FINISHED: dict[str, Any] = {
    "accountName": "0402196254-00001",
    "type": "upgradeFinished",
    "username": "listener",
    "password": "example-only",
    "firmwareList": [],
}
SCHEDULED: dict[str, Any] = {
    **FINISHED,
    "type": "upgradeScheduled",
    "upgradeScheduled": {
        "firmwareName": "FOTA_Verizon_Model-A_01To02_HF",
        "upgradeId": UPGRADE,
        "startDate": "2018-04-01",
    },
}


@attrs.define
class Inbox:
    """A handler that remembers, and fails as it is told."""

    failures: int = 0
    events: list[CallbackEvent] = attrs.field(factory=list)
    came: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, event: CallbackEvent) -> None:
        self.events.append(event)
        self.came.set()
        if self.failures:
            self.failures -= 1
            raise ValueError("not this time")

    async def wait(self, count: int) -> list[CallbackEvent]:
        """Return the events when there are so many."""
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self.came.clear()
                await self.came.wait()
        return self.events


def receiver_at(
    path: Path, *, options: dict[str, Any] | None = None, **more: Any
) -> CallbackReceiver:
    """A receiver that takes messages from this machine."""
    more.setdefault("allow_loopback", True)
    return CallbackReceiver(path, options=ReceiverOptions(**options or {}), **more)


def states(path: Path) -> dict[int, MessageState]:
    """Where each message stands."""
    return {one.event.id: one.state for one in read_store(path)}


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true of a file."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it is another process, or the disk, that changes
            await asyncio.sleep(0.01)


async def settled(path: Path, *wanted: MessageState) -> None:
    """Wait until the messages of a store, in their order, are in these states."""
    await until(lambda: list(states(path).values()) == list(wanted))


async def post(server: CallbackServer, message: Any, path: str = "v1", **more: Any) -> int:
    """Send a message; return the status of the answer."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/{path}", data=body, **more) as answer,
    ):
        assert await answer.read() == b""
        return answer.status


async def talk(port: int, sent: bytes, local: str = "127.0.0.1") -> bytes:
    """Send bytes; return all that comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(local, 0))
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()

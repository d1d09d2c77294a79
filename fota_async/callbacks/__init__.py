"""Receiving callbacks: hearing from ThingSpace when firmware appears and upgrades move on.

    receiver = CallbackReceiver("events.db", credentials=CallbackCredentials("listener", "..."))

    @receiver.on("upgradeFinished")
    async def finished(event: UpgradeFinishedEvent) -> None:
        ...

    await serve(receiver, host="0.0.0.0", certificate="fullchain.pem", key="privkey.pem")

or, in a service of yours, `app.add_subapp("/fota", receiver.app())`.

>>> import asyncio
>>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
...     @receiver.on("upgradeFinished")
...     async def finished(event: UpgradeFinishedEvent) -> None:
...         upgrade = await fota.v1.upgrades.get(event.target_id)
...         print(upgrade.status)
...         seen.set()
...     seen = asyncio.Event()
...     async with serve(receiver, port=0) as server:
...         simulator.listen(f"{server.url}/v1")
...         simulator.set_status(upgrade_id, "Finished")
...         _ = await seen.wait()
Finished
"""

from fota_async.callbacks.callers import VENDOR_ADDRESSES
from fota_async.callbacks.events import (
    CallbackEvent,
    FirmwareListEvent,
    UpgradeFinishedEvent,
    UpgradeProgressEvent,
    UpgradeScheduledEvent,
)
from fota_async.callbacks.handlers import Handler
from fota_async.callbacks.message import CallbackCredentials
from fota_async.callbacks.options import ReceiverOptions
from fota_async.callbacks.receiver import CallbackReceiver
from fota_async.callbacks.server import CallbackServer, serve
from fota_async.callbacks.store.reader import count_messages, read_store, replay
from fota_async.callbacks.store.rows import MessageState, StoredMessage
from fota_async.errors import StoreError

__all__ = [
    "VENDOR_ADDRESSES",
    "CallbackCredentials",
    "CallbackEvent",
    "CallbackReceiver",
    "CallbackServer",
    "FirmwareListEvent",
    "Handler",
    "MessageState",
    "ReceiverOptions",
    "StoreError",
    "StoredMessage",
    "UpgradeFinishedEvent",
    "UpgradeProgressEvent",
    "UpgradeScheduledEvent",
    "count_messages",
    "read_store",
    "replay",
    "serve",
]

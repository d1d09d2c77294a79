"""The receiver of callback messages."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from aiohttp import web

from fota_async.callbacks.callers import VENDOR_ADDRESSES, Callers
from fota_async.callbacks.delivery import Delivery
from fota_async.callbacks.events import VERSIONS, CallbackEvent, Version, read_event
from fota_async.callbacks.handlers import Handler, Handlers
from fota_async.callbacks.intake import Intake, Message, TurnedAwayError, answer
from fota_async.callbacks.listeners import Listeners, Tell
from fota_async.callbacks.message import CallbackCredentials, canonical, digest_of
from fota_async.callbacks.options import ReceiverOptions
from fota_async.callbacks.store.keeper import Keeper
from fota_async.callbacks.store.reader import count_messages, read_store, replay
from fota_async.callbacks.store.rows import Arrival, MessageState, StoredMessage, moment_of
from fota_async.callbacks.store.store import Store
from fota_async.clock import Clock, SystemClock
from fota_async.errors import ConfigurationError, MisuseError, StoreError
from fota_async.events import logger

H = TypeVar("H", bound=Handler)

_DEFAULTS: Final = ReceiverOptions()


class CallbackReceiver:
    """Receives callback messages, and keeps each until it is handled.

    A message is on disk before it is acknowledged with 200. It is handled from there: by the
    handler of its type, or by whoever iterates over `events()`; at least once, again after a
    failure or a crash, in no promised order. Whoever acts on a message twice must do no harm: read
    the state before acting. A handler that brings the process down gets its message again after
    each start; only failures are counted.

    What is not a message is answered without a body, and nothing of it is stored:

    | the request | the answer |
    | --- | --- |
    | from an address that is not allowed, whatever it says of itself | 404 |
    | another verb than POST, or another path | 404 |
    | v1 without the right user name and password | 404 |
    | a body over `max_bytes`, compressed or not | 413 |
    | a body that takes longer than `max_seconds` | 408 |
    | a body that breaks off, or is not UTF-8, not JSON, no object, nested deeper than `max_depth`;
      a member that is there twice; NaN, or a number that no double holds | 400 |
    | anything while the disk is full, the store at its limit, damaged or closed | 503, with
      Retry-After |
    | any other object, however unknown its content | 200, and it is stored |

    >>> receiver = CallbackReceiver(
    ...     "events.db", credentials=CallbackCredentials("listener", "opens-nothing-else")
    ... )
    >>> @receiver.on("upgradeFinished")
    ... async def finished(event: UpgradeFinishedEvent) -> None:
    ...     fota.wake(event.target_id)
    >>> async with receiver:  # serve(receiver, ...) or receiver.app() would enter it
    ...     await receiver.counts()
    {<MessageState.WAITING: 'waiting'>: 0, <MessageState.HANDLED: 'handled'>: 0, ...

    Args:
        path: The store, an SQLite file on a local disk; made if it is not there.
        credentials: What every v1 message must bring. Without it none is asked for. They are never
            stored, logged or handed on, not even those that nobody asked for.
        allow: Addresses and networks that messages may come from; the vendor's if not given.
        allow_loopback: Whether this machine may send messages, too. Behind a proxy on this machine
            that would be everybody, were it not for `trusted_proxies`.
        trusted_proxies: Addresses and networks of proxies. If one of them is the caller, the
            rightmost address in X-Forwarded-For that is none of them is.
        versions: Which versions have a path. Only v1 brings credentials, so name only what is
            registered.
        options: Limits.
        clock: Time; for tests.

    Raises:
        ConfigurationError: What was given cannot work.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        credentials: CallbackCredentials | None = None,
        allow: Iterable[str] = VENDOR_ADDRESSES,
        allow_loopback: bool = False,
        trusted_proxies: Iterable[str] = (),
        versions: Sequence[Version] = VERSIONS,
        options: ReceiverOptions = _DEFAULTS,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(versions, str) or not versions or not {*versions} <= {*VERSIONS}:
            raise ConfigurationError(f"versions must be some of {VERSIONS}, not {versions!r}")
        self.callers = Callers(
            allow, allow_loopback=allow_loopback, trusted_proxies=trusted_proxies
        )
        self._path = Path(path).absolute()
        self._credentials = credentials
        self._versions = versions
        self._options = options
        self._clock = clock or SystemClock()
        self._handlers = Handlers(options.concurrency, options.handler_seconds)
        self._listeners = Listeners()
        self._entering = asyncio.Lock()
        self._users = 0
        self._keeper: Keeper | None = None
        self._delivery: Delivery | None = None
        self._begin = 0.0
        self._trouble = ""

    # Handling

    def on(self, *types: str) -> Callable[[H], H]:
        """Decorate the handler of some types, for instance `@receiver.on("upgradeFinished")`.

        Without types it handles everything that has no handler of its own. A handler takes an event
        and may be async; one that is not runs in a thread.

        Args:
            types: `type` of the messages, in any letter case.

        Raises:
            ConfigurationError: A type has a handler already.
        """

        def add(handler: H) -> H:
            self.add_handler(handler, *types)
            return handler

        return add

    def add_handler(self, handler: Handler, *types: str) -> None:
        """Have events of some types, or all that have no handler of their own, handled.

        As soon as there is a handler, messages of types that none is for count as handled. Without
        any, all wait for `events()`.

        Args:
            handler: Takes an event; see `Handler`.
            types: `type` of the messages, in any letter case.

        Raises:
            ConfigurationError: A type has a handler already.
            MisuseError: Somebody iterates over the events, or did since the receiver was opened.
        """
        self._handlers.add(handler, types)

    def events(self) -> AsyncIterator[CallbackEvent]:
        """Iterate over the events, instead of having handlers.

        An event counts as handled when the next one is asked for. The one at which a loop is left
        is handed out again, to the next iterator or after the next start. Of several iterators
        each event goes to one. They end when the receiver closes.

        Raises:
            MisuseError: When iterating: there are handlers, or the receiver is not open.
        """
        return self._handlers.iterate()

    def subscribe(self, target_id: str, tell: Tell) -> Callable[[], None]:
        """Be told at once whenever a message about an upgrade or campaign was stored.

        Beside handlers and iterators, and of no account for them: a receiver that is there for
        this only needs a handler that does nothing, `add_handler(lambda event: None)`, or its
        store fills.

        Args:
            target_id: Its id. A message without an id is about it if the id is anywhere in it.
            tell: Called in the event loop with the event; should return at once.

        Returns:
            What to call to be told no more.
        """
        return self._listeners.add(target_id, tell)

    # Looking into the store

    async def counts(self) -> dict[MessageState, int]:
        """Return how many messages are in each state.

        Raises:
            MisuseError: The receiver is not open.
            StoreError: The store cannot be read.
        """
        self._opened()
        return await asyncio.to_thread(count_messages, self._path)

    async def dead_letters(self) -> list[StoredMessage]:
        """Return the messages whose handler failed as often as it may, the oldest first.

        Raises:
            MisuseError: The receiver is not open.
            StoreError: The store cannot be read.
        """
        self._opened()
        return await asyncio.to_thread(lambda: [*read_store(self._path, MessageState.DEAD)])

    async def replay(self, ids: Collection[int] | None = None) -> int:
        """Have messages handled again, now.

        Args:
            ids: Which ones, be they dead or handled; None for all that are dead.

        Returns:
            How many there were to replay.

        Raises:
            MisuseError: The receiver is not open.
            StoreError: The store cannot be written.
        """
        replayed = await self._opened().run(lambda: replay(self._path, ids))
        if self._delivery is not None:
            self._delivery.wake()
        return replayed

    # Receiving

    def app(self, path: str = "") -> web.Application:
        """Return an application to mount in yours: `app.add_subapp("/fota", receiver.app())`.

        Its paths are `/v1`, `/v2` and `/v3`. The receiver is open while it runs. How many
        connections there may be is up to your server, and so is what is no HTTP at all: aiohttp
        answers and logs that, and quotes it.

        Args:
            path: What comes before the versions. A path that nobody can guess is the best that v2
                and v3 offer beside the address.
        """
        prefix = path.strip("/")
        paths: dict[str, Version] = {
            f"{prefix}/{version}".lstrip("/"): version for version in self._versions
        }
        intake = Intake(self.callers, self._credentials, paths, self._options)

        async def receive(request: web.Request) -> web.Response:
            return await self._receive(request, intake)

        async def expect(request: web.Request) -> web.Response | None:
            # `100 Continue` would tell a wrong caller that it is not wrong.
            if not intake.is_welcome(request):
                return answer(404)
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # or else aiohttp takes the answer for sent
            return None

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", receive, expect_handler=expect)
        app.cleanup_ctx.append(self._while_it_runs)
        app.on_response_prepare.append(_without_banner)
        return app

    async def _while_it_runs(self, _: web.Application) -> AsyncIterator[None]:
        async with self:
            yield

    async def _receive(self, request: web.Request, intake: Intake) -> web.Response:
        try:
            await self._take(await intake.read(request))
        except TurnedAwayError as error:
            logger.info("a request from %s was turned away: %s", intake.caller(request), error)
            return answer(error.status)
        except StoreError as error:
            if str(error) != self._trouble:  # once: a full disk is often that of the log, too
                self._trouble = str(error)
                logger.error("callback messages are answered with 503: %s", error)
            return answer(503)
        self._trouble = ""
        return answer(200)

    async def _take(self, message: Message) -> None:
        """Return when a message is stored; tell those who wait for it."""
        if self._keeper is None:
            raise StoreError("the receiver is closed")
        text = canonical(message.raw)
        digest = digest_of(message.version, text)
        arrival = Arrival(message.version, text, digest, time.time(), self._now())
        number, repeat = await self._keeper.add(arrival)
        if self._delivery is not None:
            self._delivery.wake()
        if self._listeners:
            event = read_event(
                message.raw,
                id=number,
                received=moment_of(arrival.received),
                version=message.version,
                repeat=repeat,
            )
            self._listeners.tell(event, text)

    # Opening and closing

    async def __aenter__(self) -> Self:
        """Open the store and begin to handle what waits in it.

        An application of `app()` does so by itself; entering more often does no harm.

        Raises:
            StoreError: It is in use by another receiver, damaged, or cannot be made.
        """
        async with self._entering:
            if not self._users:
                await self._open()
            self._users += 1
        return self

    async def _open(self) -> None:
        options = self._options
        store = Store(
            self._path, max_bytes=options.max_store_bytes, keep_handled=options.keep_handled
        )
        keeper = Keeper(store)
        # One time for all that is ever to happen again: the clock's, set once by the machine's.
        self._begin = time.time() - self._clock.monotonic()
        await keeper.open(self._now(), options.max_backoff)
        self._keeper = keeper
        self._handlers.open()
        self._delivery = Delivery(
            store, keeper, self._handlers, options, clock=self._clock, now=self._now
        )
        self._handlers.on_ready = self._delivery.wake

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to receive, let running handlers end, close the store."""
        async with self._entering:
            self._users -= 1
            if not self._users:
                await self._close()

    async def _close(self) -> None:
        keeper, self._keeper = self._keeper, None
        delivery, self._delivery = self._delivery, None
        assert keeper is not None  # noqa: S101 - it was entered
        assert delivery is not None  # noqa: S101 - likewise
        try:
            await delivery.close()
        finally:
            self._handlers.close()
            await keeper.close()

    def _now(self) -> float:
        return self._begin + self._clock.monotonic()

    def _opened(self) -> Keeper:
        if self._keeper is None:
            raise MisuseError("the receiver is not open; enter it, or start its application")
        return self._keeper


async def _without_banner(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)

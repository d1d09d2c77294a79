"""A receiver on a socket of its own."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Collection, Generator
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from fota_async.callbacks.receiver import CallbackReceiver
from fota_async.errors import ConfigurationError, MisuseError
from fota_async.events import logger

DEFAULT_PORT: Final = 50559
"""The port of every example of the vendor's pages."""
_BACKLOG: Final = 128
_HANDSHAKE_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 30.0
"""How long a connection may be idle, or take to send the head of a request."""
_LINGER_SECONDS: Final = 2.0
"""How long the rest of a body that was turned away is read, so that its sender sees the answer."""
_SHUTDOWN_SECONDS: Final = 10.0
_LOOK_AGAIN: Final = 0.05


def serve(
    receiver: CallbackReceiver,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    path: str = "",
    max_connections: int = 256,
) -> "CallbackServer":
    """Serve a receiver: await it to serve until cancelled, or enter it for the block.

    A connection from an address that cannot bring a message is closed before a byte is exchanged.
    When it ends, requests that are being answered and handlers that run get some seconds.

    >>> import aiohttp
    >>> receiver = CallbackReceiver("events.db", trusted_proxies=["127.0.0.1"])
    >>> headers = {"X-Forwarded-For": VENDOR_ADDRESSES[0]}
    >>> async with serve(receiver, port=0) as server:  # the proxy brings HTTPS
    ...     async with aiohttp.ClientSession() as http:
    ...         answer = await http.post(f"{server.url}/v1", json={}, headers=headers)
    >>> answer.status
    200

    Args:
        receiver: What to serve; it is opened, too.
        host: Address to listen on; `0.0.0.0` or `::` for all.
        port: Port to listen on; 0 for a free one.
        certificate: PEM file of the certificate and those that it hangs on. ThingSpace takes none
            that is self-signed.
        key: PEM file of its key; None if that is in `certificate`.
        ssl_context: Instead of both. A certificate that was renewed is used when you load it into
            the context.
        path: What comes before `/v1`, `/v2` and `/v3`.
        max_connections: How many connections there may be; others wait.

    Raises:
        ConfigurationError: What was given cannot work; when it starts, too: the certificate cannot
            be read, or the port is taken.
        StoreError: When it starts: the store cannot be used.
    """
    return CallbackServer(
        receiver,
        host,
        port,
        _context(certificate, key, ssl_context),
        path=path,
        max_connections=max_connections,
    )


class CallbackServer:
    """A receiver on a socket; made by `serve`.

    >>> receiver = CallbackReceiver("events.db", allow_loopback=True)
    >>> async with serve(receiver, port=0, path="a-path-that-nobody-guesses") as server:
    ...     print(server.url)
    http://127.0.0.1:.../a-path-that-nobody-guesses
    """

    def __init__(
        self,
        receiver: CallbackReceiver,
        host: str,
        port: int,
        context: ssl.SSLContext | None,
        *,
        path: str,
        max_connections: int,
    ) -> None:
        callers = receiver.callers
        if context is None and not (callers.has_proxies or callers.allows_loopback):
            raise ConfigurationError(
                "ThingSpace sends to HTTPS only: give certificate and key, or trusted_proxies to "
                "the receiver if a proxy does the TLS"
            )
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise ConfigurationError(f"port must be a whole number from 0 to 65535, not {port!r}")
        if not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigurationError(
                f"max_connections must be a whole number from 1, not {max_connections!r}"
            )
        self._receiver = receiver
        self._callers = callers
        self._host = host
        self._port = port
        self._context = context
        self._path = path.strip("/")
        self._max_connections = max_connections
        self._greeting: set[asyncio.Task[None]] = set()
        self._server: web.Server | None = None
        self._stack: AsyncExitStack | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Where messages go, without the version."""
        scheme = "https" if self._context else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}/{self._path}".rstrip("/")

    def __await__(self) -> Generator[Any, None, None]:
        """Serve until cancelled."""
        return self._serve().__await__()

    async def _serve(self) -> None:
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        if self._stack is not None:
            raise MisuseError("it is serving already")
        async with AsyncExitStack() as stack:
            sockets = await self._bind()
            for one in sockets:
                stack.callback(one.close)
            runner = web.AppRunner(
                self._receiver.app(self._path),
                access_log=None,
                logger=_http_logger(),
                keepalive_timeout=_IDLE_SECONDS,
                lingering_time=_LINGER_SECONDS,
                shutdown_timeout=_SHUTDOWN_SECONDS,
            )
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            self._server = runner.server
            accepting = [asyncio.create_task(self._accept(one)) for one in sockets]
            stack.push_async_callback(self._stop_accepting, accepting, sockets)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to listen, and end what is going on."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    async def _bind(self) -> list[socket.socket]:
        sockets: list[socket.socket] = []
        try:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            for family, _, _, _, address in dict.fromkeys(found):
                one = socket.create_server(
                    (address[0], self._port),
                    family=family,
                    backlog=_BACKLOG,
                    # All addresses: those of the vendor, too, and they are IPv4.
                    dualstack_ipv6=address[0] == "::" and socket.has_dualstack_ipv6(),
                )
                sockets.append(one)
                one.setblocking(False)
                self._port = one.getsockname()[1]
        except (OSError, UnicodeError) as error:
            for one in sockets:
                one.close()
            raise ConfigurationError(
                f"cannot listen on {self._host!r}, port {self._port}: {error}"
            ) from None
        return sockets

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # The server tells nobody that a connection has ended.
            while self._connections() >= self._max_connections:  # noqa: ASYNC110 - see above
                await asyncio.sleep(_LOOK_AGAIN)
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError as error:
                logger.error("no connection can be accepted now: %s", error)
                await asyncio.sleep(1.0)
                continue
            if not self._callers.may_connect(peer[0]):
                logger.info("a connection from %s was turned away", peer[0])
                connection.close()
                continue
            task = asyncio.create_task(self._greet(connection))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    def _connections(self) -> int:
        return len(self._greeting) + (len(self._server.connections) if self._server else 0)

    async def _greet(self, connection: socket.socket) -> None:
        if self._server is None:
            return
        # What is wrong with a handshake is the caller's matter.
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._server,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._context else None,
            )

    async def _stop_accepting(
        self, accepting: list[asyncio.Task[None]], sockets: list[socket.socket]
    ) -> None:
        await _cancelled(accepting)
        for one in sockets:
            one.close()
        # A greeting that has not begun would leave its socket open.
        await asyncio.sleep(0)
        await _cancelled(self._greeting)


async def _cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _http_logger() -> logging.Logger:
    found = logger.getChild("http")
    found.addFilter(_without_content)  # once, however often
    return found


def _without_content(record: logging.LogRecord) -> bool:
    """Take out what aiohttp quotes of a request that is no HTTP: it may hold a password."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.exc_info = record.exc_text = None
    return True


def _context(
    certificate: str | os.PathLike[str] | None,
    key: str | os.PathLike[str] | None,
    context: ssl.SSLContext | None,
) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise ConfigurationError("a key needs its certificate")
        return context
    if context is not None:
        raise ConfigurationError("give either ssl_context or certificate and key")
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"certificate {os.fspath(certificate)!r} and its key cannot be used: {error}"
        ) from None
    return made

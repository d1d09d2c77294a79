"""One try is one request on the wire: the only place that knows aiohttp's client."""

import asyncio
import ipaddress
import ssl as ssl_module
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from typing import TypeAlias

import aiohttp
import attrs
from yarl import URL

from fota_async.bodies import Body
from fota_async.errors import (
    AnswerTimeoutError,
    AnswerTooLargeError,
    CertificateError,
    ConfigurationError,
    ConnectionLostError,
    MisuseError,
    NotSentError,
    ProxyError,
)
from fota_async.proxy import proxy_for


@attrs.frozen
class Answer:
    """What came back: status, headers (looked up in any letter case) and the whole body."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


HttpSession: TypeAlias = aiohttp.ClientSession
"""What a client may borrow."""

_LARGE = 1 << 20
_WHOLE = 10  # times `timeout`: an answer that trickles for ever must end, a large one may take long


@attrs.frozen
class Request:
    """What goes onto the wire, once."""

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: Body | None = None
    query: Mapping[str, str] | None = None

    @property
    def left(self) -> bool:
        """Whether it may have reached the server; one without a body is taken to have."""
        return self.body is None or self.body.written


class _Dropped(Exception):  # noqa: N818 - never leaves this module
    """A broken connection, in a shape that aiohttp does not take for an invitation to repeat."""


async def _only_once(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    # aiohttp sends GET, PUT and DELETE again by itself when a reused connection breaks. The first
    # one may have been applied, and the answer to the second may then say otherwise.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(_what(error)) from None


def check_base_url(base_url: str) -> str:
    """Return `base_url` as scheme, host and port.

    Raises:
        ConfigurationError: It has more parts than these, or sends tokens in the clear to another
            machine.
    """
    try:
        url = URL(base_url)
    except (TypeError, ValueError):
        raise ConfigurationError("base_url is no address") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("base_url must be https://host or https://host:port")
    if url.user or url.password:
        raise ConfigurationError("base_url must not hold a user or a password")
    if url.path not in {"", "/"} or url.query_string or url.fragment:
        raise ConfigurationError(
            f"base_url must be scheme, host and port only; the routes hold the path. "
            f"Got {str(url)!r}"
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigurationError(f"base_url must be https, or the tokens to {url.host} are public")
    return str(url.origin())


def is_loopback(host: str) -> bool:
    """Whether a host name or address is surely this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Transport:
    """Sends one request and returns its answer, on an owned or a borrowed connection pool.

    A borrowed `aiohttp.ClientSession` lends its connections and trace configs. None of its
    settings apply: its timeout, cookies, auth, `base_url` and `raise_for_status` change nothing.

    Args:
        base_url: Scheme, host, port.
        http: A session to borrow, or None to own one.
        timeout: Seconds without a byte of the answer.
        connect_timeout: Seconds to connect.
        max_answer_bytes: Largest answer, after decompression.
        proxy: Address of a proxy, or None.
        trust_env: Take the proxy from the environment (`HTTPS_PROXY`, `NO_PROXY`).
        ssl: An `ssl.SSLContext`, or True for the system's certificates.
        user_agent: What to call ourselves.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http: aiohttp.ClientSession | None,
        timeout: float,
        connect_timeout: float,
        max_answer_bytes: int,
        proxy: str | None,
        trust_env: bool,
        ssl: ssl_module.SSLContext | bool,
        user_agent: str,
    ) -> None:
        self.base_url = base_url
        self._borrowed = http
        self._timeout = timeout
        self._timeouts = aiohttp.ClientTimeout(sock_connect=connect_timeout, sock_read=timeout)
        self._connect_timeout = connect_timeout
        self._max_answer_bytes = max_answer_bytes
        self._proxy = proxy_for(base_url, proxy=proxy, trust_env=trust_env)
        self._ssl = ssl
        self._user_agent = user_agent
        # asyncio receives into a new block of 256 KiB each time. The C library of Linux has the
        # kernel map and unmap it, until a block of that size was freed: this one. That saves up to
        # a fifth of the CPU of a batch of 1,000, little where the process freed one before.
        bytearray(1 << 20)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def longest_try(self) -> float:
        """Seconds that one request may take, from connecting to the last byte of its answer."""
        return self._connect_timeout + self._timeout + self._timeout * _WHOLE

    def bind(self) -> None:
        """Belong to the running event loop from the first use on.

        Raises:
            MisuseError: Closed, or in use on another event loop.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._closed:
            raise MisuseError("this client is closed; make a new one")
        if loop is not self._loop:
            raise MisuseError(
                "this client belongs to another event loop; make one client for each loop"
            )
        # Its public `loop` warns that it is deprecated.
        if getattr(self._borrowed, "_loop", loop) is not loop:
            raise MisuseError("the borrowed aiohttp.ClientSession belongs to another event loop")

    async def send(self, request: Request) -> Answer:
        """Send one request, once, and return the whole answer, whatever its status.

        Raises:
            NotSentError: There was no connection; a `ProxyError` if the proxy made none.
            LostError: The request left and no whole answer came.
        """
        url = URL(self.base_url + request.path, encoded=True)
        headers = {"User-Agent": self._user_agent, "Accept": "application/json", **request.headers}
        proxy = self._proxy
        if proxy is not None and url.scheme == "http":
            # Without TLS there is no tunnel: the proxy reads the request itself.
            headers |= proxy.headers
        try:
            async with self._session().request(
                request.method,
                url,
                params=request.query,
                data=request.body,
                headers=headers,
                allow_redirects=False,
                raise_for_status=False,
                timeout=self._timeouts,
                proxy=proxy.address if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                ssl=self._ssl,
                middlewares=(_only_once,),
            ) as response:
                return Answer(response.status, response.headers, await self._read(response))
        # `from None`: aiohttp's errors can hold the request's headers, and the tokens with them.
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise CertificateError(f"no trusted connection: {_what(error)}") from None
        except aiohttp.ConnectionTimeoutError:
            raise NotSentError(
                f"no connection within {self._connect_timeout:g} s (connect_timeout)"
            ) from None
        except aiohttp.ClientHttpProxyError as error:
            raise _refusal_of_proxy(error.status) from None
        except aiohttp.ClientConnectorError as error:
            raise NotSentError(f"no connection: {_what(error)}") from None
        except aiohttp.ServerTimeoutError:
            raise AnswerTimeoutError(f"no answer for {self._timeout:g} s (timeout)") from None
        except TimeoutError:
            whole = self._timeout * _WHOLE
            raise AnswerTimeoutError(f"no end of the answer for {whole:g} s") from None
        except _Dropped as error:
            raise ConnectionLostError(f"the connection broke: {error}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionLostError(f"the connection broke: {_what(error)}") from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        # Grown in place: joining the chunks of an 80 MB reading would stall the loop.
        body = bytearray()
        # What came with the headers needs no timer. All else does: what trickles may be the size
        # of a chunk, a trailer or an empty part of compressed data, and so never be a byte here.
        is_here = response.content.is_eof()
        async with nullcontext() if is_here else asyncio.timeout(self._timeout * _WHOLE):
            while chunk := await response.content.readany():
                body += chunk
                if len(body) > self._max_answer_bytes:
                    response.close()
                    raise AnswerTooLargeError(
                        f"the answer is larger than {self._max_answer_bytes} bytes "
                        "(max_answer_bytes)"
                    )
        return body if len(body) > _LARGE else bytes(body)  # type: ignore[return-value]  # reads alike

    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise MisuseError("this client was closed during the call")
        if self._borrowed is not None and self._borrowed.closed:
            raise MisuseError("the borrowed aiohttp.ClientSession is closed")
        if self._http is None:
            # The gate is before the pool, so the pool itself has no limit to wait for.
            borrowed = self._borrowed
            connector = borrowed.connector if borrowed else aiohttp.TCPConnector(limit=0)
            self._http = aiohttp.ClientSession(
                connector=connector,
                connector_owner=borrowed is None,
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=borrowed.trace_configs if borrowed else None,
            )
        return self._http

    async def aclose(self) -> None:
        """Close what is owned; a borrowed session stays open."""
        self._closed = True
        if self._http is not None:
            await self._http.close()


def _refusal_of_proxy(status: int) -> NotSentError:
    # Its own words are left out: they may repeat what it was told.
    if status == 407:
        return ProxyError("the proxy asks for another name or password (407)", status=status)
    if 400 <= status < 500 and status not in {408, 429}:
        return ProxyError(f"the proxy refuses to connect to this host ({status})", status=status)
    return NotSentError(f"no connection: the proxy answered {status}", status=status)


def _what(error: Exception) -> str:
    text = str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

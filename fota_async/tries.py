"""Single tries over one connection pool: no limit, no retries, no tokens of their own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, cast

from fota_async._version import __version__
from fota_async.bodies import body_of
from fota_async.clock import Clock
from fota_async.credentials import Tokens
from fota_async.errors import CallError, ConfigurationError
from fota_async.events import EventHook, RequestEvent
from fota_async.executor import Errand, Tally
from fota_async.options import WireOptions
from fota_async.transport import Answer, HttpSession, Request, Transport, check_base_url
from fota_async.unknown_members import UnknownMembers
from fota_async.wire.decode import StepReader, decode, decode_in_steps
from fota_async.wire.route import Route

T = TypeVar("T")

BASE_URL = "https://thingspace.verizon.com"
_DEFAULTS: Mapping[str, Any] = {
    "base_url": BASE_URL,
    "timeout": 30.0,
    "connect_timeout": 10.0,
    "max_answer_bytes": 1 << 30,
    "proxy": None,
    "trust_env": False,
    "ssl": True,
    "user_agent": f"fota_async/{__version__}",
}
_SECONDS = ("timeout", "connect_timeout", "max_answer_bytes")


class Tries:
    """Makes tries, one by one, each of them once.

    It belongs to the event loop of its first use.

    Args:
        options: See `WireOptions`.
        http: A session whose connection pool to borrow, or None to own one.
        clock: Whose seconds events tell.
        tell: Where events go.
        is_heard: Whether anyone hears of them; else they are not made.

    Raises:
        ConfigurationError: An option cannot work.
    """

    def __init__(
        self,
        options: WireOptions,
        *,
        http: HttpSession | None = None,
        clock: Clock,
        tell: EventHook,
        is_heard: Callable[[], bool],
    ) -> None:
        given = {**_DEFAULTS, **options}
        for name in _SECONDS:
            check_positive(name, given[name])
        given["base_url"] = check_base_url(given["base_url"])
        given["max_answer_bytes"] = int(given["max_answer_bytes"])
        self.options: Mapping[str, Any] = MappingProxyType(given)
        self.base_url: str = given["base_url"]
        self._clock = clock
        self._tell = tell
        self._is_heard = is_heard
        self._unknown_members = UnknownMembers(tell)
        self._transport = Transport(http=http, **given)

    @property
    def longest_try(self) -> float:
        """Seconds that a try takes at the most."""
        return self._transport.longest_try

    def bind(self) -> None:
        """Belong to the running event loop from the first use on.

        Raises:
            MisuseError: Closed, or in use on another event loop.
        """
        self._transport.bind()

    async def aclose(self) -> None:
        """Close the pool if it is owned."""
        await self._transport.aclose()

    async def make(self, errand: Errand[T], tokens: Tokens, tally: Tally) -> T:
        """Make one try of a call.

        Args:
            errand: The try.
            tokens: What it is made with.
            tally: Counts it when it reached the wire.

        Raises:
            CallError: It did not give its result.
        """
        route = errand.route
        request = Request(
            route.method, errand.path, tokens.headers, body_of(errand.content), errand.query
        )
        secrets = [tokens.bearer, tokens.session, *errand.secrets]
        return await self.send(
            route, request, secrets, attempt=errand.attempt, tally=tally, read=errand.read
        )

    async def send(
        self,
        route: Route[T],
        request: Request,
        secrets: list[str],
        *,
        attempt: int,
        tally: Tally,
        read: StepReader[T] | None = None,
    ) -> T:
        """Send one request, once, and return what its answer means.

        Args:
            route: What is called.
            request: What goes onto the wire.
            secrets: What no error and no event may show.
            attempt: Number of the try, from 1.
            tally: Counts it when it reached the wire.
            read: Reads a good answer piece by piece, in place of the route's own way.

        Raises:
            CallError: It did not give its result.
        """
        started_at, started = time.time(), self._clock.monotonic()
        status, failure, resends = None, None, tally.requests
        tally.on_wire = True
        try:
            answer = await self._transport.send(request)
            status = answer.status
            with self._unknown_members.watched(secrets):
                result = await _decoded(route, answer, read)
        except CallError as error:
            error.route = route.name
            failure = type(error).__name__
            tally.in_doubt |= error.sent == "maybe"
            error.scrub(secrets)
            raise
        except BaseException as error:
            failure = type(error).__name__
            tally.in_doubt |= request.left
            raise
        else:
            tally.in_doubt = False
            return result
        finally:
            tally.requests += status is not None or request.left
            tally.on_wire = False
            if self._is_heard():
                self._tell(
                    RequestEvent(
                        route=route.name,
                        attempt=attempt,
                        seconds=self._clock.monotonic() - started,
                        status=status,
                        error=failure,
                        started=started_at,
                        server=self.base_url,
                        resends=resends,
                    )
                )


async def _decoded(route: Route[T], answer: Answer, read: StepReader[T] | None) -> T:
    if read is None:
        return decode(route, answer.status, answer.headers, answer.body)
    steps = decode_in_steps(route, answer.status, answer.headers, answer.body, read)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("T", end.value)
        await asyncio.sleep(0)


def check_positive(name: str, value: float) -> float:
    """Return a number greater than 0.

    Raises:
        ConfigurationError: It is none.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not value > 0:
        raise ConfigurationError(f"{name} must be greater than 0, not {value!r}")
    return value

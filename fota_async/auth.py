"""The two tokens: who fetches them, when, and what a refusal means.

Vendor pages "Getting Credentials and Tokens to use the API" and "Start a Connectivity Management
Session"; wire contract, "Tokens and sessions".
"""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import attrs
import msgspec

from fota_async.attempts import Attempts
from fota_async.bodies import JSON
from fota_async.clock import Clock
from fota_async.credentials import Credentials, Tokens
from fota_async.errors import (
    AuthError,
    CallError,
    DecodeError,
    FotaError,
    LoginLostError,
    LoginRefusedError,
    LostError,
    MisuseError,
    RefusedError,
    SessionEndedError,
    TokenRefusedError,
)
from fota_async.events import EventHook, TokenEvent
from fota_async.executor import Tally
from fota_async.models.auth import BearerToken, NewPassword, PasswordResetRequest, SessionToken
from fota_async.models.success import SuccessFlag
from fota_async.wire.decode import by_gateway
from fota_async.wire.route import Repeat, Route, or_nothing, post, put

T = TypeVar("T")

FETCH_BEARER = post("/api/ts/v1/oauth2/token", BearerToken, Repeat.IDEMPOTENT)
REVOKE_BEARER = or_nothing(post("/api/ts/v1/oauth2/revoke", SuccessFlag, Repeat.IDEMPOTENT))
LOGIN = post("/api/m2m/v1/session/login", SessionToken)
LOGOUT = or_nothing(post("/api/m2m/v1/session/logout", SessionToken, Repeat.IDEMPOTENT))
RESET_PASSWORD = put("/api/m2m/v1/session/password/actions/reset", NewPassword, Repeat.NEVER)

FORM = "application/x-www-form-urlencoded"

_BEARER_LIFE = 3600
_MARGIN = 60.0
_MOST_ENDS, _ENDS_WITHIN = 3, 60.0
_MOST_LOST_LOGINS = 3
_MOST_BEARER_REPLAYS = 2
_LOCK_WARNING = (
    "five refused logins in a row lock the user until Verizon Support unlocks it, "
    "so this client does not try these credentials again"
)


class Try(Protocol):
    """Sends one request, once, and returns its result."""

    async def __call__(
        self,
        route: Route[T],
        headers: dict[str, str],
        body: bytes | None,
        content_type: str,
        *,
        attempt: int,
        secrets: list[str],
    ) -> T:
        """Send it."""
        ...


class CredentialTokens:
    """Fetches tokens with credentials: one task fetches, everyone else waits for it.

    A login that was refused is never repeated. The bearer token is never revoked on close, since
    other processes with the same key share it.

    Args:
        credentials: What to fetch them with.
        send: Sends one request, once.
        attempts: The loop for retries.
        clock: Whose seconds tokens live.
        tell: Where `TokenEvent` goes.
        around_login: See `fota_async.SessionOptions`.
    """

    def __init__(
        self,
        credentials: Credentials,
        send: Try,
        attempts: Attempts,
        clock: Clock,
        tell: EventHook,
        *,
        around_login: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> None:
        self._credentials = credentials
        self._send = send
        self._attempts = attempts
        self._clock = clock
        self._tell = tell
        self._around_login = around_login
        self._fetching: asyncio.Task[None] | None = None

        self._bearer: str | None = None
        self._bearer_generation = 0
        self._bearer_good_until = float("-inf")
        self._refused_bearer: str | None = None
        self._revoke_first = False
        self._revoked: str | None = None

        self._resetting = False
        self._session: str | None = None
        self._session_generation = 0
        self._ends: deque[float] = deque(maxlen=_MOST_ENDS)
        self._lost_logins = 0
        self._login_refusal: LoginRefusedError | None = None

    async def get(self) -> Tokens:
        """Return tokens to use now, fetching what is missing or nearly over.

        Raises:
            LoginRefusedError: User name or password were refused, now or earlier.
            LoginLostError: A login got no answer that decides.
            TokenRefusedError: Key or secret were refused.
            SessionEndedError: Sessions end too often for another login.
            AuthError: The token endpoint gives no token.
            NotSentError: There is no connection to it.
            ThrottledError: It asks for a pause that is too long.
        """
        fresh = False
        while (
            self._bearer is None or self._session is None or not (fresh or self._bearer_is_good())
        ):
            await self._single_flight()
            fresh = True  # even a token without life left is not asked for in a circle
        return Tokens(
            self._bearer, self._session, self._bearer_generation, self._session_generation
        )

    async def bearer_refused(self, tokens: Tokens) -> bool:
        """See `TokenProvider`.

        The token endpoint hands the same token out again within its hour. One that was refused
        twice is revoked, once.
        """
        if self._bearer is None or tokens.bearer_generation != self._bearer_generation:
            return True
        self._tell(TokenEvent(kind="bearer", action="refused"))
        refused_twice = self._refused_bearer == self._bearer
        revoked_already = self._revoked == self._bearer
        self._revoke_first = refused_twice and not revoked_already
        self._refused_bearer, self._bearer = self._bearer, None
        return not (refused_twice and revoked_already)

    async def session_ended(self, tokens: Tokens) -> None:
        """See `TokenProvider`. Three ends within a minute are an error, not a fourth login."""
        if self._session is None or tokens.session_generation != self._session_generation:
            return
        self._tell(TokenEvent(kind="session", action="ended"))
        self._session = None
        self._ends.append(self._clock.monotonic())
        self._refuse_restless_session()

    async def logout(self) -> None:
        """End the session, if there is one (vendor page "End Connectivity Management Session")."""
        if self._bearer is None or self._session is None:
            return
        headers = Tokens(self._bearer, self._session).headers
        self._session = None
        await self._call(LOGOUT, headers, None, JSON)

    async def reset_password(
        self, send: Callable[[PasswordResetRequest, Tally], Awaitable[NewPassword]]
    ) -> NewPassword:
        """Have the password replaced, and log in with the new one from now on.

        Raises:
            MisuseError: Another reset is under way.
        """
        if self._resetting:
            raise MisuseError("a password reset is under way")
        self._resetting, tally, answer = True, Tally(), None
        try:
            answer = await send(PasswordResetRequest(self._credentials.password), tally)
            return answer
        finally:
            self._resetting = False
            new = answer.new_password if answer else None
            if new is not None:
                self._credentials = attrs.evolve(self._credentials, password=new)
            elif answer or tally.in_doubt:
                self._login_refusal = LoginRefusedError(
                    f"the password was reset, and the new one is not known here; {_LOCK_WARNING}",
                    route=RESET_PASSWORD.name,
                )

    async def aclose(self) -> None:
        """Stop a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _bearer_is_good(self) -> bool:
        return self._clock.monotonic() < self._bearer_good_until

    async def _single_flight(self) -> None:
        # A task of its own: the caller who happens to come first may be cancelled, and a login
        # that is cut off in the middle is a login whose outcome nobody knows.
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        fetching = self._fetching
        await asyncio.wait([fetching])
        if fetching.cancelled():
            raise MisuseError("this client was closed while it fetched tokens")
        error = fetching.exception()
        if isinstance(error, FotaError):
            # A copy for each who waits: tracebacks of many tasks do not belong in one object. Some
            # libraries (tblib) have a copy keep the one there is.
            raise copy.copy(error).with_traceback(None) from None
        if error is not None:
            raise error  # of `around_login`, and not every class can be copied

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # everyone who waited may be gone; asyncio would complain

    async def _fetch(self) -> None:
        try:
            if self._bearer is None or not self._bearer_is_good():
                await self._fetch_bearer()
            if self._session is None:
                await self._login()
        except (LostError, RefusedError) as error:
            # Not of the kind that would say something about the call that wanted the tokens.
            raise _as(AuthError, f"there is no token to be had: {error.message}", error) from None

    async def _call(
        self, route: Route[T], headers: dict[str, str], body: bytes | None, content_type: str
    ) -> T:
        shown = [value.removeprefix("Bearer ") for value in headers.values()]
        secrets = [*shown, self._refused_bearer or "", *self._credentials.secrets]

        async def once(attempt: int) -> T:
            return await self._send(
                route, headers, body, content_type, attempt=attempt, secrets=secrets
            )

        try:
            return await self._attempts.run(route.name, route.repeat, once)
        except CallError as error:
            error.body = ""  # the answer of a token endpoint may hold a token
            if isinstance(error, DecodeError):
                error.message = "the answer holds no token"
                error.args = (error.message,)
            raise

    async def _fetch_bearer(self) -> None:
        basic = {"Authorization": self._credentials.basic}
        grant = {"grant_type": "client_credentials"}
        if self._revoke_first and self._refused_bearer is not None:
            self._revoke_first = False
            self._revoked = self._refused_bearer
            form = urlencode({**grant, "token": self._refused_bearer}).encode()
            await self._call(REVOKE_BEARER, basic, form, FORM)
            self._tell(TokenEvent(kind="bearer", action="revoked"))
        try:
            token = await self._call(FETCH_BEARER, basic, urlencode(grant).encode(), FORM)
        except (RefusedError, TokenRefusedError) as error:
            message = f"the key or the secret was refused: {error.message}"
            raise _as(TokenRefusedError, message, error) from None
        life = float(_BEARER_LIFE if token.expires_in is None else token.expires_in)
        # A token asked for again can have seconds left: the margin must not eat all of them.
        self._bearer_good_until = self._clock.monotonic() + life - min(_MARGIN, life / 10)
        self._bearer = token.access_token
        self._bearer_generation += 1
        if self._bearer != self._refused_bearer:
            self._refused_bearer = None
        self._tell(TokenEvent(kind="bearer", action="fetched"))

    async def _login(self) -> None:
        if self._login_refusal is not None:
            raise self._login_refusal
        self._refuse_restless_session()
        async with self._around_login():
            await self._login_and_tell()

    async def _login_and_tell(self) -> None:
        try:
            self._session = await self._login_once()
        except LostError as error:
            raise self._lost_login(error) from None
        except (RefusedError, SessionEndedError) as error:
            if by_gateway(error):
                raise
            raise self._refused_login(error) from None
        self._session_generation += 1
        self._lost_logins = 0
        self._tell(TokenEvent(kind="session", action="fetched"))

    async def _login_once(self) -> str:
        user = {"username": self._credentials.username, "password": self._credentials.password}
        body = msgspec.json.encode(user)
        replays = 0
        while True:
            tokens = Tokens(self._bearer or "", "", self._bearer_generation)
            try:
                bearer = {"Authorization": f"Bearer {tokens.bearer}"}
                return (await self._call(LOGIN, bearer, body, JSON)).session_token
            except TokenRefusedError:
                replays += 1
                if not await self.bearer_refused(tokens) or replays > _MOST_BEARER_REPLAYS:
                    raise
                await self._fetch_bearer()
            except DecodeError as error:
                raise _as(RefusedError, error.message, error) from None

    def _lost_login(self, error: CallError) -> CallError:
        self._lost_logins += 1
        self._tell(TokenEvent(kind="session", action="lost"))
        if self._lost_logins < _MOST_LOST_LOGINS:
            return _as(LoginLostError, f"the login got no answer: {error.message}", error)
        return self._refused_login(error)

    def _refused_login(self, error: CallError) -> LoginRefusedError:
        self._tell(TokenEvent(kind="session", action="refused"))
        self._login_refusal = _as(
            LoginRefusedError, f"the login was refused: {error.message}; {_LOCK_WARNING}", error
        )
        return self._login_refusal

    def _refuse_restless_session(self) -> None:
        if len(self._ends) == _MOST_ENDS and self._clock.monotonic() - self._ends[0] < _ENDS_WITHIN:
            raise SessionEndedError(
                f"the session ended {_MOST_ENDS} times within {_ENDS_WITHIN:g} s; "
                "is somebody else logging in as the same user?",
                route=LOGIN.name,
            )


E_ = TypeVar("E_", bound=CallError)


def _as(kind: Callable[..., E_], message: str, error: CallError) -> E_:
    """Return what `error` says as an error of another kind."""
    known: dict[str, Any] = {
        name: getattr(error, name) for name in ("route", "status", "code", "text", "request_id")
    }
    return kind(message, **known)

"""The session manager: one connection pool and one pair of tokens for every task of the process."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import nullcontext
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, cast

from fota_async.allowance import Pause
from fota_async.attempts import Attempts, Replays
from fota_async.auth import RESET_PASSWORD, CredentialTokens
from fota_async.bodies import Body, content_of
from fota_async.ceiling import Ceiling
from fota_async.claims import Claims
from fota_async.clock import Clock, SystemClock
from fota_async.credentials import Credentials, TokenProvider, Tokens
from fota_async.errors import (
    CallError,
    ConfigurationError,
    DeadlineError,
    SessionEndedError,
    TokenRefusedError,
)
from fota_async.events import logger
from fota_async.executor import Errand, Place, Tally
from fota_async.limiter import Limiter, Slot
from fota_async.models.auth import NewPassword, PasswordResetRequest
from fota_async.observe.sink import event_sink, is_heard
from fota_async.options import SessionOptions, WireOptions
from fota_async.retry import RetryPolicy
from fota_async.transport import Request
from fota_async.tries import Tries, check_positive
from fota_async.wire.convert import secrets_of
from fota_async.wire.decode import StepReader
from fota_async.wire.route import Route

T = TypeVar("T")


class SessionManager:
    """Shares one connection pool and the two token headers among every task of the process.

    It belongs to the event loop of its first use. Use it as `async with`, or call `aclose`.

    >>> session = fota.session  # or SessionManager(credentials), where no client is wanted
    >>> operation = modify_upgrade("remove", simulator.account, upgrade_id)
    >>> report = await DeviceBatcher(session, operation).run(imeis)

    Args:
        credentials: What opens the API; None if `tokens` is given.
        options: See `SessionOptions`.

    Raises:
        ConfigurationError: An option cannot work.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[SessionOptions]
    ) -> None:
        unknown = sorted(options.keys() - SessionOptions.__annotations__.keys())
        if unknown:
            raise TypeError(f"there is no option {', '.join(unknown)}")
        tokens = options.get("tokens")
        if (credentials is None) == (tokens is None):
            raise ConfigurationError("give either credentials or tokens")
        self.clock: Clock = options.get("clock") or SystemClock()
        self._hook = options.get("on_event")
        self.tell = event_sink(self._hook)
        deadline = options.get("deadline", 300.0)
        self._deadline = None if deadline is None else check_positive("deadline", deadline)
        self._logout_on_close = options.get("logout_on_close", False)
        wire = {
            name: value for name, value in options.items() if name in WireOptions.__annotations__
        }
        self._tries = Tries(
            cast("WireOptions", wire),
            http=options.get("http"),
            clock=self.clock,
            tell=self.tell,
            is_heard=lambda: self.is_heard,
        )
        self.base_url = self._tries.base_url
        most = int(check_positive("max_concurrency", options.get("max_concurrency", 100)))
        rate = options.get("max_rate")
        if rate is not None:
            check_positive("max_rate", rate)
        self._ceiling = Ceiling(max(1, most), rate)
        self._everyones_pause = Pause()
        self._limiters: dict[str, Limiter] = {}
        policy = options.get("retry") or RetryPolicy()
        self._attempts = Attempts(policy, self._everyones_pause, self.clock, self.tell)
        self._own_tokens: CredentialTokens | None = None
        if credentials is not None:
            self._own_tokens = CredentialTokens(
                credentials,
                self._try_auth,
                self._attempts,
                self.clock,
                self.tell,
                around_login=options.get("around_login") or nullcontext,
            )
        self._tokens: TokenProvider | None = tokens or self._own_tokens
        # Until then everyone waits for them together, and not some of them for a place: when they
        # cannot be had, nobody is left who would ask for them again.
        self._has_tokens = False
        self._claims = Claims()

    def claim(
        self, account: str, target: str, operation: str, *, alone: bool = False
    ) -> Callable[[], None]:
        """Reserve a target for an operation; return what gives it up.

        Args:
            account: Billing account.
            target: Id of the upgrade, or what else is changed.
            operation: One word; several runs of the same one may go on at once.
            alone: Whether they may not.

        Raises:
            MisuseError: A run of another operation is under way on this target, or of the same one
                and it must be alone.
        """
        return self._claims.claim((account, target), operation, alone=alone)

    def slot(self, account: str, flow: Hashable = None, place: Place | None = None) -> Slot:
        """Return a place in flight, to be taken before the work for a request begins.

        Args:
            account: Billing account; each has a limit of its own.
            flow: On whose behalf: flows take turns. Single calls are one flow together, None.
            place: Where the tries of a call with this slot are made, if not here.
        """
        return Slot(self._limiter(account), flow, place)

    @property
    def wire_options(self) -> Mapping[str, Any]:
        """How a try is made here: see `fota_async.options.WireOptions`, defaults filled in."""
        return self._tries.options

    @property
    def is_heard(self) -> bool:
        """Whether anyone hears of events: a hook, or the logger at DEBUG."""
        return is_heard(self._hook)

    @property
    def max_pause(self) -> float:
        """Seconds that a call accepts to be throttled."""
        return self._attempts.policy.max_pause

    @property
    def max_concurrency(self) -> int:
        """The most requests in flight at once, over all accounts."""
        return self._ceiling.max_concurrency

    def limit(self, account: str) -> int:
        """Return how many requests for `account` may be in flight at once now."""
        return self._limiter(account).limit

    def rate(self, account: str) -> float | None:
        """Return how many requests a second for `account` may leave now; None for any."""
        return self._limiter(account).rate

    def _limiter(self, account: str) -> Limiter:
        if account not in self._limiters:
            self._limiters[account] = Limiter(
                self._ceiling,
                self.clock,
                self.tell,
                account=account,
                patience=self.max_pause,
                everyone=self._everyones_pause,
            )
        return self._limiters[account]

    async def call(
        self,
        route: Route[T],
        values: Mapping[str, str],
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        slot: Slot | None = None,
        tally: Tally | None = None,
        endless: bool = False,
        keep_trying: Callable[[], bool] | None = None,
        read: StepReader[T] | None = None,
    ) -> T:
        """Make one call, with all the retries that its route permits.

        Args:
            route: What to call.
            values: What goes into the path, by name.
            body: Bytes of JSON, a model that becomes JSON, or an `Upload`; None for no body.
            query: Query parameters.
            slot: A place in flight that is taken already.
            tally: Counts the tries that reached the wire.
            endless: Whether the deadline of calls does not apply, and an outage may last for the
                policy's seconds; for batches.
            keep_trying: Asked after each try that failed; False ends the call with its error.
            read: Reads a good answer piece by piece, in place of the route's own way.

        Raises:
            ConfigurationError: A value cannot be part of the path.
            MisuseError: Closed, or another event loop.
            CallError: The call did not give its result.
        """
        self._tries.bind()
        path = route.fill(**values)
        content, secrets = content_of(body), tuple(secrets_of(body))
        tally = Tally() if tally is None else tally
        own_slot = slot or self.slot(values.get("account", ""))
        replays = Replays()
        deadline = None if endless else self._deadline
        until = None if deadline is None else self.clock.monotonic() + deadline

        first_tokens: list[Tokens] = []

        async def fetch_first_tokens() -> None:
            if not self._has_tokens:
                first_tokens[:] = [await self._provider.get()]
                self._has_tokens = True

        async def once(attempt: int) -> T:
            while True:
                tokens = first_tokens.pop() if first_tokens else await self._provider.get()
                if own_slot.place is not None:
                    await own_slot.place.prepare(tokens, self)
                # It may have begun while the tokens were fetched, or before a replay.
                await self._attempts.wait_out_pause(route.name, own_slot, until=until)
                try:
                    errand = Errand(route, path, content, query, read, attempt, secrets)
                    if own_slot.place is None:
                        return await self._tries.make(errand, tokens, tally)
                    return await own_slot.place.make(errand, tokens, tally, self)
                except SessionEndedError:
                    if not replays.session():
                        raise
                    await self._provider.session_ended(tokens)
                except TokenRefusedError:
                    if not await self._provider.bearer_refused(tokens) or not replays.bearer():
                        raise

        attempts = self._attempts.run(
            route.name,
            route.repeat,
            once,
            slot=own_slot,
            until=until,
            keep_trying=keep_trying or (lambda: True),
            patient=endless,
            ready=fetch_first_tokens,
        )
        try:
            if deadline is None:
                return await attempts
            return await self._in_time(deadline, attempts, route.name, tally)
        finally:
            if slot is None:
                own_slot.give_back()

    @staticmethod
    async def _in_time(seconds: float, call: Awaitable[T], name: str, tally: Tally) -> T:
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                return await call
        except TimeoutError:
            if not timeout.expired():
                raise
            raise DeadlineError(
                f"no result within {seconds:g} s (deadline)",
                route=name,
                sent="maybe" if tally.in_doubt else "no",
            ) from None

    @property
    def _provider(self) -> TokenProvider:
        assert self._tokens is not None  # noqa: S101 - __init__ saw to it
        return self._tokens

    async def _try_auth(
        self,
        route: Route[T],
        headers: dict[str, str],
        body: bytes | None,
        content_type: str,
        *,
        attempt: int,
        secrets: list[str],
    ) -> T:
        content = None if body is None else Body(body, content_type)
        request = Request(route.method, route.path, headers, content)
        tally = Tally(requests=attempt - 1)
        return await self._tries.send(route, request, secrets, attempt=attempt, tally=tally)

    async def reset_password(self) -> NewPassword:
        """Have the server make a new password for the user; it works at once.

        The answer is the only copy: write it down before anything else. This session manager logs
        in with it from now on. The request is sent once. If its answer is lost, the password may be
        the old or the new one; this session manager then never logs in again, since five refused
        logins lock the user. Vendor page "Reset Connectivity Management Password".

        Raises:
            ConfigurationError: Tokens come from a `TokenProvider`; nothing was sent.
            MisuseError: Another reset is under way; nothing was sent.
            LostError: No answer came, and the password may be another one now.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        own = self._own_tokens
        if own is None:
            raise ConfigurationError("a password is reset where the credentials are")

        def send(body: PasswordResetRequest, tally: Tally) -> Awaitable[NewPassword]:
            return self.call(RESET_PASSWORD, {}, body=body, tally=tally, keep_trying=lambda: False)

        return await own.reset_password(send)

    async def aclose(self) -> None:
        """Close the pool if it is owned; end the session only if `logout_on_close` asked for it.

        The bearer token is never revoked: other processes with the same key share it.
        """
        try:
            if self._own_tokens is not None:
                await self._own_tokens.aclose()
            if self._logout_on_close:
                await self._logout()
        finally:
            await self._tries.aclose()

    async def _logout(self) -> None:
        try:
            await self._provider.logout()
        except CallError as error:
            # Closing must work without a network; an idle session ends by itself.
            logger.warning("the session could not be ended: %s", error)

    async def __aenter__(self) -> Self:
        self._tries.bind()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

"""Logins and token requests that go wrong in ways only a stub server has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from helpers import (
    BEARER,
    LOGIN,
    REVOKE,
    SESSION,
    TOKEN,
    Seen,
    Stub,
    drop,
    in_turn,
    modify,
    never,
    read,
    reply,
    upgrade,
)

from fota_async import (
    AuthError,
    FotaClient,
    LoginLostError,
    LoginRefusedError,
    RetryPolicy,
    TokenRefusedError,
)
from fota_async.clock import ManualClock
from fota_async.events import Event, TokenEvent

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

FAULT = {"fault": {"code": "900901", "message": "Invalid Credentials", "description": "Go away"}}
refuse_bearer = reply(FAULT, 401)


async def outcomes(client: FotaClient, calls: int = 50) -> list[Any]:
    return await asyncio.gather(*(read(client) for _ in range(calls)), return_exceptions=True)


@pytest.mark.parametrize(
    ("script", "options"),
    [
        (never, {"timeout": 0.05}),
        (drop, {}),
        (lambda _: reply(b"oops", 503), {}),
        (lambda _: reply(b"", 408), {}),
    ],
)
async def test_a_lost_login_is_not_repeated_and_ends_all_who_wait(
    new_stub: NewStub, new_client: NewClient, script: Any, options: dict[str, Any]
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = script
    client = new_client(stub, **options)
    results = await outcomes(client)

    assert {type(result) for result in results} == {LoginLostError}
    assert {result.sent for result in results} == {"no"}
    assert len(stub.asked(LOGIN)) == 1


async def test_three_lost_logins_count_as_a_refusal(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = drop
    client = new_client(stub)
    kinds = []
    for _ in range(5):
        with pytest.raises(AuthError) as caught:
            await read(client)
        kinds.append(type(caught.value))

    assert kinds == [LoginLostError] * 2 + [LoginRefusedError] * 3
    assert len(stub.asked(LOGIN)) == 3


async def test_a_login_that_succeeds_forgets_the_lost_ones(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply({"errorCode": "x.SessionToken.Expired"}, 400))
    session = reply({"sessionToken": SESSION})
    stub.at[LOGIN] = in_turn(drop, drop, session, drop)
    client = new_client(stub)
    for _ in range(2):
        with pytest.raises(LoginLostError):
            await read(client)
    with pytest.raises(LoginLostError):
        await read(client)  # the third login works, its session ends, the fourth is lost

    assert len(stub.asked(LOGIN)) == 4


class Reopening(ManualClock):
    """Time that passes at once; a stub that took no connections takes them again."""

    def __init__(self, stub: Stub) -> None:
        super().__init__()
        self._stub = stub
        self.slept = 0

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.turn(seconds)
        await self._stub.start()


async def test_a_login_that_surely_was_not_sent_is_repeated(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()

    async def last_words(_: Seen) -> bytes:
        await stub.stop()
        return reply({"access_token": BEARER, "token_type": "Bearer"}, Connection="close")

    stub.at[TOKEN] = last_words
    clock = Reopening(stub)
    await read(new_client(stub, clock=clock, retry=RetryPolicy()))

    assert clock.slept == 1
    assert len(stub.asked(LOGIN)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply({"errorCode": "WHATEVER", "errorMessage": "Locked"}, 400),
        reply({"errorCode": "WHATEVER", "errorMessage": "Locked"}, 401),
        reply(b"<html>", 403, Content_Type="text/html"),
        reply(b"", 404),
        reply(b"", 302, Location="https://elsewhere.invalid/"),
        reply({"errorCode": "REQUEST_FAILED.SessionToken.Expired"}, 400),
        reply({}),
        reply([]),
        reply(b""),
        reply({"sessionToken": None}),
        reply(b"<html>welcome</html>"),
    ],
)
async def test_any_answer_that_is_no_token_is_a_refused_login(
    new_stub: NewStub, new_client: NewClient, answer: bytes
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = lambda _: answer
    client = new_client(stub)
    for _ in range(2):
        with pytest.raises(LoginRefusedError, match=r"five refused logins .* lock"):
            await read(client)

    assert len(stub.asked(LOGIN)) == 1


async def test_a_gateway_fault_at_login_is_no_refused_login(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    forbidden = reply({"fault": {"code": 900908, "message": "Resource forbidden"}}, 403)
    stub.at[LOGIN] = in_turn(forbidden, reply({"sessionToken": SESSION}))
    client = new_client(stub)
    with pytest.raises(AuthError, match="900908") as caught:
        await modify(client)
    await read(client)

    # Not a ForbiddenError: nothing of the call itself was refused.
    assert type(caught.value) is AuthError
    assert caught.value.sent == "no"
    assert [seen.method for seen in stub.asked()] == ["GET"]


async def test_a_bearer_refused_at_login_is_replaced_but_not_for_ever(
    new_stub: NewStub, new_client: NewClient
) -> None:
    numbers = iter(range(1000))
    stub = await new_stub()
    stub.at[TOKEN] = lambda _: reply({"access_token": f"b{next(numbers)}", "token_type": "Bearer"})
    stub.at[LOGIN] = lambda _: refuse_bearer
    with pytest.raises(TokenRefusedError):
        await read(new_client(stub))

    assert len(stub.asked(LOGIN)) == 3


async def test_a_call_is_replayed_for_its_bearer_but_not_for_ever(
    new_stub: NewStub, new_client: NewClient
) -> None:
    numbers = iter(range(1000))
    stub = await new_stub(lambda _: refuse_bearer)
    stub.at[TOKEN] = lambda _: reply({"access_token": f"b{next(numbers)}", "token_type": "Bearer"})
    with pytest.raises(TokenRefusedError):
        await modify(new_client(stub))

    assert len(stub.asked()) == 3


async def test_a_bearer_that_is_refused_whatever_we_do_is_revoked_once_in_all(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: refuse_bearer)
    client = new_client(stub)
    for _ in range(4):
        with pytest.raises(TokenRefusedError):
            await read(client)

    assert len(stub.asked(REVOKE)) == 1


@pytest.mark.parametrize(
    ("path", "script"),
    [
        (TOKEN, lambda _: reply(b"oops", 503)),
        (TOKEN, lambda _: reply(b"<html>", 200)),
        (TOKEN, drop),
        (REVOKE, lambda _: reply({"error": "invalid_request"}, 400)),
        (REVOKE, lambda _: reply(b"", 500)),
    ],
)
async def test_trouble_with_tokens_says_nothing_about_the_call(
    new_stub: NewStub, new_client: NewClient, path: str, script: Any
) -> None:
    stub = await new_stub(lambda _: refuse_bearer)
    stub.at[path] = script
    with pytest.raises(AuthError, match="no token to be had") as caught:
        await modify(new_client(stub))

    assert type(caught.value) is AuthError
    assert caught.value.sent == "no"
    assert caught.value.route == f"POST {path}"


async def test_a_bearer_without_life_is_used_and_asked_for_once_a_call(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[TOKEN] = lambda _: reply(
        {"access_token": BEARER, "token_type": "Bearer", "expires_in": 0}
    )
    client = new_client(stub)
    for _ in range(3):
        await read(client)

    assert len(stub.asked(TOKEN)) == 3
    assert len(stub.asked(LOGIN)) == 1


async def test_the_seconds_a_bearer_has_left_are_used(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[TOKEN] = lambda _: reply(
        {"access_token": BEARER, "token_type": "Bearer", "expires_in": 5}
    )
    clock = ManualClock()
    client = new_client(stub, clock=clock)
    asked = []
    for seconds in (0, 4.4, 0.2):
        clock.turn(seconds)
        await read(client)
        asked.append(len(stub.asked(TOKEN)))

    assert asked == [1, 1, 2]


async def test_what_is_sent_to_fetch_tokens(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(in_turn(refuse_bearer, refuse_bearer, reply(upgrade())))
    await read(new_client(stub))
    token, login, _, again, _, revoke, *_ = stub.requests

    assert token.body == again.body == b"grant_type=client_credentials"
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert token.headers["authorization"].startswith("Basic ")
    assert "vz-m2m-token" not in login.headers
    assert login.headers["authorization"] == f"Bearer {BEARER}"
    assert login.headers["content-type"] == "application/json"
    assert revoke.body == f"grant_type=client_credentials&token={BEARER}".encode()
    assert revoke.headers["authorization"] == token.headers["authorization"]


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        (lambda _: reply({"sessionToken": SESSION}), ["fetched"]),
        (lambda _: reply({"errorCode": "NO", "errorMessage": "no"}, 400), ["refused"]),
        (drop, ["lost"]),
        (lambda _: reply(FAULT | {"fault": {"code": "900908"}}, 403), []),
    ],
)
async def test_around_login_is_entered_before_a_login_and_left_when_its_outcome_was_told(
    new_stub: NewStub, new_client: NewClient, script: Any, heard: list[str]
) -> None:
    stub, seen = await new_stub(), []

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        seen.append(f"entered after {len(stub.asked(LOGIN))}")
        try:
            yield
        finally:
            seen.append(f"left after {len(stub.asked(LOGIN))}")

    def hear(event: Event) -> None:
        if isinstance(event, TokenEvent) and event.kind == "session":
            seen.append(event.action)

    stub.at[LOGIN] = script
    await outcomes(new_client(stub, around_login=around, on_event=hear), calls=1)

    assert seen == ["entered after 0", *heard, "left after 1"]


async def test_around_login_is_entered_again_when_the_session_ended(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub, entered = await new_stub(), []

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        entered.append(len(stub.asked(LOGIN)))
        yield

    ended = reply({"errorCode": "x.SessionToken.Expired"}, 400)
    stub.script = in_turn(ended, reply(upgrade()))
    await read(new_client(stub, around_login=around))

    assert entered == [0, 1]


async def test_what_entering_around_login_raises_ends_all_who_wait_and_nothing_is_sent(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        raise LoginRefusedError("refused elsewhere")
        yield

    results = await outcomes(new_client(stub, around_login=around))

    assert {(type(result), str(result)) for result in results} == {
        (LoginRefusedError, "refused elsewhere")
    }
    assert stub.asked(LOGIN) == []


class LockIsDownError(Exception):
    """An error as clients of other services have them: made of more than its text."""

    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(f"{host}:{port} is down")


async def test_an_error_of_others_from_around_login_reaches_all_who_wait_as_it_is(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        raise LockIsDownError("locks.example", port=6379) from OSError("no route")
        yield

    results = await outcomes(new_client(stub, around_login=around))

    assert {str(result) for result in results} == {"locks.example:6379 is down"}
    assert {type(result) for result in results} == {LockIsDownError}
    assert {str(result.__cause__) for result in results} == {"no route"}
    assert stub.asked(LOGIN) == []

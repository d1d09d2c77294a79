"""No secret in anything a person or a machine might keep: texts, pickles, logs, events."""

import json
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

import aiohttp
import pytest
from helpers import (
    ACCOUNT,
    BEARER,
    CREDENTIALS,
    FAST,
    LOGIN,
    LOGOUT,
    ONCE,
    REVOKE,
    SESSION,
    TOKEN,
    UPGRADE,
    Events,
    Seen,
    Stub,
    in_turn,
    modify,
    read,
    reply,
    upgrade,
)
from simulator_api import imei

from fota_async import CallError, FotaClient, SessionManager, Tokens
from fota_async.events import BatchEvent, PauseEvent
from fota_async.models.auth import BearerToken, SessionToken
from fota_async.transport import Answer, Request

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

BASIC = CREDENTIALS.basic.removeprefix("Basic ")
GIVEN = [CREDENTIALS.key, CREDENTIALS.secret, CREDENTIALS.username, CREDENTIALS.password]
SECRETS = [BEARER, SESSION, BASIC, *GIVEN]


def forms(secret: str) -> set[str]:
    """Every way in which a secret may come back."""
    escaped = json.dumps(secret)[1:-1]
    return {secret, escaped, repr(secret)[1:-1], repr(escaped)[1:-1], quote_plus(secret)}


def assert_clean(kept: str, *, parts: bool = False) -> None:
    for secret in SECRETS:
        for form in forms(secret):
            assert form not in kept, kept
            # The beginning of a secret is worth keeping secret as well.
            assert not parts or form[:12] not in kept, kept


def echo(seen: Seen) -> str:
    """Say back all that was sent."""
    return f"{seen.headers} {seen.body.decode()}"


def as_message(seen: Seen) -> bytes:
    return reply({"errorCode": "X", "errorMessage": echo(seen)}, 400)


def as_code(seen: Seen) -> bytes:
    return reply({"errorCode": echo(seen)}, 400)


def as_fault(seen: Seen) -> bytes:
    return reply({"fault": {"code": "900908", "description": echo(seen)}}, 403)


def as_oauth_error(seen: Seen) -> bytes:
    return reply({"error": "invalid_client", "error_description": echo(seen)}, 401)


def as_page(seen: Seen) -> bytes:
    return reply(echo(seen).encode(), 502, Content_Type="text/html")


def as_good_answer(seen: Seen) -> bytes:
    return reply(echo(seen).encode())


def as_bearer_refusal(seen: Seen) -> bytes:
    return reply({"fault": {"code": "900901", "description": echo(seen)}}, 401)


def as_session_end(seen: Seen) -> bytes:
    return reply({"errorCode": "SessionToken.Expired", "errorMessage": echo(seen)}, 400)


def as_throttling(seen: Seen) -> bytes:
    return reply({"errorCode": "X", "errorMessage": echo(seen)}, 429, Retry_After="1000")


def as_request_id(seen: Seen) -> bytes:
    return reply(b"", 500, X_Request_ID=json.dumps(dict(seen.headers)))


ECHOES = [
    as_message,
    as_code,
    as_fault,
    as_oauth_error,
    as_page,
    as_good_answer,
    as_bearer_refusal,
    as_session_end,
    as_throttling,
    as_request_id,
]


@pytest.mark.parametrize("path", [None, TOKEN, LOGIN, REVOKE])
@pytest.mark.parametrize("echoed", ECHOES)
async def test_a_server_that_echoes_everything_leaks_nothing(
    new_stub: NewStub,
    new_client: NewClient,
    caplog: pytest.LogCaptureFixture,
    path: str | None,
    echoed: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    stub = await new_stub(as_bearer_refusal if path == REVOKE else echoed)
    if path:
        stub.at[path] = echoed
    events = Events()
    client = new_client(stub, on_event=events)
    for call in (read, modify):
        with pytest.raises(CallError) as caught:
            await call(client)
        error = caught.value
        assert_clean(
            " ".join([str(error), repr(error), str(vars(error)), str(error.args)]), parts=True
        )
        assert_clean("".join(traceback.format_exception(error)), parts=True)
        assert_clean(pickle.dumps(error).decode("latin-1"))
    assert stub.asked(path)

    assert events
    assert "fota_async" in {record.name for record in caplog.records}
    assert_clean(caplog.text, parts=True)
    assert_clean(str(events), parts=True)


@pytest.mark.parametrize("cut", range(4, 48, 3))
async def test_a_secret_that_is_cut_short_is_none_the_less_one(
    new_stub: NewStub, new_client: NewClient, cut: int
) -> None:
    page = "x" * (200 - cut) + BEARER * 3
    stub = await new_stub(lambda _: reply(page.encode(), 502))
    with pytest.raises(CallError) as caught:
        await read(new_client(stub, retry=ONCE))

    assert_clean(caught.value.body)
    assert BEARER[:4] not in caught.value.body
    assert caught.value.body.startswith("xxx")


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize("path", [TOKEN, LOGIN])
async def test_a_new_token_in_an_odd_answer_is_not_shown(
    new_stub: NewStub, new_client: NewClient, path: str, status: int
) -> None:
    stub = await new_stub()
    stub.at[path] = lambda _: reply({"token": "a-token-nobody-knows"}, status, Retry_After="1000")
    with pytest.raises(CallError) as caught:
        await read(new_client(stub))

    assert "a-token" not in f"{caught.value} {vars(caught.value)}"


async def test_a_logout_that_is_refused_leaks_nothing(
    new_stub: NewStub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub = await new_stub()
    stub.at[LOGOUT] = as_message
    async with FotaClient(
        CREDENTIALS, account=ACCOUNT, base_url=stub.base_url, logout_on_close=True
    ) as client:
        await read(client)

    assert "the session could not be ended" in caplog.text
    assert_clean(caplog.text, parts=True)


async def test_a_hook_that_raises_is_logged_without_secrets(
    new_stub: NewStub, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    def hook(event: object) -> None:
        raise RuntimeError(event)

    stub = await new_stub()
    await read(new_client(stub, on_event=hook))

    assert "the on_event hook raised" in caplog.text
    assert_clean(caplog.text)


async def test_an_error_holds_no_error_of_aiohttp(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(lambda _: b"SSH-2.0\r\n\r\n")
    with pytest.raises(CallError) as caught:
        await modify(new_client(stub))

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert not any(isinstance(value, aiohttp.ClientError) for value in vars(caught.value).values())


@pytest.mark.each_python
def test_nothing_shows_a_secret_in_its_repr() -> None:
    tokens = Tokens(BEARER, SESSION)
    shown = [
        CREDENTIALS,
        tokens,
        BearerToken(BEARER, "Bearer", 3600),
        SessionToken(SESSION),
        Request("GET", "/x", tokens.headers),
        Answer(200, {"X": BEARER}, SESSION.encode()),
        FotaClient(CREDENTIALS, account=ACCOUNT),
        SessionManager(CREDENTIALS),
    ]
    for thing in shown:
        assert_clean(f"{thing!r} {thing!s} {thing}")


async def test_no_device_is_named_in_what_is_kept_of_a_run(
    new_stub: NewStub, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [imei(490154203237518 + number) for number in range(4)]
    caplog.set_level(logging.INFO)

    def naming(status: int, code: str = f"X.{ids[0]}", **headers: str) -> bytes:
        body = {"errorCode": code, "errorMessage": f"Device {ids[0]} is not valid"}
        return reply(body, status, **headers)

    invalid = naming(400, "UnifiedWebService.REQUEST_FAILED.InvalidParameter")
    puts = in_turn(naming(429, Retry_After="0"), naming(500), invalid)
    stub = await new_stub(lambda seen: puts(seen) if seen.method == "PUT" else reply(upgrade()))
    events = Events()
    client = new_client(stub, on_event=events, retry=FAST)
    report = await client.v1.upgrades.append_devices(UPGRADE, ids, settle_delay=0.01)

    assert report.failed == 4
    assert any(ids[0] in outcome.reason for outcome in report)
    assert events.of(PauseEvent)
    assert {event.outcome for event in events.of(BatchEvent)} >= {"lost", "refused"}
    kept = f"{events} {caplog.text}"
    assert "429" in caplog.text
    assert [device for device in ids if device in kept] == []

"""A password reset: sent once, its answer kept, and no login with a password nobody is sure of."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import CREDENTIALS, LOGIN, Stub, drop, in_turn, never, reply
from simulator_api import RESET, until

from fota_async import (
    ConfigurationError,
    FotaClient,
    InvalidRequestError,
    LoginRefusedError,
    MisuseError,
    ThrottledError,
)

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

ENDED = reply({"errorCode": "X.REQUEST_FAILED.SessionToken.Expired", "errorMessage": ""}, 400)


async def test_the_next_login_has_the_new_password(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(ENDED, reply({"deviceList": []})))
    stub.at[RESET] = lambda _: reply({"NewPassword": "Wh0a1545a84d"})
    client = new_client(stub)
    new = await client.session.reset_password()
    assert new.new_password == "Wh0a1545a84d"
    assert "Wh0a" not in repr(new)

    await client.v2.devices.list()
    assert json.loads(stub.asked(RESET)[0].body) == {"oldPassword": CREDENTIALS.password}
    passwords = [json.loads(seen.body)["password"] for seen in stub.asked(LOGIN)]
    assert passwords == [CREDENTIALS.password, "Wh0a1545a84d"]


@pytest.mark.parametrize("trouble", [drop, reply(b"oops", 502), reply(b"")])
async def test_a_lost_answer_is_never_asked_for_again_and_ends_all_logins(
    trouble: Any, new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: ENDED)
    stub.at[RESET] = trouble if callable(trouble) else lambda _: trouble
    client = new_client(stub)
    with pytest.raises(Exception, match=r"connection broke|server failed|is not a NewPassword"):
        await client.session.reset_password()
    with pytest.raises(LoginRefusedError, match="password was reset"):
        await client.v2.devices.list()

    assert len(stub.asked(RESET)) == 1
    assert len(stub.asked(LOGIN)) == 1


async def test_a_reset_that_is_cut_off_ends_all_logins(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: ENDED)
    stub.at[RESET] = never
    client = new_client(stub)
    task = asyncio.create_task(client.session.reset_password())
    await until(lambda: bool(stub.asked(RESET)))
    with pytest.raises(MisuseError, match="under way"):
        await client.session.reset_password()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(LoginRefusedError):
        await client.v2.devices.list()


async def test_an_answer_of_another_shape_is_kept_whole(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[RESET] = lambda _: reply({"password": {"new": "Wh0a1545a84d"}})
    new = await new_client(stub).session.reset_password()

    assert new.new_password is None
    assert "Wh0a1545a84d" in new.answer
    assert "Wh0a1545a84d" not in repr(new)


async def test_a_refusal_changes_nothing_is_sent_once_and_shows_no_password(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(in_turn(ENDED, reply({"deviceList": []})))
    echo = {"errorCode": "X.Wrong", "errorMessage": f"not {CREDENTIALS.password}"}
    stub.at[RESET] = lambda _: reply(echo, 400)
    client = new_client(stub)
    with pytest.raises(InvalidRequestError) as caught:
        await client.session.reset_password()
    assert CREDENTIALS.password not in f"{caught.value} {caught.value.__dict__}"
    await client.v2.devices.list()

    assert len(stub.asked(RESET)) == 1
    assert len(stub.asked(LOGIN)) == 2


async def test_a_throttled_reset_is_not_tried_again(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[RESET] = lambda _: reply(b"", 429)
    with pytest.raises(ThrottledError):
        await new_client(stub).session.reset_password()

    assert len(stub.asked(RESET)) == 1


async def test_who_brings_tokens_brings_no_password(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    tokens: Any = object()
    client = new_client(stub, credentials=None, tokens=tokens)
    with pytest.raises(ConfigurationError):
        await client.session.reset_password()

    assert not stub.requests

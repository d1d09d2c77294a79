"""Who waits while one task fetches tokens: cancelled, closed, late."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from helpers import LOGIN, SESSION, TOKEN, Seen, Stub, in_turn, read, reply, upgrade

from fota_async import FotaClient, MisuseError

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]


class Gate:
    """A script that waits to be opened."""

    def __init__(self, answer: bytes) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._answer = answer

    async def __call__(self, _: Seen) -> bytes:
        self.reached.set()
        await self.open.wait()
        return self._answer


async def test_a_caller_cancelled_while_fetching_harms_nobody_else(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = gate = Gate(reply({"sessionToken": SESSION}))
    client = new_client(stub)
    first = asyncio.create_task(read(client))
    await gate.reached.wait()
    others = [asyncio.create_task(read(client)) for _ in range(20)]
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.open.set()

    assert [result.status for result in await asyncio.gather(*others)] == ["Queued"] * 20
    assert len(stub.asked(LOGIN)) == 1
    assert len(stub.asked(TOKEN)) == 1


async def test_a_login_outlives_everyone_who_wanted_it(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = gate = Gate(reply({"sessionToken": SESSION}))
    client = new_client(stub)
    first = asyncio.create_task(read(client))
    await gate.reached.wait()
    first.cancel()
    await asyncio.wait([first])
    gate.open.set()
    await read(client)

    assert len(stub.asked(LOGIN)) == 1


async def test_closing_while_tokens_are_fetched_tells_those_who_wait(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    stub.at[LOGIN] = gate = Gate(b"")
    client = new_client(stub)
    waiting = [asyncio.create_task(read(client)) for _ in range(5)]
    await gate.reached.wait()
    await client.aclose()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(result) for result in results} == {MisuseError}


EXPIRED = reply({"errorCode": "REQUEST_FAILED.SessionToken.Expired"}, 400)
REFUSED = reply({"fault": {"code": "900901", "message": "Invalid Credentials"}}, 401)


@pytest.mark.parametrize(("refusal", "path"), [(EXPIRED, LOGIN), (REFUSED, TOKEN)])
async def test_a_late_refusal_of_old_tokens_costs_the_new_ones_nothing(
    new_stub: NewStub, new_client: NewClient, refusal: bytes, path: str
) -> None:
    late = Gate(refusal)
    stub = await new_stub(in_turn(reply(upgrade()), late, refusal, reply(upgrade())))
    client = new_client(stub)
    await read(client)
    straggler = asyncio.create_task(read(client))
    await late.reached.wait()
    await read(client)  # refused, fetched anew, replayed
    late.open.set()
    await straggler

    assert len(stub.asked(path)) == 2

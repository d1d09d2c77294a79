"""One try on the wire: what is sent, how often, and what trouble there becomes."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from helpers import (
    ACCOUNT,
    BEARER,
    CREDENTIALS,
    FAST,
    ONCE,
    SESSION,
    UPGRADE,
    UPGRADE_PATH,
    Cut,
    Events,
    Seen,
    Stub,
    counts,
    in_turn,
    modify,
    never,
    read,
    reply,
    upgrade,
)

from fota_async import (
    AnswerTimeoutError,
    AnswerTooLargeError,
    CertificateError,
    ConnectionLostError,
    DeadlineError,
    DecodeError,
    FotaClient,
    LostError,
    NotSentError,
    RedirectError,
    RetryPolicy,
    transport,
)
from fota_async.events import RetryEvent
from fota_async.simulator import Faults, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

CALLS: dict[str, Callable[[FotaClient], Awaitable[Any]]] = {
    "GET": read,
    "PUT": modify,
    "DELETE": lambda client: client.v1.upgrades.cancel(UPGRADE),
}


@pytest.mark.each_python
@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_one_try_reaches_the_server_once_when_a_reused_connection_breaks(
    new_stub: NewStub, new_client: NewClient, method: str, said: bytes
) -> None:
    def applied_then_gone(_: Seen) -> bytes:
        raise Cut(said)

    stub = await new_stub(in_turn(reply(upgrade()), applied_then_gone))
    client = new_client(stub, retry=ONCE)
    await read(client)
    with pytest.raises(ConnectionLostError) as caught:
        await CALLS[method](client)

    assert caught.value.sent == "maybe"
    assert "the connection broke: " in str(caught.value)
    assert "_Dropped" not in str(caught.value)
    last = stub.asked()[1:]
    # On the connection of the calls before: the case in which aiohttp sends again by itself.
    assert [(seen.method, seen.place) for seen in last] == [(method, 4)]
    assert stub.connections == 1


@pytest.mark.each_python
async def test_an_append_whose_connection_breaks_arrives_once_whatever_the_retries(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    await read(client)
    sim.faults = Faults(drop_after=1.0)
    with pytest.raises(LostError):
        await modify(client)

    assert counts(sim)["v1_modify_upgrade"] == 1
    assert len(sim.members()) == 1


async def test_waiting_for_a_place_is_no_timeout(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim(faults=Faults(latency=0.1))
    client = new_client(sim, max_concurrency=4, timeout=0.5, retry=ONCE)
    results = await asyncio.gather(*(read(client) for _ in range(28)))

    # The last one waits 0.6 s for its place.
    assert [result.id for result in results] == [UPGRADE] * 28


async def test_waiting_for_a_connection_of_a_borrowed_pool_is_no_timeout(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=Faults(latency=0.1))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as http:
        client = new_client(sim, http=http, timeout=0.5, retry=ONCE)
        results = await asyncio.gather(*(read(client) for _ in range(28)))

    assert [result.id for result in results] == [UPGRADE] * 28


@pytest.mark.each_python
@pytest.mark.parametrize("call", [read, modify])
async def test_no_answer_in_time(new_stub: NewStub, new_client: NewClient, call: Any) -> None:
    stub = await new_stub(never)
    with pytest.raises(AnswerTimeoutError, match=r"0\.05 s \(timeout\)") as caught:
        await call(new_client(stub, timeout=0.05, retry=ONCE))

    assert caught.value.sent == "maybe"
    assert len(stub.asked()) == 1


@pytest.mark.each_python
async def test_a_refused_connection_is_tried_again_and_surely_not_sent(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    await stub.stop()
    events = Events()
    client = new_client(stub, on_event=events, retry=RetryPolicy(tries=4, base=0.001))
    with pytest.raises(NotSentError) as caught:
        await modify(client)

    assert caught.value.sent == "no"
    assert len(events.of(RetryEvent)) == 3


async def test_a_server_that_comes_back_is_reached(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub()
    await stub.stop()
    reopen: list[asyncio.Task[None]] = []

    def hook(event: Any) -> None:
        if type(event) is RetryEvent and not reopen:
            reopen.append(asyncio.create_task(stub.start()))

    client = new_client(stub, on_event=hook, retry=RetryPolicy(tries=50, base=0.01, cap=0.01))

    assert (await read(client)).id == UPGRADE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_the_tokens_stay(
    new_stub: NewStub, new_client: NewClient, status: int
) -> None:
    elsewhere = await new_stub()
    stub = await new_stub(lambda _: reply(b"", status, Location=elsewhere.base_url + UPGRADE_PATH))
    for call in (read, modify):
        with pytest.raises(RedirectError) as caught:
            await call(new_client(stub))
        assert caught.value.sent == "yes"

    assert elsewhere.requests == []
    assert len(stub.asked()) == 2


@pytest.mark.parametrize(
    ("coding", "squeeze"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
async def test_the_cap_counts_what_comes_out_of_the_decompression(
    new_stub: NewStub, new_client: NewClient, coding: str, squeeze: Callable[[bytes], bytes]
) -> None:
    bomb = squeeze(b" " * 20_000_000)
    stub = await new_stub(lambda _: reply(bomb, Content_Encoding=coding))
    with pytest.raises(AnswerTooLargeError, match="1000000 bytes") as caught:
        await modify(new_client(stub, max_answer_bytes=1_000_000))
    with pytest.raises(AnswerTooLargeError):
        await read(new_client(stub, max_answer_bytes=1_000_000))

    assert caught.value.sent == "maybe"
    # A read is not repeated either: it would be as large the next time.
    assert len(stub.asked()) == 2


async def test_a_compressed_answer_is_read(new_stub: NewStub, new_client: NewClient) -> None:
    body = gzip.compress(json.dumps(upgrade("000000000000001")).encode())
    stub = await new_stub(lambda _: reply(body, Content_Encoding="gzip"))

    assert (await read(new_client(stub))).device_list[0].device_id == "000000000000001"


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"this is not gzip", Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["no gzip", "no chunks", "no http", "no length"],
)
async def test_an_answer_that_is_no_http_is_a_lost_one(
    new_stub: NewStub, new_client: NewClient, answer: bytes
) -> None:
    stub = await new_stub(lambda _: answer)
    with pytest.raises(LostError) as caught:
        await modify(new_client(stub))

    assert caught.value.sent == "maybe"
    assert caught.value.route.startswith("PUT /api/fota/v1/upgrades/")


@pytest.mark.parametrize(
    "fault", ["html_body", "empty_body", "half_json", "wrong_shape", "null_list"]
)
async def test_an_unreadable_answer_names_its_route(
    new_sim: NewSim, new_client: NewClient, fault: str
) -> None:
    sim = await new_sim(faults=Faults(**{fault: 1.0}))
    with pytest.raises(DecodeError) as caught:
        await modify(new_client(sim))

    route = "PUT /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}"
    assert caught.value.route == route
    assert str(caught.value).startswith(f"{route}: the answer is not a DeviceAnswers: ")
    assert caught.value.sent == "maybe"
    assert caught.value.status == 200
    assert len(sim.members()) == 1


async def test_a_torn_answer_is_a_lost_one(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim(faults=Faults(torn_body=1.0))
    with pytest.raises(ConnectionLostError) as caught:
        await modify(new_client(sim))

    assert caught.value.sent == "maybe"


async def test_what_every_call_carries(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(in_turn(reply(upgrade()), reply({"deviceList": []})))
    client = new_client(stub)
    await read(client)
    await modify(client)
    got, put = stub.asked()

    for seen in (got, put):
        assert seen.path == UPGRADE_PATH
        assert seen.headers["authorization"] == f"Bearer {BEARER}"
        assert seen.headers["vz-m2m-token"] == SESSION
        assert seen.headers["accept"] == "application/json"
        assert seen.headers["user-agent"].startswith("fota_async/")
    assert put.headers["content-type"] == "application/json"
    assert got.body == b""
    assert "content-length" not in got.headers


async def test_a_deadline_ends_the_call_and_says_what_is_known(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(never)
    with pytest.raises(DeadlineError, match=r"0\.1 s \(deadline\)") as sent:
        await modify(new_client(stub, deadline=0.1))
    nobody = await new_stub()
    await nobody.stop()
    patient = RetryPolicy(tries=1000, base=0.01, cap=0.01)
    with pytest.raises((DeadlineError, NotSentError)) as unsent:
        await modify(new_client(nobody, deadline=0.1, retry=patient))

    assert sent.value.sent == "maybe"
    assert unsent.value.sent == "no"


async def test_a_server_without_tls_is_no_trusted_connection() -> None:
    connections = []

    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with FotaClient(CREDENTIALS, account=ACCOUNT, base_url=address, retry=FAST) as client:
            with pytest.raises(CertificateError) as caught:
                await read(client)

    assert caught.value.sent == "no"
    assert len(connections) == 1


_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_TRICKLES = {
    "body": (b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunk size": (_CHUNKED, b"0"),
    "chunk extension": (_CHUNKED + b"1;", b"a"),
    "trailer": (_CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"a"),
    "compressed": (
        b"Content-Encoding: deflate\r\n" + _CHUNKED + b"2\r\n\x78\x9c\r\n",
        b"5\r\n\x00\x00\x00\xff\xff\r\n",  # a block that holds nothing
    ),
}


class Trickling(Stub):
    """Never comes to the end of its answer.

    Args:
        headers: The last of them, and what follows at once.
        drop: What follows again and again.
    """

    def __init__(self, headers: bytes, drop: bytes) -> None:
        super().__init__()
        self._headers = headers
        self._drop = drop

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.path != UPGRADE_PATH:
            await super()._answer(seen, writer)
            return
        writer.write(b"HTTP/1.1 200 OK\r\n" + self._headers)
        while True:
            writer.write(self._drop)
            await writer.drain()
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("what", _TRICKLES)
@pytest.mark.parametrize("call", [read, modify])
async def test_an_answer_that_trickles_for_ever_comes_to_an_end(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, what: str, call: Any
) -> None:
    # Shorter than the silence that is accepted, which therefore cannot be what ends it.
    monkeypatch.setattr(transport, "_WHOLE", 0.25)
    async with Trickling(*_TRICKLES[what]) as stub:
        client = new_client(stub, timeout=1.0, retry=ONCE)
        with pytest.raises(AnswerTimeoutError, match="no end of the answer") as caught:
            async with asyncio.timeout(5):
                await call(client)
        await client.aclose()

    assert caught.value.sent == "maybe"
    assert len(stub.asked()) == 1

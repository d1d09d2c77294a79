"""Hostile input: what is answered, and that nothing of it is stored."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from callback_helpers import CREDENTIALS, FINISHED, post, receiver_at, states, talk

from fota_async.callbacks import VENDOR_ADDRESSES, CallbackReceiver, CallbackServer, serve
from fota_async.callbacks.intake import Message

pytestmark = pytest.mark.each_python

SMALL = {"max_bytes": 2000, "max_seconds": 0.3, "max_depth": 5}
BODY = json.dumps(FINISHED).encode()
VENDOR = VENDOR_ADDRESSES[0]
STRANGER = "127.0.0.2"
PROXY = "127.0.0.3"


@asynccontextmanager
async def mounted(receiver: CallbackReceiver) -> AsyncIterator[int]:
    """A service that has the receiver under /fota; its port."""
    app = web.Application()
    app.add_subapp("/fota", receiver.app())
    runner = web.AppRunner(app, lingering_time=0.1, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def strict_at(path: Path) -> CallbackReceiver:
    """A receiver that takes messages from 127.0.0.1, and the vendor's by a proxy at 127.0.0.3."""
    return receiver_at(
        path,
        options=SMALL,
        credentials=CREDENTIALS,
        allow=["127.0.0.1", *VENDOR_ADDRESSES],
        allow_loopback=False,
        trusted_proxies=[PROXY],
        versions=["v1", "v2"],
    )


def request(body: bytes = BODY, *headers: str, verb: str = "POST", path: str = "/fota/v1") -> bytes:
    head = [f"{verb} {path} HTTP/1.1", "Host: here", "Connection: close", *headers]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in headers):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def with_member(member: str) -> bytes:
    return BODY.replace(b"{", b"{" + member.encode() + b",", 1)


CHUNKED = "Transfer-Encoding: chunked"
WRONG: dict[str, tuple[bytes, str]] = {
    "another address": (request(), STRANGER),
    "another address that says it is the vendor": (
        request(BODY, f"X-Forwarded-For: {VENDOR}"),
        STRANGER,
    ),
    "a proxy's caller that says it is the vendor": (
        request(BODY, f"X-Forwarded-For: {VENDOR}, 8.8.8.8"),
        PROXY,
    ),
    "the same in two headers": (
        request(BODY, f"X-Forwarded-For: {VENDOR}", "X-Forwarded-For: 8.8.8.8"),
        PROXY,
    ),
    "the same with another header": (
        request(BODY, f"Forwarded: for={VENDOR}", f"X-Real-IP: {VENDOR}"),
        PROXY,
    ),
    "a proxy without a word about its caller": (request(), PROXY),
    "another address, before it sends the body": (
        request(b"", "Expect: 100-continue", "Content-Length: 200"),
        STRANGER,
    ),
    "a wrong password": (request(BODY.replace(b"example-only", b"example-0nly")), "127.0.0.1"),
    "a wrong user name": (request(BODY.replace(b'"listener"', b'"admin"')), "127.0.0.1"),
    "no credentials": (request(b'{"type": "upgradeFinished"}'), "127.0.0.1"),
    "credentials somewhere else": (request(b'{"data": ' + BODY + b"}"), "127.0.0.1"),
    "GET": (request(b"", verb="GET"), "127.0.0.1"),
    "PUT": (request(verb="PUT"), "127.0.0.1"),
    "DELETE": (request(b"", verb="DELETE"), "127.0.0.1"),
    "OPTIONS": (request(b"", verb="OPTIONS"), "127.0.0.1"),
    "a version that is not served": (request(path="/fota/v3"), "127.0.0.1"),
    "another path": (request(path="/fota/v1/x"), "127.0.0.1"),
    "no path": (request(path="/fota/"), "127.0.0.1"),
}
UNREADABLE: dict[str, tuple[bytes, int]] = {
    "10 MB": (request(b"x" * 10_000_000), 413),
    "10 MB in pieces": (
        request(b"989680\r\n" + b"x" * 10_000_000 + b"\r\n0\r\n\r\n", CHUNKED),
        413,
    ),
    "10 MB compressed": (request(gzip.compress(b" " * 10_000_000), "Content-Encoding: gzip"), 413),
    "more than it says": (request(b"{}", "Content-Length: 2001"), 413),
    "a body that never comes": (request(b"{", "Content-Length: 100"), 408),
    "a piece that never ends": (request(b"10\r\n{", CHUNKED), 408),
    "not compressed as it says": (request(BODY, "Content-Encoding: gzip"), 400),
    "nested deeply": (request(b'{"a":' * 6 + b"1" + b"}" * 6), 400),
    "nested to overflow": (request(b'{"a":' + b"[" * 1900), 400),
    "invalid UTF-8": (request(with_member('"a": "?"').replace(b"?", b"\xff")), 400),
    "UTF-16": (request(json.dumps(FINISHED).encode("utf-16")), 400),
    "a member twice": (request(with_member('"type": "firmwareList"')), 400),
    "a password twice": (request(with_member('"password": "x"')), 400),
    "NaN": (request(with_member('"a": NaN')), 400),
    "Infinity": (request(with_member('"a": -Infinity')), 400),
    "a number beyond all": (request(with_member('"a": 1e999')), 400),
    "no JSON": (request(b"<html>"), 400),
    "nothing": (request(b""), 400),
    "a list": (request(b"[" + BODY + b"]"), 400),
    "a text": (request(b'"upgradeFinished"'), 400),
}
UNKNOWN: dict[str, bytes] = {
    "an unknown type": with_member('"kind": 5').replace(b"upgradeFinished", b"upgradeLost"),
    "no type": BODY.replace(b'"type"', b'"kind"'),
    "members of another shape": BODY.replace(b"[]", b'"none"'),
    "nothing but credentials": b'{"username": "listener", "password": "example-only"}',
}


@pytest.mark.parametrize("name", WRONG)
async def test_every_wrong_caller_gets_the_same_answer_and_nothing_is_stored(
    tmp_path: Path, name: str
) -> None:
    sent, local = WRONG[name]
    store = tmp_path / "events.db"
    async with mounted(strict_at(store)) as port:
        answer = await talk(port, sent, local)

    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Date: ")]
    assert lines == [b"HTTP/1.1 404 Not Found", b"Content-Length: 0", b"Connection: close"]
    assert body == b""
    assert states(store) == {}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_is_no_message_is_turned_away_and_nothing_is_stored(
    tmp_path: Path, name: str
) -> None:
    sent, status = UNREADABLE[name]
    store = tmp_path / "events.db"
    async with mounted(strict_at(store)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            async with asyncio.timeout(5):
                answer = await reader.readuntil(b"\r\n\r\n")
        finally:
            writer.close()

    assert int(answer.split()[1]) == status
    assert b"Content-Length: 0\r\n" in answer
    assert b"aiohttp" not in answer
    assert states(store) == {}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_what_is_merely_unknown_is_stored(tmp_path: Path, name: str) -> None:
    store = tmp_path / "events.db"
    async with mounted(strict_at(store)) as port:
        answer = await talk(port, request(UNKNOWN[name]))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(states(store)) == 1


async def test_the_right_callers_are_heard(tmp_path: Path) -> None:
    store = tmp_path / "events.db"
    right = [
        (request(), "127.0.0.1"),
        (request(BODY, f"X-Forwarded-For: {VENDOR}"), PROXY),
        (request(BODY, f"X-Forwarded-For: 8.8.8.8, {VENDOR}"), PROXY),
        (request(BODY, "X-Forwarded-For: 8.8.8.8"), "127.0.0.1"),
        (request(BODY, "Content-Type: */*"), "127.0.0.1"),
        (request(gzip.compress(BODY), "Content-Encoding: gzip"), "127.0.0.1"),
        (request(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), CHUNKED), "127.0.0.1"),
        (request(b"{}", path="/fota/v2"), "127.0.0.1"),
    ]
    async with mounted(strict_at(store)) as port:
        for sent, local in right:
            assert (await talk(port, sent, local)).startswith(b"HTTP/1.1 200 OK\r\n")
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = request(b"", "Expect: 100-continue", f"Content-Length: {len(BODY)}")
            writer.write(head)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(BODY)
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
            writer.close()

    assert len(states(store)) == len(right) + 1


async def test_a_body_that_trickles_for_ever_ends(tmp_path: Path) -> None:
    store = tmp_path / "events.db"
    async with mounted(strict_at(store)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def trickle() -> None:
            writer.write(request(b"", CHUNKED))
            while True:
                writer.write(b"1\r\n \r\n")
                await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(5):
                answer = await reader.readuntil(b"\r\n\r\n")
        finally:
            trickling.cancel()
            writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert states(store) == {}


async def test_a_stranger_gets_not_a_byte_of_a_server_of_ours(tmp_path: Path) -> None:
    store = tmp_path / "events.db"
    async with serve(strict_at(store), port=0, path="fota") as server:
        for sent, local in WRONG.values():
            if local == STRANGER:
                assert await talk(server.port, sent, local) == b""
        assert (await talk(server.port, request())).startswith(b"HTTP/1.1 200 OK\r\n")

    assert len(states(store)) == 1


async def test_of_what_is_no_http_nothing_is_logged_or_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = tmp_path / "events.db"
    async with serve(strict_at(store), port=0) as server:
        for sent in (
            b"s3cr3t\r\n\r\n",
            request(b"s3cr3t\r\n\r\n", CHUNKED, path="/v1"),
            request(b"5\r\n{s3cr3t\r\n\r\n", CHUNKED, path="/v1"),
            request(verb="S3CR3T", path="/v1"),
        ):
            assert b" 400 Bad Request\r\n" in await talk(server.port, sent)

    assert "s3cr3t" not in caplog.text.lower()
    assert states(store) == {}


SECRET = "s3cr3t-of-the-listener"
SPOKEN: list[dict[str, Any]] = [
    {**FINISHED, "username": SECRET, "password": SECRET},
    {**FINISHED, "Password": SECRET, "data": {"USERNAME": [SECRET], "all": [{"password": SECRET}]}},
    {**FINISHED, "password": {"of": SECRET}},
]


@pytest.mark.parametrize("message", SPOKEN)
async def test_credentials_are_in_no_file_log_or_event_though_nobody_asked_for_them(
    tmp_path: Path,
    message: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    events, taken = [], []
    take = CallbackReceiver._take

    async def taking(self: CallbackReceiver, message: Message) -> None:
        taken.append(message)
        await take(self, message)

    monkeypatch.setattr(CallbackReceiver, "_take", taking)

    def fail(event: object) -> None:
        events.append(event)
        raise ValueError(event)

    receiver = receiver_at(tmp_path / "events.db", options={"tries": 1, "max_bytes": 5000})
    receiver.add_handler(fail)
    async with serve(receiver, port=0) as server:
        assert await send_all(server, message) == [200, 400, 400, 413]
        async with asyncio.timeout(10):
            while not events:  # noqa: ASYNC110 - the handler runs in a thread
                await asyncio.sleep(0.01)

    assert_nowhere_in(tmp_path)
    assert SECRET not in caplog.text
    assert len(taken) == 1
    assert SECRET not in repr(taken)
    assert SECRET not in repr(events)
    assert SECRET not in json.dumps(events[0].to_dict())


def assert_nowhere_in(folder: Path) -> None:
    files = [*folder.iterdir()]
    assert files
    for file in files:
        assert SECRET.encode() not in file.read_bytes()


async def send_all(server: CallbackServer, message: dict[str, Any]) -> list[int]:
    """Send a message as it should be, and in ways that make an error."""
    body = json.dumps(message).encode()
    return [
        await post(server, message),
        await post(server, body[:-1]),
        await post(server, body[:-1] + b"\xff}"),
        await post(server, body[:-1] + b" " * 5000 + b"}"),
    ]

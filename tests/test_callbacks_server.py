"""A receiver on a socket of its own, with TLS, and one inside a service."""

import asyncio
import gc
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from callback_helpers import FINISHED, Inbox, post, receiver_at, settled, states, talk

from fota_async import ConfigurationError, MisuseError, StoreError
from fota_async.callbacks import CallbackReceiver, CallbackServer, MessageState, serve
from fota_async.callbacks.store.store import Store

pytestmark = pytest.mark.each_python

HANDLED, WAITING = MessageState.HANDLED, MessageState.WAITING


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


class Files:
    """A certificate for localhost, and clients that know its authority."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate = folder / "fullchain.pem"
        self.key = folder / "privkey.pem"
        issued = self.authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(self.key)
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(self.certificate, append=number > 0)

    def client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def https(server: CallbackServer) -> str:
    return f"https://localhost:{server.port}/v1"


async def test_a_client_that_verifies_the_certificate_is_heard(store: Path, files: Files) -> None:
    receiver, inbox = receiver_at(store), Inbox()
    receiver.add_handler(inbox)
    async with (
        serve(receiver, port=0, certificate=files.certificate, key=files.key) as server,
        aiohttp.ClientSession() as http,
    ):
        assert server.url == f"https://127.0.0.1:{server.port}"
        async with http.post(https(server), json=FINISHED, ssl=files.client_context()) as answer:
            assert answer.status == 200
        (event,) = await inbox.wait(1)
        # One that does not know the authority turns away by itself.
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.post(https(server), json=FINISHED)
        # Neither plain HTTP nor noise harms anybody.
        assert not (await talk(server.port, b"POST /v1 HTTP/1.1\r\n\r\n")).startswith(b"HTTP")
        await talk(server.port, bytes(range(256)) * 10)
        async with http.post(https(server), json=FINISHED, ssl=files.client_context()) as answer:
            assert answer.status == 200

    assert event.type == "upgradeFinished"
    assert len(states(store)) == 2


async def test_a_context_of_the_callers_own(store: Path, files: Files) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    async with (
        serve(receiver_at(store), port=0, ssl_context=context) as server,
        aiohttp.ClientSession() as http,
        http.post(https(server), json=FINISHED, ssl=files.client_context()) as answer,
    ):
        assert answer.status == 200


def test_a_certificate_that_cannot_be_used_is_named(store: Path, files: Files) -> None:
    receiver = receiver_at(store)
    other = trustme.CA().issue_cert("localhost")
    other_key = files.key.with_name("other.pem")
    other.private_key_pem.write_to_path(other_key)

    for certificate, key in (
        ("nowhere.pem", None),
        (files.certificate, "nowhere.pem"),
        (files.certificate, other_key),
        (files.key, files.key),
    ):
        with pytest.raises(ConfigurationError, match=r"certificate .* cannot be used"):
            serve(receiver, certificate=certificate, key=key)
    with pytest.raises(ConfigurationError, match="a key needs its certificate"):
        serve(receiver, key=files.key)
    with pytest.raises(ConfigurationError, match="either ssl_context or certificate"):
        serve(receiver, certificate=files.certificate, ssl_context=files.client_context())


def test_without_tls_somebody_else_has_to_do_it(store: Path) -> None:
    with pytest.raises(ConfigurationError, match="ThingSpace sends to HTTPS only"):
        serve(CallbackReceiver(store))
    serve(CallbackReceiver(store, trusted_proxies=["10.0.0.1"]))
    serve(CallbackReceiver(store, allow_loopback=True))


async def test_a_service_mounts_it_beside_its_own(store: Path) -> None:
    receiver, inbox = receiver_at(store, versions=["v1"]), Inbox()
    receiver.add_handler(inbox)
    app = web.Application()

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app.router.add_get("/", hello)
    app.add_subapp("/hooks/fota", receiver.app())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as http:
            async with http.get(url) as answer:
                assert await answer.text() == "hello"
            for path, status in (("v1", 200), ("v2", 404), ("", 404)):
                async with http.post(f"{url}/hooks/fota/{path}", json=FINISHED) as answer:
                    assert answer.status == status
            async with http.post(f"{url}/nowhere") as answer:
                assert answer.status == 404
        (event,) = await inbox.wait(1)
        await settled(store, HANDLED)
    finally:
        await runner.cleanup()

    assert event.version == "v1"
    async with receiver_at(store):
        pass  # its lock was given up


async def test_a_path_can_come_before_the_versions(store: Path) -> None:
    async with serve(receiver_at(store), port=0, path="/hooks/8f3b/") as server:
        assert server.url == f"http://127.0.0.1:{server.port}/hooks/8f3b"
        assert await post(server, FINISHED) == 200
        assert await post(server, FINISHED, "v3") == 200
        for path in ("/v1", "/hooks/v1", "/hooks/8f3b/v4", "/hooks/8f3b/v1/"):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert (await talk(server.port, head.encode())).startswith(b"HTTP/1.1 404 ")


async def test_it_can_be_open_before_and_after_it_is_served(store: Path) -> None:
    async with receiver_at(store) as receiver:
        for _ in range(2):
            async with serve(receiver, port=0) as server:
                await post(server, FINISHED)
        assert (await receiver.counts())[WAITING] == 2
        async for event in receiver.events():
            assert event.id == 1
            break


async def test_it_serves_until_cancelled(store: Path) -> None:
    receiver = receiver_at(store)
    server = serve(receiver, port=0)

    async def serving() -> None:
        await server

    task = asyncio.create_task(serving())
    async with asyncio.timeout(5):
        while not server.port:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        while await status_of(server) != 200:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    with pytest.raises(MisuseError, match="serving already"):
        await server
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(aiohttp.ClientConnectorError):
        await post(server, FINISHED)
    assert set(states(store).values()) == {WAITING}


async def status_of(server: CallbackServer) -> int | None:
    try:
        return await post(server, FINISHED)
    except aiohttp.ClientConnectorError:
        return None


async def test_a_port_that_is_taken_is_named_and_the_store_let_go(store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            await serve(receiver_at(store), port=port)
    with pytest.raises(ConfigurationError, match="cannot listen on 'no such host'"):
        await serve(receiver_at(store), host="no such host", port=0)
    for number in (99999, -1, "443"):
        with pytest.raises(ConfigurationError, match="port must be a whole number"):
            serve(receiver_at(store), port=number)  # type: ignore[arg-type]  # as users may
    async with receiver_at(store):
        server = serve(receiver_at(store), port=0)
        with pytest.raises(StoreError, match="another receiver"):
            await server
    # Nothing listens, nothing is locked.
    async with serve(receiver_at(store), port=port) as server:
        assert await post(server, FINISHED) == 200


async def test_both_kinds_of_addresses(store: Path) -> None:
    if not socket.has_ipv6:
        return
    async with serve(receiver_at(store), host="::1", port=0) as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert await post(server, FINISHED) == 200
    if not socket.has_dualstack_ipv6():
        return
    async with serve(receiver_at(store), host="::", port=0) as server:
        for host in ("127.0.0.1", "[::1]"):
            async with (
                aiohttp.ClientSession() as http,
                http.post(f"http://{host}:{server.port}/v1", json=FINISHED) as answer,
            ):
                assert answer.status == 200


async def test_only_so_many_connections_are_served_at_once(store: Path) -> None:
    async with serve(receiver_at(store), port=0, max_connections=2) as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        waiting = asyncio.create_task(post(server, FINISHED))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        idle[0][1].close()
        async with asyncio.timeout(5):
            assert await waiting == 200
        idle[1][1].close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1 HTTP/1.1\r\nHost: x\r\nX-A:"])
async def test_a_connection_that_says_nothing_ends(
    store: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("fota_async.callbacks.server._IDLE_SECONDS", 0.2)
    async with serve(receiver_at(store), port=0) as server:
        assert await talk(server.port, sent) == b""


async def test_a_handshake_that_is_never_made_ends(
    store: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fota_async.callbacks.server._HANDSHAKE_SECONDS", 0.2)
    async with serve(
        receiver_at(store), port=0, certificate=files.certificate, key=files.key, max_connections=1
    ) as server:
        assert await talk(server.port, b"\x16\x03\x01") == b""
        # And at the end of the server.
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.close()
    gc.collect()


async def test_a_stop_lets_what_is_being_answered_end(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    write: Callable[..., Any] = Store.write

    def slow(self: Store, *rows: Any) -> Any:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.2), loop).result(5)
        return write(self, *rows)

    monkeypatch.setattr(Store, "write", slow)
    async with serve(receiver_at(store), port=0) as server:
        sending = asyncio.create_task(post(server, FINISHED))
        await begun.wait()

    assert await sending == 200
    assert len(states(store)) == 1


async def test_a_sender_that_leaves_in_the_middle_leaves_nothing(store: Path) -> None:
    body = json.dumps(FINISHED).encode()
    head = f"POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with serve(receiver_at(store), port=0) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head + body[:20])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)

    assert states(store) == {}

"""A corporate network: a forward proxy with a password, and TLS by an authority of its own."""

import asyncio
import base64
import contextlib
import ssl
from pathlib import Path
from typing import Self

import trustme

HOST = "thingspace.example"
"""Resolves nowhere: whoever reaches it came through the proxy."""


class CorporateNetwork:
    """A proxy that knows `https://thingspace.example`, TLS in front of a server on loopback.

    Args:
        port: Port of the server, which speaks plain HTTP.
        folder: Where the authority's certificate is written.
        name: Who may pass.
        password: And with what.
        by_tls: Whether the proxy itself is reached by TLS.

    Attributes:
        authority: File with the authority's certificate.
        tunnels: The targets of the CONNECT requests that were granted.
        refused: How many were not.
        answer: What every CONNECT request is answered with instead; None for what it deserves.
    """

    base_url = f"https://{HOST}"

    def __init__(
        self,
        port: int,
        folder: Path,
        *,
        name: str = "clerk",
        password: str = "proxy-secret",
        by_tls: bool = False,
    ) -> None:
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST, "127.0.0.1").configure_cert(self._tls)
        self._server_port = port
        self._by_tls = by_tls
        self._login = base64.b64encode(f"{name}:{password}".encode()).decode()
        self._name, self._password = name, password
        self.tunnels: list[str] = []
        self.refused = 0
        self.answer: int | None = None
        self._stack = contextlib.AsyncExitStack()
        self._serving: set[asyncio.Task[None]] = set()

    def proxy(self, *, password: str | None = None) -> str:
        """Return the address of the proxy, with a name and a password."""
        scheme = "https" if self._by_tls else "http"
        return f"{scheme}://{self._name}:{password or self._password}@127.0.0.1:{self._port}"

    def trust(self) -> ssl.SSLContext:
        """Return what trusts the authority, and the system's beside it."""
        trust = ssl.create_default_context()
        trust.load_verify_locations(self.authority)
        return trust

    async def __aenter__(self) -> Self:
        front = await self._listen(self._pass_on, self._tls)
        self._front_port = front.sockets[0].getsockname()[1]
        proxy = await self._listen(self._connect, self._tls if self._by_tls else None)
        self._port = proxy.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _listen(self, serve, tls: ssl.SSLContext | None) -> asyncio.Server:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._serving.add(task)
            # A task that ends by cancellation makes asyncio.streams complain on some Pythons.
            with contextlib.suppress(asyncio.CancelledError, OSError):
                try:
                    await serve(reader, writer)
                finally:
                    writer.close()
                    self._serving.discard(task)

        server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
        self._stack.callback(server.close)
        return server

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        verb, target, _ = head[0].split(" ")
        assert verb == "CONNECT", head[0]
        known = f"Proxy-Authorization: Basic {self._login}" in head
        refusal = self.answer or (None if known else 407)
        if refusal is not None:
            self.refused += 1
            said = "\r\n".join(head)  # an error page that repeats what it was told, as some do
            answer = f"HTTP/1.1 {refusal} No\r\nContent-Length: {len(said)}\r\n\r\n{said}"
            writer.write(answer.encode())
            await writer.drain()
            return
        assert target == f"{HOST}:443", target
        self.tunnels.append(target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join(reader, writer, self._front_port)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, self._server_port)


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.gather(_pump(reader, back), _pump(there, writer), return_exceptions=True)
    finally:
        back.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()

"""The server all clients are measured against, written to cost far less than any of them.

It speaks just enough HTTP/1.1 for that: keep-alive, bodies with a Content-Length, and an answer
to an append made by one ``bytes.replace`` over the ids of the request.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable

ACCOUNT = "0402196254-00001"
UPGRADE_ID = "60b5d639-ccdc-4db8-8824-069bd94c95bf"

ITEM = b'","status":"AddDeviceSucceed","Reason":"Device added Successfully"}'
NEXT = ITEM + b',{"deviceId":"'


class Tally:
    """What the server has done so far, so that its share and every client's work can be checked."""

    def __init__(self) -> None:
        self.requests = 0
        self.devices = 0

    def as_json(self) -> bytes:
        """Return the counts, and the CPU seconds this process has used."""
        return json.dumps({**vars(self), "cpu": time.process_time()}).encode()


def append_answer(path: bytes, body: bytes, tally: Tally) -> bytes:
    """Answer an append: every id of the body, in order, as added."""
    _, _, _, _, _, account, _, upgrade_id = path.split(b"/")
    ids = body[body.index(b"[") + 1 : body.rindex(b"]")].strip()
    # json.dumps writes a space after the comma, the faster encoders do not.
    separator = b'", "' if b'", "' in ids else b'","'
    tally.requests += 1
    tally.devices += ids.count(b'"') // 2
    return b'{"accountName":"%b","id":"%b","deviceList":[{"deviceId":%b}]}' % (
        account,
        upgrade_id,
        ids[:-1].replace(separator, NEXT) + ITEM[:-1],
    )


class Connection(asyncio.Protocol):
    """One client's connection; the append answers on it wait ``latency`` seconds."""

    def __init__(self, tally: Tally, latency: float) -> None:
        self._tally = tally
        self._latency = latency
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request as soon as it is complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end])
            body_start = end + 4
            body_end = body_start + content_length(head)
            if len(self._received) < body_end:
                return
            body = bytes(self._received[body_start:body_end])
            del self._received[:body_end]
            verb, path, _ = head.split(b" ", 2)
            self._answer(verb, path, body)

    def _answer(self, verb: bytes, path: bytes, body: bytes) -> None:
        latency = 0.0
        status = b"200 OK"
        match verb, path:
            case b"PUT", _ if path.startswith(b"/api/fota/v1/upgrades/"):
                latency = self._latency
                answer = append_answer(path, body, self._tally)
            case b"POST", b"/api/ts/v1/oauth2/token":
                answer = b'{"access_token":"bench","token_type":"Bearer","expires_in":3600}'
            case b"POST", b"/api/m2m/v1/session/login":
                answer = b'{"sessionToken":"%b"}' % str(uuid.uuid4()).encode()
            case b"GET", b"/tally":
                answer = self._tally.as_json()
            case _:
                status = b"404 Not Found"
                answer = b'{"errorCode":"UNKNOWN","errorMessage":"not a route of the benchmark"}'
        packet = (
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(answer), answer)
        )
        if latency:
            asyncio.get_running_loop().call_later(latency, self._send, packet)
        else:
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(packet)


def content_length(head: bytes) -> int:
    """Return the length of the body that follows ``head``."""
    lines = head.lower().split(b"\r\n")
    if b"transfer-encoding: chunked" in lines:
        raise ValueError("the benchmark's server reads no chunked bodies")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


async def serve(latencies: list[float]) -> None:
    """Listen on one port per latency, print the ports, and serve until stdin is closed.

    One process serves all latencies; tying its life to stdin means that it cannot outlive the
    process that started it.
    """
    loop = asyncio.get_running_loop()
    tally = Tally()
    ports: list[int] = []

    def factory(latency: float) -> Callable[[], Connection]:
        return lambda: Connection(tally, latency)

    for latency in latencies:
        server = await loop.create_server(factory(latency), "127.0.0.1", 0, backlog=256)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    stdin_closed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), stdin_closed.set)
    await stdin_closed.wait()


if __name__ == "__main__":
    asyncio.run(serve([float(latency) for latency in sys.argv[1:]]))

"""What several test files use: a stub server, routes' names, small data."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

import attrs
from simulator_api import imei

from fota_async import Credentials, FotaClient, RetryPolicy
from fota_async.api.upgrades import MODIFY_UPGRADE
from fota_async.events import Event
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Simulator

TOKEN, REVOKE = "/api/ts/v1/oauth2/token", "/api/ts/v1/oauth2/revoke"
LOGIN, LOGOUT = "/api/m2m/v1/session/login", "/api/m2m/v1/session/logout"
ACCOUNT, UPGRADE = Simulator.account, Simulator.upgrade_id
UPGRADE_PATH = f"/api/fota/v1/upgrades/{ACCOUNT}/upgrade/{UPGRADE}"

FAST = RetryPolicy(base=0.001, cap=0.002)
ONCE = RetryPolicy(tries=1)
CREDENTIALS = Credentials(
    key="the-application-key",
    secret="the-application-secret",
    username="zbeeblebrox",
    # JSON writes both of these in another way.
    password='pass"word\\of-the-user',
)
BEARER, SESSION = "bearer-d7bc43e9acc31aba9654fc5c", "session-bcce3ea6-fe4f-4952-bacf"


def credentials_of(sim: Simulator, **changes: str) -> Credentials:
    """Return what opens a simulator."""
    given = {name: getattr(sim, name) for name in ("key", "secret", "username", "password")}
    return Credentials(**(given | changes))


def modify(client: FotaClient, *ids: str, **options: Any) -> Coroutine[Any, Any, DeviceAnswers]:
    """Append devices in one bare call."""
    body = json.dumps({"type": "append", "deviceList": ids or [imei(1)]}).encode()
    values = {"account": client.account, "upgrade_id": UPGRADE}
    return client.session.call(MODIFY_UPGRADE, values, body=body, **options)


def read(client: FotaClient) -> Coroutine[Any, Any, Any]:
    """Read the simulator's upgrade."""
    return client.v1.upgrades.get(UPGRADE)


def counts(sim: Simulator) -> dict[str, int]:
    """Return how many requests of each route a simulator saw."""
    return {route: sum(said.values()) for route, said in sim.stats()["requests"].items()}


class Events(list[Event]):
    """A hook for `on_event=` that keeps what it was told."""

    __call__ = list.append

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self if type(event) is kind]


@attrs.frozen
class Seen:
    """A request as it arrived; `place` is its number on its connection, from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    place: int


class Cut(Exception):  # noqa: N818 - what a script tells the stub to do
    """Close the connection after these bytes."""


Script = Callable[[Seen], "bytes | Awaitable[bytes]"]


def reply(body: object = b"", status: int = 200, **headers: str) -> bytes:
    """Return an answer's bytes; anything but bytes becomes JSON, `_` in a name becomes `-`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def upgrade(*ids: str) -> dict[str, Any]:
    """Return the document of an upgrade with these devices."""
    rows = [{"deviceId": i, "status": "Device Accepted", "resultReason": "success"} for i in ids]
    return {"id": UPGRADE, "status": "Queued", "deviceList": rows}


async def never(_: Seen) -> bytes:
    """Give no answer."""
    return await asyncio.get_running_loop().create_future()


class Stub:
    """A server that says what a script tells it to, and keeps what it was asked.

    Tokens and logins are served unless the script's table has their path.

    Args:
        script: Answers every FOTA request; by default with an empty upgrade.

    Attributes:
        requests: What was asked, in order.
        at: Scripts of other paths.
    """

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or (lambda _: reply(upgrade()))
        self.at: dict[str, Script] = {
            TOKEN: lambda _: reply({"access_token": BEARER, "token_type": "Bearer"}),
            REVOKE: lambda _: reply(),
            LOGIN: lambda _: reply({"sessionToken": SESSION}),
            LOGOUT: lambda _: reply({"sessionToken": SESSION}),
        }
        self.requests: list[Seen] = []
        self.connections = 0
        self._port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def asked(self, path: str | None = None) -> list[Seen]:
        """Return the requests for a path; by default those of Software Management."""
        return [
            seen
            for seen in self.requests
            if (seen.path == path if path else "/api/fota/" in seen.path)
        ]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        place = 0
        # A task that ends by cancellation makes asyncio.streams complain on some Pythons.
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            try:
                while (seen := await self._read(reader, place + 1)) is not None:
                    place += 1
                    await self._answer(seen, writer)
                    await writer.drain()
            except Cut as cut:
                writer.write(b"".join(cut.args))
                await writer.drain()
            finally:
                writer.close()
                self._serving.discard(task)

    async def _read(self, reader: asyncio.StreamReader, place: int) -> Seen | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        seen = Seen(method, path, headers, body, place)
        self.requests.append(seen)
        return seen

    async def _answer(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        said = self.at.get(seen.path, self.script)(seen)
        answer = said if isinstance(said, bytes) else await said
        writer.write(answer)
        if b"connection: close\r\n" in answer.lower():
            raise Cut


def drop(_: Seen) -> bytes:
    """Close the connection without an answer."""
    raise Cut


def in_turn(*scripts: "bytes | Script") -> Script:
    """Return a script that answers each request by the next of `scripts`, then by the last."""
    left = list(scripts)

    def script(seen: Seen) -> "bytes | Awaitable[bytes]":
        following = left.pop(0) if len(left) > 1 else left[0]
        return following if isinstance(following, bytes) else following(seen)

    return script

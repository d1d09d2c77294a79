"""A bare caller of the simulator, for its own tests: aiohttp and nothing of ours."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
import attrs

from fota_async.simulator import Simulator

TOKEN = "/api/ts/v1/oauth2/token"
REVOKE = "/api/ts/v1/oauth2/revoke"
LOGIN = "/api/m2m/v1/session/login"
LOGOUT = "/api/m2m/v1/session/logout"
RESET = "/api/m2m/v1/session/password/actions/reset"
GRANT = {"grant_type": "client_credentials"}


def imei(number: int) -> str:
    """Return a device id."""
    return f"{number:015d}"


async def until(condition: Callable[[], bool]) -> None:
    """Let the server run until `condition` holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for signals nothing
            await asyncio.sleep(0)


@attrs.frozen
class Seen:
    """An answer that was read to its end."""

    status: int
    body: bytes
    content_type: str
    headers: Any
    document: Any

    @property
    def code(self) -> str:
        """The error code, whatever the shape."""
        if "fault" in self.document:
            return self.document["fault"]["code"]
        return self.document.get("errorCode") or self.document["error"]

    @property
    def items(self) -> dict[str, str]:
        """The status of each device of the answer."""
        return {item["deviceId"]: item["status"] for item in self.document["deviceList"]}


class Api:
    """Calls a simulator, each call on a connection of its own.

    aiohttp repeats a PUT by itself when a kept connection drops, which would hide what is
    tested here.
    """

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.headers: dict[str, str] = {}
        self._http = aiohttp.ClientSession(
            sim.base_url, connector=aiohttp.TCPConnector(force_close=True, limit=0)
        )
        # No public switch turns the repetition off.
        self._http._retry_connection = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    @property
    def upgrade(self) -> str:
        return self.path_of(self.sim.upgrade_id)

    def path_of(self, upgrade_id: str) -> str:
        return f"/api/fota/v1/upgrades/{self.sim.account}/upgrade/{upgrade_id}"

    @property
    def callback(self) -> str:
        return f"/api/fota/v2/callbacks/{self.sim.account}"

    @property
    def basic(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.sim.key, self.sim.secret)}

    async def call(self, method: str, path: str, **options: Any) -> Seen:
        options.setdefault("headers", self.headers)
        async with self._http.request(method, path, allow_redirects=False, **options) as answer:
            body = await answer.read()
            try:
                document = await answer.json() if body else None
            except ValueError:
                document = None
            except aiohttp.ContentTypeError:
                document = None
            return Seen(answer.status, body, answer.content_type, answer.headers, document)

    async def token(self) -> Seen:
        return await self.call("POST", TOKEN, headers=self.basic, data=GRANT)

    async def login(self, password: str | None = None) -> Seen:
        body = {"username": self.sim.username, "password": password or self.sim.password}
        headers = {"Authorization": self.headers["Authorization"]}
        return await self.call("POST", LOGIN, headers=headers, json=body)

    async def enter(self) -> None:
        """Get both tokens and send them from now on."""
        bearer = (await self.token()).document["access_token"]
        self.headers = {"Authorization": f"Bearer {bearer}"}
        self.headers["VZ-M2M-Token"] = (await self.login()).document["sessionToken"]

    async def modify(self, kind: str, *ids: str, path: str | None = None) -> Seen:
        return await self.call("PUT", path or self.upgrade, json={"type": kind, "deviceList": ids})

    async def append(self, *ids: str) -> Seen:
        return await self.modify("append", *ids)

    async def remove(self, *ids: str) -> Seen:
        return await self.modify("remove", *ids)

    async def read(self) -> Seen:
        return await self.call("GET", self.upgrade)

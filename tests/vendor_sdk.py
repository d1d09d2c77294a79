"""The vendor's blocking SDK, pointed at a simulator."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from verizon.configuration import Configuration, Server
from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials
from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials
from verizon.models.log_in_request import LogInRequest
from verizon.verizon_client import VerizonClient

from fota_async.simulator import Simulator


class SimulatorConfiguration(Configuration):
    """The SDK's production paths on the simulator's host."""

    simulator_url: str

    def get_base_uri(self, server: Server = Server.THINGSPACE) -> str:
        return self.simulator_url + urlsplit(super().get_base_uri(server)).path


class Sdk:
    """The blocking SDK, each call in a thread."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self.client = self._build(session=None)

    async def log_in(self) -> None:
        body = LogInRequest(self._sim.username, self._sim.password)
        manager = self.client.session_management
        result = await self(manager.start_connectivity_management_session, body)
        self.client = self._build(session=result.session_token)

    async def __call__(self, method: Callable[..., Any], *arguments: Any) -> Any:
        return (await asyncio.to_thread(method, *arguments)).body

    def _build(self, session: str | None) -> VerizonClient:
        configuration = SimulatorConfiguration(
            thingspace_oauth_credentials=ThingspaceOauthCredentials(
                self._sim.key, self._sim.secret
            ),
            vz_m2m_token_credentials=VZM2mTokenCredentials(session) if session else None,
        )
        configuration.simulator_url = self._sim.base_url
        return VerizonClient(config=configuration)

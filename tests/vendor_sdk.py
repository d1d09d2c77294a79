"""The vendor's SDK, pointed at a simulator, and what it can do, by introspection."""

import asyncio
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import attrs
import verizon.controllers
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
        return (await self.ask(method, *arguments)).body

    async def ask(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Return the whole answer."""
        return await asyncio.to_thread(method, *arguments, **named)

    def _build(self, session: str | None) -> VerizonClient:
        configuration = SimulatorConfiguration(
            thingspace_oauth_credentials=ThingspaceOauthCredentials(
                self._sim.key, self._sim.secret
            ),
            vz_m2m_token_credentials=VZM2mTokenCredentials(session) if session else None,
        )
        configuration.simulator_url = self._sim.base_url
        return VerizonClient(config=configuration)


@attrs.frozen
class Method:
    """A method of the SDK, and what its source says of the request it makes."""

    controller: str
    name: str
    version: str
    verb: str
    path: str
    body: str | None

    @classmethod
    def of(cls, controller: str, function: Any) -> "Method | None":
        """Return the method if it is one of Software Management."""
        source = inspect.getsource(function)
        server = re.search(r"Server\.SOFTWARE_MANAGEMENT_(V\d)", source)
        if server is None:
            return None
        said = {
            what: re.search(pattern, source)
            for what, pattern in (
                ("verb", r"HttpMethodEnum\.(\w+)"),
                ("path", r'\.path\("([^"]+)"\)'),
                ("body", r"body \((\w+)\):"),
            )
        }
        verb, path, body = (found and found[1] for found in said.values())
        assert verb
        assert path
        return cls(controller, function.__name__, server[1].lower(), verb, path, body)

    def __str__(self) -> str:
        return f"{self.controller}.{self.name}"


def _software_management() -> Iterator[Method]:
    for module in pkgutil.iter_modules(verizon.controllers.__path__):
        loaded = importlib.import_module(f"verizon.controllers.{module.name}")
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            if kind.__module__ == loaded.__name__:
                for name, function in inspect.getmembers(kind, inspect.isfunction):
                    controller = module.name.removesuffix("_controller")
                    found = None if name.startswith("_") else Method.of(controller, function)
                    if found is not None:
                        yield found


METHODS = list(_software_management())
"""Every method of the SDK that calls Software Management."""

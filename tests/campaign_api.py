"""The campaign calls of a simulator, by a bare HTTP client, and the contract they are held to."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import yaml
from simulator_api import Api, Seen


@attrs.frozen
class CampaignApi:
    """Calls about one campaign of a simulator."""

    api: Api
    version: str
    id: str

    @property
    def path(self) -> str:
        return f"/api/fota/{self.version}/campaigns/{self.api.sim.account}/{self.id}"

    @property
    def modify_path(self) -> str:
        # Only v3 has the kind of campaign in these paths.
        kind = "/campaigns/firmware/" if self.version == "v3" else "/campaigns/"
        return self.path.replace("/campaigns/", kind)

    @property
    def report_path(self) -> str:
        account = self.api.sim.account
        return f"/api/fota/{self.version}/reports/{account}/campaigns/{self.id}/devices"

    async def get(self) -> Seen:
        return await self.api.call("GET", self.path)

    async def send(self, body: Any) -> Seen:
        return await self.api.call("PUT", self.modify_path, json=body)

    async def append(self, *ids: str) -> Seen:
        return await self.send({"Type": "append", "deviceList": ids})

    async def remove(self, *ids: str) -> Seen:
        return await self.send({"Type": "remove", "deviceList": ids})

    async def change_dates(self, **body: Any) -> Seen:
        return await self.api.call("PUT", f"{self.modify_path}/dates", json=body)

    async def cancel(self) -> Seen:
        return await self.api.call("DELETE", self.path)

    async def page(self, after: str = "0") -> Seen:
        return await self.api.call("GET", f"{self.report_path}?lastSeenDeviceId={after}")

    async def statuses(self) -> dict[str, str]:
        """Return the status of each device on the first page."""
        return (await self.page()).items


@cache
def contract() -> Any:
    text = (Path(__file__).parent / "wire" / "openapi.yaml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def operation(name: str) -> tuple[str, str, Any]:
    """Return verb, path and content of an operation."""
    for path, verbs in contract()["paths"].items():
        for verb, content in verbs.items():
            if content["operationId"] == name:
                return verb.upper(), path, content
    raise KeyError(name)


def request_examples(name: str) -> dict[str, Any]:
    """Return the bodies that the contract shows for an operation, by title."""
    content = operation(name)[2]["requestBody"]["content"]["application/json"]
    return {title: example["value"] for title, example in content["examples"].items()}


def assert_documented(name: str, document: Any) -> None:
    """Every member of an answer is in the contract, and every required one is there."""
    answer = operation(name)[2]["responses"]["200"]["content"]["application/json"]
    _assert_fits(answer["schema"], document, name)


def _assert_fits(schema: Any, value: Any, at: str) -> None:
    while "$ref" in schema:
        schema = contract()["components"]["schemas"][schema["$ref"].rsplit("/")[-1]]
    if isinstance(value, dict):
        properties = schema["properties"]
        assert value.keys() <= properties.keys(), at
        assert value.keys() >= set(schema.get("required", ())), at
        for member, inner in value.items():
            _assert_fits(properties[member], inner, f"{at}.{member}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _assert_fits(schema["items"], inner, f"{at}[{place}]")
    else:
        kinds = {"string": str, "integer": int, "boolean": bool}
        named = schema.get("type", ["integer", "string"])
        names = [named] if isinstance(named, str) else named
        assert isinstance(value, tuple(kinds[one] for one in names)), at
        assert re.fullmatch(schema.get("pattern", ".*"), str(value)), at

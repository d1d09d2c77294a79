"""The simulator against `openapi.yaml`: the examples of requests, and what they are told."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from simulator_api import Api

from fota_async.clock import ManualClock
from fota_async.simulator import ROUTES, Rules, Simulator
from fota_async.simulator.spelling import ODD

ACCOUNT_ROUTES = [
    route
    for route in ROUTES
    if route.path.split("/")[4]
    in {
        "callbacks",
        "devices",
        "files",
        "firmware",
        "licenses",
        "logging",
        "software",
        "subscriptions",
    }
    and "/campaigns/" not in route.path
]
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}

ONLY_EMPTY_LISTS_DIFFER = {"v1_list_devices"}


@cache
def document() -> Any:
    text = (Path(__file__).parent / "wire" / "openapi.yaml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def operation_of(route: Any) -> Any:
    return document()["paths"][route.path][route.method.lower()]


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def faults(value: Any, schema: Any, at: str = "$") -> list[str]:
    """Return what is wrong with `value`, members that nobody documented among it."""
    schema = resolved(schema)
    if "anyOf" in schema:
        found = [faults(value, choice, at) for choice in schema["anyOf"]]
        return [] if [] in found else found[0]
    if value is None and schema["type"] == "array":
        return []  # section 7 of the contract's text
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return [f"{at} is no {' or '.join(kinds)}"]
    if isinstance(value, list):
        return [f for item in value for f in faults(item, schema["items"], f"{at}[]")]
    if not isinstance(value, dict):
        return []
    known = schema["properties"] | {
        alias: schema["properties"][name]
        for name, aliases in schema.get("x-wire-aliases", {}).items()
        for alias in aliases
    }
    same = {
        alias: name
        for name, aliases in schema.get("x-wire-aliases", {}).items()
        for alias in aliases
    }
    given = {same.get(name, name) for name in value}
    return [
        *(f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in given),
        *(f"{at}.{name} is not documented" for name in value if name not in known),
        *(
            fault
            for name, inner in value.items()
            if name in known
            for fault in faults(inner, known[name], f"{at}.{name}")
        ),
    ]


def members(value: Any, at: str = "$") -> set[str]:
    """Return the paths of all members."""
    if isinstance(value, dict):
        inner = [members(item, f"{at}.{name}") for name, item in value.items()]
        return {f"{at}.{name}" for name in value}.union(*inner)
    if isinstance(value, list):
        return set().union(*(members(item, f"{at}[]") for item in value))
    return set()


def first_example(content: Any) -> Any:
    (media,) = content.values()
    return next(iter(media["examples"].values()))["value"]


async def ask(api: Api, route: Any) -> Any:
    """Send the example of a request."""
    operation = operation_of(route)
    parameters = operation.get("parameters", ())
    given = {p["name"]: p["example"] for p in parameters} | {"account": api.sim.account}
    path = route.path.format(**given)
    query = {p["name"]: given[p["name"]] for p in parameters if p["in"] == "query"}
    body: dict[str, Any] = {}
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        example = first_example(content)
        if "application/json" in content:
            body = {"json": example}
        else:
            form = aiohttp.FormData()
            for name, value in example.items():
                form.add_field(name, value, filename="x.txt" if name == "fileupload" else None)
            body = {"data": form}
    return await api.call(route.method, path, params=query, **body)


async def prepare(api: Api, sim: Simulator, clock: ManualClock) -> None:
    """Let every list hold something."""
    devices = ["990003425730535", "356938035643809", "900000000000001"]
    sim.license(devices)
    for route in ROUTES:
        if route.name in {
            "v1_register_callback",
            "v2_register_callback",
            "v3_register_callback",
            "v2_enable_logging",
            "v2_set_cancel_candidates",
        }:
            assert (await ask(api, route)).status == 200
    # Logs can be read a day later.
    clock.turn(3 * 86_400)
    await api.enter()


def test_there_are_accounts_to_ask_about() -> None:
    assert len(ACCOUNT_ROUTES) == 47


@pytest.mark.parametrize("route", ACCOUNT_ROUTES, ids=lambda route: route.name)
async def test_the_example_of_a_request_is_answered_as_documented(
    api: Api, sim: Simulator, clock: ManualClock, route: Any
) -> None:
    await prepare(api, sim, clock)
    answer = await ask(api, route)
    assert answer.status == 200, answer.document

    documented = operation_of(route)["responses"]["200"]
    if "content" not in documented:
        assert answer.body == b""
        return
    (media,) = documented["content"].values()
    assert faults(answer.document, media["schema"]) == []
    example = first_example(documented["content"])
    assert members(example) - members(answer.document) == set(), json.dumps(answer.document)


@pytest.mark.parametrize("route", ACCOUNT_ROUTES, ids=lambda route: route.name)
async def test_the_odd_spelling_is_among_the_known_ones(
    api: Api, sim: Simulator, clock: ManualClock, route: Any
) -> None:
    await prepare(api, sim, clock)
    usual = await ask(api, route)
    sim.rules = Rules(spelling="odd")
    odd = await ask(api, route)

    if route.name in ODD.keys() - ONLY_EMPTY_LISTS_DIFFER:
        assert odd.body != usual.body
    documented = operation_of(route)["responses"]["200"]
    if "content" in documented:
        (media,) = documented["content"].values()
        assert faults(odd.document, media["schema"]) == []
    else:
        assert odd.document == {"success": True}

"""Client against `openapi.yaml`: paths, request examples, answer examples.

The simulator is held against the same document in `test_simulator.py`, so the two cannot agree on
a mistake.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from aioresponses import aioresponses
from helpers import REVOKE
from multidict import CIMultiDict
from yarl import URL

import fota_async.api
from fota_async import Callback, CallError, Credentials, FirmwareUpgrade, FotaClient, auth
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.success import SuccessFlag
from fota_async.models.upgrade_rows import UpgradeRows, read_rows
from fota_async.wire.decode import decode, read_body
from fota_async.wire.route import Route

HOST = "https://thingspace.verizon.com"
UNDOCUMENTED = {
    # The contract's text describes revocation; its OpenAPI file has no operation for it.
    f"POST {REVOKE}",
}


@cache
def document() -> Any:
    text = (Path(__file__).parent / "wire" / "openapi.yaml").read_text()
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def nameless(path: str) -> str:
    """Return a path template without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def operations() -> dict[str, Any]:
    return {
        f"{verb.upper()} {nameless(path)}": operation
        for path, verbs in document()["paths"].items()
        for verb, operation in verbs.items()
    }


def routes_of(module: Any) -> list[Any]:
    return [value for value in vars(module).values() if isinstance(value, Route)]


def every_route() -> list[Route[Any]]:
    modules = [
        importlib.import_module(f"fota_async.api.{module.name}")
        for module in pkgutil.iter_modules(fota_async.api.__path__)
    ]
    return [route for module in [auth, *modules] for route in routes_of(module)]


DOCUMENTED = [route for route in every_route() if route.name not in UNDOCUMENTED]


def operation_of(route: Route[Any]) -> Any:
    return operations()[f"{route.method} {nameless(route.path)}"]


def examples(content: Any) -> list[tuple[str, Any]]:
    return [
        (name, example["value"])
        for media in content.values()
        for name, example in media.get("examples", {}).items()
    ]


def test_the_routes_are_found() -> None:
    assert len(every_route()) >= 12
    assert {route.name for route in every_route()} >= UNDOCUMENTED


@pytest.mark.each_python
@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_every_route_is_in_the_contract(route: Route[Any]) -> None:
    assert f"{route.method} {nameless(route.path)}" in operations()


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_every_example_of_an_answer_is_read(route: Route[Any]) -> None:
    good = [
        (name, value)
        for status, response in operation_of(route)["responses"].items()
        if status.startswith("2")
        for name, value in examples(response["content"])
    ]
    assert good
    for _, value in good:
        body = json.dumps(value).encode()
        if route.result is UpgradeRows:
            assert_rows_are_read(body, value)
            continue
        decode(route, 200, CIMultiDict(), body)
        result = read_body(body, route.result)  # also where `decode` says "nothing there"
        assert_says_the_same(result, value)


def assert_rows_are_read(body: bytes, value: Any) -> None:
    """The reader of a large upgrade sees what is there."""
    wanted = {row["deviceId"] for row in value["deviceList"]}

    def whole() -> Iterator[Any]:
        yield (yield from read_rows(body, wanted))

    *_, result = whole()
    assert result.status == value["status"]
    assert set(result.rows) == wanted


def assert_says_the_same(result: Any, value: Any) -> None:
    """Nothing that the models know of is lost."""
    match result:
        case DeviceAnswers():
            items = value["deviceList"]
            assert result.ids == [item["deviceId"] for item in items]
            assert result.statuses == [item["status"] for item in items]
            reasons = [item.get("Reason", item.get("resultReason")) for item in items]
            assert result.reasons == reasons
        case FirmwareUpgrade():
            assert (result.id, result.account_name) == (value["id"], value["accountName"])
            assert (result.firmware_name, result.firmware_to) == (
                value["firmwareName"],
                value["firmwareTo"],
            )
            assert (result.start_date, result.end_date) == (
                value["startDate"],
                value.get("endDate"),
            )
            assert result.status == value["status"]
            rows = [(row.device_id, row.status, row.reason) for row in result.device_list]
            assert rows == [
                (row["deviceId"], row.get("status"), row.get("resultReason"))
                for row in value["deviceList"]
            ]
        case Callback():
            assert result.url == value["url"]
        case SuccessFlag():
            assert result.success is value["success"]
        case auth.BearerToken():
            assert (result.access_token, result.expires_in) == (
                value["access_token"],
                value["expires_in"],
            )
        case auth.SessionToken():
            assert result.session_token == value["sessionToken"]
        case _:
            pytest.fail(f"this test knows no {type(result).__name__}")


@pytest.mark.parametrize("name", ["BadRequest", "Unauthorized", "OAuthBadRequest", "Unexpected"])
def test_every_example_of_an_error_is_explained(name: str) -> None:
    response = document()["components"]["responses"][name]
    for title, value in examples(response.get("content", {})):
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        with pytest.raises(CallError) as caught:
            decode(DOCUMENTED[0], 400, CIMultiDict(), body)
        assert caught.value.code, title
        assert caught.value.text, title


Call = Callable[[FotaClient, Any, dict[str, str]], Awaitable[Any]]


def upgrade_id(values: dict[str, str]) -> str:
    return values.setdefault("upgradeId", "60b5d639-ccdc-4db8-8824-069bd94c95bf")


async def schedule(client: FotaClient, body: Any, _: dict[str, str]) -> Any:
    return await client.v1.upgrades.schedule(
        body["firmwareName"],
        body["firmwareTo"],
        body["deviceList"],
        start_date=date.fromisoformat(body["startDate"]),
        end_date=date.fromisoformat(body["endDate"]),
    )


async def modify(client: FotaClient, body: Any, values: dict[str, str]) -> Any:
    upgrades = client.v1.upgrades
    change = {"append": upgrades.append_devices, "remove": upgrades.remove_devices}[body["type"]]
    return await change(upgrade_id(values), body["deviceList"])


METHODS: dict[str, Call] = {
    "v1_schedule_upgrade": schedule,
    "v1_get_upgrade": lambda client, _, values: client.v1.upgrades.get(upgrade_id(values)),
    "v1_modify_upgrade": modify,
    "v1_cancel_upgrade": lambda client, _, values: client.v1.upgrades.cancel(upgrade_id(values)),
    "v2_get_callback": lambda client, _, __: client.v2.callbacks.get(),
    "v2_register_callback": lambda client, body, _: client.v2.callbacks.register(body["url"]),
    "v2_modify_callback": lambda client, body, _: client.v2.callbacks.modify(body["url"]),
    "v2_deregister_callback": lambda client, _, __: client.v2.callbacks.deregister(),
}

FOTA = [
    route
    for route in {route.name: route for route in DOCUMENTED}.values()
    if route.path.startswith("/api/fota/")
]
REQUESTS = [
    pytest.param(route, body, id=f"{operation_of(route)['operationId']}-{name}")
    for route in FOTA
    for name, body in examples(operation_of(route).get("requestBody", {}).get("content", {}))
    or [("no body", None)]
]


def test_every_route_has_a_method_here() -> None:
    assert {operation_of(route)["operationId"] for route in FOTA} == set(METHODS)


@pytest.mark.each_python
@pytest.mark.parametrize(("route", "body"), REQUESTS)
async def test_the_example_of_a_request_is_what_our_method_sends(
    route: Route[Any], body: Any
) -> None:
    operation = operation_of(route)
    path = next(p for p in document()["paths"] if nameless(p) == nameless(route.path))
    account = (body or {}).get("accountName", "0402196254-00001")
    values = {"account": account}
    upgrade_id(values)
    url = URL(HOST + path.format_map(values))
    answer = examples(operation["responses"]["200"]["content"])[0][1]
    if body and body.get("type"):
        answer = {
            "deviceList": [
                {"deviceId": i, "status": "AddDeviceSucceed", "Reason": ""}
                for i in body["deviceList"]
            ]
        }
    with aioresponses() as mocked:
        token = operations()["POST /api/ts/v1/oauth2/token"]
        login = operations()["POST /api/m2m/v1/session/login"]
        for operation_, address in ((token, auth.FETCH_BEARER), (login, auth.LOGIN)):
            said = examples(operation_["responses"]["200"]["content"])[0][1]
            mocked.post(HOST + address.path, payload=said)
        mocked.add(url, route.method, payload=answer, repeat=True)
        user = examples(login["requestBody"]["content"])[0][1]
        credentials = Credentials("k", "s", user["username"], user["password"])
        async with FotaClient(credentials, account=account) as client:
            await METHODS[operation["operationId"]](client, body, values)

        (sent,) = mocked.requests[(route.method, url)]
        (fetched,) = mocked.requests[("POST", URL(HOST + auth.FETCH_BEARER.path))]
        (logged_in,) = mocked.requests[("POST", URL(HOST + auth.LOGIN.path))]

    content = sent.kwargs["data"]
    assert (None if content is None else json.loads(content.decode())) == body
    assert content is None or content.content_type == "application/json"
    assert set(sent.kwargs["headers"]) >= {"Authorization", "VZ-M2M-Token"}
    assert json.loads(logged_in.kwargs["data"].decode()) == user
    grant = examples(token["requestBody"]["content"])[0][1]
    form = parse_qs(fetched.kwargs["data"].decode())
    assert {name: value for name, [value] in form.items()} == grant

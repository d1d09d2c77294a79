"""Client against `openapi.yaml`: paths, request examples, answer examples.

The simulator is held against the same document in `test_simulator.py`, so the two cannot agree on
a mistake.
"""

import email
import importlib
import json
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import pytest
import yaml
from contract_calls import CALLS, VALUES
from helpers import ACCOUNT, BEARER, LOGIN, REVOKE, SESSION, TOKEN, Seen, Stub, reply
from multidict import CIMultiDict
from simulator_api import imei

import fota_async.api
from fota_async import CallError, Credentials, FotaClient, auth
from fota_async.api.campaign_devices import READ_DEVICES_V2, READ_DEVICES_V3
from fota_async.api.upgrades import READ_UPGRADE
from fota_async.models.auth import NewPassword
from fota_async.models.campaign_rows import CampaignRows
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.upgrade_rows import UpgradeRows, read_rows
from fota_async.wire.convert import structure, unstructure
from fota_async.wire.decode import decode, read_body
from fota_async.wire.route import Route

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

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


READ_OTHERWISE = (READ_UPGRADE, READ_DEVICES_V2, READ_DEVICES_V3)
"""Operations that have a second reader: runs want few members of many devices."""


def every_route() -> list[Route[Any]]:
    modules = [
        importlib.import_module(f"fota_async.api.{module.name}")
        for module in pkgutil.iter_modules(fota_async.api.__path__)
    ]
    routes = [route for module in [auth, *modules] for route in routes_of(module)]
    return list({id(route): route for route in routes}.values())  # one may import another's


BY_HAND = {DeviceAnswers, UpgradeRows, CampaignRows, NewPassword}
"""Results that are read in columns, or member by member."""

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
    assert len(every_route()) >= 75
    assert {route.name for route in every_route()} >= UNDOCUMENTED


@pytest.mark.each_python
@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_every_route_is_in_the_contract(route: Route[Any]) -> None:
    assert f"{route.method} {nameless(route.path)}" in operations()


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_every_example_of_an_answer_is_read(route: Route[Any]) -> None:
    good: list[tuple[str, Any]] = [
        (name, value)
        for status, response in operation_of(route)["responses"].items()
        if status.startswith("2")
        for name, value in examples(response.get("content", {}))
    ]
    assert good or route.method == "DELETE"
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
    """Every member of the document is in the model, and writing it out again loses none."""
    match result:
        case DeviceAnswers():
            items = value["deviceList"]
            assert result.ids == [item["deviceId"] for item in items]
            assert result.statuses == [item["status"] for item in items]
            reasons = [item.get("Reason", item.get("resultReason")) for item in items]
            assert result.reasons == reasons
        case CampaignRows():
            rows = list(zip(result.ids, result.statuses, result.reasons, strict=True))
            wanted = ("deviceId", "status", "resultReason")
            assert rows == [tuple(row[name] for name in wanted) for row in value["deviceList"]]
            assert (result.more, result.cursor) == (
                value["hasMoreData"],
                value["lastSeenDeviceId"],
            )
        case NewPassword():
            assert result.new_password == value["newPassword"]
        case tuple():
            assert len(result) == len(value)
            for one, document_ in zip(result, value, strict=True):
                assert_says_the_same(one, document_)
        case _:
            assert_same(result, value, "$")
            assert structure(json.loads(json.dumps(unstructure(result))), type(result)) == result


def assert_same(model: Any, value: Any, at: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            field = field_of(type(model), name)
            assert field is not None, f"{at}.{name} is lost"
            assert_same(getattr(model, field.name), inner, f"{at}.{name}")
    elif isinstance(value, list):
        assert len(model) == len(value), at
        for place, inner in enumerate(value):
            assert_same(model[place], inner, f"{at}[{place}]")
    else:
        # An hour may be a text, a cursor a number.
        assert model == value or str(model) == str(value), at


def field_of(model: Any, name: str) -> Any:
    """Return the attribute that a member of the contract goes into."""
    assert attrs.has(model), f"{model} is no model"
    for field in attrs.fields(model):
        if name.lower() in [spelling.lower() for spelling in field.metadata["wire"]]:
            return field
    return None


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: route.name)
def test_every_documented_member_of_an_answer_has_a_place(route: Route[Any]) -> None:
    if route.result in BY_HAND:
        return
    operation = operation_of(route)
    for status, response in operation["responses"].items():
        for media in response.get("content", {}).values() if status.startswith("2") else ():
            assert not list(lost_members(media["schema"], route.result, "$"))


def resolved(schema: Any) -> Any:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/")[-1]]
    return schema


def lost_members(schema: Any, kind: Any, at: str) -> Iterator[str]:
    schema = resolved(schema)
    for choice in schema.get("anyOf", ()):
        if "properties" in choice:
            yield from lost_members(choice, kind, at)
    for name, inner in schema.get("properties", {}).items():
        field = field_of(kind, name)
        if field is None:
            yield f"{at}.{name}"
        elif nested := nested_model(field.type):
            yield from lost_members(inner, nested, f"{at}.{name}")
    if "items" in schema and (nested := nested_model(kind)):
        yield from lost_members(schema["items"], nested, f"{at}[]")


def nested_model(kind: Any) -> Any:
    if attrs.has(kind):
        return kind
    return next((model for one in get_args(kind) if (model := nested_model(one))), None)


@pytest.mark.parametrize("name", ["BadRequest", "Unauthorized", "OAuthBadRequest", "Unexpected"])
def test_every_example_of_an_error_is_explained(name: str) -> None:
    response = document()["components"]["responses"][name]
    for title, value in examples(response.get("content", {})):
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        with pytest.raises(CallError) as caught:
            decode(DOCUMENTED[0], 400, CIMultiDict(), body)
        assert caught.value.code, title
        assert caught.value.text, title


SKIPPED = {
    # The pages wrap the body; the SDK, and we, send it flat (wire contract, row 4).
    "wrapped_page_form",
}
BY_ITSELF = {"oauth_create_token", "session_login", "session_logout"}
"""Calls that the session manager makes when they are needed."""

OPERATIONS = {operation["operationId"]: name for name, operation in operations().items()}
CALLED = [
    pytest.param(operation, body, id=f"{operation['operationId']}-{name}")
    for operation in operations().values()
    if operation["operationId"] in CALLS
    for name, body in examples(operation.get("requestBody", {}).get("content", {}))
    or [("no body", None)]
    if name not in SKIPPED
]


def test_every_operation_has_one_route_and_a_method() -> None:
    names = [route.name for route in DOCUMENTED if route not in READ_OTHERWISE]

    assert sorted(nameless(name) for name in names) == sorted(operations())
    assert {*CALLS, *BY_ITSELF, "v2_upload_file"} == set(OPERATIONS)
    assert len(OPERATIONS) == 75


def test_a_path_stands_once_for_each_verb() -> None:
    package = Path(fota_async.api.__file__).parent
    text = "".join(file.read_text() for file in package.glob("*.py"))
    paths = re.findall(r'(get|post|put|delete)\(\s*"(/api[^"]+)"', text)

    assert len(paths) == len(set(paths)) == len([name for name in OPERATIONS if name[0] == "v"])


NAMED = re.compile(
    r"(v1_modify_upgrade|v3_modify_campaign|v\d_((assign|remove)_licenses|enable_logging|\w*device_\w+))"
)
"""Operations whose answers name the devices that they were asked about."""


def answer_to(operation: Any, body: Any) -> Any:
    name = operation["operationId"]
    if "cancel_candidates" in name and body:
        return {"count": 1, "deviceList": body["deviceList"]}
    if NAMED.fullmatch(name) and body:
        ids = body.get("deviceIds") or body["deviceList"]
        word = {"status": "Success", "Reason": "", "firmwareVersion": "1"}
        rows = [{"deviceId": device, **word} for device in ids]
        lists = {
            "v2_enable_logging": rows,
            "v3_sync_device_firmware": {"deviceFirmwarVersionList": rows},
        }
        return lists.get(name, {"deviceList": rows})
    content = operation["responses"]["200"].get("content")
    return examples(content)[0][1] if content else b""


async def sent_for(
    operation: Any, body: Any, new_stub: NewStub, new_client: NewClient
) -> tuple[Stub, Seen]:
    """Make our call of an operation; return the request that it sent."""
    verb, template = OPERATIONS[operation["operationId"]].split(" ")
    path = next(p for p in document()["paths"] if nameless(p) == template)
    account = (body or {}).get("accountName", ACCOUNT)

    def answer(seen: Seen) -> bytes:
        # What is on is read before logging is turned on, and after it was turned off.
        nothing_on = seen.method == "GET" and verb != "GET"
        return reply([] if nothing_on else answer_to(operation, body))

    stub = await new_stub(answer)
    client = new_client(stub, account=account)
    if "/api/fota/" not in path:
        stub.at[path] = stub.script
        client = new_client(stub, credentials=Credentials("k", "s", "u", body["oldPassword"]))
    await CALLS[operation["operationId"]](client, body)
    path = path.format_map(VALUES | {"account": account})
    (sent,) = [
        seen
        for seen in stub.requests
        if (seen.method, unquote(seen.path.partition("?")[0])) == (verb, path)
    ]
    return stub, sent


def query_names(operation: Any) -> set[str]:
    return {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}


@pytest.mark.each_python
@pytest.mark.parametrize(("operation", "body"), CALLED)
async def test_the_example_of_a_request_is_what_our_method_sends(
    operation: Any, body: Any, new_stub: NewStub, new_client: NewClient
) -> None:
    _, sent = await sent_for(operation, body, new_stub, new_client)

    assert (json.loads(sent.body) if sent.body else None) == body
    assert (sent.headers.get("content-type") == "application/json") == (body is not None)
    assert sent.headers["authorization"] == f"Bearer {BEARER}"
    assert sent.headers["vz-m2m-token"] == SESSION
    query = parse_qs(urlsplit(sent.path).query)
    assert set(query) == query_names(operation)
    assert all(value == ["0"] for name, value in query.items() if name.startswith("last"))


NOT_SENT = {
    # The account stands in the path already.
    ("v2_assign_licenses", "accountName"),
    ("v2_remove_licenses", "accountName"),
}


@pytest.mark.parametrize(
    "operation",
    [one for one in operations().values() if one["operationId"] in CALLS and "requestBody" in one],
    ids=lambda operation: operation["operationId"],
)
async def test_every_documented_member_of_a_body_can_be_sent(
    operation: Any, new_stub: NewStub, new_client: NewClient
) -> None:
    (media,) = operation["requestBody"]["content"].values()
    schema = resolved(media["schema"])
    full = {
        name: value
        for name, value in sample(schema).items()
        if (operation["operationId"], name) not in NOT_SENT
    }
    _, sent = await sent_for(operation, full, new_stub, new_client)

    assert json.loads(sent.body) == full


def sample(schema: Any) -> Any:
    """Return a value that has every documented member."""
    schema = resolved(schema)
    if "anyOf" in schema and "minimum" in schema["anyOf"][0]:
        return "7"  # row 16: hours of software and file campaigns are texts
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if "properties" in schema:
        known = {"type": "append", "count": 1, "startDate": "2026-01-05", "endDate": "2026-01-06"}
        known |= {"url": "https://x", "name": "Fota"}
        return {
            name: known.get(name) or ("2026-01-05" if name.endswith("Date") else sample(inner))
            for name, inner in schema["properties"].items()
        }
    if "items" in schema:
        return [sample(schema["items"])]
    if "enum" in schema:
        return schema["enum"][0]
    by_type = {"integer": 7, "boolean": True}
    return imei(7) if "pattern" in schema else by_type.get(schema["type"], "text")


async def test_the_tokens_are_asked_for_as_the_examples_do(
    new_stub: NewStub, new_client: NewClient
) -> None:
    login = operations()["POST /api/m2m/v1/session/login"]
    user = examples(login["requestBody"]["content"])[0][1]
    grant = examples(operations()["POST /api/ts/v1/oauth2/token"]["requestBody"]["content"])[0][1]
    stub = await new_stub()
    credentials = Credentials("k", "s", user["username"], user["password"])
    await new_client(stub, credentials=credentials).v1.upgrades.get(VALUES["upgradeId"])

    assert json.loads(stub.asked(LOGIN)[0].body) == user
    form = parse_qs(stub.asked(TOKEN)[0].body.decode())
    assert {name: value for name, [value] in form.items()} == grant


async def test_a_file_is_uploaded_as_the_example_says(
    new_stub: NewStub, new_client: NewClient, tmp_path: Path
) -> None:
    operation = operations()["POST /api/fota/v2/files/{}"]
    form = dict(examples(operation["requestBody"]["content"])[0][1])
    file = tmp_path / "hello-world.txt"
    file.write_text(form["fileupload"])
    stub = await new_stub(lambda _: reply(answer_to(operation, None)))
    uploaded = await new_client(stub).v2.files.upload(
        file,
        file_version=form["fileVersion"],
        make=form["make"],
        model=form["model"],
        local_target_path=form["localTargetPath"],
    )
    (sent,) = stub.asked()
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    parts = list(email.message_from_bytes(head + sent.body).walk())[1:]

    assert sent.path == f"/api/fota/v2/files/{ACCOUNT}"
    assert {p.get_param("name", header="content-disposition"): p.get_payload() for p in parts} == (
        form
    )
    assert parts[-1].get_filename() == "hello-world.txt"
    assert uploaded.file_name == "configfile-Verizon_VZW1_hello-world.txt"

"""Every model takes what a server of this vendor may say: more, less, null, and any letter case."""

import json
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from test_contract import BY_HAND, DOCUMENTED, field_of, nested_model, operation_of, resolved

from fota_async import DecodeError
from fota_async.api.campaign_devices import GET_V2
from fota_async.wire.convert import noting_unknown_members, structure, unstructure
from fota_async.wire.decode import decode
from fota_async.wire.route import Route

MODELS = [route for route in DOCUMENTED if route.result not in BY_HAND]

texts = st.text(max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=3,
)


def schema_of(route: Route[Any]) -> Any:
    content = operation_of(route)["responses"]["200"].get("content")
    return next(iter(content.values()))["schema"] if content else {"const": {"success": True}}


def documents(  # noqa: PLR0911 - a table of kinds
    schema: Any, kind: Any
) -> st.SearchStrategy[Any]:
    """Return documents of a schema; what `kind` does not need may be absent or null."""
    schema = resolved(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "anyOf" in schema:
        return st.one_of(*(documents(choice, kind) for choice in schema["anyOf"]))
    if "properties" in schema:
        return st.fixed_dictionaries(
            {n: documents(s, member(kind, n)) for n, s in schema["properties"].items()
             if is_needed(kind, n)},
            optional={n: st.none() | documents(s, member(kind, n))
                      for n, s in schema["properties"].items() if not is_needed(kind, n)},
        )  # fmt: skip
    if "items" in schema:
        return st.lists(documents(schema["items"], kind), max_size=2)
    types = schema.get("type", "string")
    by_type = {"boolean": st.booleans(), "integer": st.integers(0, 10**15 - 1), "null": st.none()}
    if schema.get("pattern"):
        return st.integers(0, 24).map(str)
    if schema.get("minimum") is not None:
        return st.integers(schema["minimum"], schema["maximum"])
    return st.one_of(
        *(by_type.get(t, texts) for t in ([types] if isinstance(types, str) else types))
    )


def member(kind: Any, name: str) -> Any:
    field = field_of(nested_model(kind), name)
    return field.type if field else None


def is_needed(kind: Any, name: str) -> bool:
    field = field_of(nested_model(kind), name)
    # A null in place of a list is an empty one; no other needed member may be null.
    return field is not None and field.default is attrs.NOTHING


def disguised(document: Any, draw: st.DrawFn, unknown: set[str]) -> Any:
    """Return a document with its members in random letter case, and with unknown ones."""
    if isinstance(document, list):
        return [disguised(one, draw, unknown) for one in document]
    if not isinstance(document, dict):
        return document
    odd = {
        "".join(draw(st.sampled_from([c.lower(), c.upper()])) for c in name): disguised(
            value, draw, unknown
        )
        for name, value in document.items()
    }
    extra = draw(st.dictionaries(texts.map("x-{}".format), json_values, max_size=1))
    unknown.update(extra)
    return odd | extra


@cache
def strategy(route: Route[Any]) -> st.SearchStrategy[Any]:
    return documents(schema_of(route), route.result)


@pytest.mark.parametrize("route", MODELS, ids=lambda route: route.name)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_model_takes_what_may_come(route: Route[Any], data: st.DataObject) -> None:
    document = data.draw(strategy(route))
    noted: set[str] = set()
    unknown: set[str] = set()
    odd = data.draw(st.composite(lambda draw: disguised(document, draw, unknown))())
    with noting_unknown_members(lambda _, member: noted.add(member)):
        plain = structure(document, route.result)
        assert not noted
        assert structure(odd, route.result) == plain

    assert noted == unknown
    written = json.loads(json.dumps(unstructure(plain)))
    assert structure(written, route.result) == plain


EXAMPLES = [
    pytest.param(route, example["value"], id=f"{route.name}-{name}")
    for route in MODELS
    for media in operation_of(route)["responses"]["200"].get("content", {}).values()
    for name, example in media.get("examples", {}).items()
]


@pytest.mark.parametrize(("route", "document"), EXAMPLES)
def test_a_wrong_type_is_an_error_that_names_its_place(route: Route[Any], document: Any) -> None:
    for wrong in ({}, [], 1.5, True):
        for name, value in document.items() if isinstance(document, dict) else ():
            if isinstance(value, bool | dict | list):
                continue
            field = field_of(route.result, name)
            body = json.dumps({**document, name: wrong}).encode()
            with pytest.raises(DecodeError, match=rf"\$\.{field.name}"):
                decode(route, 200, CIMultiDict(), body)


@pytest.mark.parametrize("body", [b"7", b'"x"', b"true", b"<html>", b"[7]"])
@pytest.mark.parametrize("route", MODELS, ids=lambda route: route.name)
def test_what_is_no_such_document_is_an_error(route: Route[Any], body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(route, 200, CIMultiDict(), body)


def test_a_place_deep_in_a_list_is_named() -> None:
    (route,) = [one for one in MODELS if one is GET_V2]
    document = {"id": "x", "downloadTimeWindowList": [{"startTime": 1, "endTime": "late"}]}
    with pytest.raises(DecodeError, match=r"\$\.download_time_window_list\[0\]\.end_time"):
        decode(route, 200, CIMultiDict(), json.dumps(document).encode())

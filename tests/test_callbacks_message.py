"""The body of a message: what is read, what is replaced, what is the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fota_async import ConfigurationError
from fota_async.callbacks import CallbackCredentials
from fota_async.callbacks.message import (
    UnreadableError,
    canonical,
    digest_of,
    read_body,
    without_credentials,
)

pytestmark = pytest.mark.each_python

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text() | st.sampled_from(["password", "USERNAME"]), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


@given(OBJECTS)
def test_any_object_is_read_and_its_text_says_the_same(raw: dict[str, Any]) -> None:
    assert read_body(json.dumps(raw).encode(), 32) == raw
    assert read_body(json.dumps(raw, ensure_ascii=False).encode(errors="surrogatepass"), 32) == raw
    text = canonical(raw)
    assert text.isascii()
    assert read_body(text.encode(), 32) == raw


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"a": "\xc3"}', "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": 1, "a": 1}', "a member is there twice"),
        (b'{"a": {"b": 1, "b": 2}}', "a member is there twice"),
        (b'{"password": "right", "pass\\u0077ord": "wrong"}', "a member is there twice"),
        (b'{"a": NaN}', "a number that JSON does not have"),
        (b'{"a": -Infinity}', "a number that JSON does not have"),
        (b'{"a": 1e999}', "a number that no double holds"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a":' * 6 + b"1" + b"}" * 6, "nested too deeply"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_message_is_named_without_being_quoted(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_body(body, 5)

    assert str(caught.value) == why
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'\xef\xbb\xbf{"a": 1}',
        b' \n{"a": 1}\r\n',
        b'{"a":' * 5 + b"1" + b"}" * 5,
        b'{"a": "\\ud800"}',
        b'{"a": 123456789012345678901234567890}',
        b'{"a": 1, "A": 2}',
    ],
)
def test_what_is_unusual_is_read(body: bytes) -> None:
    assert isinstance(read_body(body, 5), dict)


@given(OBJECTS, st.sampled_from(["password", "Username", "PASSWORD"]), VALUES)
def test_nothing_of_what_a_credential_holds_is_left(
    raw: dict[str, Any], name: str, value: Any
) -> None:
    found = without_credentials({**raw, "data": [{name: value}], name: value})

    assert found[name] == found["data"][0][name] == "***"

    def check(part: Any) -> None:
        for key, inner in part.items() if isinstance(part, dict) else ():
            assert key.lower() not in {"username", "password"} or inner == "***"
            check(inner)
        for inner in part if isinstance(part, list) else ():
            check(inner)

    check(found)


def test_messages_that_say_the_same_have_one_digest() -> None:
    def digest(body: bytes, version: str = "v1") -> bytes:
        return digest_of(version, canonical(without_credentials(read_body(body, 9))))

    one = digest(b'{"type": "x", "id": 5, "password": "old"}')

    assert one == digest(b'{ "id":5,"type":"\\u0078", "password": "new" }')
    assert one != digest(b'{"type": "x", "id": 6, "password": "old"}')
    assert one != digest(b'{"type": "x", "id": 5}')
    assert one != digest(b'{"type": "x", "id": 5, "password": "old"}', "v2")


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ({"username": "u", "password": "p"}, True),
        ({"Username": "u", "PASSWORD": "p"}, True),
        ({"username": "u", "password": "q"}, False),
        ({"username": "v", "password": "p"}, False),
        ({"username": "u"}, False),
        ({"username": "u", "password": ""}, False),
        ({"username": "u", "password": None}, False),
        ({"username": ["u"], "password": {"p": "p"}}, False),
        ({"username": "u", "password": "\ud800"}, False),
        ({"data": {"username": "u", "password": "p"}}, False),
        ({"username": "u", "password": "q", "Password": "p"}, False),
    ],
)
def test_both_credentials_must_be_right(raw: dict[str, Any], right: bool) -> None:
    assert CallbackCredentials("u", "p").are_in(raw) is right


def test_both_credentials_are_compared_whatever_the_first_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("fota_async.callbacks.message.hmac.compare_digest", compare)

    for raw in (
        {"username": "wrong", "password": "p"},
        {},
        {"username": "u", "password": "p" * 99},
    ):
        compared.clear()
        assert not CallbackCredentials("u", "p").are_in(raw)
        # Of one length, so that a comparison takes one time.
        assert compared == [(16, 16), (16, 16)]


def test_credentials_are_never_shown_and_never_empty() -> None:
    assert repr(CallbackCredentials("listener", "example-only")) == "CallbackCredentials(***)"
    for username, password in (("", "p"), ("u", ""), (None, "p"), ("u", b"p")):
        with pytest.raises(ConfigurationError, match="lack a"):
            CallbackCredentials(username, password)  # type: ignore[arg-type]  # as users may

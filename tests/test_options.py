"""Options: what cannot work is refused before anything is sent."""

import traceback
from typing import Any

import pytest
from helpers import ACCOUNT, CREDENTIALS

from fota_async import ConfigurationError, Credentials, FotaClient, SessionManager


@pytest.mark.parametrize(
    "base_url",
    [
        "http://thingspace.verizon.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "https://thingspace.verizon.com/api",
        "https://thingspace.verizon.com/?x=1",
        "https://thingspace.verizon.com/#x",
        "https://user:hunter2@thingspace.verizon.com",
        "https://:hunter2@thingspace.verizon.com",
        "ftp://user:hunter2@thingspace.verizon.com",
        "thingspace.verizon.com",
        "//thingspace.verizon.com",
        "https://",
        "https://thingspace.verizon.com:port",
        "",
        None,
        7,
    ],
)
def test_an_address_that_cannot_work_is_refused(base_url: Any) -> None:
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        SessionManager(CREDENTIALS, base_url=base_url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "kept"),
    [
        ("https://thingspace.verizon.com", "https://thingspace.verizon.com"),
        ("https://thingspace.verizon.com/", "https://thingspace.verizon.com"),
        ("HTTPS://Example.COM:8443", "https://example.com:8443"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_an_address_that_can_work_is_taken(base_url: str, kept: str) -> None:
    assert SessionManager(CREDENTIALS, base_url=base_url).base_url == kept


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"connect_timeout": 0},
        {"max_concurrency": 0},
        {"timeout": float("nan")},
        {"deadline": 0},
        {"max_answer_bytes": 0},
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        SessionManager(CREDENTIALS, **options)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="timeuot"):
        FotaClient(CREDENTIALS, account=ACCOUNT, timeuot=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["key", "secret", "username", "password"])
def test_a_variable_that_is_no_text_is_named_and_not_shown(name: str) -> None:
    environ = {f"THINGSPACE_{one.upper()}": "given" for one in ("key", "secret", "username")}
    environ |= {"THINGSPACE_PASSWORD": "given", "THINGSPACE_ACCOUNT": ACCOUNT}
    environ[f"THINGSPACE_{name.upper()}"] = b"a-sec\xffret".decode("utf-8", "surrogateescape")

    with pytest.raises(ConfigurationError, match=rf"the {name} holds what is no text") as caught:
        FotaClient.from_env(environ=environ)

    assert "a-sec" not in "".join(traceback.format_exception(caught.value))


def test_credentials_or_tokens_are_needed() -> None:
    with pytest.raises(ConfigurationError, match="credentials or tokens"):
        SessionManager()


@pytest.mark.parametrize("name", ["key", "secret", "username", "password"])
@pytest.mark.parametrize("value", ["", None])
def test_credentials_must_be_whole(name: str, value: Any) -> None:
    given = dict.fromkeys(("key", "secret", "username", "password"), "x") | {name: value}
    with pytest.raises(ConfigurationError, match=name):
        Credentials(**given)

"""The client: where it gets its settings, its views, its paths."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import ACCOUNT, CREDENTIALS, LOGIN, UPGRADE, Stub, counts, read, reply, upgrade

from fota_async import ConfigurationError, FotaClient, NotFoundError
from fota_async.api.upgrades import GET_UPGRADE
from fota_async.simulator import Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

NAMES = [f"THINGSPACE_{name}" for name in ("KEY", "SECRET", "USERNAME", "PASSWORD", "ACCOUNT")]


def environment(sim: Simulator) -> dict[str, str]:
    values = [sim.key, sim.secret, sim.username, sim.password, sim.account]
    return dict(zip(NAMES, values, strict=True)) | {"THINGSPACE_BASE_URL": sim.base_url}


@pytest.mark.each_python
async def test_a_client_from_the_environment(
    new_sim: NewSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = await new_sim()
    for name, value in environment(sim).items():
        monkeypatch.setenv(name, value)
    async with FotaClient.from_env() as client:
        assert client.account == sim.account
        assert (await read(client)).account_name == sim.account


async def test_arguments_go_before_the_environment(new_sim: NewSim) -> None:
    sim = await new_sim()
    environ = environment(sim) | {"THINGSPACE_BASE_URL": "http://127.0.0.1:1"}
    async with FotaClient.from_env(
        account="another", environ=environ, base_url=sim.base_url
    ) as client:
        assert client.account == "another"
        assert client.session.base_url == sim.base_url
    client = FotaClient.from_env(environ={**environ, "THINGSPACE_BASE_URL": ""})
    assert client.session.base_url == "https://thingspace.verizon.com"


@pytest.mark.parametrize("empty", [False, True])
def test_every_missing_variable_is_named_and_no_other(
    empty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "set-in-the-process")
    given = dict.fromkeys(NAMES[:2], "hunter2") | (dict.fromkeys(NAMES[2:], "") if empty else {})
    with pytest.raises(ConfigurationError) as caught:
        FotaClient.from_env(environ=given)

    text = str(caught.value)
    assert [name for name in NAMES if name in text] == NAMES[2:]
    assert "hunter2" not in text


def test_an_account_that_is_given_is_not_missing() -> None:
    environ = dict.fromkeys(NAMES[:4], "x")

    assert FotaClient.from_env(account="a", environ=environ).account == "a"
    with pytest.raises(ConfigurationError, match=r"lacks THINGSPACE_ACCOUNT$"):
        FotaClient.from_env(environ=environ)


@pytest.mark.each_python
async def test_a_view_for_another_account_shares_connections_and_tokens(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    sim.add_account("0000123456-000001")
    theirs = sim.add_upgrade("0000123456-000001")
    client = new_client(sim)
    view = client.with_account("0000123456-000001")
    ours, other = await asyncio.gather(read(client), view.v1.upgrades.get(theirs))

    assert (ours.account_name, other.account_name) == (sim.account, "0000123456-000001")
    assert (client.account, view.account) == (sim.account, "0000123456-000001")
    assert view.session is client.session
    assert counts(sim)["oauth_create_token"] == counts(sim)["session_login"] == 1


def test_no_account_is_refused_at_once() -> None:
    with pytest.raises(TypeError):
        FotaClient(CREDENTIALS)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="account"):
        FotaClient(CREDENTIALS, account="")
    with pytest.raises(ConfigurationError, match="account"):
        FotaClient(CREDENTIALS, account=402196254)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="account"):
        FotaClient(CREDENTIALS, account=ACCOUNT).with_account("")


@pytest.mark.each_python
@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("a/../../b", "a%2F..%2F..%2Fb"),
        ("..%2Fb", "..%252Fb"),
        ("%2e%2e", "%252e%252e"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("a\\b", "a%5Cb"),
        ("0402 196254", "0402%20196254"),
        ("Ünï", "%C3%9Cn%C3%AF"),
        ("...", "..."),
        ("a;b&c=d+e", "a%3Bb%26c%3Dd%2Be"),
    ],
)
async def test_a_value_stays_in_its_segment_on_the_wire(
    new_stub: NewStub, new_client: NewClient, value: str, segment: str
) -> None:
    stub = await new_stub()
    values = {"account": value, "upgrade_id": value}
    await new_client(stub).session.call(GET_UPGRADE, values)

    (seen,) = stub.asked()
    assert seen.path == f"/api/fota/v1/upgrades/{segment}/upgrade/{segment}"


@pytest.mark.parametrize(
    "account",
    [
        "",
        ".",
        "..",
        "a\nb",
        "a\r\nX: 1",
        " a",
        "a\t",
        "\ud800",
        "a/../b",
        "..%2Fb",
        "%2e",
        "a?x",
        "1\n",
    ],
)
def test_an_account_that_is_none_is_refused_at_once(account: str) -> None:
    with pytest.raises(ConfigurationError, match="account"):
        FotaClient(CREDENTIALS, account=account)
    with pytest.raises(ConfigurationError, match="account"):
        FotaClient(CREDENTIALS, account=ACCOUNT).with_account(account)


@pytest.mark.parametrize(
    "upgrade_id",
    [
        "",
        "..",
        "a/b",
        "..%2F..",
        f"{UPGRADE}/../x",
        f"{UPGRADE}\n",
        f" {UPGRADE}",
        "60b5d639",
        None,
    ],
)
async def test_an_upgrade_id_that_is_none_is_refused_and_nothing_sent(
    new_stub: NewStub, new_client: NewClient, upgrade_id: Any
) -> None:
    stub = await new_stub()
    upgrades = new_client(stub).v1.upgrades
    for call in (upgrades.get, upgrades.cancel):
        with pytest.raises(ConfigurationError, match="UUID"):
            await call(upgrade_id)
    for change in (upgrades.append_devices, upgrades.remove_devices):
        with pytest.raises(ConfigurationError, match="UUID"):
            change(upgrade_id, ["000000000000001"])

    assert stub.requests == []


@pytest.mark.parametrize("url", ["http://example.com", "example.com", "", None])
async def test_a_listener_without_https_is_refused_and_nothing_sent(
    new_stub: NewStub, new_client: NewClient, url: Any
) -> None:
    stub = await new_stub()
    callbacks = new_client(stub).v2.callbacks
    for call in (callbacks.register, callbacks.modify):
        with pytest.raises(ConfigurationError, match="https"):
            await call(url)

    assert stub.requests == []


async def test_callbacks_from_none_to_none(new_sim: NewSim, new_client: NewClient) -> None:
    callbacks = new_client(await new_sim()).v2.callbacks
    assert await callbacks.get() is None
    assert (await callbacks.register("https://example.com/a")).url == "https://example.com/a"
    assert (await callbacks.modify("https://example.com/b")).url == "https://example.com/b"
    listener = await callbacks.get()
    assert listener is not None
    assert listener.url == "https://example.com/b"
    await callbacks.deregister()
    assert await callbacks.get() is None


async def test_one_client_serves_a_refused_call_and_goes_on(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply({"errorCode": "X"}, 404))
    client = new_client(stub)
    with pytest.raises(NotFoundError):
        await read(client)
    stub.script = lambda _: reply(upgrade())
    await read(client)

    assert len(stub.asked(LOGIN)) == 1

"""Registering a callback listener so that it is there."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers import Seen, reply

from fota_async import ConfigurationError, FotaClient, RegistrationError
from fota_async.simulator import Simulator

HERE = "https://fota.example.com:50559/hook"
THERE = "https://old.example.com/hook"


def writes(sim: Simulator) -> list[str]:
    return [r.method for r in sim.requests if "callback" in r.route and r.method != "GET"]


@pytest.fixture
def client(sim: Simulator, new_client: Callable[..., FotaClient]) -> FotaClient:
    return new_client(sim)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_none_is_registered_another_is_changed_and_the_same_is_left_alone(
    client: FotaClient, sim: Simulator, version: str
) -> None:
    callbacks = getattr(client, version).callbacks
    assert (await callbacks.ensure(THERE)).url == THERE
    assert (await callbacks.ensure(HERE)).url == HERE
    assert (await callbacks.ensure(HERE)).url == HERE
    assert (await callbacks.get()).url == HERE
    assert writes(sim) == ["POST", "PUT"]


async def test_a_v1_listener_is_registered_until_it_reads_as_wanted(
    client: FotaClient, sim: Simulator
) -> None:
    callbacks = client.v1.callbacks
    assert (await callbacks.ensure(THERE)).url == THERE
    assert (await callbacks.ensure(HERE)).url == HERE
    before = writes(sim)
    assert (await callbacks.ensure(HERE)).url == HERE
    assert writes(sim) == before == ["POST", "POST"]
    await callbacks.ensure(HERE, username="listener", password="example-only")
    assert len(writes(sim)) == 3


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
async def test_only_https_is_registered(client: FotaClient, sim: Simulator, version: str) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        await getattr(client, version).callbacks.ensure("http://fota.example.com/hook")
    assert sim.requests == []


@pytest.mark.parametrize("shown", [b"", {"url": THERE}])
async def test_a_listener_that_is_not_there_afterwards_is_an_error(
    new_stub: Any, new_client: Callable[..., FotaClient], shown: object
) -> None:
    def script(seen: Seen) -> bytes:
        return reply(shown if seen.method == "GET" else {"url": HERE})

    client = new_client(await new_stub(script))

    with pytest.raises(RegistrationError, match=f"took the listener {HERE}"):
        await client.v2.callbacks.ensure(HERE)

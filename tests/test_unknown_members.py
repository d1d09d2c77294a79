"""Members that no model knows are ignored, and told once."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import ACCOUNT, BEARER, TOKEN, Events, Stub, modify, read, reply, upgrade
from multidict import CIMultiDict
from simulator_api import Api, imei
from test_contract import DOCUMENTED, operation_of
from test_simulator_contract import ACCOUNT_ROUTES, ask, prepare

from fota_async import DecodeError, FotaClient
from fota_async.clock import ManualClock
from fota_async.events import UnknownMemberEvent
from fota_async.simulator import Rules, Simulator
from fota_async.wire.convert import noting_unknown_members
from fota_async.wire.decode import decode

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]


def told(events: Events) -> list[tuple[str, str]]:
    return [(event.model, event.member) for event in events.of(UnknownMemberEvent)]


def campaign(**more: Any) -> bytes:
    return reply({"id": "60b5d639-ccdc-4db8-8824-069bd94c95bf", **more})


async def get(client: FotaClient) -> Any:
    return await client.v2.campaigns.get("60b5d639-ccdc-4db8-8824-069bd94c95bf")


async def test_a_name_is_told_once_for_each_model_and_session_manager(
    new_stub: NewStub, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fota_async")
    window = {"startTime": 1, "endTime": 2, "zone": "the-value", "priority": "the-value"}
    stub = await new_stub(
        lambda _: campaign(priority="the-value", downloadTimeWindowList=[window, window])
    )
    events, others = Events(), Events()
    client = new_client(stub, on_event=events)
    for _ in range(2):
        assert len((await get(client)).download_time_window_list) == 2

    assert sorted(told(events)) == [
        ("CampaignV2", "priority"),
        ("TimeWindow", "priority"),
        ("TimeWindow", "zone"),
    ]
    assert "the-value" not in f"{events} {caplog.text}"
    assert caplog.text.count("unknown_member: ") == 3
    stub.script = lambda _: campaign(priority=1, Priority=2, another=3)
    await get(client)
    await get(new_client(stub, on_event=others))

    assert told(events)[3:] == [("CampaignV2", "Priority"), ("CampaignV2", "another")]
    assert len(told(others)) == 3


async def test_nothing_is_told_of_what_is_known_in_any_spelling(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: campaign(SOFTWARENAME="S", softwareName="S", status=None))
    events = Events()
    await get(new_client(stub, on_event=events))

    assert not told(events)


async def test_an_answer_that_is_none_tells_what_it_had_of_members(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: reply({"identity": "x", "id": 7}))
    events = Events()
    with pytest.raises(DecodeError, match=r"\$\.id"):
        await get(new_client(stub, on_event=events))

    assert told(events) == [("CampaignV2", "identity")]


@pytest.mark.parametrize(
    "name",
    [
        imei(7),
        f"imei{imei(7)}",
        "x" * 65,
        "a b",
        "a\nb",
        "",
        "Ünïcode",
        BEARER,
    ],
)
async def test_what_is_no_name_is_not_shown(
    name: str, new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: campaign(**{name: 1, f"{name} ": 2}))
    events = Events()
    client = new_client(stub, on_event=events)
    for _ in range(2):
        await get(client)

    assert told(events) == [("CampaignV2", "(no name)")]


async def test_a_server_that_makes_up_names_fills_no_memory(
    new_stub: NewStub, new_client: NewClient
) -> None:
    stub = await new_stub(lambda _: campaign(**{f"name{n}": n for n in range(1500)}))
    events = Events()
    client = new_client(stub, on_event=events)
    for _ in range(2):
        await get(client)

    assert len(told(events)) == 1000


async def test_a_hook_that_raises_harms_no_answer(new_stub: NewStub, new_client: NewClient) -> None:
    stub = await new_stub(lambda _: campaign(priority=1))

    def hook(_: object) -> None:
        raise OSError("full")

    assert (await get(new_client(stub, on_event=hook))).id


async def test_tokens_upgrades_and_answers_about_devices(
    new_stub: NewStub, new_client: NewClient
) -> None:
    rows = [{"deviceId": imei(1), "status": "AddDeviceSucceed", "Reason": "", "colour": "red"}]
    answer = {"accountName": ACCOUNT, "deviceList": rows, "colour": "red"}
    stub = await new_stub(lambda seen: reply(answer if seen.body else upgrade() | {"mood": 1}))
    stub.at[TOKEN] = lambda _: reply({"access_token": BEARER, "token_type": "B", "flavour": 1})
    events = Events()
    client = new_client(stub, on_event=events)
    await modify(client, imei(1))
    await read(client)

    # Answers about devices are read the fast way, which looks at what it needs.
    assert told(events) == [("BearerToken", "flavour"), ("FirmwareUpgrade", "mood")]


@pytest.mark.parametrize("spelling", ["documented", "odd"])
@pytest.mark.parametrize("route", ACCOUNT_ROUTES, ids=lambda route: route.name)
async def test_the_models_know_whatever_the_simulator_says(
    route: Any, spelling: Any, api: Api, sim: Simulator, clock: ManualClock
) -> None:
    await prepare(api, sim, clock)
    sim.rules = Rules(spelling=spelling)
    answer = await ask(api, route)
    (ours,) = (one for one in DOCUMENTED if operation_of(one)["operationId"] == route.name)
    unknown = []
    with noting_unknown_members(lambda *names: unknown.append(names)):
        decode(ours, 200, CIMultiDict(), answer.body)

    assert not unknown

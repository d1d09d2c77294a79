"""What a host hears: records of the logger, and hooks side by side."""

import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from batch_helpers import imeis
from helpers import UPGRADE, Events, Stub, drop, in_turn, read, reply, upgrade

from fota_async import FotaClient, RunStopped, SourceError
from fota_async.events import (
    BatchEvent,
    Event,
    ProgressEvent,
    RequestEvent,
    RunEndedEvent,
    RunStartedEvent,
)
from fota_async.observe import fan_out
from fota_async.simulator import Rules, Simulator

NewStub = Callable[..., Awaitable[Stub]]
NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]


def members(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a record has of an event."""
    found = vars(record).items()
    return {name.removeprefix("fota_"): one for name, one in found if name.startswith("fota_")}


async def test_each_event_is_a_record_with_its_members_as_plain_values(
    new_stub: NewStub, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fota_async")
    stub = await new_stub(in_turn(drop, reply(upgrade())))
    events = Events()
    client = new_client(stub, on_event=events)
    await read(client)

    records = [record for record in caplog.records if record.name == "fota_async"]
    assert len(records) == len(events)
    told = [members(record) for record in records]
    assert all(json.loads(json.dumps(one)) == one for one in told)
    requests = [one for one in told if one["event"] == "request"]
    lost, answered = [one for one in requests if one["route"].startswith("GET")]
    assert (lost["attempt"], lost["status"], lost["error"]) == (1, None, "ConnectionLostError")
    assert (answered["attempt"], answered["status"], answered["error"]) == (2, 200, None)
    assert (lost["resends"], answered["resends"]) == (0, 1)
    assert {one["server"] for one in requests} == {stub.base_url}
    (retry,) = [record for record in records if members(record)["event"] == "retry"]
    assert retry.levelno == logging.INFO
    assert retry.getMessage().startswith("retry: route=GET /api/fota/v1/upgrades/{account}/")
    assert "None" not in caplog.text


@pytest.mark.parametrize("kind", get_args(Event))
def test_no_member_of_an_event_gets_in_the_way_of_a_record(kind: type[Any]) -> None:
    names = [f"fota_{field.name}" for field in attrs.fields(kind)]
    assert "fota_event" not in names
    record = logging.LogRecord("fota_async", logging.INFO, "", 1, "", (), None)
    assert not set(names) & set(vars(record))


async def test_a_replay_with_new_tokens_counts_as_sent_again(
    new_stub: NewStub, new_client: NewClient
) -> None:
    ended = reply({"errorCode": "SessionToken.Expired", "errorMessage": "over"}, 400)
    events = Events()
    await read(new_client(await new_stub(in_turn(ended, reply(upgrade()))), on_event=events))

    told = [event for event in events.of(RequestEvent) if event.route.startswith("GET")]
    assert [(event.attempt, event.resends, event.status) for event in told] == [
        (1, 0, 400),
        (1, 1, 200),
    ]


async def test_at_info_the_log_of_a_run_holds_no_line_for_each_batch(
    new_sim: NewSim, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fota_async")
    sim = await new_sim()
    devices = imeis(50)
    await new_client(sim).v1.upgrades.append_devices(UPGRADE, devices, batch_size=1)

    told = [members(one)["event"] for one in caplog.records if one.name == "fota_async"]
    assert sorted(told) == ["run_ended", "run_started", "token", "token"]
    assert not [device for device in devices if device in caplog.text]


async def test_what_happens_in_a_run_carries_its_number_and_a_single_call_none(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    events = Events()
    client = new_client(sim, on_event=events)
    await read(client)
    assert {event.run for event in events.of(RequestEvent)} == {None}

    events.clear()
    first = client.v1.upgrades.append_devices(UPGRADE, imeis(40), batch_size=10)
    second = client.v1.upgrades.append_devices(UPGRADE, imeis(40, first=100), batch_size=10)
    async with first, second:
        await first
        await second

    started, ended = events.of(RunStartedEvent), events.of(RunEndedEvent)
    numbers = [event.run for event in started]
    assert len(set(numbers)) == 2
    assert sorted(event.run for event in ended) == sorted(numbers)
    for number in numbers:
        mine = [event for event in events if getattr(event, "run", 0) == number]
        assert isinstance(mine[0], RunStartedEvent)
        assert isinstance(mine[-1], RunEndedEvent)
        assert sum(isinstance(event, BatchEvent) for event in mine) == 4
        assert sum(isinstance(event, RequestEvent) for event in mine) >= 4
        assert [event.inputs for event in mine if isinstance(event, ProgressEvent)][-1] == 40
    await read(client)
    assert events.of(RequestEvent)[-1].run is None


async def test_a_sync_is_a_run_that_has_runs(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    events = Events()
    client = new_client(sim, on_event=events)
    sim.seed(imeis(5))
    await client.v1.upgrades.sync_devices(UPGRADE, imeis(5, first=4), max_removals=5)

    started = {event.operation: event for event in events.of(RunStartedEvent)}
    assert list(started) == ["sync_devices", "append", "remove"]
    assert started["sync_devices"].parent is None
    assert started["append"].parent == started["remove"].parent == started["sync_devices"].run
    ended = [event.operation for event in events.of(RunEndedEvent)]
    assert ended == ["append", "remove", "sync_devices"]


async def test_how_a_run_ended_is_told(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim(rules=Rules(refuse_rate=1.0))
    events = Events()
    client = new_client(sim, on_event=events)
    with pytest.raises(RunStopped):
        await client.v1.upgrades.append_devices(UPGRADE, imeis(50), batch_size=1, max_failures=3)
    with pytest.raises(SourceError):
        await client.v1.upgrades.append_devices(UPGRADE, Path("there-is-no-such-file"))
    stopped, broken = events.of(RunEndedEvent)
    assert (stopped.stopped, stopped.error) == ("max_failures", None)
    assert (broken.stopped, broken.error) == (None, "SourceError")

    run = client.v1.upgrades.append_devices(UPGRADE, imeis(1))
    run.stop()
    with pytest.raises(RunStopped):
        await run
    assert events.of(RunEndedEvent)[-1].stopped == "interrupted"


async def test_a_hook_that_raises_keeps_no_other_from_hearing(
    new_stub: NewStub, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: object) -> None:
        raise RuntimeError(event)

    before, after = Events(), Events()
    stub = await new_stub()
    client = new_client(stub, on_event=fan_out(before, broken, after))

    assert (await read(client)).id == UPGRADE
    assert before
    assert before == after
    assert caplog.text.count("the on_event hook raised") == len(before)


@pytest.mark.parametrize("kind", [RunStartedEvent, RunEndedEvent])
async def test_what_follows_a_sync_belongs_to_no_run_however_its_hook_ended_it(
    new_sim: NewSim, new_client: NewClient, kind: type[Any]
) -> None:
    class TimeIsUp(BaseException):
        pass

    sim = await new_sim()
    events = Events()

    def end(event: Event) -> None:
        if isinstance(event, kind) and event.operation == "sync_devices":
            raise TimeIsUp

    client = new_client(sim, on_event=fan_out(events, end))
    with pytest.raises(TimeIsUp):
        await client.v1.upgrades.sync_devices(UPGRADE, imeis(5))
    await read(client)

    assert events.of(RequestEvent)[-1].run is None

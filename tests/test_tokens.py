"""The two tokens against the simulator: how often they are fetched, and what a refusal does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import Events, counts, credentials_of, modify, read

from fota_async import (
    CallError,
    FotaClient,
    LoginRefusedError,
    SessionEndedError,
    SessionManager,
    TokenRefusedError,
    Tokens,
)
from fota_async.api.upgrades import GET_UPGRADE
from fota_async.clock import ManualClock
from fota_async.events import TokenEvent
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]


async def outcomes(client: FotaClient, calls: int = 200) -> list[Any]:
    return await asyncio.gather(*(read(client) for _ in range(calls)), return_exceptions=True)


@pytest.mark.each_python
async def test_200_calls_at_the_start_share_one_token_and_one_login(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    results = await outcomes(new_client(sim))

    assert [result.id for result in results] == [sim.upgrade_id] * 200
    assert counts(sim) == {"oauth_create_token": 1, "session_login": 1, "v1_get_upgrade": 200}


@pytest.mark.each_python
async def test_200_calls_after_both_expired_share_one_more_of_each(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    await read(client)
    sim.expire_tokens()
    sim.expire_sessions()
    results = await outcomes(client)

    assert [result.id for result in results] == [sim.upgrade_id] * 200
    assert counts(sim)["oauth_create_token"] == 2
    assert counts(sim)["session_login"] == 2


async def test_each_call_is_replayed_once_for_an_expired_session(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    while client.session.limit(client.account) < 50:  # so many may then be in flight
        await outcomes(client, 50)
    before = sim.stats()["requests"]["v1_get_upgrade"]["200"]
    sim.expire_sessions()
    await outcomes(client, 50)

    assert sim.stats()["requests"]["v1_get_upgrade"] == {"200": before + 50, "400": 50}


@pytest.mark.each_python
async def test_a_wrong_password_is_tried_once_whoever_asks(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim, credentials=credentials_of(sim, password="wrong"))
    results = await outcomes(client)
    with pytest.raises(LoginRefusedError):
        await read(client.with_account("another"))

    assert {type(result) for result in results} == {LoginRefusedError}
    assert all("five" in str(result) and "lock" in str(result) for result in results)
    assert {result.sent for result in results} == {"no"}
    assert sim.stats()["refused_logins"] == 1
    assert counts(sim) == {"oauth_create_token": 1, "session_login": 1}


async def test_a_wrong_password_stays_refused_after_the_bearer_expired(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ManualClock()
    sim = await new_sim(clock=clock)
    client = new_client(sim, credentials=credentials_of(sim, password="wrong"), clock=clock)
    for _ in range(6):
        with pytest.raises(LoginRefusedError):
            await read(client)
        clock.turn(3600)

    assert counts(sim)["session_login"] == 1


async def test_a_wrong_secret_ends_before_any_login(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    client = new_client(sim, credentials=credentials_of(sim, secret="wrong"))
    results = await outcomes(client, 100)

    assert {type(result) for result in results} == {TokenRefusedError}
    assert "the key or the secret" in str(results[0])
    assert counts(sim) == {"oauth_create_token": 1}


async def test_a_bearer_that_comes_back_and_is_refused_again_is_revoked_once(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    events = Events()
    client = new_client(sim, on_event=events)
    await read(client)
    sim.spoil_token()
    results = await outcomes(client, 50)

    assert [result.id for result in results] == [sim.upgrade_id] * 50
    assert sim.stats()["revocations"] == 1
    assert sim.stats()["token_requests"] == 3
    actions = [event.action for event in events.of(TokenEvent) if event.kind == "bearer"]
    assert actions == ["fetched", "refused", "fetched", "refused", "revoked", "fetched"]
    assert sim.stats()["logins"] == 1


async def test_a_bearer_is_renewed_before_its_hour_is_over_and_its_last_seconds_are_used(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ManualClock()
    sim = await new_sim(clock=clock, rules=Rules(session_idle=1e6))
    client = new_client(sim, clock=clock)
    asked = []
    for turn in (0, 3530, 15, 45, 20):
        clock.turn(turn)
        await read(client)
        asked.append(sim.stats()["token_requests"])

    # 0 s: the first. 3545 s: nearly over; the same comes back. 3590 s: its margin again.
    # 3610 s: a new one. No call was ever refused for its bearer.
    assert asked == [1, 1, 2, 2, 3]
    assert sim.stats()["requests"]["v1_get_upgrade"] == {"200": 5}


async def test_a_session_that_ends_three_times_within_a_minute_gets_no_fourth_login(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ManualClock()
    sim = await new_sim(clock=clock, faults=Faults(expire_session=1.0))
    client = new_client(sim, clock=clock)
    logins = []
    for _ in range(5):
        with pytest.raises(SessionEndedError):
            await read(client)
        logins.append(sim.stats()["logins"])
        clock.turn(1)
    # One replay a call, whatever it is answered.
    assert logins == [2, 3, 3, 3, 3]

    sim.faults = Faults()
    with pytest.raises(SessionEndedError, match="3 times within 60 s"):
        await read(client)
    clock.turn(60)
    await read(client)
    assert sim.stats()["logins"] == 4


async def test_a_session_that_ends_now_and_then_is_opened_again_each_time(
    new_sim: NewSim, new_client: NewClient
) -> None:
    clock = ManualClock()
    sim = await new_sim(clock=clock)
    client = new_client(sim, clock=clock)
    for _ in range(6):
        await read(client)
        sim.expire_sessions()
        clock.turn(31)

    assert sim.stats()["logins"] == 6


async def test_closing_leaves_session_and_bearer_alone(new_sim: NewSim) -> None:
    sim = await new_sim()
    async with FotaClient(
        credentials_of(sim), account=sim.account, base_url=sim.base_url
    ) as client:
        await read(client)

    assert set(counts(sim)) == {"oauth_create_token", "session_login", "v1_get_upgrade"}


async def test_closing_logs_out_when_asked_to_and_never_revokes(new_sim: NewSim) -> None:
    sim = await new_sim()
    async with FotaClient(
        credentials_of(sim), account=sim.account, base_url=sim.base_url, logout_on_close=True
    ) as client:
        await read(client)
    async with FotaClient(
        credentials_of(sim), account=sim.account, base_url=sim.base_url, logout_on_close=True
    ):
        pass  # it never logged in

    assert counts(sim)["session_logout"] == 1
    assert "oauth_revoke_token" not in counts(sim)


async def test_closing_works_when_the_logout_does_not(
    new_sim: NewSim, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await new_sim()
    async with FotaClient(
        credentials_of(sim), account=sim.account, base_url=sim.base_url, logout_on_close=True
    ) as client:
        await read(client)
        sim.expire_sessions()

    assert "the session could not be ended" in caplog.text


class Supplied:
    """Tokens from elsewhere."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.heard: list[str] = []

    async def get(self) -> Tokens:
        return self.tokens

    async def bearer_refused(self, tokens: Tokens) -> bool:
        self.heard.append(f"bearer {tokens.bearer}")
        return False

    async def session_ended(self, tokens: Tokens) -> None:
        self.heard.append(f"session {tokens.session}")

    async def logout(self) -> None:
        self.heard.append("logout")


async def test_tokens_can_be_supplied(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    lender = new_client(sim)
    await read(lender)
    own = lender.session._own_tokens
    assert own is not None
    supplied = Supplied(await own.get())
    values = {"account": sim.account, "upgrade_id": sim.upgrade_id}
    async with SessionManager(
        tokens=supplied, base_url=sim.base_url, logout_on_close=True
    ) as session:
        assert (await session.call(GET_UPGRADE, values)).id == sim.upgrade_id
        sim.expire_tokens()
        with pytest.raises(TokenRefusedError):
            await session.call(GET_UPGRADE, values)

    assert counts(sim) == {"oauth_create_token": 1, "session_login": 1, "v1_get_upgrade": 3}
    assert supplied.heard == [f"bearer {supplied.tokens.bearer}", "logout"]


async def test_what_ends_with_its_tokens_was_not_applied(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim(faults=Faults(expire_session=1.0))
    with pytest.raises(CallError) as caught:
        await modify(new_client(sim))

    assert caught.value.sent == "no"
    assert not sim.members()

"""The simulator's tokens, sessions and gateway, called by a bare HTTP client."""

import email.utils
import time

import aiohttp
import pytest
from simulator_api import GRANT, LOGIN, LOGOUT, RESET, REVOKE, TOKEN, Api, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Rules, Simulator

A, B, C = imei(1), imei(2), imei(3)


# Tokens


async def test_a_token_asked_for_again_is_the_same_one_with_less_to_live(
    api: Api, clock: ManualClock
) -> None:
    first = (await api.token()).document
    clock.turn(3599.5)
    second = (await api.token()).document

    assert first["expires_in"] == 3600
    assert first["token_type"] == "Bearer"
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] == 0


async def test_a_token_ends_after_its_life_whatever_its_use(api: Api, clock: ManualClock) -> None:
    first = (await api.token()).document
    for _ in range(6):
        clock.turn(599)
        assert (await api.read()).status == 200
    clock.turn(6)
    refused = await api.read()

    assert (refused.status, refused.code) == (401, "900901")
    assert (await api.token()).document["access_token"] != first["access_token"]


async def test_expired_tokens_are_replaced_by_asking(api: Api, sim: Simulator) -> None:
    sim.expire_tokens()
    assert (await api.read()).code == "900901"

    await api.enter()
    assert (await api.read()).status == 200


async def test_a_spoiled_token_comes_back_until_it_is_revoked(api: Api, sim: Simulator) -> None:
    before = (await api.token()).document["access_token"]
    sim.spoil_token()
    assert (await api.read()).code == "900901"
    assert (await api.token()).document["access_token"] == before

    form = {**GRANT, "token": before}
    revoked = await api.call("POST", REVOKE, headers=api.basic, data=form)
    after = (await api.token()).document["access_token"]

    assert (revoked.status, revoked.body) == (200, b"")
    assert after != before
    assert sim.stats()["revocations"] == 1
    api.headers["Authorization"] = f"Bearer {after}"
    assert (await api.read()).status == 200


async def test_revoking_another_token_changes_nothing(api: Api) -> None:
    form = {**GRANT, "token": "of somebody else"}
    await api.call("POST", REVOKE, headers=api.basic, data=form)

    assert (await api.read()).status == 200


@pytest.mark.parametrize(
    ("headers", "form", "status", "code"),
    [
        ({}, GRANT, 401, "900902"),
        ({"Authorization": aiohttp.encode_basic_auth("a", "b")}, GRANT, 401, "invalid_client"),
        ({"Authorization": "Basic %%%"}, GRANT, 401, "invalid_client"),
        (None, {"grant_type": "password"}, 400, "invalid_request"),
        (None, {"scope": "all"}, 400, "invalid_request"),
    ],
)
async def test_the_token_endpoint_refuses(
    api: Api, headers: dict[str, str] | None, form: dict[str, str], status: int, code: str
) -> None:
    headers = api.basic if headers is None else headers
    refused = await api.call("POST", TOKEN, headers=headers, data=form)

    assert (refused.status, refused.code) == (status, code)


async def test_a_json_body_is_no_token_request(api: Api) -> None:
    refused = await api.call("POST", TOKEN, headers=api.basic, json=GRANT)

    assert (refused.status, refused.code) == (400, "invalid_request")


async def test_a_revocation_names_its_token(api: Api) -> None:
    refused = await api.call("POST", REVOKE, headers=api.basic, data=GRANT)

    assert (refused.status, refused.code) == (400, "invalid_request")


# Sessions


async def test_use_prolongs_a_session_and_idleness_ends_it(api: Api, clock: ManualClock) -> None:
    for _ in range(2):
        clock.turn(1199)
        assert (await api.read()).status == 200
    clock.turn(1200)
    expired = await api.read()

    assert expired.status == 400
    assert expired.code == "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"


@pytest.mark.parametrize(
    ("token", "suffix"),
    [
        (None, "REQUEST_FAILED.SessionToken.Format"),
        ("no guid", "INPUT_INVALID.SessionToken.Invalid"),
        ("bcce3ea6-fe4f-4952-bacf-eadd80718e83", "REQUEST_FAILED.SessionToken.Expired"),
    ],
)
async def test_a_session_is_needed(api: Api, token: str | None, suffix: str) -> None:
    del api.headers["VZ-M2M-Token"]
    if token is not None:
        api.headers["VZ-M2M-Token"] = token
    refused = await api.read()

    assert (refused.status, refused.code) == (400, f"UnifiedWebService.{suffix}")


async def test_expired_sessions_are_replaced_by_a_login(api: Api, sim: Simulator) -> None:
    sim.expire_sessions()
    assert (await api.read()).code.endswith("SessionToken.Expired")

    api.headers["VZ-M2M-Token"] = (await api.login()).document["sessionToken"]
    assert (await api.read()).status == 200


async def test_logout_repeats_the_token_and_ends_the_session(api: Api) -> None:
    answer = await api.call("POST", LOGOUT)

    assert answer.document == {"sessionToken": api.headers["VZ-M2M-Token"]}
    assert (await api.read()).code.endswith("SessionToken.Expired")


async def test_five_refused_logins_lock_the_user_for_ever(api: Api, sim: Simulator) -> None:
    for _ in range(5):
        assert not sim.stats()["locked"]
        assert (await api.login("wrong")).status == 400
    right = await api.login()

    assert right.status == 400
    assert set(right.document) == {"errorCode", "errorMessage"}
    assert sim.stats()["locked"]
    assert sim.stats()["refused_logins"] == 6
    assert sim.stats()["logins"] == 1


async def test_a_login_that_succeeds_forgives_the_refused_ones(api: Api, sim: Simulator) -> None:
    for password in ["wrong"] * 4 + [sim.password] + ["wrong"] * 4:
        await api.login(password)

    assert (await api.login()).status == 200
    assert not sim.stats()["locked"]


async def test_an_empty_login_is_not_counted(api: Api, sim: Simulator) -> None:
    refused = await api.call("POST", LOGIN, json={})

    assert refused.code.endswith("INPUT_INVALID.RequestUndefined")
    assert sim.stats()["refused_logins"] == 0


async def test_a_password_reset_gives_a_new_password_at_once(api: Api, sim: Simulator) -> None:
    old = sim.password
    answer = await api.call("PUT", RESET, json={"oldPassword": old})

    assert answer.document == {"newPassword": sim.password}
    assert sim.password != old
    assert (await api.login(old)).status == 400
    assert (await api.login(sim.password)).status == 200


async def test_a_reset_with_a_wrong_password_counts_towards_the_lock(
    api: Api, sim: Simulator
) -> None:
    for _ in range(5):
        assert (await api.call("PUT", RESET, json={"oldPassword": "wrong"})).status == 400

    assert sim.stats()["locked"]
    assert (await api.call("PUT", RESET, json={"oldPassword": sim.password})).status == 400


# The gateway


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/api/fota/v9/upgrades"), ("PATCH", TOKEN), ("HEAD", "/__stats")],
)
async def test_an_unknown_resource_is_refused_before_anything_else(
    api: Api, sim: Simulator, method: str, path: str
) -> None:
    refused = await api.call(method, path, headers={})

    assert refused.status == 400
    if method != "HEAD":
        assert refused.code == "900906"
    assert sim.requests[-1].route == "unknown"


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer "])
async def test_a_bearer_is_needed(api: Api, authorization: str | None) -> None:
    del api.headers["Authorization"]
    if authorization is not None:
        api.headers["Authorization"] = authorization
    refused = await api.read()

    assert (refused.status, refused.code) == (401, "900902")


async def test_a_wrong_bearer_is_refused(api: Api) -> None:
    api.headers["Authorization"] = "Bearer wrong"

    assert ((await api.read()).status, (await api.read()).code) == (401, "900901")


async def test_the_rate_of_an_account_is_limited(
    api: Api, sim: Simulator, clock: ManualClock
) -> None:
    sim.rules = Rules(rate=2, burst=3, retry_after=1.5)
    statuses = [(await api.append(A)).status for _ in range(4)]
    refused = await api.append(A)
    clock.turn(0.5)
    later = [(await api.append(A)).status for _ in range(2)]

    assert statuses == [200, 200, 200, 429]
    assert (refused.code, refused.headers["Retry-After"]) == ("900800", "1.5")
    assert later == [200, 429]
    # Tokens and sessions are not counted.
    assert (await api.login()).status == 200


async def test_each_account_has_its_own_rate(api: Api, sim: Simulator) -> None:
    sim.add_account("0000123456-00002")
    sim.rules = Rules(rate=1, burst=1)
    paths = [api.callback] * 2 + ["/api/fota/v2/callbacks/0000123456-00002"] * 2
    statuses = [(await api.call("GET", path)).status for path in paths]

    assert statuses == [200, 429, 200, 429]


async def test_a_throttled_answer_may_say_nothing_of_when(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(rate=1, burst=1)
    await api.read()

    assert "Retry-After" not in (await api.read()).headers


async def test_retry_after_can_be_a_date(api: Api, sim: Simulator) -> None:
    sim.rules = Rules(rate=1, burst=1, retry_after=90, retry_after_date=True)
    await api.read()
    headers = (await api.read()).headers
    date = email.utils.parsedate_to_datetime(headers["Date"])

    until = email.utils.parsedate_to_datetime(headers["Retry-After"])
    assert (until - date).total_seconds() == 90
    assert len(headers.getall("Date")) == 1
    assert abs(date.timestamp() - time.time()) < 60

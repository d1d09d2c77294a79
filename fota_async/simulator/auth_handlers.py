"""Tokens, login, logout, password."""

from typing import Final

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.gateway import session_of
from fota_async.simulator.world import Handler, World


def create_token(world: World, call: Call, now: float) -> Answer:
    """Give the bearer token."""
    _check_grant(call)
    value, seconds = world.access.issue_token(world.rules, now)
    return Answer.of({"access_token": value, "token_type": "Bearer", "expires_in": seconds})


def revoke_token(world: World, call: Call, _now: float) -> Answer:
    """End a bearer token; the answer has no body."""
    _check_grant(call)
    if "token" not in call.form:
        raise Refused(refusals.oauth(400, "invalid_request", "Missing token parameter value"))
    world.access.revoke_token(call.form["token"])
    return Answer()


def log_in(world: World, call: Call, now: float) -> Answer:
    """Open a session."""
    if not call.members:
        raise Refused(_empty_message())
    session = world.access.log_in(call.members.get("username"), call.members.get("password"), now)
    if session is None:
        raise Refused(_login_refused(world))
    return Answer.of({"sessionToken": session})


def log_out(world: World, call: Call, _now: float) -> Answer:
    """Close the session and repeat its token."""
    session = session_of(call)
    world.access.end_session(session)
    return Answer.of({"sessionToken": session})


def reset_password(world: World, call: Call, _now: float) -> Answer:
    """Replace the password by a new one, shown only here."""
    if not call.members:
        raise Refused(_empty_message())
    password = world.access.reset_password(call.members.get("oldpassword"))
    if password is None:
        raise Refused(_login_refused(world))
    return Answer.of({"newPassword": password})


def _check_grant(call: Call) -> None:
    grant = call.form.get("grant_type")
    if grant != "client_credentials":
        how = "Missing" if grant is None else "Unknown"
        raise Refused(refusals.oauth(400, "invalid_request", f"{how} grant_type parameter value"))


def _empty_message() -> Answer:
    return refusals.connectivity("INPUT_INVALID.RequestUndefined", "The request is empty.")


def _login_refused(world: World) -> Answer:
    # The vendor documents no code for a wrong password and none for a locked user, so
    # a client must not depend on this one.
    why = "The user is locked." if world.access.locked else "User name or password is wrong."
    return refusals.connectivity("REQUEST_FAILED.LoginRefused", why)


HANDLERS: Final[dict[str, Handler]] = {
    "oauth_create_token": create_token,
    "oauth_revoke_token": revoke_token,
    "session_login": log_in,
    "session_logout": log_out,
    "session_reset_password": reset_password,
}

"""What stands in front of the service: credentials, the rate limit, the session."""

import re

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Call, Refused
from fota_async.simulator.routes import Guard
from fota_async.simulator.world import World

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def check(world: World, call: Call, now: float) -> None:
    """Refuse a call that may not pass."""
    match call.route.guard:
        case Guard.BASIC:
            _check_basic(world, call)
        case Guard.BEARER:
            _check_bearer(world, call, now)
        case Guard.SESSION:
            _check_bearer(world, call, now)
            _check_rate(world, call, now)
            _check_session(world, call, now)


def bearer_of(call: Call) -> str:
    """Return the bearer a call shows, empty if it shows none."""
    return _authorization(call, "bearer")


def session_of(call: Call) -> str:
    """Return the session token a call shows, empty if it shows none."""
    return call.headers.get("VZ-M2M-Token", "")


def _authorization(call: Call, scheme: str) -> str:
    sent, _, value = call.headers.get("Authorization", "").partition(" ")
    return value.strip() if sent.lower() == scheme else ""


def _check_basic(world: World, call: Call) -> None:
    basic = _authorization(call, "basic")
    if not basic:
        raise Refused(refusals.missing_credentials())
    if not world.access.knows_application(basic):
        raise Refused(refusals.oauth(401, "invalid_client", "Client authentication failed"))


def _check_bearer(world: World, call: Call, now: float) -> None:
    bearer = bearer_of(call)
    if not bearer:
        raise Refused(refusals.missing_credentials())
    if not world.access.takes_token(bearer, now):
        raise Refused(refusals.invalid_credentials())


def _check_rate(world: World, call: Call, now: float) -> None:
    rules = world.rules
    account = world.accounts.get(call.account)
    # A call that names no account is none of Software Management, which alone is limited.
    if rules.rate is None or account is None:
        return
    if not account.bucket.take(rules.rate, rules.burst, now):
        raise Refused(refusals.throttled(rules.retry_after, as_date=rules.retry_after_date))


def _check_session(world: World, call: Call, now: float) -> None:
    session = session_of(call)
    if not session:
        raise Refused(
            refusals.connectivity(
                "REQUEST_FAILED.SessionToken.Format", "The session token is missing."
            )
        )
    if not _GUID.fullmatch(session):
        raise Refused(
            refusals.connectivity(
                "INPUT_INVALID.SessionToken.Invalid", "The session token is not a GUID."
            )
        )
    if not world.access.use_session(session, world.rules, now):
        raise Refused(refusals.session_expired())

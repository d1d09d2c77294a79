"""The v2 listener of an account: read, register, change, deregister."""

from typing import Final

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.world import Handler, World


def get_callback(world: World, call: Call, _now: float) -> Answer:
    """Show the listener; the body is empty when there is none."""
    account = account_of(world, call)
    return Answer() if account.listener is None else Answer.of({"url": account.listener})


def set_callback(world: World, call: Call, _now: float) -> Answer:
    """Register or change the listener; either replaces the one before."""
    account = account_of(world, call)
    members = call.members or {}
    url = members.get("url") or members.get("callback")
    if not isinstance(url, str) or not url:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    account.listener = url
    return Answer.of({"url": url})


def deregister_callback(world: World, call: Call, _now: float) -> Answer:
    """Remove the listener. What a second removal is told is not documented; here it succeeds."""
    account = account_of(world, call)
    account.listener = None
    return Answer.of({"success": True})


HANDLERS: Final[dict[str, Handler]] = {
    "v2_get_callback": get_callback,
    "v2_register_callback": set_callback,
    "v2_modify_callback": set_callback,
    "v2_deregister_callback": deregister_callback,
}

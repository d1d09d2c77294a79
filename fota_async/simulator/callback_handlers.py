"""The listeners of an account, one a version: read, register, change, deregister.

Whether the registrations of the versions are separate is not documented; here they are.
"""

from functools import partial
from typing import Final

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.world import Handler, Listener, World

_SERVICE: Final = "Fota"
"""The only service that v1 calls back for."""


def list_callbacks(world: World, call: Call, _now: float) -> Answer:
    """Show the v1 listener in a list; the body is empty when there is none."""
    account = account_of(world, call)
    listener = account.listeners.get("v1")
    if listener is None:
        return Answer()
    return Answer.of([{"aname": account.name, "name": _SERVICE, "url": listener.url}])


def register_callback(world: World, call: Call, _now: float) -> Answer:
    """Register the v1 listener; it replaces the one before."""
    account = account_of(world, call)
    members = call.members or {}
    url, *secrets = (members.get(name) for name in ("url", "username", "password"))
    strange = any(not isinstance(secret, str | None) for secret in secrets)
    if members.get("name") != _SERVICE or not isinstance(url, str) or not url or strange:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    world.listen(account, "v1", Listener(url, *secrets))
    return Answer.of({"accountName": account.name, "serviceName": _SERVICE})


def deregister_service(world: World, call: Call, now: float) -> Answer:
    """Remove the v1 listener of the service in the path."""
    if call.params["service"] != _SERVICE:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    return deregister_callback("v1", world, call, now)


def get_callback(version: str, world: World, call: Call, _now: float) -> Answer:
    """Show the listener; the body is empty when there is none."""
    listener = account_of(world, call).listeners.get(version)
    return Answer() if listener is None else Answer.of({"url": listener.url})


def set_callback(version: str, world: World, call: Call, _now: float) -> Answer:
    """Register or change the listener; either replaces the one before."""
    account = account_of(world, call)
    members = call.members or {}
    url = members.get("url") or members.get("callback")
    if not isinstance(url, str) or not url.lower().startswith("https://"):
        # That it must be HTTPS is documented, how another one is refused is not.
        raise Refused(refusals.invalid_parameter("Input binding error"))
    world.listen(account, version, Listener(url))
    return Answer.of({"url": url})


def deregister_callback(version: str, world: World, call: Call, _now: float) -> Answer:
    """Remove the listener. What a second removal is told is not documented; here it succeeds."""
    account_of(world, call).listeners.pop(version, None)
    return Answer.of({"success": True})


HANDLERS: Final[dict[str, Handler]] = {
    "v1_list_callbacks": list_callbacks,
    "v1_register_callback": register_callback,
    "v1_deregister_callback": deregister_service,
    "v2_get_callback": partial(get_callback, "v2"),
    "v2_register_callback": partial(set_callback, "v2"),
    "v2_modify_callback": partial(set_callback, "v2"),
    "v2_deregister_callback": partial(deregister_callback, "v2"),
    "v3_get_callback": partial(get_callback, "v3"),
    "v3_register_callback": partial(set_callback, "v3"),
    "v3_modify_callback": partial(set_callback, "v3"),
    "v3_deregister_callback": partial(deregister_callback, "v3"),
}

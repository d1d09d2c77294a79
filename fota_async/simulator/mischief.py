"""What each drawn fault does to a request: one line of a table each."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import attrs
import msgspec

from fota_async.simulator import refusals
from fota_async.simulator.draws import Draw
from fota_async.simulator.exchange import Answer, Call, Delivery
from fota_async.simulator.faults import Faults
from fota_async.simulator.gateway import session_of
from fota_async.simulator.world import World

_PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"
_LISTING = frozenset(
    {
        "v1_assign_licenses",
        "v1_get_license_status",
        "v1_get_upgrade",
        "v1_list_cancel_candidates",
        "v1_list_devices",
        "v1_modify_upgrade",
        "v1_remove_licenses",
        "v1_schedule_upgrade",
        "v1_set_cancel_candidates",
        "v2_assign_licenses",
        "v2_enable_logging",
        "v2_get_license_status",
        "v2_list_campaign_devices",
        "v2_list_cancel_candidates",
        "v2_list_devices",
        "v2_list_logging_devices",
        "v2_remove_licenses",
        "v2_set_cancel_candidates",
        "v3_assign_licenses",
        "v3_get_device_details",
        "v3_get_license_status",
        "v3_list_campaign_devices",
        "v3_list_devices",
        "v3_modify_campaign",
        "v3_remove_licenses",
        "v3_sync_device_firmware",
    }
)
_LISTS = ("deviceList", "deviceFirmwarVersionList", "deviceFirmwareVersionList")
_MODIFYING = frozenset(
    {
        "v1_assign_licenses",
        "v1_modify_upgrade",
        "v1_remove_licenses",
        "v1_set_cancel_candidates",
        "v2_assign_licenses",
        "v2_enable_logging",
        "v2_modify_campaign",
        "v2_remove_licenses",
        "v2_set_cancel_candidates",
        "v3_assign_licenses",
        "v3_modify_campaign",
        "v3_remove_licenses",
    }
)
_SHARE_OF_ITEMS = 1 / 3

_T = TypeVar("_T")


@attrs.frozen
class Scene:
    """All that a fault may look at.

    Args:
        call: The request.
        answer: What the server would have said; an empty answer if nothing was applied.
        draw: The request's chance.
        faults: The settings.
        world: The server's state.

    """

    call: Call
    answer: Answer
    draw: Draw
    faults: Faults
    world: World


@attrs.frozen(kw_only=True)
class Mischief:
    """One fault.

    Args:
        applies: Whether the request is carried out first.
        act: Makes the answer that the caller gets.
        routes: The routes it makes sense for; None for all.

    """

    applies: bool
    act: Callable[[Scene], Answer]
    routes: frozenset[str] | None = None


def pick(faults: Faults, route: str, draw: Draw) -> str | None:
    """Return the name of the fault this request meets, or None."""
    if not faults.reach(route):
        return None
    for name, mischief in MISCHIEF.items():
        chance: float = getattr(faults, name)
        if not chance or (mischief.routes is not None and route not in mischief.routes):
            continue
        if draw.share(name) < chance:
            return name
    return None


def latency(faults: Faults, route: str, draw: Draw) -> float:
    """Return the seconds the server takes before it acts on this request."""
    if not faults.reach(route):
        return 0.0
    if not isinstance(faults.latency, tuple):
        return faults.latency
    low, high = faults.latency
    return low + (high - low) * draw.share("latency")


def comes_late(faults: Faults, fault: str, route: str, draw: Draw) -> bool:
    """Return whether a modify call whose answer is lost is applied later on."""
    lost = fault in {"drop_before", "hang_before"} and route in _MODIFYING
    return lost and draw.share("late_write") < faults.late_write


def _one_of(choices: Sequence[_T], scene: Scene, about: str) -> _T:
    return choices[int(scene.draw.share(about) * len(choices))]


def _server_error(scene: Scene) -> Answer:
    status = _one_of((500, 502, 503, 504), scene, "status")
    bodies = (
        Answer.of({"errorCode": "INTERNAL_ERROR", "errorMessage": "Internal error"}, status),
        refusals.gateway_fault(status, "101503", "Error connecting to the back end"),
        Answer(status=status, body=(_PAGE,), content_type="text/html"),
        Answer(status=status),
    )
    return _one_of(bodies, scene, "body")


def _dropped(_scene: Scene) -> Answer:
    return Answer(delivery=Delivery.DROPPED)


def _never(_scene: Scene) -> Answer:
    return Answer(delivery=Delivery.NEVER)


def _throttled(scene: Scene) -> Answer:
    return refusals.throttled(scene.faults.throttle_seconds)


def _token_ends(scene: Scene) -> Answer:
    scene.world.access.expire_token()
    return refusals.invalid_credentials()


def _session_ends(scene: Scene) -> Answer:
    scene.world.access.end_session(session_of(scene.call))
    return refusals.session_expired()


def _elsewhere(scene: Scene) -> Answer:
    # A host name that never resolves, RFC 6761.
    return Answer(status=302, headers={"Location": f"http://elsewhere.invalid{scene.call.path}"})


def _torn(scene: Scene) -> Answer:
    return attrs.evolve(scene.answer, delivery=Delivery.TORN)


def _html(scene: Scene) -> Answer:
    return scene.answer.with_content(_PAGE, content_type="text/html")


def _empty(scene: Scene) -> Answer:
    return scene.answer.with_content(b"")


def _half(scene: Scene) -> Answer:
    content = scene.answer.content
    return scene.answer.with_content(content[: len(content) // 2])


def _list(scene: Scene) -> Answer:
    return scene.answer.with_content(b"[" + scene.answer.content + b"]")


def _on_items(
    alter: Callable[[Scene, list[Any]], object],
) -> Callable[[Scene], Answer]:
    """Return a fault that alters the device list of an answer that has one."""

    def act(scene: Scene) -> Answer:
        try:
            document = msgspec.json.decode(scene.answer.content)
        except msgspec.DecodeError:  # a refusal may be a page of HTML
            return scene.answer
        if isinstance(document, list):
            document = alter(scene, document)
        else:
            # An odd spelling may have null in its place.
            lists = (name for name in _LISTS if document.get(name) is not None)
            for name in lists:
                document[name] = alter(scene, document[name])
        return scene.answer.with_content(msgspec.json.encode(document))

    return act


def _id_of(item: Any) -> str:
    """Return the device of an item; in some lists it is all there is."""
    return str(item["deviceId"] if isinstance(item, dict) else item)


def _chosen(scene: Scene, items: list[Any], about: str) -> set[str]:
    """Return the devices an altering fault strikes: about a third, at least one."""
    shares = {_id_of(item): scene.draw.share(about, _id_of(item)) for item in items}
    chosen = {device_id for device_id, share in shares.items() if share < _SHARE_OF_ITEMS}
    return chosen or set(sorted(shares, key=shares.__getitem__)[:1])


def _fewer(scene: Scene, items: list[Any]) -> object:
    left_out = _chosen(scene, items, "left out")
    return [item for item in items if _id_of(item) not in left_out]


def _odd(scene: Scene, items: list[Any]) -> object:
    chosen = _chosen(scene, items, "odd")
    odd = {"status": "DeviceDeferred"}
    return [item | odd if _id_of(item) in chosen and "status" in item else item for item in items]


def _null(_scene: Scene, _items: list[Any]) -> object:
    return None


MISCHIEF: Final = {
    "error_before": Mischief(applies=False, act=_server_error),
    "drop_before": Mischief(applies=False, act=_dropped),
    "hang_before": Mischief(applies=False, act=_never),
    "throttle": Mischief(applies=False, act=_throttled),
    "expire_token": Mischief(applies=False, act=_token_ends),
    "expire_session": Mischief(applies=False, act=_session_ends),
    "redirect": Mischief(applies=False, act=_elsewhere),
    "error_after": Mischief(applies=True, act=_server_error),
    "drop_after": Mischief(applies=True, act=_dropped),
    "hang_after": Mischief(applies=True, act=_never),
    "torn_body": Mischief(applies=True, act=_torn),
    "html_body": Mischief(applies=True, act=_html),
    "empty_body": Mischief(applies=True, act=_empty),
    "half_json": Mischief(applies=True, act=_half),
    "wrong_shape": Mischief(applies=True, act=_list),
    "null_list": Mischief(applies=True, act=_on_items(_null), routes=_LISTING),
    "missing_items": Mischief(applies=True, act=_on_items(_fewer), routes=_LISTING),
    "odd_status": Mischief(applies=True, act=_on_items(_odd), routes=_LISTING),
}
"""Every drawn fault, in the order in which they are drawn."""

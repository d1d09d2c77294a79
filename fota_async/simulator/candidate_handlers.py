"""The cancellation candidates: list, store, drop."""

from collections.abc import Callable
from typing import Final

from fota_async.simulator import pages, refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import go_text, rfc3339
from fota_async.simulator.device_lists import device_ids_of, rules_for
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.licenses import UNKNOWN_DEVICE
from fota_async.simulator.world import Account, Handler, World


def set_candidates(world: World, call: Call, now: float) -> Answer:
    """Replace the list or, with `type: append`, add to it.

    No answer to this call says no to a device, so one that is refused is left out. Not
    documented.
    """
    account = account_of(world, call)
    ids = device_ids_of(world, call)
    kind = (call.members or {}).get("type")
    if kind is not None and kind != "append":
        raise Refused(refusals.invalid_parameter("Input binding error"))
    change = account.candidates.replace if kind is None else account.candidates.append
    rules = rules_for(account, world.rules, ids, UNKNOWN_DEVICE)
    taken = [device_id for device_id in ids if rules.refusal(device_id) is None]
    account.candidates.forget(now - world.read_lag)
    change(taken, now)
    listed = account.candidates.ids()
    shown = listed if rules.candidates_answer == "list" else taken
    return Answer.of({"count": len(listed), "deviceList": shown})


def delete_candidates(world: World, call: Call, now: float) -> Answer:
    """Drop the list."""
    account_of(world, call).candidates.replace((), now)
    return Answer.of({"success": True})


def _v1_list(world: World, call: Call, now: float) -> Answer:
    account = account_of(world, call)
    return _listed(world, account, call.params["startIndex"], now, rfc3339)


def _v2_list(world: World, call: Call, now: float) -> Answer:
    account = account_of(world, call)
    return _listed(world, account, call.asked("startIndex", pages.FIRST), now, go_text)


def _listed(
    world: World, account: Account, index: str, now: float, layout: Callable[..., str]
) -> Answer:
    moment = now - world.read_lag
    listed = account.candidates.ids_at(moment)
    page = pages.from_index(listed, index, world.rules.page_size)
    return Answer.of(
        {
            "count": len(listed),
            "hasMoreData": page.more,
            "updateTime": layout(world.calendar.time_at(account.candidates.updated)),
            "deviceList": page.ids,
        }
    )


HANDLERS: Final[dict[str, Handler]] = {
    "v1_list_cancel_candidates": _v1_list,
    "v1_set_cancel_candidates": set_candidates,
    "v1_delete_cancel_candidates": delete_candidates,
    "v2_list_cancel_candidates": _v2_list,
    "v2_set_cancel_candidates": set_candidates,
    "v2_delete_cancel_candidates": delete_candidates,
}

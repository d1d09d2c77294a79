"""The licences of an account: status, assign, remove; the same in three dialects."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import attrs

from fota_async.simulator import license_effects, pages
from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import go_text, rfc3339
from fota_async.simulator.device_lists import device_ids_of, rules_for
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.licenses import UNKNOWN_DEVICE, Verdict
from fota_async.simulator.world import Account, Handler, World


@attrs.frozen(kw_only=True)
class Dialect:
    """How a version says what all say.

    Args:
        assigned: Words for a device that got a licence and for one that did not.
        removed: Words for a device that lost its licence and for one that did not.
        reason: Name of the member that says why.
        count: Name of the member for the licences bought.

    """

    assigned: tuple[str, str]
    removed: tuple[str, str]
    reason: str
    count: str


# `LicenseAssignFailed` is made up after the pattern of `LicenseRemoveFailed`; that v3 has the
# words of v1 is documented for the successes alone.
_LONG: Final = {
    "assigned": ("LicenseAssignSuccess", "LicenseAssignFailed"),
    "removed": ("LicenseRemoveSuccess", "LicenseRemoveFailed"),
}
_V1: Final = Dialect(**_LONG, reason="Reason", count="licCount")
_V2: Final = Dialect(
    assigned=("Success", "Failure"),
    removed=("Success", "Failure"),
    reason="resultReason",
    count="licTotalCount",
)
_V3: Final = Dialect(**_LONG, reason="resultReason", count="licCount")


def assign(dialect: Dialect, world: World, call: Call, now: float) -> Answer:
    """Give licences; each device has its own outcome."""
    account = account_of(world, call)
    ids = device_ids_of(world, call)
    rules = rules_for(account, world.rules, ids, UNKNOWN_DEVICE)
    account.licenses.rows.forget(now - world.read_lag)
    return _changed(dialect, dialect.assigned, account, account.licenses.assign(ids, rules, now))


def remove(dialect: Dialect, world: World, call: Call, now: float) -> Answer:
    """Take licences back, and the devices off what is scheduled for them."""
    account = account_of(world, call)
    ids = device_ids_of(world, call)
    targets = [target for target in world.targets() if target.account == account.name]

    def in_use(device_id: str, since: float) -> str | None:
        return license_effects.in_use(targets, device_id, since, now)

    account.licenses.rows.forget(now - world.read_lag)
    verdicts = account.licenses.remove(ids, in_use, now)
    gone = {verdict.device_id for verdict in verdicts if verdict.done}
    license_effects.withdraw(targets, gone, now)
    return _changed(dialect, dialect.removed, account, verdicts)


def _changed(
    dialect: Dialect, words: tuple[str, str], account: Account, verdicts: Iterable[Verdict]
) -> Answer:
    done, failed = words
    return Answer.of(
        {
            "accountName": account.name,
            dialect.count: account.licenses.total,
            "licUsedCount": account.licenses.used,
            "deviceList": [
                {
                    "deviceId": verdict.device_id,
                    "status": done if verdict.done else failed,
                    dialect.reason: verdict.reason,
                }
                for verdict in verdicts
            ],
        }
    )


def v1_status(world: World, call: Call, now: float) -> Answer:
    """Show the totals and a page of devices."""
    account = account_of(world, call)
    rules, rows, index = world.rules, account.licenses.rows, call.params["startIndex"]
    moment = now - world.read_lag
    counts = rules.license_index == "count"
    if counts:
        ids = list(rows.page("", sys.maxsize, moment).rows)
        start = pages.place(index, len(ids))
        after = ids[start - 1] if start else ""
    else:
        start, after = 0, pages.last_seen(index, account, rules)
    page = rows.page(after, rules.page_size, moment)
    last = start + len(page.rows) if counts else int(next(reversed(page.rows), pages.FIRST))
    return Answer.of(
        {
            "accountName": account.name,
            "totalLicenses": account.licenses.total,
            "assignedLicenses": page.total,
            "hasMoreData": page.more,
            # "0 when there is no more" is said of the device list, by the page of v1.
            "lastSeenDeviceId": last if page.more else 0,
            "deviceList": _holders(world, account, page.rows, rfc3339),
        }
    )


def _status(total: str, layout: Callable[..., str], world: World, call: Call, now: float) -> Answer:
    account, rules = account_of(world, call), world.rules
    name = "lastSeenDeviceId"
    cursor = call.params.get(name) or call.asked(name, pages.FIRST)
    after = pages.last_seen(cursor, account, rules)
    page = account.licenses.rows.page(after, rules.page_size, now - world.read_lag)
    return Answer.of(
        {
            "accountName": account.name,
            total: account.licenses.total,
            "assignedLicenses": page.total,
            "hasMoreData": page.more,
            name: next(reversed(page.rows), pages.FIRST),
            "maxPageSize": rules.page_size,
            "deviceList": _holders(world, account, page.rows, layout),
        }
    )


def _holders(
    world: World, account: Account, ids: Iterable[str], layout: Callable[..., str]
) -> list[dict[str, Any]]:
    since = account.licenses.since
    return [
        {"deviceId": i, "assignmentTime": layout(world.calendar.time_at(since(i)))} for i in ids
    ]


HANDLERS: Final[dict[str, Handler]] = {
    "v1_get_license_status": v1_status,
    "v1_assign_licenses": partial(assign, _V1),
    "v1_remove_licenses": partial(remove, _V1),
    "v2_get_license_status": partial(_status, "totalLicense", rfc3339),
    "v2_assign_licenses": partial(assign, _V2),
    "v2_remove_licenses": partial(remove, _V2),
    "v3_get_license_status": partial(_status, "totalLicenses", go_text),
    "v3_assign_licenses": partial(assign, _V3),
    "v3_remove_licenses": partial(remove, _V3),
}

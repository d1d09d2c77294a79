"""The v1 upgrade calls: schedule, read, modify, cancel."""

import datetime
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import attrs
import msgspec

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.device_lists import check_ids, check_size, rules_for
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.rows import Row
from fota_async.simulator.rules import NOT_FOUND
from fota_async.simulator.upgrades import CANCELLED, Upgrade
from fota_async.simulator.versions import V1
from fota_async.simulator.world import Handler, World

_SLICE = 5_000
"""Rows encoded in one go: a few milliseconds' work."""


def schedule_upgrade(world: World, call: Call, now: float) -> Answer:
    """Make an upgrade; the answer says that it was taken, not that it is queued."""
    check_size(call, world.rules)
    members = _members_of(call)
    account = account_of(world, call)
    firmware_name, firmware_to = _text(members, "firmwarename"), _text(members, "firmwareto")
    start_date = _date(members.get("startdate"))
    if start_date is None:
        # "state" is the vendor's spelling.
        raise Refused(refusals.invalid_parameter("FotaPostUpgrades: invalid state date"))
    check_ids(call.device_ids, world.rules)
    upgrade = world.add_upgrade(
        account.name,
        "RequestPending",
        firmware_name=firmware_name,
        firmware_to=firmware_to,
        start_date=start_date,
        # Older SDKs do not send it.
        end_date=_date(members.get("enddate")),
    )
    rules = rules_for(account, world.rules, call.device_ids, NOT_FOUND)
    upgrade.enlist(call.device_ids, rules, now)
    return _shown(upgrade, dict.fromkeys(call.device_ids, V1.pending), now)


def get_upgrade(world: World, call: Call, now: float) -> Answer:
    """Show an upgrade with all its devices; the call is not paged."""
    upgrade = _upgrade_of(world, call)
    moment = now - world.read_lag
    return _shown(upgrade, upgrade.rows.written_by(moment), moment)


def modify_upgrade(world: World, call: Call, now: float) -> Answer:
    """Append or remove devices; each has its own outcome."""
    rules = world.rules
    check_size(call, rules)
    operation = _text(_members_of(call), "type")
    upgrade = _upgrade_of(world, call)
    _check_open(world, upgrade)
    change = {"append": upgrade.append, "remove": upgrade.remove}.get(operation)
    if change is None:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    check_ids(call.device_ids, rules)
    upgrade.rows.forget(now - world.read_lag)
    rules = rules_for(account_of(world, call), rules, call.device_ids, NOT_FOUND)
    results = change(call.device_ids, rules, now)
    answer = Answer.of({"accountName": upgrade.account, "id": upgrade.id, "deviceList": results})
    names = ("firmwareName", "firmwareTo", "startDate", "status")
    return attrs.evolve(answer, longer={name: _head(upgrade)[name] for name in names})


def cancel_upgrade(world: World, call: Call, _now: float) -> Answer:
    """Cancel an upgrade that has not started."""
    upgrade = _upgrade_of(world, call)
    _check_open(world, upgrade)
    upgrade.cancel()
    return Answer.of({"success": True})


def _upgrade_of(world: World, call: Call) -> Upgrade:
    account = account_of(world, call)
    upgrade = world.upgrades.get(call.params["upgradeId"])
    if upgrade is None or upgrade.account != account.name or upgrade.status == CANCELLED:
        raise Refused(refusals.invalid_parameter("Invalid upgradeId"))
    return upgrade


def _check_open(world: World, upgrade: Upgrade) -> None:
    if not upgrade.takes_changes(world.rules):
        # That it is refused is documented, how is not.
        raise Refused(refusals.invalid_parameter(f"Upgrade is {upgrade.status}, too late"))


def _members_of(call: Call) -> dict[str, Any]:
    if call.members is None:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    return call.members


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    return value


def _date(value: object) -> str | None:
    """Return the date of a date or, as older SDKs send it, of a timestamp."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None


class _ShownRow(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    device_id: str
    status: str
    result_reason: str | None = None


def upgrade_document(upgrade: Upgrade, moment: float) -> dict[str, Any]:
    """Return an upgrade as a list shows it, with its devices as they were at that moment."""
    rows = upgrade.rows.written_by(moment)
    return _head(upgrade) | {"deviceList": list(_shown_rows(rows, moment))}


def _head(upgrade: Upgrade) -> dict[str, str]:
    head = {
        "id": upgrade.id,
        "accountName": upgrade.account,
        "firmwareName": upgrade.firmware_name,
        "firmwareTo": upgrade.firmware_to,
        "startDate": upgrade.start_date,
        "status": upgrade.status,
    }
    if upgrade.end_date is not None:
        head["endDate"] = upgrade.end_date
    return head


def _shown(upgrade: Upgrade, rows: dict[str, Row], moment: float) -> Answer:
    return Answer(body=_slices(_head(upgrade), rows, moment))


def _shown_rows(rows: dict[str, Row], moment: float) -> Iterator[_ShownRow]:
    read = ((device_id, row.at(moment)) for device_id, row in rows.items())
    return (_ShownRow(device_id, row.status, row.reason) for device_id, row in read)


def _slices(head: dict[str, str], rows: dict[str, Row], moment: float) -> Iterator[bytes]:
    yield msgspec.json.encode(head)[:-1] + b',"deviceList":['
    shown = _shown_rows(rows, moment)
    comma = b""
    while some := list(islice(shown, _SLICE)):
        yield comma + msgspec.json.encode(some)[1:-1]
        comma = b","
    yield b"]}"


HANDLERS: Final[dict[str, Handler]] = {
    "v1_schedule_upgrade": schedule_upgrade,
    "v1_get_upgrade": get_upgrade,
    "v1_modify_upgrade": modify_upgrade,
    "v1_cancel_upgrade": cancel_upgrade,
}

"""What a callback message says, as frozen values (wire contract, "Callbacks").

Vendor page "About Software Management Services API Callback Notifications". A message is a hint:
nothing in it proves who sent it, so read the state before acting on it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import attrs

from fota_async.models.firmware import FirmwareV1
from fota_async.wire.convert import fold_names, spellings_of, structure
from fota_async.wire.timestamp import Timestamp

Version: TypeAlias = Literal["v1", "v2", "v3"]
VERSIONS: Final[tuple[Version, ...]] = ("v1", "v2", "v3")

_MEMBERS = spellings_of(
    {
        "type": ["type"],
        "account": ["accountName"],
        "firmware": ["firmwareList"],
        "scheduled": ["upgradeScheduled"],
    }
)
_SCHEDULED = spellings_of({"firmware_name": ["firmwareName"], "start_date": ["startDate"]})
_IDS = tuple(spellings_of({name: [name]}) for name in ("upgradeId", "campaignId", "id"))


@attrs.frozen(kw_only=True)
class CallbackEvent:
    """A message of the callback service, of whatever type.

    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server:
    ...         simulator.listen(f"{server.url}/v1")
    ...         simulator.set_status(upgrade_id, "InProgress")
    ...         async for event in receiver.events():
    ...             print(event.version, event.type, event.target_id == upgrade_id)
    ...             break
    v1 upgradeProgress True

    Attributes:
        id: Number of the message in the store; never given twice in one store.
        received: When it came, UTC.
        version: The path that it came in by.
        type: `type` of the message if that is a text; an open set.
        target_id: Id of the upgrade or campaign, if one was found: `upgradeId`, else `campaignId`,
            else `id`, each looked for at the top and then one level down.
        account: `accountName` of the message if that is a text.
        repeat: Whether the store remembered an equal message of the same version. Nothing tells a
            message sent twice from two messages that say the same.
        tries: How often it was handled so far and failed.
        raw: The whole message; of v1's `username` and `password` only that they were there.
    """

    id: int
    received: datetime
    version: str
    type: str | None
    target_id: str | None
    account: str | None
    repeat: bool
    tries: int = 0
    raw: Mapping[str, Any] = attrs.field(repr=False, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for instance for a line of JSON."""
        return {
            "id": self.id,
            "received": self.received.isoformat(),
            "version": self.version,
            "type": self.type,
            "target_id": self.target_id,
            "account": self.account,
            "repeat": self.repeat,
            "tries": self.tries,
            "raw": self.raw,
        }


@attrs.frozen(kw_only=True)
class FirmwareListEvent(CallbackEvent):
    """`firmwareList`: new firmware is available. Documented for v1.

    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server:
    ...         simulator.listen(f"{server.url}/v1")
    ...         simulator.announce_firmware()
    ...         async for event in receiver.events():
    ...             print(type(event).__name__, event.firmware[0].firmware_name)
    ...             break
    FirmwareListEvent FOTA_Verizon_Model-A_01To02_HF

    Attributes:
        firmware: Those items of the list that are what the vendor documents; `raw` has all.
    """

    firmware: tuple[FirmwareV1, ...] = ()


@attrs.frozen(kw_only=True)
class UpgradeScheduledEvent(CallbackEvent):
    """`upgradeScheduled`: a pending upgrade was queued. Documented for v1.

    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server:
    ...         simulator.listen(f"{server.url}/v1")
    ...         simulator.set_status(upgrade_id, "RequestPending")
    ...         simulator.set_status(upgrade_id, "Queued")
    ...         async for event in receiver.events():
    ...             print(type(event).__name__, event.firmware_name, event.start_date)
    ...             break
    UpgradeScheduledEvent FOTA_Verizon_Model-A_01To02_HF 2018-04-01

    Attributes:
        firmware_name: What it installs, if the message says so.
        start_date: When it starts, if the message says so.
    """

    firmware_name: str | None = None
    start_date: Timestamp | None = None


@attrs.frozen(kw_only=True)
class UpgradeProgressEvent(CallbackEvent):
    """`upgradeProgress`: an upgrade started. Documented for v1; its members are not confirmed.

    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server:
    ...         simulator.listen(f"{server.url}/v1")
    ...         simulator.set_status(upgrade_id, "InProgress")
    ...         async for event in receiver.events():
    ...             upgrade = await fota.v1.upgrades.get(event.target_id)
    ...             print(type(event).__name__, upgrade.status)
    ...             break
    UpgradeProgressEvent InProgress
    """


@attrs.frozen(kw_only=True)
class UpgradeFinishedEvent(CallbackEvent):
    """`upgradeFinished`: an upgrade finished. Documented for v1; its members are not confirmed.

    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server:
    ...         simulator.listen(f"{server.url}/v1")
    ...         simulator.set_status(upgrade_id, "Finished")
    ...         async for event in receiver.events():
    ...             upgrade = await fota.v1.upgrades.get(event.target_id)
    ...             print(type(event).__name__, upgrade.status)
    ...             break
    UpgradeFinishedEvent Finished
    """


def read_event(
    raw: Mapping[str, Any],
    *,
    id: int,  # noqa: A002 - the name of the attribute
    received: datetime,
    version: str,
    repeat: bool,
    tries: int = 0,
) -> CallbackEvent:
    """Return the event that a message is; what the vendor does not document is never an error.

    Letter case matters neither in member names nor in the type.
    """
    members = fold_names(raw, _MEMBERS)
    of_type = _text(members.get("type"))
    common: dict[str, Any] = {
        "id": id,
        "received": received,
        "version": version,
        "type": of_type,
        "target_id": _target_id(raw),
        "account": _text(members.get("account")),
        "repeat": repeat,
        "tries": tries,
        "raw": raw,
    }
    match (of_type or "").lower():
        case "firmwarelist":
            return FirmwareListEvent(**common, firmware=tuple(_firmware(members.get("firmware"))))
        case "upgradescheduled":
            return UpgradeScheduledEvent(**common, **_scheduled(members.get("scheduled")))
        case "upgradeprogress":
            return UpgradeProgressEvent(**common)
        case "upgradefinished":
            return UpgradeFinishedEvent(**common)
        case _:
            return CallbackEvent(**common)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _firmware(items: object) -> Iterator[FirmwareV1]:
    for item in items if isinstance(items, list) else ():
        try:
            yield structure(item, FirmwareV1)
        except ValueError:
            continue


def _scheduled(said: object) -> dict[str, Any]:
    members = fold_names(said, _SCHEDULED) if isinstance(said, Mapping) else {}
    start_date = _text(members.get("start_date"))
    return {
        "firmware_name": _text(members.get("firmware_name")),
        "start_date": None if start_date is None else Timestamp(start_date),
    }


def _target_id(raw: Mapping[str, Any]) -> str | None:
    places = [raw, *(value for value in raw.values() if isinstance(value, Mapping))]
    for spellings in _IDS:
        for place in places:
            for value in fold_names(place, spellings).values():
                if isinstance(value, str) and value:
                    return value
                if isinstance(value, int) and not isinstance(value, bool):
                    return str(value)
    return None

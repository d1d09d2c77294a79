"""What went over the wire, device by device, seen from the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import msgspec

from fota_async.simulator import Simulator
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.mischief import MISCHIEF
from fota_async.simulator.service import Service
from fota_async.simulator.world import World

_MODIFY = frozenset(
    {
        "v1_modify_upgrade",
        "v2_modify_campaign",
        "v3_modify_campaign",
        "v1_set_cancel_candidates",
        "v2_set_cancel_candidates",
    }
) | {
    f"{version}_{name}_licenses" for version in ("v1", "v2", "v3") for name in ("assign", "remove")
}
_TELLING = (None, "missing_items", "odd_status")
_DECIDED = ("AddDevice", "RemoveDevice", "License", "Success", "Failure")


class Tap:
    """Stands before a simulator's service and remembers which devices were decided.

    Attributes:
        sent_again: Devices that were sent although an answer had decided them.
        sent: How often each device was sent.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decided: set[str] = set()
        self.sent_again: set[str] = set()
        self.sent: dict[str, int] = {}

    @classmethod
    def into(cls, sim: Simulator) -> "Tap":
        tap = cls(sim._service)
        sim._listener._service = tap  # type: ignore[assignment]
        return tap

    @property
    def world(self) -> World:
        return self._service.world

    async def respond(self, call: Call) -> tuple[Answer, str | None]:
        if call.route.name not in _MODIFY:
            return await self._service.respond(call)
        self.sent_again |= self._decided.intersection(call.device_ids)
        for device in call.device_ids:
            self.sent[device] = self.sent.get(device, 0) + 1
        answer, fault = await self._service.respond(call)
        if fault in _TELLING:
            self._decided |= _decided_by(call, answer)
        return answer, fault


def _decided_by(call: Call, answer: Answer) -> set[str]:
    if answer.status == 200:
        document: dict[str, Any] = msgspec.json.decode(answer.content)
        if "requestId" in document:
            return set(call.device_ids)
        items: list[Any] = document["deviceList"]
        if "cancel" in call.route.name:
            return set(items).intersection(call.device_ids)
        return {item["deviceId"] for item in items if item["status"].startswith(_DECIDED)}
    alone = len(call.device_ids) == 1 and b"INVALID_PARAMETER" in answer.content
    return set(call.device_ids) if alone else set()


@contextmanager
def readings_show_all_rows() -> Iterator[None]:
    """Let no fault falsify a reading of the upgrade in a way that nobody can notice.

    A reading that leaves rows out says that devices are absent; no client can know better.
    """
    names = ("null_list", "missing_items", "odd_status")
    earlier = {name: MISCHIEF[name] for name in names}
    try:
        for name, mischief in earlier.items():
            MISCHIEF[name] = attrs.evolve(mischief, routes=_MODIFY)
        yield
    finally:
        MISCHIEF.update(earlier)

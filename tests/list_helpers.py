"""A session without a wire for runs over lists of the account: licences, candidates."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec
from batch_helpers import ACCOUNT, FakeSession, answers

from fota_async import AnswerTimeoutError, BatchRun, DeviceBatcher
from fota_async.batch.operation import Operation
from fota_async.batch.source import Devices
from fota_async.models.device_answers import DeviceAnswers
from fota_async.models.licenses import CancelCandidatesChange
from fota_async.wire.convert import DeviceId
from fota_async.wire.decode import read_body
from fota_async.wire.route import Route


class FakeAccount(FakeSession):
    """Holds one list, of one page; what was in flight during each reading is noted."""

    values: ClassVar = {"account": ACCOUNT}

    def __init__(self, script: Any = None, **options: Any) -> None:
        super().__init__(script, **options)
        self.in_flight_at_reads: list[int] = []
        self.sent_at_reads: list[int] = []
        self.claimed: list[tuple[str, bool]] = []

    def claim(
        self, account: str, target: str, operation: str, *, alone: bool = False
    ) -> Callable[[], None]:
        """Note what was claimed."""
        del account, operation
        self.claimed.append((target, alone))
        return lambda: None

    def _page(self, route: Route[Any], query: Mapping[str, str]) -> Any:
        del query  # there is one page
        return self._read_whole(route, None)

    def _read(self, route: Route[Any], *_: Any) -> Any:
        self.in_flight_at_reads.append(self.in_flight)
        self.sent_at_reads.append(len(self.sent))
        ids: list[Any] = sorted(self.members)
        rows = ids if "cancel" in route.path else [{"deviceId": one} for one in ids]
        return read_body(msgspec.json.encode({"deviceList": rows}), route.result)


class Candidates(FakeAccount):
    """Holds cancellation candidates, as a request replaces or appends to them."""

    async def accept(self, ids: list[str]) -> Any:
        """Store devices and answer with those that were sent."""
        self.store(ids)
        return stored(ids)

    def store(self, ids: list[str]) -> None:
        """Store devices as the last request says."""
        if "type" not in self.bodies[-1]:
            self.members.clear()
        self.members.update(ids)

    @property
    def replaced(self) -> list[bool]:
        """Whether each request replaced the list."""
        return ["type" not in body for body in self.bodies]


def stored(ids: list[str]) -> CancelCandidatesChange:
    """Return the answer that names these devices."""
    return CancelCandidatesChange(count=len(ids), device_list=tuple(map(DeviceId, ids)))


async def no_answer(_: list[str]) -> DeviceAnswers:
    raise AnswerTimeoutError("no answer")


def assigned(ids: list[str]) -> DeviceAnswers:
    """Return the answer that all devices have a licence."""
    return answers(ids, "LicenseAssignSuccess", "Success")


def run_of(session: Any, operation: Operation, devices: Devices, **options: Any) -> BatchRun:
    """Return a run of an operation."""
    return DeviceBatcher(session, operation, **options).run(devices)

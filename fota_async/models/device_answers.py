"""The per-device answers of one request, in columns: most of what the library does for a device."""

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any, Self

import attrs
import msgspec

from fota_async.wire.convert import device_id, fold_names, spellings_of
from fota_async.wire.decode import StepReader, parse_json, read_body

_LIST = spellings_of({"deviceList": ["deviceList"]})
_ITEM = spellings_of(
    {"deviceId": ["deviceId"], "status": ["status"], "reason": ["Reason", "resultReason"]}
)


class _Item(msgspec.Struct, gc=False):
    deviceId: str  # noqa: N815 - the wire's spelling saves msgspec a renaming
    status: str
    Reason: str


class _Answer(msgspec.Struct, gc=False):
    deviceList: list[_Item]  # noqa: N815 - as above


# Strict: what a member in another spelling would mean is for the tolerant reader to say.
class _LicenseItem(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    deviceId: str  # noqa: N815 - as above
    status: str
    resultReason: str  # noqa: N815 - as above
    updatedTime: str = ""  # noqa: N815 - as above
    recentAttemptTime: str = ""  # noqa: N815 - as above
    nextAttemptTime: str = ""  # noqa: N815 - as above


class _LicenseAnswer(msgspec.Struct, gc=False):
    deviceList: list[_LicenseItem]  # noqa: N815 - as above


_SAMPLE = 3
"""Items that stand for all others: a first one, one in the middle, a last one."""

_QUOTE = b'"'

_typed = msgspec.json.Decoder(_Answer)
_typed_license = msgspec.json.Decoder(_LicenseAnswer)


@attrs.frozen
class DeviceAnswers:
    """What the API says of each device of a request, position by position.

    Attributes:
        ids: The devices, in the order of the answer.
        statuses: Status words, word for word; empty where an item has none.
        reasons: Details, word for word; empty where an item has none.
        details: What the items say beyond that; empty if they say no more.
    """

    ids: list[str]
    statuses: list[str]
    reasons: list[str]
    details: Sequence[object] = ()

    @classmethod
    def naming(cls, ids: Sequence[str], details: Sequence[object] = ()) -> Self:
        """Return what an answer says that names devices, without a word on how it went."""
        return cls(list(ids), [""] * len(ids), [""] * len(ids), details)

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Read the answer of a modify or licence call, in any of the spellings the vendor shows.

        An item without a device id is left out: whoever asked for that device will miss it.

        Raises:
            ValueError: There is no list of devices in it.
        """
        # Typed decoding costs a fifth of the tolerant one, and fits what the vendor documents: one
        # shape for upgrades and v1 licences, the other for licences of v2 and v3. The wrong one
        # fails at the first item.
        try:
            items = _typed.decode(body).deviceList
        except (msgspec.DecodeError, RecursionError):
            return cls._from_license_body(body)
        return cls(
            [item.deviceId for item in items],
            [item.status for item in items],
            [item.Reason for item in items],
        )

    @classmethod
    def _from_license_body(cls, body: bytes) -> Self:
        try:
            items = _typed_license.decode(body).deviceList
        except (msgspec.DecodeError, RecursionError):
            return cls.from_odd_body(body)
        return cls(
            [item.deviceId for item in items],
            [item.status for item in items],
            [item.resultReason for item in items],
        )

    @classmethod
    def from_regular_body(cls, body: bytes, asked: Sequence[str]) -> Self | None:
        """Read an answer that says the same of all devices, in the order asked; else None.

        Nearly every answer is such a one, and comparing costs a twentieth of decoding: the bytes
        between the first two devices stand between all of them, so that the answer with three
        devices, decoded, says what the whole one does. With two it must name two: else the devices
        compared are an echo of the request, and those answered stand elsewhere. Equal to
        `from_body`.
        """
        count = len(asked)
        if count <= _SAMPLE:
            return None
        first, second = asked[0].encode(), asked[1].encode()
        start = body.find(first)
        end = start + len(first)
        next_start = body.find(second, end)
        gap = body[end:next_start]
        length = len(first) * count + len(gap) * (count - 1)
        # Three numbers do not stand for all: another one may have a leading zero, which is no JSON.
        texts = gap.startswith(_QUOTE) and gap.endswith(_QUOTE)
        if start < 0 or next_start < 0 or start + length > len(body) or not texts:
            return None
        try:
            if not body.startswith(gap.decode().join(asked).encode(), start):
                return None
            sample = [device.encode() for device in asked[:_SAMPLE]]
            before, behind = body[:start], body[start + length :]
            fewer = cls.from_body(before + gap.join(sample[:-1]) + behind)
            said = cls.from_body(before + gap.join(sample) + behind)
        except ValueError:
            return None
        about_all = {*zip(said.statuses, said.reasons, strict=True)}
        named = said.ids == asked[:_SAMPLE] and fewer.ids == said.ids[:-1]
        if not named or len(about_all) != 1:
            return None
        return cls(list(asked), said.statuses[:1] * count, said.reasons[:1] * count)

    @classmethod
    def from_odd_body(cls, body: bytes) -> Self:
        """Read the answer whatever its spelling; equal to `from_body`, and slower.

        Raises:
            ValueError: There is no list of devices in it.
        """
        obj = parse_json(body)
        if not isinstance(obj, dict):
            raise ValueError(f"expected an object, got {type(obj).__name__} @ $")  # noqa: TRY004 - callers expect one error for a bad body
        items = fold_names(obj, _LIST).get("deviceList")
        if not isinstance(items, list):
            raise ValueError(f"expected a list, got {type(items).__name__} @ $.deviceList")  # noqa: TRY004 - as above
        columns = cls([], [], [])
        for item in items:
            columns._add(item)
        return columns

    def _add(self, item: Any) -> None:
        if not isinstance(item, dict):
            return
        folded = fold_names(item, _ITEM)
        try:
            self.ids.append(device_id(folded.get("deviceId")))
        except TypeError:
            return
        self.statuses.append(_text(folded.get("status")))
        self.reasons.append(_text(folded.get("reason")))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def answers_about(asked: Sequence[str]) -> StepReader[DeviceAnswers]:
    """Return what reads the answer to a request about these devices; it can be pickled."""
    return partial(_read_answers, asked)


def _read_answers(asked: Sequence[str], body: bytes) -> Generator[None, None, DeviceAnswers]:
    yield from ()
    return DeviceAnswers.from_regular_body(body, asked) or read_body(body, DeviceAnswers)

"""What can become of a device."""

from enum import StrEnum
from functools import lru_cache

import attrs


class State(StrEnum):
    """What became of one device in a run.

    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, ["990013907835573", "12345"])
    >>> [outcome.device_id for outcome in report if outcome.state is State.INVALID]
    ['12345']
    >>> list(map(str, State))
    ['succeeded', 'failed', 'pending', 'invalid', 'unknown', 'unsent']
    """

    SUCCEEDED = "succeeded"
    """Append: taken into the target's list. Remove: no longer in it. A read: answered."""
    FAILED = "failed"
    """The API said no to this device; status and reason are kept word for word."""
    PENDING = "pending"
    """Taken, not yet decided."""
    INVALID = "invalid"
    """Never sent: it is not a device id."""
    UNKNOWN = "unknown"
    """Sent, and neither an answer nor a read-back decides."""
    UNSENT = "unsent"
    """The run stopped first; surely not taken, a later run may send it."""


@attrs.frozen(cache_hash=True)
class Verdict:
    """What became of a device, without the device: a few of these serve a whole run.

    Attributes:
        state: One of the six.
        status: The API's status word or error code, word for word.
        reason: The API's text, word for word, or why the library decided.
        settled: Whether a reading of the target decided, not an answer.
    """

    state: State
    status: str = ""
    reason: str = ""
    settled: bool = False


@attrs.frozen
class DeviceOutcome:
    """What became of one device.

    >>> simulator.rules = Rules(refused={"356938035643809": "Device not found"})
    >>> devices = ["356938035643809", "9900139078"]
    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, devices)
    >>> for outcome in report:
    ...     print(outcome.device_id, outcome.state, outcome.status, outcome.reason, sep=" | ")
    356938035643809 | failed | AddDeviceFailed | Device not found
    9900139078 | invalid |  | 10 digits, not 15

    Attributes:
        device_id: IMEI, or the raw text of an input that is none.
        state: One of the six.
        status: The API's status word or error code, word for word.
        reason: The API's text, word for word, or why the library decided.
        settled: Whether a reading of the target decided, not an answer.
        detail: What the answer says of a device beyond that, a model of `fota_async.models`; None
            where an operation says no more.
    """

    device_id: str
    state: State
    status: str = ""
    reason: str = ""
    settled: bool = False
    detail: object = None


_FAILURE = ("fail", "reject", "error", "denied", "invalid", "notfound")
_SUCCESS = ("succeed", "succeeded", "success")
_ACCEPTED = ("accepted", "device accepted")
_PENDING = ("pending", "queued", "scheduled")


@lru_cache(maxsize=256)  # the same few words, batch after batch
def judge(status: str) -> State | None:
    """Return what a status word of a modify or licence answer means, None for an unknown one.

    The vendor names `AddDeviceSucceed` only, so words are matched by pattern and failure words
    come first (wire contract, "Per-device states").
    """
    word = status.lower()
    if any(part in word for part in _FAILURE):
        return State.FAILED
    if word.endswith(_SUCCESS) or word in _ACCEPTED:
        return State.SUCCEEDED
    if any(part in word for part in _PENDING):
        return State.PENDING
    return None


def well_unless_told(status: str) -> State | None:
    """Judge an item whose status may be missing: to be named is good news then."""
    return judge(status) if status else State.SUCCEEDED

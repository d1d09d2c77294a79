"""A reading of the target: which devices are in it, and what that means for a lost answer."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

import attrs

from fota_async.batch.device_ids import DeviceSet
from fota_async.batch.states import State, Verdict


@attrs.frozen
class Row:
    """A device in the target's list, word for word."""

    status: str = ""
    reason: str = ""


@attrs.frozen
class Reading:
    """What a reading of the target showed.

    Attributes:
        rows: The devices asked about that are in its list.
        status: The target's state, word for word.
        is_open: Whether its devices may still change; None if its state is unknown.
        started: Moment of the clock before the request.
        ended: Moment of the clock after the answer.
        others: Devices in its list that were not asked about; counted where a first request
            replaces the list.
        start_date: The target's, word for word, if it says one.
    """

    rows: Mapping[str, Row]
    status: str = ""
    is_open: bool | None = None
    started: float = 0.0
    ended: float = 0.0
    others: int = 0
    start_date: str | None = None


@attrs.frozen
class Members:
    """Which devices a target has.

    Attributes:
        devices: Their ids.
        listed: All ids in its list; rejected devices stay there and are no members.
        status: The target's state, word for word.
        is_open: Whether its devices may still change; None if its state is unknown.
        start_date: The target's, word for word, if it says one.
    """

    devices: DeviceSet
    listed: DeviceSet
    status: str
    is_open: bool | None
    start_date: str | None = None


class SendAgain(Enum):
    """The decision that what was asked for did not happen."""

    SEND_AGAIN = "send again"


SEND_AGAIN: Final = SendAgain.SEND_AGAIN
Decision: TypeAlias = Verdict | SendAgain
"""What a reading means for a device."""

_UPGRADED = ("upgradesuccess", "upgradefail", "upgradedfail")
_TERMINAL = (*_UPGRADED, "campaigncancel", "campaignabort")


def append_decision(row: Row | None) -> Decision:
    """Return what a reading means for a device that an append may have added."""
    if row is None:
        return SEND_AGAIN
    if is_rejected(row.status) or _is_terminal(row):
        return Verdict(State.FAILED, row.status, row.reason, settled=True)
    return Verdict(State.SUCCEEDED, row.status, row.reason, settled=True)


def remove_decision(row: Row | None) -> Decision:
    """Return what a reading means for a device that a removal may have taken off."""
    if row is None:
        return Verdict(State.SUCCEEDED, reason="not in the list any more", settled=True)
    if is_rejected(row.status):
        return Verdict(State.SUCCEEDED, row.status, row.reason, settled=True)
    if _is_terminal(row):
        return Verdict(State.FAILED, row.status, row.reason, settled=True)
    return SEND_AGAIN


def campaign_append_decision(row: Row | None) -> Decision:
    """Return what a reading means for a device that an append may have added to a campaign.

    Unlike an upgrade's list, the campaign devices report goes on to tell of the upgrade itself: a
    device that was upgraded was taken, and what an earlier removal left behind says nothing.
    """
    if row is not None and is_removed(row.status):
        return SEND_AGAIN
    if row is not None and _word(row).startswith("upgradesuccess"):
        return Verdict(State.SUCCEEDED, row.status, row.reason, settled=True)
    return append_decision(row)


def campaign_remove_decision(row: Row | None) -> Decision:
    """Return what a reading means for a device that a removal may have taken off a campaign.

    What the row of a removed device looks like is not documented, so only an upgrade that took
    place says that it was not removed; while there is any other row, nobody knows, unless it says
    so.
    """
    if row is not None and is_removed(row.status):
        return Verdict(State.SUCCEEDED, row.status, row.reason, settled=True)
    decision = remove_decision(row)
    if row is not None and isinstance(decision, Verdict) and decision.state is State.FAILED:
        return decision if _word(row).startswith(_UPGRADED) else SEND_AGAIN
    return decision


def upgrade_outcome(row: Row | None) -> State | None:
    """Return whether a device of a campaign was upgraded; None while it has no final word.

    Words: wire contract, "Per-device states". `RequestToFotaServerFailed` is tried again.
    """
    if row is None:
        return None
    if _word(row).startswith("upgradesuccess"):
        return State.SUCCEEDED
    return State.FAILED if is_rejected(row.status) or _is_terminal(row) else None


def is_rejected(status: str) -> bool:
    """Rejected devices stay in the list and are no members of the upgrade."""
    return "reject" in status.lower()


def is_removed(status: str) -> bool:
    """Whether a row of a campaign is what a removed device left behind, if it leaves anything.

    What such a row looks like is not documented; no word that is ends like this.
    """
    return status.lower().endswith("removed")


def _is_terminal(row: Row) -> bool:
    # v3 tries to reach a device again; page "Campaign Lifecycle Flow for v3" has the words.
    given_up = _word(row) == "nodevicedatafromnetwork" and "no retry" in row.reason.lower()
    return given_up or _word(row).startswith(_TERMINAL)


def _word(row: Row) -> str:
    return row.status.lower().replace(" ", "")

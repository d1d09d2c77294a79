"""What callback messages say: the text of one, for a change or for new firmware."""

from collections.abc import Mapping
from typing import Any

import attrs

from fota_async.simulator.campaigns import Campaign
from fota_async.simulator.targets import Target
from fota_async.simulator.upgrades import Upgrade
from fota_async.simulator.versions import Stage

_TYPES: Mapping[Stage, str] = {
    Stage.QUEUED: "upgradeScheduled",
    Stage.RUNNING: "upgradeProgress",
    Stage.ENDED: "upgradeFinished",
    Stage.FAILED: "upgradeFinished",
}
"""The v1 type that tells of a stage. What a failed upgrade is told by is not documented."""


@attrs.frozen
class Message:
    """A message to a listener.

    Args:
        account: The account it is about.
        version: The version whose listener gets it.
        document: What it says, without what the listener was registered with.

    """

    account: str
    version: str
    document: Mapping[str, Any]


def of_change(target: Target) -> Message | None:
    """Return the message about the state a target has just come into, or None."""
    if isinstance(target, Upgrade):
        return _of_upgrade(target)
    assert isinstance(target, Campaign)  # noqa: S101 - there is no third kind of target
    # That the campaign id is in every message is documented, and nothing else of it.
    document = {
        "accountName": target.account,
        "type": "campaignStatus",
        "campaign": {"campaignId": target.id, "status": target.status},
    }
    return Message(target.account, target.version.name, document)


def _of_upgrade(upgrade: Upgrade) -> Message | None:
    kind = _TYPES.get(upgrade.stage)
    if kind is None:
        return None
    about = {
        "firmwareName": upgrade.firmware_name,
        "upgradeId": upgrade.id,
        "startDate": upgrade.start_date,
    }
    if upgrade.stage is not Stage.QUEUED:
        # The members of these two types are not documented; surely there is the id.
        about["status"] = upgrade.status
    document = _v1(upgrade.account, kind) | {"firmwareList": [], kind: about}
    return Message(upgrade.account, "v1", document)


def of_firmware(account: str, firmware: Mapping[str, Any]) -> Message:
    """Return the v1 message that new firmware is available."""
    listed = {**firmware, "participantName": account}
    return Message(account, "v1", _v1(account, "firmwareList") | {"firmwareList": [listed]})


def _v1(account: str, kind: str) -> dict[str, Any]:
    return {"accountName": account, "participantName": account, "type": kind}

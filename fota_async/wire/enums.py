"""Enumerations that stay open: the vendor's lists are not complete, and a text is never lost."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A text enumeration that takes unknown texts, too.

    An unknown text becomes a member of its own that is equal to the text and is not listed
    among the members of the class.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether the vendor's documents name this value."""
        return self._value_ in type(self)._value2member_map_


class UpgradeStatus(OpenEnum):
    """The state of a v1 upgrade (vendor page "Campaign Lifecycle Flow for v1").

    >>> upgrade = await fota.v1.upgrades.get(upgrade_id)
    >>> upgrade.status, upgrade.status.is_open
    (<UpgradeStatus.QUEUED: 'Queued'>, True)
    >>> UpgradeStatus("SomethingNew").is_known
    False
    """

    REQUEST_PENDING = "RequestPending"
    QUEUED = "Queued"
    REQUEST_FAILED = "RequestFailed"
    IN_PROGRESS = "InProgress"
    FINISHED = "Finished"
    UPGRADE_FAILED = "UpgradeFailed"

    @property
    def is_open(self) -> bool | None:
        """Whether devices may still be appended and removed; None for an unknown state."""
        if not self.is_known:
            return None
        return self in {UpgradeStatus.REQUEST_PENDING, UpgradeStatus.QUEUED}

    @property
    def is_final(self) -> bool:
        """Whether no other state follows."""
        return self in {
            UpgradeStatus.REQUEST_FAILED,
            UpgradeStatus.FINISHED,
            UpgradeStatus.UPGRADE_FAILED,
        }

    def has_reached(self, wanted: "UpgradeStatus") -> bool:
        """Whether the upgrade is in the state `wanted`, or has passed it."""
        return _has_reached(self, wanted, _UPGRADE_COURSE)


class CampaignStatus(OpenEnum):
    """The state of a v2 or v3 campaign (vendor pages "Campaign Lifecycle Flow for v2", "... v3").

    Some answers and pages leave `Campaign` or `Request` out; `is_open` reads all spellings.

    >>> campaign = await fota.v3.campaigns.get(simulator.add_campaign("v3"))
    >>> campaign.status, campaign.status.is_open, campaign.status.is_final
    (<CampaignStatus.REQUEST_QUEUED: 'CampaignRequestQueued'>, True, False)
    """

    REQUEST_PENDING = "CampaignRequestPending"
    REQUEST_FAILED = "CampaignRequestFailed"
    REQUEST_QUEUED = "CampaignRequestQueued"
    PRE_SCHEDULED = "CampaignPreScheduled"
    SCHEDULED = "CampaignScheduled"
    ENDED = "CampaignEnded"
    CANCELLED = "CampaignCancelled"
    ABORTED = "CampaignAborted"
    FAILED = "CampaignFailed"

    @property
    def is_open(self) -> bool | None:
        """Whether devices may still be appended and removed; None where nobody says so.

        That is an unknown state, and `CampaignPreScheduled`.
        """
        status = self.documented
        if status in {CampaignStatus.REQUEST_PENDING, CampaignStatus.REQUEST_QUEUED}:
            return True
        return False if status.is_known and status is not CampaignStatus.PRE_SCHEDULED else None

    @property
    def is_final(self) -> bool:
        """Whether no other state follows."""
        return self in {
            CampaignStatus.REQUEST_FAILED,
            CampaignStatus.ENDED,
            CampaignStatus.CANCELLED,
            CampaignStatus.ABORTED,
            CampaignStatus.FAILED,
        }

    def has_reached(self, wanted: "CampaignStatus") -> bool:
        """Whether the campaign is in the state `wanted`, or has passed it."""
        return _has_reached(self.documented, wanted.documented, _CAMPAIGN_COURSE)

    @property
    def documented(self) -> "CampaignStatus":
        """The pending and the queued state in the spelling of the vendor's list; others as is."""
        match self.lower().removeprefix("campaign").removeprefix("request"):
            case "pending":
                return CampaignStatus.REQUEST_PENDING
            case "queued":
                return CampaignStatus.REQUEST_QUEUED
        return self


_UPGRADE_COURSE = (
    UpgradeStatus.REQUEST_PENDING,
    UpgradeStatus.QUEUED,
    UpgradeStatus.IN_PROGRESS,
    UpgradeStatus.FINISHED,
)
_CAMPAIGN_COURSE = (
    CampaignStatus.REQUEST_PENDING,
    CampaignStatus.REQUEST_QUEUED,
    CampaignStatus.PRE_SCHEDULED,
    CampaignStatus.SCHEDULED,
    CampaignStatus.ENDED,
)
"""The states of what goes well, in their order; some are skipped."""


def _has_reached(status: OpenEnum, wanted: OpenEnum, course: Sequence[OpenEnum]) -> bool:
    if status not in course or wanted not in course:
        return status == wanted
    return course.index(status) >= course.index(wanted)

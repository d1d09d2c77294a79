"""The other spellings of an answer: what one page of the vendor calls by another name.

Answers are made in the spelling of the vendor's SDK ("documented"). With
`Rules.spelling = "odd"` each is rewritten at the very end, by the table below, into the
variants that the wire contract lists as inconsistencies; no handler knows of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from fota_async.simulator.days import go_text, rfc3339


@attrs.frozen(kw_only=True)
class Spelling:
    """How the answer of a route is rewritten, at any depth.

    Args:
        members: Other names of members.
        states: Other words for the values of `status`.
        times: Members whose date or time gets another layout.
        numbers: Members whose digits become a number, which loses leading zeros.
        nulls: Lists that are null when they are empty.
        bare: A member in place of which its value alone is the answer.

    """

    members: Mapping[str, str] = attrs.field(factory=dict)
    states: Mapping[str, str] = attrs.field(factory=dict)
    times: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    nulls: frozenset[str] = frozenset()
    bare: str | None = None

    def of(self, document: Any) -> Any:
        """Return a document in this spelling."""
        if isinstance(document, list):
            return [self.of(item) for item in document]
        if not isinstance(document, dict):
            return document
        if self.bare in document:
            return self.of(document[self.bare])
        return {
            self.members.get(name, name): self._value(name, value)
            for name, value in document.items()
        }

    def _value(self, name: str, value: Any) -> Any:
        if name in self.nulls and value == []:
            return None
        if not isinstance(value, str):
            return self.of(value)
        if name == "status":
            return self.states.get(value, value)
        if name in self.numbers and value.isdecimal():
            return int(value)
        return _other_layout(value) if name in self.times else value


def _other_layout(text: str) -> str:
    """Return a date as a time, a time in the layout it does not have."""
    if text.endswith(" +0000 UTC"):
        return rfc3339(datetime.fromisoformat(text.removesuffix(" +0000 UTC") + "+00:00"))
    time = datetime.fromisoformat(text)
    return rfc3339(time.replace(tzinfo=UTC)) if time.tzinfo is None else go_text(time)


_STATES: Final = {
    "CampaignRequestQueued": "CampaignQueued",
    "CampaignRequestPending": "RequestPending",
}
_CAMPAIGN: Final = Spelling(
    members={"softwareName": "software", "campaignTimeWindowList": "timeWindowList"},
    states=_STATES,
    times=frozenset({"startDate", "endDate"}),
)
_CAMPAIGNS: Final = attrs.evolve(_CAMPAIGN, nulls=frozenset({"campaignList"}))
_CHANGE: Final = Spelling(members={"campaignId": "id", "Reason": "resultReason"})
_DEVICES: Final = Spelling(
    members={"resultReason": "Reason"},
    states={"UpgradeFailed": "UpgradedFailed"},
    times=frozenset({"updatedTime", "recentAttemptTime", "nextAttemptTime"}),
    numbers=frozenset({"lastSeenDeviceId"}),
    nulls=frozenset({"deviceList"}),
)
_HISTORY: Final = Spelling(
    members={"campaignId": "id", "softwareName": "software"},
    states={"UpgradeFailed": "UpgradedFailed"},
    times=frozenset({"startDate", "upgradeStartTime", "reportUpdatedTime"}),
)
_UPGRADE: Final = Spelling(
    members={"resultReason": "Reason", "hasMoreFlag": "hasMoreData"},
    times=frozenset({"startDate"}),
    nulls=frozenset({"deviceList", "reportList"}),
)

ODD: Final[Mapping[str, Spelling]] = {
    "v1_get_device_history": _HISTORY,
    "v1_get_upgrade": _UPGRADE,
    "v1_list_upgrades_by_status": _UPGRADE,
    "v1_modify_upgrade": _CHANGE,
    "v1_schedule_upgrade": _UPGRADE,
    "v2_change_campaign_dates": _CAMPAIGN,
    "v2_get_campaign": _CAMPAIGN,
    "v2_get_device_history": _HISTORY,
    "v2_list_campaign_devices": _DEVICES,
    "v2_list_campaigns_by_status": _CAMPAIGNS,
    "v2_modify_campaign": _CHANGE,
    "v2_schedule_campaign": _CAMPAIGN,
    "v2_schedule_file_campaign": _CAMPAIGN,
    "v2_schedule_software_campaign": _CAMPAIGN,
    "v3_change_campaign_dates": _CAMPAIGN,
    "v3_get_campaign": _CAMPAIGN,
    "v3_get_device_history": _HISTORY,
    "v3_list_campaign_devices": _DEVICES,
    "v3_list_campaigns_by_status": _CAMPAIGNS,
    "v3_modify_campaign": _CHANGE,
    "v3_schedule_campaign": _CAMPAIGN,
}
"""The odd spelling of each route that has one (wire contract, section 10 and its dates)."""

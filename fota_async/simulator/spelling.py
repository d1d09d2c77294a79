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
        instead: What stands in place of an answer without a body.

    """

    members: Mapping[str, str] = attrs.field(factory=dict)
    states: Mapping[str, str] = attrs.field(factory=dict)
    times: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    nulls: frozenset[str] = frozenset()
    bare: str | None = None
    instead: Mapping[str, object] | None = None

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

_DEVICE_TIMES: Final = frozenset({"createTime", "refreshTime", "statusTime", "updateTime"})
_DEVICE_LIST: Final = Spelling(
    times=_DEVICE_TIMES,
    numbers=frozenset({"lastSeenDeviceId"}),
    nulls=frozenset({"deviceList", "softwareList"}),
)
_LICENSES: Final = Spelling(
    members={"totalLicenses": "totalLicense", "totalLicense": "totalLicenses"},
    times=frozenset({"assignmentTime"}),
    numbers=frozenset({"lastSeenDeviceId"}),
    nulls=frozenset({"deviceList"}),
)
_LICENSED: Final = Spelling(members={"Reason": "resultReason", "resultReason": "Reason"})
_LICENSED_V3: Final = Spelling(members={"resultReason": "Reason", "licCount": "licTotalCount"})
_CANDIDATES: Final = Spelling(times=frozenset({"updateTime"}), nulls=frozenset({"deviceList"}))
_FIRMWARE: Final = Spelling(members={"softwareName": "software"}, times=frozenset({"launchDate"}))
_LISTENER: Final = Spelling(members={"url": "URL"})
_NOTHING: Final = Spelling(instead={"success": True})
_SUBSCRIPTION: Final = Spelling(times=frozenset({"updateTime"}))

ODD: Final[Mapping[str, Spelling]] = {
    "v1_assign_licenses": _LICENSED,
    "v1_get_device_history": _HISTORY,
    "v1_get_license_status": attrs.evolve(_LICENSES, members={}),
    "v1_get_subscription": _SUBSCRIPTION,
    "v1_get_upgrade": _UPGRADE,
    "v1_list_cancel_candidates": _CANDIDATES,
    "v1_list_devices": _DEVICE_LIST,
    "v1_list_firmware": _FIRMWARE,
    "v1_list_upgrades_by_status": _UPGRADE,
    "v1_modify_upgrade": _CHANGE,
    "v1_remove_licenses": _LICENSED,
    "v1_schedule_upgrade": _UPGRADE,
    "v2_assign_licenses": _LICENSED,
    "v2_change_campaign_dates": _CAMPAIGN,
    "v2_disable_device_logging": _NOTHING,
    "v2_disable_logging": _NOTHING,
    "v2_get_callback": _LISTENER,
    "v2_get_campaign": _CAMPAIGN,
    "v2_get_device_history": _HISTORY,
    "v2_get_license_status": _LICENSES,
    "v2_get_subscription": _SUBSCRIPTION,
    "v2_list_campaign_devices": _DEVICES,
    "v2_list_campaigns_by_status": _CAMPAIGNS,
    "v2_list_cancel_candidates": _CANDIDATES,
    "v2_list_devices": _DEVICE_LIST,
    "v2_list_files": Spelling(bare="AvailableFilesResponse"),
    "v2_list_software": _FIRMWARE,
    "v2_modify_callback": _LISTENER,
    "v2_modify_campaign": _CHANGE,
    "v2_register_callback": _LISTENER,
    "v2_remove_licenses": _LICENSED,
    "v2_schedule_campaign": _CAMPAIGN,
    "v2_schedule_file_campaign": _CAMPAIGN,
    "v2_schedule_software_campaign": _CAMPAIGN,
    "v3_assign_licenses": _LICENSED_V3,
    "v3_change_campaign_dates": _CAMPAIGN,
    "v3_get_campaign": _CAMPAIGN,
    "v3_get_device_details": _DEVICE_LIST,
    "v3_get_device_history": _HISTORY,
    "v3_get_license_status": _LICENSES,
    "v3_get_subscription": _SUBSCRIPTION,
    "v3_list_campaign_devices": _DEVICES,
    "v3_list_campaigns_by_status": _CAMPAIGNS,
    "v3_list_devices": _DEVICE_LIST,
    "v3_list_firmware": _FIRMWARE,
    "v3_modify_campaign": _CHANGE,
    "v3_remove_licenses": _LICENSED_V3,
    "v3_schedule_campaign": _CAMPAIGN,
    "v3_sync_device_firmware": Spelling(
        members={
            "deviceFirmwarVersionList": "deviceFirmwareVersionList",
            "firmwareVersionUpdateTime": "VersionUpdateTime",
        },
        times=frozenset({"firmwareVersionUpdateTime"}),
    ),
}
"""The odd spelling of each route that has one (wire contract, section 10 and its dates)."""

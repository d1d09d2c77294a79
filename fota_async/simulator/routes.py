"""The routes the simulator serves, as data."""

from enum import Enum, auto
from typing import Final

import attrs


class Guard(Enum):
    """What a caller must show (wire contract, tokens and sessions).

    >>> [route.name for route in ROUTES if route.guard is Guard.BASIC]
    ['oauth_create_token', 'oauth_revoke_token']
    """

    BASIC = auto()
    BEARER = auto()
    SESSION = auto()


@attrs.frozen(kw_only=True)
class Route:
    """One operation of the API.

    >>> (route,) = (route for route in ROUTES if route.name == "v1_modify_upgrade")
    >>> route.method, route.is_fota
    ('PUT', True)

    Args:
        name: The operationId of the wire contract.
        method: HTTP verb.
        path: Path template.
        guard: What a caller must show.
        other_path: A second spelling of the path that is served as well.
        any_content_type: Whether `Content-Type: */*` is taken.
        may_be_wrapped: Whether the body may stand in `addOrRemoveDevice`.
    """

    name: str
    method: str
    path: str
    other_path: str | None = None
    guard: Guard = Guard.SESSION
    any_content_type: bool = False
    may_be_wrapped: bool = False

    @property
    def is_fota(self) -> bool:
        """Whether the route belongs to Software Management, not to tokens and sessions."""
        return self.path.startswith("/api/fota/")


_ANY_CONTENT_TYPE: Final = frozenset(
    {
        "v1_modify_upgrade",
        "v2_assign_licenses",
        "v2_change_campaign_dates",
        "v2_enable_logging",
        "v2_modify_callback",
        "v2_modify_campaign",
        "v2_register_callback",
        "v2_remove_licenses",
        "v2_schedule_campaign",
        "v2_set_cancel_candidates",
    }
)
"""The ten calls on which the vendor's SDK sends `Content-Type: */*`."""

_OTHER_PATHS: Final = {
    "v2_get_license_status": "/api/fota/v2/licenses/{account}/index/{lastSeenDeviceId}",
    "v3_get_license_status": "/api/fota/v3/licenses/{account}/index/{lastSeenDeviceId}",
    "v3_list_campaigns_by_status": "/api/fota/v3/reports/{account}/campaigns",
    "v3_modify_campaign": "/api/fota/v3/campaigns/{account}/{campaignId}",
}
"""Spellings of a path that a vendor page has (wire contract, rows 8 to 10)."""


def _fota(name: str, method: str, path: str) -> Route:
    return Route(
        name=name,
        method=method,
        path=path,
        other_path=_OTHER_PATHS.get(name),
        any_content_type=name in _ANY_CONTENT_TYPE,
        may_be_wrapped=name in {"v2_modify_campaign", "v3_modify_campaign"},
    )


def _get(name: str, path: str) -> Route:
    return _fota(name, "GET", path)


def _post(name: str, path: str) -> Route:
    return _fota(name, "POST", path)


def _put(name: str, path: str) -> Route:
    return _fota(name, "PUT", path)


def _delete(name: str, path: str) -> Route:
    return _fota(name, "DELETE", path)


ROUTES: Final = (
    Route(
        name="oauth_create_token",
        method="POST",
        path="/api/ts/v1/oauth2/token",
        guard=Guard.BASIC,
    ),
    # Known from the page "Getting Credentials and Tokens to use the API" alone, which
    # gives it no operationId.
    Route(
        name="oauth_revoke_token",
        method="POST",
        path="/api/ts/v1/oauth2/revoke",
        guard=Guard.BASIC,
    ),
    Route(
        name="session_login",
        method="POST",
        path="/api/m2m/v1/session/login",
        guard=Guard.BEARER,
    ),
    Route(name="session_logout", method="POST", path="/api/m2m/v1/session/logout"),
    Route(
        name="session_reset_password",
        method="PUT",
        path="/api/m2m/v1/session/password/actions/reset",
    ),
    _get("v1_list_callbacks", "/api/fota/v1/callbacks/{account}"),
    _post("v1_register_callback", "/api/fota/v1/callbacks/{account}"),
    _delete("v1_deregister_callback", "/api/fota/v1/callbacks/{account}/name/{service}"),
    _get("v1_list_devices", "/api/fota/v1/devices/{account}/index/{startIndex}"),
    _get("v1_list_firmware", "/api/fota/v1/firmware/{account}"),
    _post("v1_assign_licenses", "/api/fota/v1/licenses/{account}/assign"),
    _post("v1_set_cancel_candidates", "/api/fota/v1/licenses/{account}/cancel"),
    _delete("v1_delete_cancel_candidates", "/api/fota/v1/licenses/{account}/cancel"),
    _get("v1_list_cancel_candidates", "/api/fota/v1/licenses/{account}/cancel/index/{startIndex}"),
    _get("v1_get_license_status", "/api/fota/v1/licenses/{account}/index/{startIndex}"),
    _post("v1_remove_licenses", "/api/fota/v1/licenses/{account}/remove"),
    _get("v1_get_device_history", "/api/fota/v1/reports/{account}/devices/{deviceId}"),
    _get(
        "v1_list_upgrades_by_status",
        "/api/fota/v1/reports/{account}/status/{upgradeStatus}/index/{startIndex}",
    ),
    _get("v1_get_subscription", "/api/fota/v1/subscriptions/{account}"),
    _post("v1_schedule_upgrade", "/api/fota/v1/upgrades"),
    _get("v1_get_upgrade", "/api/fota/v1/upgrades/{account}/upgrade/{upgradeId}"),
    _put("v1_modify_upgrade", "/api/fota/v1/upgrades/{account}/upgrade/{upgradeId}"),
    _delete("v1_cancel_upgrade", "/api/fota/v1/upgrades/{account}/upgrade/{upgradeId}"),
    _get("v2_get_callback", "/api/fota/v2/callbacks/{account}"),
    _post("v2_register_callback", "/api/fota/v2/callbacks/{account}"),
    _put("v2_modify_callback", "/api/fota/v2/callbacks/{account}"),
    _delete("v2_deregister_callback", "/api/fota/v2/callbacks/{account}"),
    _post("v2_schedule_file_campaign", "/api/fota/v2/campaigns/files/{account}"),
    _post("v2_schedule_software_campaign", "/api/fota/v2/campaigns/software/{account}"),
    _post("v2_schedule_campaign", "/api/fota/v2/campaigns/{account}"),
    _get("v2_get_campaign", "/api/fota/v2/campaigns/{account}/{campaignId}"),
    _put("v2_modify_campaign", "/api/fota/v2/campaigns/{account}/{campaignId}"),
    _delete("v2_cancel_campaign", "/api/fota/v2/campaigns/{account}/{campaignId}"),
    _put("v2_change_campaign_dates", "/api/fota/v2/campaigns/{account}/{campaignId}/dates"),
    _get("v2_list_devices", "/api/fota/v2/devices/{account}"),
    _get("v2_list_files", "/api/fota/v2/files/{account}"),
    _post("v2_upload_file", "/api/fota/v2/files/{account}"),
    _get("v2_get_license_status", "/api/fota/v2/licenses/{account}"),
    _post("v2_assign_licenses", "/api/fota/v2/licenses/{account}/assign"),
    _get("v2_list_cancel_candidates", "/api/fota/v2/licenses/{account}/cancel"),
    _post("v2_set_cancel_candidates", "/api/fota/v2/licenses/{account}/cancel"),
    _delete("v2_delete_cancel_candidates", "/api/fota/v2/licenses/{account}/cancel"),
    _post("v2_remove_licenses", "/api/fota/v2/licenses/{account}/remove"),
    _get("v2_list_logging_devices", "/api/fota/v2/logging/{account}/devices"),
    _put("v2_enable_logging", "/api/fota/v2/logging/{account}/devices"),
    _delete("v2_disable_logging", "/api/fota/v2/logging/{account}/devices"),
    _put("v2_enable_device_logging", "/api/fota/v2/logging/{account}/devices/{deviceId}"),
    _delete("v2_disable_device_logging", "/api/fota/v2/logging/{account}/devices/{deviceId}"),
    _get(
        "v2_get_checkin_history", "/api/fota/v2/logging/{account}/devices/{deviceId}/checkInHistory"
    ),
    _get("v2_list_device_logs", "/api/fota/v2/logging/{account}/devices/{deviceId}/logs"),
    _get("v2_list_campaigns_by_status", "/api/fota/v2/reports/{account}/campaigns"),
    _get(
        "v2_list_campaign_devices", "/api/fota/v2/reports/{account}/campaigns/{campaignId}/devices"
    ),
    _get("v2_get_device_history", "/api/fota/v2/reports/{account}/devices/{deviceId}"),
    _get("v2_list_software", "/api/fota/v2/software/{account}"),
    _get("v2_get_subscription", "/api/fota/v2/subscriptions/{account}"),
    _get("v3_get_callback", "/api/fota/v3/callbacks/{account}"),
    _post("v3_register_callback", "/api/fota/v3/callbacks/{account}"),
    _put("v3_modify_callback", "/api/fota/v3/callbacks/{account}"),
    _delete("v3_deregister_callback", "/api/fota/v3/callbacks/{account}"),
    _post("v3_schedule_campaign", "/api/fota/v3/campaigns/firmware/{account}"),
    _put("v3_modify_campaign", "/api/fota/v3/campaigns/firmware/{account}/{campaignId}"),
    _put(
        "v3_change_campaign_dates", "/api/fota/v3/campaigns/firmware/{account}/{campaignId}/dates"
    ),
    _get("v3_get_campaign", "/api/fota/v3/campaigns/{account}/{campaignId}"),
    _delete("v3_cancel_campaign", "/api/fota/v3/campaigns/{account}/{campaignId}"),
    _get("v3_list_devices", "/api/fota/v3/devices/{account}"),
    _post("v3_get_device_details", "/api/fota/v3/devices/{account}"),
    _get("v3_list_firmware", "/api/fota/v3/firmware/{account}"),
    _put("v3_report_device_firmware", "/api/fota/v3/firmware/{account}/async/{deviceId}"),
    _put("v3_sync_device_firmware", "/api/fota/v3/firmware/{account}/devices"),
    _get("v3_get_license_status", "/api/fota/v3/licenses/{account}"),
    _post("v3_assign_licenses", "/api/fota/v3/licenses/{account}/assign"),
    _post("v3_remove_licenses", "/api/fota/v3/licenses/{account}/remove"),
    _get(
        "v3_list_campaign_devices", "/api/fota/v3/reports/{account}/campaigns/{campaignId}/devices"
    ),
    _get("v3_get_device_history", "/api/fota/v3/reports/{account}/devices/{deviceId}"),
    _get("v3_list_campaigns_by_status", "/api/fota/v3/reports/{account}/firmware/campaigns"),
    _get("v3_get_subscription", "/api/fota/v3/subscriptions/{account}"),
)
"""Every route, in the order of the wire contract.

>>> [route.path for route in ROUTES if route.name == "v1_get_upgrade"]
['/api/fota/v1/upgrades/{account}/upgrade/{upgradeId}']
"""

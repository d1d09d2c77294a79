"""The routes the simulator serves, as data."""

from enum import Enum, auto
from typing import Final

import attrs


class Guard(Enum):
    """What a caller must show (wire contract, tokens and sessions)."""

    BASIC = auto()
    BEARER = auto()
    SESSION = auto()


@attrs.frozen(kw_only=True)
class Route:
    """One operation of the API.

    Args:
        name: The operationId of the wire contract.
        method: HTTP verb.
        path: Path template.
        guard: What a caller must show.
        any_content_type: Whether `Content-Type: */*` is taken, which the vendor's
            SDK sends on ten calls.

    """

    name: str
    method: str
    path: str
    guard: Guard = Guard.SESSION
    any_content_type: bool = False

    @property
    def is_fota(self) -> bool:
        """Whether the route belongs to Software Management, not to tokens and sessions."""
        return self.path.startswith("/api/fota/")


_UPGRADE = "/api/fota/v1/upgrades/{account}/upgrade/{upgradeId}"
_CALLBACK = "/api/fota/v2/callbacks/{account}"

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
    Route(name="v1_schedule_upgrade", method="POST", path="/api/fota/v1/upgrades"),
    Route(name="v1_get_upgrade", method="GET", path=_UPGRADE),
    Route(name="v1_modify_upgrade", method="PUT", path=_UPGRADE, any_content_type=True),
    Route(name="v1_cancel_upgrade", method="DELETE", path=_UPGRADE),
    Route(name="v2_get_callback", method="GET", path=_CALLBACK),
    Route(name="v2_register_callback", method="POST", path=_CALLBACK, any_content_type=True),
    Route(name="v2_modify_callback", method="PUT", path=_CALLBACK, any_content_type=True),
    Route(name="v2_deregister_callback", method="DELETE", path=_CALLBACK),
)
"""Every route, in the order of the wire contract."""

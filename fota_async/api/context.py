"""What every resource needs: the session manager and the account."""

import attrs

from fota_async.session import SessionManager


@attrs.frozen
class Context:
    """Shared by the resources of one client."""

    session: SessionManager
    account: str

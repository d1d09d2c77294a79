"""Callback registrations (vendor pages "Register", "Modify a Callback Listener URL")."""

import attrs

from fota_async.wire.convert import required


@attrs.frozen
class Callback:
    """The listener of an account in v2 and v3.

    Attributes:
        url: HTTPS address that the callback service posts to. The vendor's pages spell this
            member `url`, `URL` and `callback`.
    """

    url: str = required("url", "callback")

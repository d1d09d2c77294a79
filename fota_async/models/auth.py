"""Tokens and sessions (vendor page "Getting Credentials and Tokens to use the API")."""

import attrs

from fota_async.wire.convert import member, required


@attrs.frozen
class BearerToken:
    """The answer of the token endpoint. `expires_in` counts seconds from now."""

    access_token: str = required("access_token")
    token_type: str = required("token_type")
    expires_in: int | None = member("expires_in")

    def __repr__(self) -> str:
        return f"BearerToken(***, expires_in={self.expires_in})"


@attrs.frozen
class SessionToken:
    """The answer of login and logout."""

    session_token: str = required("sessionToken")

    def __repr__(self) -> str:
        return "SessionToken(***)"

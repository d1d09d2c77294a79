"""Tokens and sessions (vendor page "Getting Credentials and Tokens to use the API")."""

from typing import Self

import attrs

from fota_async.wire.convert import fold_names, member, required, spellings_of
from fota_async.wire.decode import parse_json


@attrs.frozen
class BearerToken:
    """The answer of the token endpoint.

    `expires_in` counts seconds from now. The last three are documented, and nothing is done with
    them.
    """

    access_token: str = required("access_token")
    token_type: str = required("token_type")
    expires_in: int | None = member("expires_in")
    scope: str | None = member("scope")
    expiry: int | None = member("expiry")
    refresh_token: str | None = member("refresh_token", secret=True)

    def __repr__(self) -> str:
        return f"BearerToken(***, expires_in={self.expires_in})"


@attrs.frozen
class SessionToken:
    """The answer of login and logout."""

    session_token: str = required("sessionToken")

    def __repr__(self) -> str:
        return "SessionToken(***)"


@attrs.frozen
class PasswordResetRequest:
    """The body of a request to replace the user's password."""

    old_password: str = required("oldPassword", secret=True)


_NEW_PASSWORD = spellings_of({"newPassword": ["newPassword"]})


@attrs.frozen
class NewPassword:
    """The answer to a password reset, the only copy of the new password.

    >>> answer = await fota.session.reset_password()
    >>> answer
    NewPassword()
    >>> answer.new_password == simulator.password
    True

    Attributes:
        new_password: It works at once. None if the answer does not have it where it should be.
        answer: The whole answer, so that nothing is lost whatever its shape.
    """

    new_password: str | None = attrs.field(repr=False)
    answer: str = attrs.field(repr=False)

    @classmethod
    def from_body(cls, body: bytes) -> Self:
        """Take any answer: there is no second one.

        Args:
            body: What the server sent.
        """
        text = bytes(body).decode("utf-8", "replace")
        try:
            obj = parse_json(body)
        except ValueError:
            return cls(None, text)
        new = fold_names(obj, _NEW_PASSWORD).get("newPassword") if isinstance(obj, dict) else None
        return cls(new if isinstance(new, str) and new else None, text)

"""Calls that were not sent for want of tokens."""

from fota_async.errors.calls import CallError


class AuthError(CallError):
    """There are no tokens to send the call with; the call itself was not applied.

    >>> wrong = {**environ, "THINGSPACE_SECRET": "mistyped"}
    >>> async with FotaClient.from_env(environ=wrong) as other:
    ...     try:
    ...         await other.v1.firmware.list()
    ...     except AuthError as error:
    ...         print(f"nothing was sent ({error.sent}): {error.brief}")
    nothing was sent (no): TokenRefusedError (401, invalid_client)
    """

    default_sent = "no"


class TokenRefusedError(AuthError):
    """The API does not take the key and secret, or the bearer token it gave for them.

    >>> wrong = {**environ, "THINGSPACE_SECRET": "mistyped"}
    >>> async with FotaClient.from_env(environ=wrong) as other:
    ...     try:
    ...         await other.v1.firmware.list()
    ...     except TokenRefusedError as error:  # THINGSPACE_KEY or THINGSPACE_SECRET
    ...         print(error)
    POST /api/ts/v1/oauth2/token: the key or the secret was refused: refused (status 401): ...
    """


class LoginRefusedError(AuthError):
    """User name or password were refused.

    Never tried again by the same session manager: five refused logins in a row lock the user
    until Verizon Support unlocks it (vendor page "Start a Connectivity Management Session").

    >>> wrong = {**environ, "THINGSPACE_PASSWORD": "mistyped"}
    >>> async with FotaClient.from_env(environ=wrong) as other:
    ...     try:
    ...         await other.v1.firmware.list()
    ...     except LoginRefusedError as error:  # THINGSPACE_USERNAME or THINGSPACE_PASSWORD
    ...         print(error)
    POST /api/m2m/v1/session/login: the login was refused: ...
    """


class LoginLostError(AuthError):
    """A login got no answer that decides. It may have opened a session nobody knows of.

    >>> try:
    ...     status = await fota.v3.licenses.get_status()
    ... except LoginLostError as error:  # the call itself was not sent
    ...     print(error)
    """


class SessionEndedError(AuthError):
    """The API says that the session ended, again right after a new login.

    >>> try:
    ...     status = await fota.v3.licenses.get_status()
    ... except SessionEndedError as error:  # who else logs in with this user, and ends its session?
    ...     print(error)
    """

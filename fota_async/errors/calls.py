"""Calls that did not give their result, and those that were not sent."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import ClassVar, Literal

from fota_async.errors.base import FotaError

Sent = Literal["no", "maybe", "yes"]
"""What is known of a request that failed, and so whether repeating it can do harm.

`"no"`: it did not leave, or was turned away before it was looked at. `"maybe"`: it may have been
applied. `"yes"`: it was answered, and the answer is a refusal.

>>> simulator.faults = Faults(error_before=1.0)
>>> try:
...     await fota.v1.firmware.list()
... except CallError as error:
...     print({"no": "surely not done", "maybe": "may be done", "yes": "refused"}[error.sent])
may be done
"""

_SHORTEST_PART = 3
_MAYBE_DEVICE = re.compile(r"\d{14,}")


class CallError(FotaError):
    """A call to the API did not give its result.

    >>> unknown = "00000000-0000-0000-0000-000000000000"
    >>> try:
    ...     await fota.v1.upgrades.get(unknown)
    ... except CallError as error:
    ...     print(error)
    ...     print(error.status, error.code, error.sent)
    GET /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}: refused (status 400): ...
    400 INVALID_PARAMETER yes

    Attributes:
        message: What happened, in words for a person.
        route: Verb and path template, for instance
            `PUT /api/fota/v1/upgrades/{account}/upgrade/{upgrade_id}`.
        status: HTTP status, or None when there was no answer.
        code: The API's own error code (`errorCode`, `fault.code` or `error`), or None.
        text: The API's own error text, word for word, or an empty string.
        request_id: What the server called this request, if it said so.
        body: The first part of an answer that explains nothing by itself.
        sent: `"no"`: surely nothing was applied, the request did not leave or a
            gateway turned it away. `"maybe"`: it may have been applied. `"yes"`: it was
            answered, and the answer is a refusal.
        retry_after: Seconds the API asked to wait, or None.
        gave_up: Whether its retries are used up, so that nobody above tries again.
    """

    default_sent: ClassVar[Sent] = "maybe"

    def __init__(
        self,
        message: str,
        *,
        route: str = "",
        status: int | None = None,
        code: str | None = None,
        text: str = "",
        request_id: str | None = None,
        body: str = "",
        sent: Sent | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.route = route
        self.status = status
        self.code = code
        self.text = text
        self.request_id = request_id
        self.body = body
        self.sent: Sent = sent or self.default_sent
        self.retry_after = retry_after
        self.gave_up = False

    @property
    def brief(self) -> str:
        """Kind, status and code: what may be logged, since texts of the API can name devices."""
        said = ", ".join(str(part) for part in (self.status, self.code) if part is not None)
        said = _MAYBE_DEVICE.sub("(number)", said)
        return f"{type(self).__name__} ({said})" if said else type(self).__name__

    def __str__(self) -> str:
        parts = [f"{self.route}: {self.message}" if self.route else self.message]
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        if self.body:
            parts.append(f"the answer begins {self.body!r}")
        return "; ".join(parts)

    def scrub(self, secrets: Collection[str]) -> None:
        """Replace each of `secrets` wherever a server may have echoed it."""
        for name in ("message", "code", "text", "request_id", "body"):
            value = getattr(self, name)
            if value:
                setattr(self, name, _scrubbed(value, secrets))
        self.args = (self.message,)


def _scrubbed(value: str, secrets: Collection[str]) -> str:
    for secret in filter(None, secrets):
        value = value.replace(secret, "***")
    for secret in filter(None, secrets):
        # What was cut short may end in the middle of a secret.
        for length in range(min(len(secret), len(value)) - 1, _SHORTEST_PART, -1):
            if value.endswith(secret[:length]):
                return value[:-length] + "***"
    return value


class NotSentError(CallError):
    """No connection to the server; the request surely never left.

    >>> await simulator.stop()
    >>> try:
    ...     await fota.v1.firmware.list()
    ... except NotSentError as error:  # as often as the retry policy says; see RetryPolicy
    ...     print(error.sent, error.gave_up)
    no True
    """

    default_sent = "no"


class CertificateError(NotSentError):
    """The server's certificate was not accepted. Repeating does not help.

    >>> import ssl
    >>> trust = ssl.create_default_context()  # cafile=, where a proxy has an authority of its own
    >>> async with FotaClient.from_env(environ=environ, ssl=trust) as other:
    ...     try:
    ...         images = await other.v1.firmware.list()
    ...     except CertificateError as error:
    ...         print(error)
    """


class ProxyError(NotSentError):
    """The proxy asks for another name or password, or does not connect to this host.

    Repeating does not help.

    >>> try:
    ...     images = await fota.v1.firmware.list()
    ... except ProxyError as error:  # the proxy's address, or the name and password in it
    ...     print(error)
    """


class ThrottledError(CallError):
    """The API asks to wait longer than allowed. Nothing was applied.

    >>> simulator.rules = Rules(rate=0.001, burst=1, retry_after=3600)
    >>> try:
    ...     while await fota.v1.firmware.list():
    ...         pass
    ... except ThrottledError as error:  # for longer than RetryPolicy.max_pause; try again then
    ...     print(f"again in {error.retry_after / 60:.0f} minutes, at {error.retry_at:%H:%M} UTC")
    again in 60 minutes, at ... UTC

    Attributes:
        retry_at: The moment (UTC) before which nothing should be sent, or None if the
            API named none.
    """

    default_sent = "no"
    retry_at: datetime | None = None


class DeadlineError(CallError):
    """The deadline of the call passed; `sent` says what is known of the last try.

    >>> simulator.faults = Faults(hang_before=1.0)
    >>> async with FotaClient.from_env(environ=environ, deadline=0.2) as hasty:
    ...     try:
    ...         await hasty.v1.firmware.list()
    ...     except DeadlineError as error:
    ...         print(error)
    GET /api/fota/v1/firmware/{account}: no result within 0.2 s (deadline)
    """

"""Everything the library raises.

::

    FotaError
    ├── ConfigurationError     what was given cannot work; nothing was sent (a ValueError too)
    ├── MisuseError            closed, or on another event loop (a RuntimeError too)
    ├── SourceError            the device list cannot be read
    ├── JournalError           the record of a run on disk cannot be read or written
    ├── StoreError             the callback messages on disk cannot be read or written
    ├── CallError              a call to the API did not give its result
    │   ├── AuthError          no tokens to send it with
    │   │   ├── TokenRefusedError    key or secret, or the bearer token they gave
    │   │   ├── LoginRefusedError    user name or password; never tried again
    │   │   ├── LoginLostError       the login got no answer that decides
    │   │   └── SessionEndedError    the session ends again and again
    │   ├── NotSentError       no connection; the request surely never left
    │   │   ├── CertificateError
    │   │   └── ProxyError           the proxy says no; never tried again
    │   ├── ThrottledError     the API says wait; nothing was applied
    │   ├── LostError          sent, and no answer decides what it did
    │   │   ├── AnswerTimeoutError
    │   │   ├── ConnectionLostError
    │   │   ├── AnswerTooLargeError
    │   │   ├── ServerError          any 5xx, and 408
    │   │   └── DecodeError          an answer that is not what the route promises
    │   ├── DeadlineError      the deadline of the call passed
    │   └── RefusedError       the API answered: no
    │       ├── InvalidRequestError  400 and 422
    │       ├── TooManyDevicesError  413, `NumberofDevices`, `MaxRequestsExceeded`
    │       ├── ForbiddenError       403
    │       ├── NotFoundError        404
    │       └── RedirectError        3xx; never followed, the tokens stay with this host
    ├── RegistrationError      a callback listener was taken, and is not there
    ├── WaitError              what was waited for did not come
    │   ├── NeverReached       the upgrade or campaign ended in another state
    │   └── WaitTimeout        not within `timeout` (a TimeoutError too)
    ├── RunStopped             a run ended early; carries its report
    │   └── ScheduleUnknown    the answer to a schedule request is lost; carries candidates, too
    ├── PilotStopped           a pilot did not succeed, so the fleet did not follow
    ├── SyncRefused            a sync that would remove too much, or that nobody approved
    ├── SyncStopped            a sync ended early; carries what it did
    └── DevicesFailed          asked for by `BatchReport.raise_for_failures`

All of them can be pickled. No secret is ever part of one.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Literal

Sent = Literal["no", "maybe", "yes"]

_SHORTEST_PART = 3


def _rebuild(cls: type["FotaError"], args: tuple[Any, ...], state: dict[str, Any]) -> "FotaError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class FotaError(Exception):
    """The root of everything this library raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigurationError(FotaError, ValueError):
    """What was given cannot work, whatever the API would say. Nothing was sent."""


class MisuseError(FotaError, RuntimeError):
    """The object is closed, or belongs to another event loop. Nothing was sent."""


class SourceError(FotaError):
    """The device list cannot be read: no such file or column, a directory, a binary file."""


class JournalError(FotaError):
    """The journal of a run cannot be used: of another run, in use, damaged, or the disk is full.

    Raised by itself when nothing was sent; later it is the `__cause__` of a `RunStopped`.
    """


class StoreError(FotaError):
    """The store of callback messages cannot be used: in use, damaged, or the disk is full."""


class CallError(FotaError):
    """A call to the API did not give its result.

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


class AuthError(CallError):
    """There are no tokens to send the call with; the call itself was not applied."""

    default_sent = "no"


class TokenRefusedError(AuthError):
    """The API does not take the key and secret, or the bearer token it gave for them."""


class LoginRefusedError(AuthError):
    """User name or password were refused.

    Never tried again by the same session manager: five refused logins in a row lock the user
    until Verizon Support unlocks it (vendor page "Start a Connectivity Management Session").
    """


class LoginLostError(AuthError):
    """A login got no answer that decides. It may have opened a session nobody knows of."""


class SessionEndedError(AuthError):
    """The API says that the session ended, again right after a new login."""


class NotSentError(CallError):
    """No connection to the server; the request surely never left."""

    default_sent = "no"


class CertificateError(NotSentError):
    """The server's certificate was not accepted. Repeating does not help."""


class ProxyError(NotSentError):
    """The proxy asks for another name or password, or does not connect to this host.

    Repeating does not help.
    """


class ThrottledError(CallError):
    """The API asks to wait longer than allowed. Nothing was applied.

    Attributes:
        retry_at: The moment (UTC) before which nothing should be sent, or None if the
            API named none.
    """

    default_sent = "no"
    retry_at: datetime | None = None


class LostError(CallError):
    """The request was sent, and no answer decides whether it was applied."""


class AnswerTimeoutError(LostError):
    """No byte of an answer came for `timeout` seconds."""


class ConnectionLostError(LostError):
    """The connection broke before the answer was whole."""


class AnswerTooLargeError(LostError):
    """The answer is larger than `max_answer_bytes` after decompression."""


class ServerError(LostError):
    """Any 5xx, or 408: the server may have applied the request before it failed."""


class DecodeError(LostError):
    """The answer is not what the route promises: HTML, nothing, half a document, another shape."""


class DeadlineError(CallError):
    """The deadline of the call passed; `sent` says what is known of the last try."""


class RefusedError(CallError):
    """The API answered, and the answer is no."""

    default_sent = "yes"


class InvalidRequestError(RefusedError):
    """400 or 422: something in the request is wrong; for a batch it can be one device."""


class TooManyDevicesError(RefusedError):
    """The request carries more devices than the API takes at once."""


class ForbiddenError(RefusedError):
    """403."""


class NotFoundError(RefusedError):
    """404."""


class RedirectError(RefusedError):
    """The server points elsewhere. Never followed: the tokens stay with this host."""


class RegistrationError(FotaError):
    """The API took a callback listener, and a reading shows another or none."""


class WaitError(FotaError):
    """What was waited for did not come.

    Attributes:
        target_id: The upgrade or campaign.
        wanted: The state that was waited for.
        status: The state that was read last; None if none could be read.
    """

    def __init__(self, message: str, *, target_id: str, wanted: str, status: str | None) -> None:
        super().__init__(message)
        self.target_id = target_id
        self.wanted = wanted
        self.status = status


class NeverReached(WaitError):  # noqa: N818 - named for what happened, as DevicesFailed is
    """The upgrade or campaign is in its last state, and that is another one."""


class WaitTimeout(WaitError, TimeoutError):  # noqa: N818 - as above
    """The state was not reached in time; nothing was changed."""

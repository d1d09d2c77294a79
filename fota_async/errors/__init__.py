"""Everything the library raises.

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
    ├── DevicesFailed          asked for by `BatchReport.raise_for_failures`
    └── AccountsFailed         asked for by `Overview.raise_for_failures`

All of them can be pickled. No secret is ever part of one.
"""

from fota_async.errors.base import (
    ConfigurationError,
    FotaError,
    JournalError,
    MisuseError,
    RegistrationError,
    SourceError,
    StoreError,
)
from fota_async.errors.calls import (
    CallError,
    CertificateError,
    DeadlineError,
    NotSentError,
    ProxyError,
    Sent,
    ThrottledError,
)
from fota_async.errors.lost import (
    AnswerTimeoutError,
    AnswerTooLargeError,
    ConnectionLostError,
    DecodeError,
    LostError,
    ServerError,
)
from fota_async.errors.refused import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RedirectError,
    RefusedError,
    TooManyDevicesError,
)
from fota_async.errors.tokens import (
    AuthError,
    LoginLostError,
    LoginRefusedError,
    SessionEndedError,
    TokenRefusedError,
)
from fota_async.errors.waits import (
    NeverReached,
    WaitError,
    WaitTimeout,
)

__all__ = [
    "AnswerTimeoutError",
    "AnswerTooLargeError",
    "AuthError",
    "CallError",
    "CertificateError",
    "ConfigurationError",
    "ConnectionLostError",
    "DeadlineError",
    "DecodeError",
    "ForbiddenError",
    "FotaError",
    "InvalidRequestError",
    "JournalError",
    "LoginLostError",
    "LoginRefusedError",
    "LostError",
    "MisuseError",
    "NeverReached",
    "NotFoundError",
    "NotSentError",
    "ProxyError",
    "RedirectError",
    "RefusedError",
    "RegistrationError",
    "Sent",
    "ServerError",
    "SessionEndedError",
    "SourceError",
    "StoreError",
    "ThrottledError",
    "TokenRefusedError",
    "TooManyDevicesError",
    "WaitError",
    "WaitTimeout",
]

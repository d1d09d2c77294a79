"""What to do about an error, beside what happened."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fota_async.cli.output import fail
from fota_async.errors import (
    CallError,
    CertificateError,
    DeadlineError,
    ForbiddenError,
    LoginLostError,
    LoginRefusedError,
    LostError,
    NotFoundError,
    NotSentError,
    ProxyError,
    ThrottledError,
    TokenRefusedError,
)

_WHENCE = "`fota config show` tells where they come from"
_ADVICE: list[tuple[type[CallError], str]] = [
    (TokenRefusedError, f"look at THINGSPACE_KEY and THINGSPACE_SECRET; {_WHENCE}"),
    (LoginRefusedError, f"look at THINGSPACE_USERNAME and THINGSPACE_PASSWORD; {_WHENCE}"),
    (LoginLostError, "wait a minute before the next command: each login may count"),
    (CertificateError, "look at THINGSPACE_BASE_URL and at what stands between"),
    (ProxyError, "nothing was sent; ask whoever runs the proxy"),
    (NotSentError, "nothing was sent; look at the network and at THINGSPACE_BASE_URL"),
    (ForbiddenError, "is the account this user's, and does it have this service?"),
    (NotFoundError, "is it the id, and the --api it belongs to?"),
]

_DOUBT = "it may have been done all the same"


@contextmanager
def advised(if_lost: str = "") -> Iterator[None]:
    """Add to an error of a call what its reader can do.

    Args:
        if_lost: What to do when the call may have done its work and nobody knows.

    Raises:
        CallError: The one that came.
    """
    try:
        yield
    except asyncio.CancelledError:
        if if_lost:
            fail(f"interrupted; {_DOUBT}: {if_lost}")
        raise
    except CallError as error:
        words = _words(error, if_lost)
        if words:
            error.message = f"{error.message}; {words}"
        raise


def _words(error: CallError, if_lost: str) -> str:
    if if_lost and error.sent == "maybe" and isinstance(error, LostError | DeadlineError):
        return f"{_DOUBT}: {if_lost}"
    if isinstance(error, ThrottledError) and error.retry_at is not None:
        return f"nothing was done; try again after {error.retry_at:%Y-%m-%d %H:%M:%S} UTC"
    return next((words for kind, words in _ADVICE if isinstance(error, kind)), "")

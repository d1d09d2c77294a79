"""What to do about an error, beside what happened."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from fota_async.batch.errors import RunStopped, StopCause
from fota_async.cli.output import fail, told
from fota_async.errors import (
    AnswerTimeoutError,
    CallError,
    CertificateError,
    DeadlineError,
    ForbiddenError,
    InvalidRequestError,
    LoginLostError,
    LoginRefusedError,
    LostError,
    NotFoundError,
    NotSentError,
    ProxyError,
    RedirectError,
    ThrottledError,
    TokenRefusedError,
    TooManyDevicesError,
)

_WHENCE = "`fota config show` tells where they come from"
_ADVICE: list[tuple[type[CallError], str]] = [
    (TokenRefusedError, f"look at THINGSPACE_KEY and THINGSPACE_SECRET; {_WHENCE}"),
    (LoginRefusedError, f"look at THINGSPACE_USERNAME and THINGSPACE_PASSWORD; {_WHENCE}"),
    (LoginLostError, "wait a minute before the next command: each login may count"),
    (CertificateError, "look at THINGSPACE_BASE_URL and at what stands between"),
    (ProxyError, "ask whoever runs the proxy"),
    (NotSentError, "look at the network and at THINGSPACE_BASE_URL"),
    (ForbiddenError, "is the account this user's, and does it have this service?"),
    (NotFoundError, "is it the id, and the --api it belongs to?"),
    (InvalidRequestError, "look at the ids and options that were given"),
    (RedirectError, "look at THINGSPACE_BASE_URL: credentials go nowhere else"),
    (TooManyDevicesError, "give fewer devices"),
    (AnswerTimeoutError, "try again, with a larger --timeout if the API is only slow"),
    (LostError, "try again; if it stays so, it is for Verizon Support"),
]

_STOPPED = {
    StopCause.CLOSED: "its list can be changed only until it starts; `fota upgrades list` and "
    "`fota campaigns list` show what still takes devices",
    StopCause.REFUSED: "it is not the devices: look at the id, at --api, and at what the API said",
    StopCause.MAX_FAILURES: "look at the reasons; with a larger --max-failures it goes further",
    StopCause.SOURCE: "mend the list",
    StopCause.JOURNAL: "look at the disk that the journal is on",
}

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


def stopped_in_words(stopped: RunStopped) -> str:
    """Return why a run was stopped, and what can be done about it."""
    return "; ".join(filter(None, (told(stopped), advice_on(stopped))))


def advice_on(stopped: RunStopped) -> str:
    """Return what can be done about what stopped a run; nothing where that is plain."""
    cause = stopped.__cause__
    if isinstance(cause, ThrottledError) and cause.retry_at is not None:
        return f"try again after {_moment(cause.retry_at)}"
    if stopped.cause in _STOPPED:
        return _STOPPED[stopped.cause]
    return _advice(cause) if isinstance(cause, CallError) else ""


def _words(error: CallError, if_lost: str) -> str:
    if if_lost and error.sent == "maybe" and isinstance(error, LostError | DeadlineError):
        return f"{_DOUBT}: {if_lost}"
    if isinstance(error, ThrottledError) and error.retry_at is not None:
        return f"nothing was done; try again after {_moment(error.retry_at)}"
    if isinstance(error, NotSentError):
        return f"nothing was sent; {_advice(error)}"
    return _advice(error)


def _advice(error: CallError) -> str:
    return next((words for kind, words in _ADVICE if isinstance(error, kind)), "")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

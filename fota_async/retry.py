"""What may be sent again, and after how long: decisions without a clock and without I/O."""

from collections.abc import Callable

import attrs

from fota_async.errors import (
    AnswerTooLargeError,
    AuthError,
    CallError,
    CertificateError,
    DeadlineError,
    NotSentError,
    ProxyError,
    ThrottledError,
)
from fota_async.wire.route import Repeat

Draw = Callable[[float, float], float]
"""Draws a number between two, for instance `random.uniform`."""


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a call is tried.

    >>> simulator.faults = Faults(error_before=1.0)
    >>> policy = RetryPolicy(tries=3, base=0.01, seconds=60)
    >>> async with FotaClient.from_env(environ=environ, retry=policy) as client:
    ...     try:
    ...         await client.v1.firmware.list()
    ...     except ServerError:
    ...         print(simulator.stats()["requests"]["v1_list_firmware"])
    {'error_before': 3}

    Attributes:
        tries: Tries of one call that failed, the first included; waits that the API asked for do
            not count.
        seconds: No retry starts later than this after the first try.
        base: Seconds of the first back-off; it doubles from try to try.
        cap: Seconds of the longest back-off.
        max_pause: Seconds that a call accepts to be throttled; beyond, it ends with `retry_at`.
    """

    tries: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    seconds: float = attrs.field(default=120.0, validator=attrs.validators.ge(0))
    base: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))
    cap: float = attrs.field(default=20.0, validator=attrs.validators.gt(0))
    max_pause: float = attrs.field(default=300.0, validator=attrs.validators.ge(0))

    def backoff(self, tries: int, draw: Draw) -> float:
        """Return the seconds to wait after `tries` failures: full jitter, so nobody marches.

        Args:
            tries: How many tries failed so far.
            draw: Draws a number between two, for instance `random.uniform`.
        """
        return draw(0.0, min(self.cap, self.base * 2.0 ** min(tries - 1, 30)))


_FINAL = (
    AnswerTooLargeError,
    AuthError,
    CertificateError,
    DeadlineError,
    ProxyError,
    ThrottledError,
)


def may_repeat(error: CallError, repeat: Repeat, tries: int) -> bool:
    """Whether sending again can help and cannot harm (wire contract, "Is a repeat safe?")."""
    if error.gave_up or isinstance(error, _FINAL):
        return False
    if error.sent == "no":
        return True
    if error.sent == "maybe":
        return repeat in {Repeat.SAFE, Repeat.IDEMPOTENT}
    unexpected = (error.code or "").endswith("UnexpectedError")
    return unexpected and repeat is Repeat.SAFE and tries == 1


def wait_before_retry(
    policy: RetryPolicy,
    error: CallError,
    repeat: Repeat,
    *,
    tries: int,
    elapsed: float,
    draw: Draw,
    patient: bool = False,
) -> float | None:
    """Return the seconds to wait before the next try, or None when `error` is final.

    Args:
        policy: The limits.
        error: What the last try ended with.
        repeat: The route's repeat class.
        tries: Tries so far that failed.
        elapsed: Seconds since the first one began.
        draw: Where the jitter comes from.
        patient: Whether a missing connection is limited by seconds only: a run of hours should
            outlive a router that restarts.
    """
    if not may_repeat(error, repeat, tries):
        return None
    if tries >= policy.tries and not (patient and isinstance(error, NotSentError)):
        return None
    wait = max(policy.backoff(tries, draw), error.retry_after or 0.0)
    return wait if elapsed + wait <= policy.seconds else None

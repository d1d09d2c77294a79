"""What may be sent again, after how long, and what the error says when it may not."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import (
    Stub,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from fota_async import (
    AnswerTimeoutError,
    AnswerTooLargeError,
    AuthError,
    CallError,
    CertificateError,
    ConnectionLostError,
    DeadlineError,
    DecodeError,
    ForbiddenError,
    FotaClient,
    InvalidRequestError,
    LoginLostError,
    LoginRefusedError,
    LostError,
    NotFoundError,
    NotSentError,
    ProxyError,
    RedirectError,
    RefusedError,
    RetryPolicy,
    ServerError,
    SessionEndedError,
    ThrottledError,
    TokenRefusedError,
    TooManyDevicesError,
)
from fota_async.retry import may_repeat, wait_before_retry
from fota_async.wire.route import Repeat

NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

READS_AND_IDEMPOTENT = {Repeat.SAFE, Repeat.IDEMPOTENT}
MAY_REPEAT: dict[type[CallError], set[Repeat]] = {
    CallError: READS_AND_IDEMPOTENT,
    LostError: READS_AND_IDEMPOTENT,
    AnswerTimeoutError: READS_AND_IDEMPOTENT,
    ConnectionLostError: READS_AND_IDEMPOTENT,
    ServerError: READS_AND_IDEMPOTENT,
    DecodeError: READS_AND_IDEMPOTENT,
    AnswerTooLargeError: set(),
    NotSentError: set(Repeat),
    CertificateError: set(),
    ProxyError: set(),
    AuthError: set(),
    TokenRefusedError: set(),
    LoginRefusedError: set(),
    LoginLostError: set(),
    SessionEndedError: set(),
    ThrottledError: set(),
    DeadlineError: set(),
    RefusedError: set(),
    InvalidRequestError: set(),
    TooManyDevicesError: set(),
    ForbiddenError: set(),
    NotFoundError: set(),
    RedirectError: set(),
}


@pytest.mark.each_python
@pytest.mark.parametrize("kind", MAY_REPEAT)
def test_what_may_be_repeated(kind: type[CallError]) -> None:
    allowed = {repeat for repeat in Repeat if may_repeat(kind("x"), repeat, 1)}

    assert allowed == MAY_REPEAT[kind]


def test_the_table_knows_every_error_of_a_call() -> None:
    def tree(kind: type[CallError]) -> set[type[CallError]]:
        return {kind}.union(*(tree(sub) for sub in kind.__subclasses__()))

    assert set(MAY_REPEAT) == tree(CallError)


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("tries", [1, 2])
def test_an_unexpected_error_is_worth_one_more_read(repeat: Repeat, tries: int) -> None:
    error = InvalidRequestError("x", code="UnifiedWebService.REQUEST_FAILED.UnexpectedError")

    assert may_repeat(error, repeat, tries) == (repeat is Repeat.SAFE and tries == 1)


def test_who_gave_up_is_not_tried_again_above() -> None:
    error = NotSentError("x")
    error.gave_up = True

    assert not may_repeat(error, Repeat.SAFE, 1)


policies = st.builds(
    RetryPolicy,
    tries=st.integers(1, 20),
    seconds=st.floats(0, 1e4),
    base=st.floats(1e-6, 1e3),
    cap=st.floats(1e-6, 1e4),
)


@given(policy=policies, tries=st.integers(1, 10_000), share=st.floats(0, 1))
@settings(deadline=None)
def test_a_backoff_is_drawn_from_nought_to_a_ceiling_that_doubles(
    policy: RetryPolicy, tries: int, share: float
) -> None:
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return low + (high - low) * share

    wait = policy.backoff(tries, draw)

    assert 0 <= wait <= policy.cap
    ((low, high),) = asked
    assert low == 0
    assert high == min(policy.cap, policy.base * 2 ** min(tries - 1, 30))


@given(
    policy=policies,
    tries=st.integers(1, 30),
    elapsed=st.floats(0, 1e4),
    retry_after=st.none() | st.floats(0, 1e4),
)
@settings(deadline=None)
def test_tries_and_seconds_are_both_limited_and_retry_after_is_kept(
    policy: RetryPolicy, tries: int, elapsed: float, retry_after: float | None
) -> None:
    error = ServerError("x", retry_after=retry_after)
    wait = wait_before_retry(
        policy, error, Repeat.SAFE, tries=tries, elapsed=elapsed, draw=lambda _, high: high
    )

    if tries >= policy.tries:
        assert wait is None
    if wait is not None:
        assert wait >= (retry_after or 0)
        assert elapsed + wait <= policy.seconds


@pytest.mark.parametrize(
    "bad", [{"tries": 0}, {"seconds": -1}, {"base": 0}, {"cap": 0}, {"max_pause": -1}]
)
def test_a_policy_that_cannot_work_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        RetryPolicy(**bad)


def wait_of(error: CallError, *, tries: int, elapsed: float, patient: bool) -> float | None:
    return wait_before_retry(
        RetryPolicy(tries=3, seconds=100.0, base=1.0, cap=10.0),
        error,
        Repeat.IDEMPOTENT,
        tries=tries,
        elapsed=elapsed,
        draw=lambda _, high: high,
        patient=patient,
    )


def test_a_missing_connection_is_waited_for_as_long_as_seconds_say() -> None:
    error = NotSentError("no connection")

    assert wait_of(error, tries=2, elapsed=0.0, patient=False) == 2.0
    assert wait_of(error, tries=3, elapsed=0.0, patient=False) is None
    assert wait_of(error, tries=3, elapsed=0.0, patient=True) == 4.0
    assert wait_of(error, tries=1000, elapsed=90.0, patient=True) == 10.0
    assert wait_of(error, tries=1000, elapsed=90.1, patient=True) is None


@pytest.mark.parametrize("kind", [LostError, ConnectionLostError, ServerError])
def test_patience_is_for_missing_connections_only(kind: type[CallError]) -> None:
    assert wait_of(kind("x"), tries=2, elapsed=0.0, patient=True) == 2.0
    assert wait_of(kind("x"), tries=3, elapsed=0.0, patient=True) is None


@pytest.mark.parametrize("kind", [CertificateError, ProxyError, LoginRefusedError])
def test_patience_changes_nothing_about_what_is_final(kind: type[CallError]) -> None:
    assert wait_of(kind("x"), tries=1, elapsed=0.0, patient=True) is None

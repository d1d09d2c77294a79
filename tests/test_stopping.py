"""What stops a run by itself, and what its report says then."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    run_over,
    write,
)

from fota_async import (
    AuthError,
    CallError,
    DeviceBatcher,
    ForbiddenError,
    LoginRefusedError,
    MisuseError,
    NotFoundError,
    NotSentError,
    RedirectError,
    RefusedError,
    RunStopped,
    State,
    StopCause,
    ThrottledError,
    TokenRefusedError,
    modify_upgrade,
)
from fota_async.models.device_answers import DeviceAnswers

# What stops a run by itself

CAUSES = [
    (LoginRefusedError("the password"), StopCause.CREDENTIALS),
    (TokenRefusedError("the key"), StopCause.CREDENTIALS),
    (AuthError("nothing works"), StopCause.CREDENTIALS),
    (ForbiddenError("not yours", status=403, text="Not for you"), StopCause.REFUSED),
    (NotFoundError("no such path", status=404, text="No route"), StopCause.REFUSED),
    (RefusedError("no such verb", status=405, text="Not allowed"), StopCause.REFUSED),
    (RedirectError("elsewhere", status=302), StopCause.REFUSED),
    (NotSentError("connection refused"), StopCause.ERROR),
    (MisuseError("the session manager is closed"), StopCause.ERROR),
    (ThrottledError("come back tomorrow", retry_after=301.0), StopCause.THROTTLED),
]


@pytest.mark.each_python
@pytest.mark.parametrize(("error", "cause"), CAUSES, ids=lambda value: type(value).__name__)
async def test_what_concerns_the_run_stops_it_and_what_was_not_applied_is_unsent(
    error: Exception, cause: StopCause
) -> None:
    async def second_fails(ids: list[str]) -> DeviceAnswers:
        if len(session.sent) > 1:
            raise error
        return await session.accept(ids)

    session = FakeSession(second_fails)
    run = run_over(session, [*imeis(100), "bad"], batch_size=10, concurrency=1)

    with pytest.raises(RunStopped, match=str(error)) as caught:
        await run

    report = caught.value.report
    assert (caught.value.cause, report.stopped) == (cause, cause.value)
    assert caught.value.__cause__ is error
    assert (report.succeeded, report.unsent, report.invalid) == (10, 90, 1)
    assert report.input_complete
    assert all(cause.value in o.reason for o in report if o.state is State.UNSENT)
    if isinstance(error, CallError):
        said = {error.text or str(error), str(error)}
        reasons = {o.reason for o in report if o.state is State.UNSENT}
        assert any(text in reason for text in said for reason in reasons)
    assert_law(report)
    assert len(session.sent) <= 3
    assert_no_task_left()


async def test_reading_a_run_that_stops_raises_where_it_is_read() -> None:
    run, outcomes = run_over(FakeSession(refused), imeis(5000), batch_size=10), []

    async def read() -> None:
        async with run:
            async for outcome in run:
                outcomes.append(outcome)  # noqa: PERF401 - kept also when the loop raises

    with pytest.raises(RunStopped) as caught:
        await read()

    assert sorted(o.device_id for o in outcomes) == imeis(5000)
    assert set(outcomes) == set(caught.value.report)


async def test_silence_longer_than_the_longest_pause_stops_a_throttled_run() -> None:
    async def throttled(_: list[str]) -> DeviceAnswers:
        await session.clock.sleep(100.0)
        raise ThrottledError("wait", retry_after=1.0)

    session = FakeSession(throttled, max_pause=300.0)

    with pytest.raises(RunStopped) as caught:
        await run_over(session, imeis(10), batch_size=5, concurrency=1)

    assert caught.value.cause is StopCause.THROTTLED
    assert 3 <= len(session.sent) <= 5
    assert caught.value.report.unsent == 10


# What a stopped run still reads


async def refused(_: list[str]) -> DeviceAnswers:
    raise LoginRefusedError("the password")


@pytest.mark.parametrize("as_file", [False, True])
async def test_a_stopped_run_reads_lists_and_files_to_the_end(
    tmp_path: Path, as_file: bool
) -> None:
    inputs = [*imeis(5000), "bad", *imeis(10)]
    devices = write(tmp_path / "ids", "\n".join(inputs)) if as_file else inputs

    with pytest.raises(RunStopped) as caught:
        await run_over(FakeSession(refused), devices, batch_size=10)

    report = caught.value.report
    assert (report.inputs, report.unsent, report.invalid, report.duplicates) == (5011, 5000, 1, 10)
    assert report.input_complete
    assert ids_of(report, State.UNSENT) == imeis(5000)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_stopped_run_does_not_drain_generators(asynchronous: bool) -> None:
    pulled: list[str] = []

    def devices() -> Iterator[str]:
        for device in imeis(50_000):
            pulled.append(device)
            yield device

    async def devices_async() -> AsyncIterator[str]:
        for device in devices():
            yield device

    source = devices_async() if asynchronous else devices()
    with pytest.raises(RunStopped) as caught:
        await run_over(FakeSession(refused), source, batch_size=10)

    report = caught.value.report
    assert report.inputs == report.unsent == len(pulled) < 10_000
    assert sorted(ids_of(report, State.UNSENT)) == pulled
    assert not report.input_complete
    assert "more to come" in str(report)


async def test_a_defect_in_reading_an_answer_loses_no_device() -> None:
    def broken(_: str) -> State:
        raise ZeroDivisionError

    operation = attrs.evolve(modify_upgrade("append", ACCOUNT, UPGRADE), judge=broken)

    with pytest.raises(RunStopped) as caught:
        await DeviceBatcher(FakeSession(), operation).run(imeis(10))

    assert caught.value.cause is StopCause.ERROR
    assert_law(caught.value.report)

"""Whose fault is a refusal: one device's, or the request's?"""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from batch_helpers import (
    ids_of,
    imeis,
    run_over,
)
from refusing import PROBES, Refusing, refusal, stopped

from fota_async import (
    InvalidRequestError,
    RunStopped,
    State,
    StopCause,
)
from fota_async.batch.refusals import Alike, pick_spread

# Whose fault


async def test_when_every_request_is_refused_a_few_single_devices_are_sent_and_the_run_stops() -> (
    None
):
    session = Refusing(bad=None)

    report = await stopped(
        run_over(session, imeis(100_000), batch_size=1000, concurrency=4),
        StopCause.REFUSED,
        match="whatever devices it carries",
    )

    threshold = 10 + 4
    assert threshold <= len(session.sent) <= threshold + 4 + PROBES
    probes = session.sent[-PROBES:]
    assert all(len(ids) == 1 for ids in probes)
    # Of what was refused and of what is still to come.
    refused = {device for ids in session.sent[:-PROBES] for device in ids}
    assert {ids[0] in refused for ids in probes} == {True, False}
    assert report.failed >= PROBES
    assert report.unsent == 100_000 - report.failed
    assert set(ids_of(report, State.FAILED)) == {i[0] for i in session.sent if len(i) == 1}


async def test_without_a_ceiling_a_wrong_request_is_sent_a_handful_of_times_as_well() -> None:
    session = Refusing(bad=None)

    await stopped(
        run_over(session, imeis(100_000), batch_size=1000),
        StopCause.REFUSED,
        match="whatever devices it carries",
    )

    threshold = 10 + 8
    assert len(session.sent) <= threshold + 8 + PROBES


async def test_one_probe_that_is_answered_lets_the_run_go_on() -> None:
    ids = imeis(640)
    bad = set(ids[:128])
    session = Refusing(bad=set(bad))

    report = await run_over(session, ids, batch_size=64, concurrency=1)

    assert set(ids_of(report, State.FAILED)) == bad
    assert report.succeeded == 512
    assert session.members == set(ids) - bad


def test_the_threshold_doubles_until_a_full_batch_is_answered() -> None:
    alike = Alike(batch_size=1000, concurrency=8)

    def refusals_until_suspicious() -> int:
        for count in range(1, 1000):
            alike.refused(refusal())
            if alike.suspicious:
                return count
        return 0

    assert refusals_until_suspicious() == 18
    alike.cleared()
    assert refusals_until_suspicious() == 36
    alike.cleared()
    alike.answered(whole_batch=False)
    assert refusals_until_suspicious() == 72
    alike.cleared()
    alike.answered(whole_batch=True)
    assert refusals_until_suspicious() == 18


def test_only_refusals_alike_count() -> None:
    alike = Alike(batch_size=2, concurrency=1)
    for _ in range(5):
        alike.refused(refusal())
        alike.refused(InvalidRequestError("other", status=422, code="INVALID_PARAMETER"))
    assert not alike.suspicious


@pytest.mark.parametrize(("there", "wanted"), [(0, 8), (3, 8), (8, 8), (100, 8), (100, 0)])
def test_devices_are_picked_evenly_and_each_once(there: int, wanted: int) -> None:
    ids = imeis(there)
    picked = pick_spread(ids, wanted)

    assert len(set(picked)) == len(picked) == min(there, wanted)
    assert picked == sorted(picked)
    if there > wanted > 0:
        gaps = [int(b) - int(a) for a, b in pairwise(picked)]
        assert max(gaps) - min(gaps) <= 1


async def test_probing_does_not_take_the_end_of_a_slice_for_the_end_of_the_input() -> None:
    ids = imeis(2000)

    async def fleet() -> AsyncIterator[str]:
        for device in ids:
            yield device

    session = Refusing(bad=set(ids[:1000]))

    with pytest.raises(RunStopped):  # more than a probe can tell from a wrong request
        await run_over(Refusing(bad=None), fleet(), batch_size=1000, concurrency=1)
    report = await run_over(session, fleet(), batch_size=1000, concurrency=1)

    assert (report.succeeded, report.failed) == (1000, 1000)


async def test_a_bad_batch_at_the_end_does_not_undo_that_the_others_were_answered() -> None:
    ids = imeis(640)
    session = Refusing(bad=set(ids[-64:]))

    report = await run_over(session, ids, batch_size=64, concurrency=1)

    assert set(ids_of(report, State.FAILED)) == set(ids[-64:])
    assert (report.succeeded, report.stopped) == (576, None)

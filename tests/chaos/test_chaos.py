"""Every fault at once, hundreds of times: the report stays true."""

import pytest

from .seeds import run_seeds


@pytest.mark.parametrize("first", [0, 20])
async def test_the_report_is_true_whatever_goes_wrong(first: int) -> None:
    tally = await run_seeds(range(first, first + 20))

    assert not tally.failures, "\n".join(map(str, tally.failures))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 700, 100))
async def test_the_report_is_true_hundreds_of_times(first: int) -> None:
    tally = await run_seeds(range(first, first + 100))

    assert not tally.failures, "\n".join(map(str, tally.failures))

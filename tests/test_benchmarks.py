"""The short form of the benchmarks fails where a ratio is far worse than its aim, only there."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.frame import Aim, Section


@pytest.mark.parametrize(
    ("aim", "code"),
    [
        (Aim("CPU x bare loop", 1.19, 0.8), 0),
        (Aim("CPU x bare loop", 1.21, 0.8), 1),
        (Aim("times less CPU", 8.1, 12, at_least=True), 0),
        (Aim("times less CPU", 7.9, 12, at_least=True), 1),
        (Aim("lateness", 1000, 10, "ms"), 0),
    ],
)
def test_a_ratio_half_worse_than_its_aim_fails(
    aim: Aim, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.SUBJECTS, "cpu", lambda _: Section("CPU", "", aims=[aim]))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "cpu"])

    with pytest.raises(SystemExit) as ended:
        command.main()

    assert ended.value.code == code
    assert (f"{aim.what}:" in capsys.readouterr().err) == bool(code)

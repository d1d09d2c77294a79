"""One turn of a measurement: a function, called in a process that has done nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import ParamSpec, TypeAlias

P = ParamSpec("P")

ROOT = Path(__file__).resolve().parents[1]
ENV = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}

Figures: TypeAlias = dict[str, float]
"""What was measured, by name."""
Turn: TypeAlias = Callable[[], Figures]


def fresh(work: Callable[P, Figures], *args: P.args, **kwargs: P.kwargs) -> Turn:
    """Return a turn that calls a function of a module in a fresh process.

    Args:
        work: The function. It imports what it measures by itself, so that no other one's process
            holds it.
        args: Plain values.
        kwargs: Plain values.
    """
    name = f"{work.__module__}:{work.__name__}"
    command = [sys.executable, "-m", "benchmarks.turn", name, json.dumps([args, kwargs])]

    def take() -> Figures:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=900,
        )
        if done.returncode:
            sys.exit(f"{name} failed; what it said is above")
        figures: Figures = json.loads(done.stdout)
        return figures

    return take


def main(name: str, arguments: str) -> None:
    """Call the function and print its figures as one line of JSON."""
    module, function = name.split(":")
    args, kwargs = json.loads(arguments)
    print(json.dumps(getattr(import_module(module), function)(*args, **kwargs)))


if __name__ == "__main__":
    main(*sys.argv[1:])

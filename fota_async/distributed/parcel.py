"""What goes to a worker and comes back. A secret is in none of it but `Kit`, which holds tokens."""

import pickle
from collections.abc import Mapping, Sequence
from math import inf
from secrets import token_bytes
from typing import Any

import attrs

from fota_async.credentials import Tokens
from fota_async.errors import CallError
from fota_async.events import Event
from fota_async.executor import Errand, Tally


@attrs.frozen(repr=False)
class Kit:
    """What a worker is told before tries of a session manager are handed to it.

    It travels beside the tasks: nothing of it stays with the scheduler.

    Attributes:
        executor: Whose worker it becomes.
        home: Number of the session manager.
        generation: Number of its tokens.
        tokens: The tokens; they live for an hour, and are all the worker ever gets to know.
        options: How a try is made.
    """

    executor: str
    home: int
    generation: int
    tokens: Tokens
    options: Mapping[str, Any]


def seal(kit: Kit) -> bytes:
    """Return a kit pickled and veiled: Dask writes its messages to the log at DEBUG.

    That keeps the tokens from whoever looks, not from whoever searches; for them there is TLS.
    """
    plain = pickle.dumps(kit)
    veil = token_bytes(len(plain))
    return veil + _exclusive_or(plain, veil)


def unseal(sealed: bytes) -> Kit:
    """Return the kit again.

    Raises:
        Exception: It is none, or of another version.
    """
    half = len(sealed) // 2
    plain = _exclusive_or(sealed[half:], sealed[:half])
    kit: Kit = pickle.loads(plain)  # noqa: S301 - the cluster runs what its client sends anyway
    return kit


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


@attrs.frozen
class Equipped:
    """What a worker says when it was told.

    Attributes:
        version: Of `fota_async` there.
        incarnation: Of the process: a worker that was started again has another one.
        trouble: Why it cannot make tries; empty if it can.
        now: Seconds of its clock.
        longest_try: Seconds that a try takes there at the most.
    """

    version: str
    incarnation: str = ""
    trouble: str = ""
    now: float = 0.0
    longest_try: float = 0.0


@attrs.frozen(repr=False)
class Parcel:
    """One try, as it is handed to a worker: the argument of a task.

    Attributes:
        executor: Who hands it over.
        incarnation: The process that it is meant for.
        number: Its own; none is handed over twice.
        home: Number of the session manager.
        generation: Number of the tokens to use.
        errand: The try.
        tally: What was on the wire before it.
        until: The moment of that process's own clock after which it must not begin.
    """

    executor: str
    incarnation: str
    number: int
    home: int
    generation: int
    errand: Errand[Any]
    tally: Tally
    until: float = inf


@attrs.frozen(repr=False)
class Made:
    """What became of a try.

    Attributes:
        tally: What is on the books now.
        result: What the route gives, if there is no error.
        error: Why there is no result.
        defect: Likewise, an exception that should not be, in words.
        events: What happened meanwhile.
        untold: Whether the process does not know what it needs, and has to be told again.
    """

    tally: Tally
    result: Any = None
    error: CallError | None = None
    defect: str = ""
    events: Sequence[Event] = ()
    untold: bool = False

"""What goes to a worker and comes back. A secret is in none of it but `Kit`, which holds tokens."""

from collections.abc import Mapping, Sequence
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
        now: When it was sent, in seconds of the coordinator's clock.
    """

    executor: str
    home: int
    generation: int
    tokens: Tokens
    options: Mapping[str, Any]
    now: float


@attrs.frozen
class Equipped:
    """What a worker says when it was told.

    Attributes:
        version: Of `fota_async` there.
        incarnation: Of the process: a worker that was started again has another one.
        trouble: Why it cannot make tries; empty if it can.
    """

    version: str
    incarnation: str = ""
    trouble: str = ""


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
        until: The last moment at which it may be begun, by the coordinator's clock: one that was
            given up must not be made when its loss has been settled.
    """

    executor: str
    incarnation: str
    number: int
    home: int
    generation: int
    errand: Errand[Any]
    tally: Tally
    until: float


@attrs.frozen(repr=False)
class Made:
    """What became of a try.

    Attributes:
        tally: What is on the books now.
        result: What the route gives, if there is no error.
        error: Why there is no result.
        defect: Likewise, an exception that should not be, in words.
        events: What happened meanwhile.
        stranger: Whether the process was not the one that the try was meant for.
    """

    tally: Tally
    result: Any = None
    error: CallError | None = None
    defect: str = ""
    events: Sequence[Event] = ()
    stranger: bool = False

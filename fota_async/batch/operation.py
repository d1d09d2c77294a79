"""An operation: what a batch does, and how its answer is read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Decision, Members, Reading, Row, append_decision
from fota_async.batch.states import State, Verdict, judge
from fota_async.models.campaigns import CampaignReceipt
from fota_async.models.device_answers import DeviceAnswers
from fota_async.wire.decode import StepReader
from fota_async.wire.route import Repeat, Route

ReadMembers: TypeAlias = Callable[[BatchSession], Awaitable[Members]]
"""Reads a target: its state, and all devices that are members of it."""

ReadTarget: TypeAlias = Callable[[BatchSession, frozenset[str]], Awaitable[Reading]]
"""Reads a target: its state, and the rows of the devices asked about."""


Answers: TypeAlias = DeviceAnswers | CampaignReceipt
"""What an answer says of the devices, in columns, or of all of them in one."""

ReadAnswer: TypeAlias = Callable[[Any, Sequence[str]], Answers]
"""Finds that in the result of the route, given the devices that were asked about."""


def as_it_is(result: Any, _: Sequence[str]) -> Answers:
    """Return a result that needs no conversion."""
    assert isinstance(result, Answers)  # noqa: S101 - the operation's route promises it
    return result


@attrs.frozen
class Opening:
    """A first request that does something else than those after it.

    It is alone: nothing else is sent before it is answered or settled. Until one was taken, every
    request is such a request, the parts of a refused one too.

    Attributes:
        encode: Makes its body.
        if_empty: What to tell a caller whose device list is empty, since nothing would be sent.
    """

    encode: Callable[[Sequence[str]], bytes]
    if_empty: str


@attrs.frozen
class Admission:
    """A look at the devices before anything is sent.

    Attributes:
        devices: How many of them are read before the look.
        check: Looks at those that were read; raises if the run must not begin.
    """

    devices: int
    check: Callable[[BatchSession, Sequence[str]], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Operation:
    """What a run does with its devices.

    Attributes:
        name: One word, for instance `append`.
        account: Billing account.
        target: Id of the upgrade, or what else the run is about.
        route: Where a batch goes. Where its loss does no harm, as with a read, a device that is
            missing from an answer, or whose answer was lost for good, is asked about once more.
        values: What goes into the path, by name.
        encode: Makes the body of a batch, None for no body.
        judge: What a status word means; None for an unknown one.
        cap: The most devices one request may carry, or None where none is documented.
        read: Reads the target, for the rows of some devices; None if it cannot be read.
        read_members: Reads which devices the target has; None if it cannot be read.
        decide: What a row of a reading means for a device whose answer was lost.
        present_counts: Whether a device seen in the list once is settled; for an append it is.
        awaits: Whether devices that a receipt took are waited for until the target shows what
            became of them; else they are `pending`.
        pilot_rule: What to tell the caller when the first large requests are refused alike, or
            None where no such rule is documented.
        query: Makes the query of a batch, if it has one.
        reader: Makes what reads the answer of a batch, given its devices; None for the route's way.
        answers: Finds in what the route gives what it says of the devices.
        details: Whether the answers say more of a device than a status and a reason; a journal does
            not hold that.
        names_no_device: Whether a good answer says only that all went well, so that a reading has
            to confirm it.
        has_state: Whether the target has a state in which it takes no changes; without one it is
            read for settling only.
        read_alone: Whether nothing may be sent while it is read, since its pages would shift.
        claims: What no other operation may have at the same time, if that is more than the target.
        alone: Whether no other run of the same operation may, either.
        admission: A look at the devices before anything is sent.
        opening: A first request that does something else.
    """

    name: str
    account: str
    target: str
    route: Route[Any]
    values: Mapping[str, str]
    encode: Callable[[Sequence[str]], bytes | None]
    judge: Callable[[str], State | None] = judge
    cap: int | None = None
    read: ReadTarget | None = None
    read_members: ReadMembers | None = None
    decide: Callable[[Row | None], Decision] = append_decision
    present_counts: bool = True
    awaits: bool = False
    pilot_rule: str | None = None
    query: Callable[[Sequence[str]], Mapping[str, str]] | None = None
    reader: Callable[[Sequence[str]], StepReader[Any]] | None = None
    answers: ReadAnswer = as_it_is
    details: bool = False
    names_no_device: bool = False
    has_state: bool = True
    read_alone: bool = False
    claims: str | None = None
    alone: bool = False
    admission: Admission | None = None
    opening: Opening | None = None

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing, so that whatever was lost is asked for again."""
        return self.route.repeat is Repeat.SAFE


@attrs.define
class Folded:
    """An answer, set against what was asked.

    Attributes:
        verdicts: One for all devices, or one for each in the order asked; None where the answer
            does not decide.
        doubts: Why it does not, by device; empty when all is decided.
        unasked: Items about devices that nobody asked about.
        details: What the answer says beyond that of each device in the order asked, None for
            nothing; None if it says no more.
        is_answer: Whether it says anything at all.
    """

    verdicts: Verdict | list[Verdict | None]
    doubts: dict[str, Verdict]
    unasked: int = 0
    details: Sequence[object] | None = None
    is_answer: bool = True


MISSING = Verdict(State.UNKNOWN, reason="missing from the answer")
RECEIVED = Verdict(
    State.PENDING, reason="taken with a receipt; the campaign devices report shows the outcome"
)


def fold(
    asked: Sequence[str],
    answers: Answers,
    judge: Callable[[str], State | None],
) -> Folded:
    """Set an answer against what was asked: one device, one verdict.

    Items are matched by id, in whatever order they come. A failure wins over a success for the
    same device. `asked` holds no device twice.
    """
    if isinstance(answers, CampaignReceipt):
        return Folded(RECEIVED, {})
    # Nearly every answer says the same about all devices, in the order asked.
    if answers.ids == asked and _same(answers.statuses) and _same(answers.reasons) and asked:
        state = judge(answers.statuses[0])
        if state is not None:
            verdict = Verdict(state, answers.statuses[0], answers.reasons[0])
            return Folded(verdict, {}, details=answers.details or None)
    return _fold_one_by_one(asked, answers, judge)


def _same(texts: list[str]) -> bool:
    return texts.count(texts[0]) == len(texts) if texts else True


_RANK = {State.FAILED: 0, State.UNKNOWN: 1, State.PENDING: 2, State.SUCCEEDED: 3}


def _fold_one_by_one(
    asked: Sequence[str], answers: DeviceAnswers, judge: Callable[[str], State | None]
) -> Folded:
    said: dict[str, Verdict] = {}
    details: dict[str, object] = {}
    verdicts: dict[tuple[str, str], Verdict] = {}
    items = zip(answers.ids, answers.statuses, answers.reasons, strict=True)
    for place, (device, status, reason) in enumerate(items):
        verdict = verdicts.get((status, reason))
        if verdict is None:
            verdict = Verdict(judge(status) or State.UNKNOWN, status, reason)
            verdicts[status, reason] = verdict
        earlier = said.get(device)
        if earlier is None or _RANK[verdict.state] < _RANK[earlier.state]:
            said[device] = verdict
            if answers.details:
                details[device] = answers.details[place]
    decided: list[Verdict | None] = []
    doubts: dict[str, Verdict] = {}
    for device in asked:
        verdict = said.pop(device, MISSING)
        if verdict.state is State.UNKNOWN:
            doubts[device] = verdict
            decided.append(None)
        else:
            decided.append(verdict)
    return Folded(
        decided,
        doubts,
        unasked=len(said),
        details=[details.get(device) for device in asked] if details else None,
        is_answer=bool(answers.ids),
    )

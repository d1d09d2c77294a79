"""An operation: what a batch does, and how its answer is read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import attrs

from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Decision, Members, Reading, Row, append_decision
from fota_async.batch.states import State, Verdict, judge
from fota_async.models.campaigns import CampaignReceipt
from fota_async.models.device_answers import DeviceAnswers
from fota_async.wire.route import Route

ReadMembers: TypeAlias = Callable[[BatchSession], Awaitable[Members]]
"""Reads a target: its state, and all devices that are members of it."""

ReadTarget: TypeAlias = Callable[[BatchSession, frozenset[str]], Awaitable[Reading]]
"""Reads a target: its state, and the rows of the devices asked about."""


@attrs.frozen(kw_only=True)
class Operation:
    """What a run does with its devices.

    Attributes:
        name: One word, for instance `append`.
        account: Billing account.
        target: Id of the upgrade.
        route: Where a batch goes.
        values: What goes into the path, by name.
        encode: Makes the body of a batch.
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
    """

    name: str
    account: str
    target: str
    route: Route[DeviceAnswers] | Route[CampaignReceipt]
    values: Mapping[str, str]
    encode: Callable[[Sequence[str]], bytes]
    judge: Callable[[str], State | None] = judge
    cap: int | None = None
    read: ReadTarget | None = None
    read_members: ReadMembers | None = None
    decide: Callable[[Row | None], Decision] = append_decision
    present_counts: bool = True
    awaits: bool = False
    pilot_rule: str | None = None


@attrs.define
class Folded:
    """An answer, set against what was asked.

    Attributes:
        verdicts: One for all devices, or one for each in the order asked; None where the answer
            does not decide.
        doubts: Why it does not, by device; empty when all is decided.
        unasked: Items about devices that nobody asked about.
        is_answer: Whether it says anything at all.
    """

    verdicts: Verdict | list[Verdict | None]
    doubts: dict[str, Verdict]
    unasked: int = 0
    is_answer: bool = True


MISSING = Verdict(State.UNKNOWN, reason="missing from the answer")
RECEIVED = Verdict(
    State.PENDING, reason="taken with a receipt; the campaign devices report shows the outcome"
)


def fold(
    asked: Sequence[str],
    answers: DeviceAnswers | CampaignReceipt,
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
            return Folded(Verdict(state, answers.statuses[0], answers.reasons[0]), {})
    return _fold_one_by_one(asked, answers, judge)


def _same(texts: list[str]) -> bool:
    return texts.count(texts[0]) == len(texts) if texts else True


_RANK = {State.FAILED: 0, State.UNKNOWN: 1, State.PENDING: 2, State.SUCCEEDED: 3}


def _fold_one_by_one(
    asked: Sequence[str], answers: DeviceAnswers, judge: Callable[[str], State | None]
) -> Folded:
    said: dict[str, Verdict] = {}
    verdicts: dict[tuple[str, str], Verdict] = {}
    for device, status, reason in zip(answers.ids, answers.statuses, answers.reasons, strict=True):
        verdict = verdicts.get((status, reason))
        if verdict is None:
            verdict = Verdict(judge(status) or State.UNKNOWN, status, reason)
            verdicts[status, reason] = verdict
        earlier = said.get(device)
        if earlier is None or _RANK[verdict.state] < _RANK[earlier.state]:
            said[device] = verdict
    decided: list[Verdict | None] = []
    doubts: dict[str, Verdict] = {}
    for device in asked:
        verdict = said.pop(device, MISSING)
        if verdict.state is State.UNKNOWN:
            doubts[device] = verdict
            decided.append(None)
        else:
            decided.append(verdict)
    return Folded(decided, doubts, unasked=len(said), is_answer=bool(answers.ids))

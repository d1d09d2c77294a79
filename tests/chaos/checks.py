"""What must be true of a course, whatever went wrong."""

from collections import Counter
from collections.abc import Iterator

from fota_async import State

from .case import Case
from .course import Course


def problems(case: Case, course: Course) -> list[str]:
    """Return everything that is not as it must be."""
    return [
        *_law(case, course),
        *_truth(case, course),
        *_fates(case, course),
        *_others(case, course),
        *_ends(case, course),
    ]


def _law(case: Case, course: Course) -> Iterator[str]:
    report = course.report
    counted = {state: getattr(report, state.value) for state in State}
    if report.inputs != sum(counted.values()) + report.duplicates:
        yield f"the law: {report.inputs} inputs, {counted}, {report.duplicates} duplicates"
    if report.inputs != case.devices or not report.input_complete:
        yield f"{report.inputs} inputs of {case.devices} were counted"
    for name, outcomes in (("report", list(report)), ("stream", course.streamed)):
        if outcomes is None:
            continue
        times = Counter(outcome.device_id for outcome in outcomes)
        if times != Counter(case.ids):
            odd = {device: n for device, n in times.items() if n != 1}
            missing = set(case.ids) - set(times)
            yield f"the {name} does not hold each device once: {odd}, missing {missing}"
        if Counter(outcome.state for outcome in outcomes) != +Counter(counted):
            yield f"the {name} counts otherwise than {counted}"
    if course.streamed is not None and set(course.streamed) != set(report):
        yield "stream and report say different things"


def _truth(case: Case, course: Course) -> Iterator[str]:
    by_state: dict[State, set[str]] = {state: set() for state in State}
    for outcome in course.report:
        by_state[outcome.state].add(outcome.device_id)
    succeeded = by_state[State.SUCCEEDED]
    refused: set[str] = set()
    # Where reads lag, or requests land after the end, every client must be wrong now and then.
    if case.kind != "reads lag":
        refused |= by_state[State.FAILED]
        if case.kind != "lands late":
            refused |= by_state[State.UNSENT]
    if case.operation == "append":
        # What replaces a list, and lands late, undoes what was appended since; a reading that lags
        # shows the list that was replaced.
        undone = case.replaces and case.kind in {"lands late", "reads lag"}
        if (wrong := succeeded - course.members) and not undone:
            yield f"succeeded, but not in the upgrade: {sorted(wrong)}"
        if wrong := (refused & course.members) - course.before:
            yield f"failed or unsent, but in the upgrade: {sorted(wrong)}"
    elif wrong := succeeded & course.members:
        yield f"succeeded, but still in the upgrade: {sorted(wrong)}"


def _others(case: Case, course: Course) -> Iterator[str]:
    """What nobody asked about stays, unless the list was replaced."""
    others = course.before - set(case.ids)
    gone, left = others - course.members, others & course.members
    untouched = not (course.report.succeeded or course.report.unknown)
    replaced = course.report.succeeded and case.kind in {"settles", "reads fail"}
    if gone and (not case.replaces or (untouched and case.kind != "lands late")):
        yield f"taken off, though nobody asked: {sorted(gone)}"
    if left and case.replaces and replaced:
        yield f"there before, and still there after a replacement: {sorted(left)}"


def _fates(case: Case, course: Course) -> Iterator[str]:
    """What becomes of a device is known beforehand if the upgrade stays open and reads come."""
    if course.report.stopped or case.kind != "settles" or case.starts is not None:
        return
    for outcome in course.report:
        expected = _expected(case, course, outcome.device_id)
        if outcome.state not in expected:
            yield f"{outcome}, not {' or '.join(sorted(expected))}"


def _expected(case: Case, course: Course, device: str) -> set[State]:
    expected = _in_the_end(case, course, device)
    receipts = case.about == "devices" and case.version == "v2"
    if receipts and not case.settle and device not in case.rules.poison:
        expected = expected | {State.PENDING}  # unless its answer was lost
    return expected


def _in_the_end(case: Case, course: Course, device: str) -> set[State]:
    there, rules = device in course.before, case.rules
    good, bad = {State.SUCCEEDED}, {State.FAILED}
    if case.operation == "append":
        if device in rules.poison:
            return good | bad if there else bad
        if there:
            return good if rules.appended_twice == "succeed" else good | bad
        return bad if rules.refusal(device) else good
    if device in rules.poison:
        return bad if there else good | bad
    return good if there or rules.removed_absent == "succeed" else good | bad


def _ends(case: Case, course: Course) -> Iterator[str]:
    report = course.report
    if course.sent_again and not course.stalled:
        yield f"sent again though an answer had decided: {sorted(course.sent_again)}"
    settles = case.kind == "settles" and case.stops is None and report.stopped != "credentials"
    if report.unknown and settles:
        whys = {group.reason for group in report.groups if group.state is State.UNKNOWN}
        yield f"{report.unknown} unknown: {whys}"
    allowed = {None, "credentials"}
    if case.starts is not None:
        allowed |= {"closed", "refused"}
    if case.stops is not None:
        allowed |= {"interrupted"}
    if case.kind != "settles":
        allowed |= {"refused", "error"}
    if (
        case.about == "devices"
        and case.version != "v1"
        and case.rules.poison
        and case.batch_size > 20
    ):
        allowed |= {"refused"}  # to a run without any answer it looks like the pilot rule
    if report.stopped not in allowed:
        yield f"stopped: {report.stopped}; {report.groups}"

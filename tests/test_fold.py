"""An answer, set against what was asked: one device, one verdict."""

import json
from typing import Any

import pytest
from batch_helpers import FakeSession, answers, assert_law, ids_of, imeis, run_over
from hypothesis import example, given
from hypothesis import strategies as st

from fota_async.batch.operation import Folded, _fold_one_by_one, fold
from fota_async.batch.states import State, Verdict, judge
from fota_async.models.device_answers import DeviceAnswers

A, B, C, D = imeis(4)


def item(device: object, status: str = "AddDeviceSucceed", reason: str = "fine") -> dict[str, Any]:
    return {"deviceId": device, "status": status, "Reason": reason}


def folded(asked: list[str], *items: Any) -> Folded:
    body = json.dumps({"deviceList": items}).encode()
    return fold(asked, DeviceAnswers.from_body(body), judge)


def verdicts(result: Folded) -> list[str | None]:
    """Return the states, None for a doubt."""
    assert isinstance(result.verdicts, list)
    return [verdict and verdict.state.value for verdict in result.verdicts]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("AddDeviceSucceed", "succeeded"),
        ("RemoveDeviceSucceeded", "succeeded"),
        ("Success", "succeeded"),
        ("LicenseAssignSuccess", "succeeded"),
        ("Device Accepted", "succeeded"),
        ("accepted", "succeeded"),
        ("AddDeviceFailed", "failed"),
        ("LicenseRemoveFailed", "failed"),
        ("Device Rejected", "failed"),
        ("DeviceNotFound", "failed"),
        ("InvalidSuccess", "failed"),
        ("Queued", "pending"),
        ("RequestPending", "pending"),
        ("UpgradeScheduled", "pending"),
        ("Unsuccessful", None),
        ("AddDeviceSkipped", None),
        ("", None),
    ],
)
def test_status_words_are_known_by_pattern_and_failure_words_first(
    status: str, state: str | None
) -> None:
    assert judge(status) == state


def test_an_answer_that_says_the_same_of_all_is_one_verdict() -> None:
    result = folded([A, B], item(A), item(B))

    assert result == Folded(Verdict(State.SUCCEEDED, "AddDeviceSucceed", "fine"), {})


def test_items_are_matched_by_id_in_whatever_order() -> None:
    result = folded([A, B, C], item(C, "AddDeviceFailed", "no"), item(A), item(B, "Queued", ""))

    assert result.verdicts == [
        Verdict(State.SUCCEEDED, "AddDeviceSucceed", "fine"),
        Verdict(State.PENDING, "Queued", ""),
        Verdict(State.FAILED, "AddDeviceFailed", "no"),
    ]
    assert not result.doubts


def test_a_missing_item_is_a_doubt_and_not_a_success() -> None:
    result = folded([A, B, C], item(A), item(C))

    assert verdicts(result) == ["succeeded", None, "succeeded"]
    assert set(result.doubts) == {B}


def test_an_empty_answer_leaves_every_device_in_doubt() -> None:
    result = folded([A, B])

    assert verdicts(result) == [None, None]
    assert set(result.doubts) == {A, B}


def test_an_unknown_word_is_a_doubt_that_keeps_the_word() -> None:
    for others in ([], [item(B)]):
        result = folded([A, *(B for _ in others)], item(A, "Shelved", "see below"), *others)

        assert result.doubts == {A: Verdict(State.UNKNOWN, "Shelved", "see below")}
        assert verdicts(result)[0] is None


def test_ids_that_nobody_asked_about_are_counted_aside() -> None:
    result = folded([A], item(C), item(A), item(D), item(D, "AddDeviceFailed"))

    assert verdicts(result) == ["succeeded"]
    assert result.unasked == 2


@pytest.mark.each_python
def test_a_failure_wins_over_a_success_for_the_same_device() -> None:
    for items in ([item(A), item(A, "AddDeviceFailed")], [item(A, "AddDeviceFailed"), item(A)]):
        assert verdicts(folded([A], *items)) == ["failed"]


def test_of_two_items_about_a_device_the_details_are_of_the_one_that_counts() -> None:
    for words in (["Failure", "Success"], ["Success", "Failure"]):
        items = DeviceAnswers([A, B, A], [words[0], "Success", words[1]], [""] * 3, [1, 2, 3])
        result = fold([B, A], items, judge)

        assert verdicts(result) == ["succeeded", "failed"]
        assert result.details == [2, 1 + 2 * words.index("Failure")]


def test_ids_written_as_numbers_get_their_zeros_back() -> None:
    result = folded([A, B], item(int(A)), item(int(B)))

    assert isinstance(result.verdicts, Verdict)
    assert result.verdicts.state is State.SUCCEEDED


def test_items_that_name_no_device_are_nobodys() -> None:
    result = folded([A, B], item(None), "text", item(1.5), item(A))

    assert verdicts(result) == ["succeeded", None]


async def test_a_device_that_no_answer_names_does_not_end_as_a_success() -> None:
    async def only_odd(ids: list[str]) -> DeviceAnswers:
        return answers(device for device in ids if int(device) % 2)

    report = await run_over(FakeSession(only_odd), imeis(10), batch_size=5)

    # The upgrade holds none of them, so that nothing but an answer speaks for success.
    assert ids_of(report, State.SUCCEEDED) == imeis(10)[::2]
    assert_law(report)


some_ids = st.lists(st.sampled_from(imeis(5)), max_size=6)
words = st.sampled_from(["AddDeviceSucceed", "AddDeviceFailed", "Queued", "Shelved", ""])
reasons = st.sampled_from(["fine", ""])


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], DeviceAnswers]:
    """Draw an answer: often in the order asked, and often the same for all."""
    asked = list(dict.fromkeys(draw(some_ids)))
    named = draw(st.just(asked[:]) | some_ids)

    def column(texts: st.SearchStrategy[str]) -> list[str]:
        exactly = st.lists(texts, min_size=len(named), max_size=len(named))
        return draw(texts.map(lambda text: [text] * len(named)) | exactly)

    return asked, DeviceAnswers(named, column(words), column(reasons))


@given(questions())
@example(([A, B], DeviceAnswers([A, B], ["AddDeviceSucceed"] * 2, ["fine", ""])))
@example(([A, B], DeviceAnswers([A, B], ["AddDeviceSucceed", "AddDeviceFailed"], [""] * 2)))
@example(([A, B], DeviceAnswers([A, B], ["Shelved"] * 2, [""] * 2)))
def test_the_fast_path_says_what_the_slow_one_says(
    question: tuple[list[str], DeviceAnswers],
) -> None:
    asked, said = question
    fast, slow = fold(asked, said, judge), _fold_one_by_one(asked, said, judge)

    if isinstance(fast.verdicts, Verdict):
        fast.verdicts = [fast.verdicts] * len(asked)
    assert fast == slow
    assert isinstance(slow.verdicts, list)
    assert len(slow.verdicts) == len(asked)
    assert {a for a, v in zip(asked, slow.verdicts, strict=True) if v is None} == set(slow.doubts)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"deviceId": st.sampled_from([A, B, 3, None, 1.5])},
            optional={"status": st.sampled_from(["x", None, 1]), "Reason": st.just("y")},
        )
        | st.fixed_dictionaries({"DEVICEID": st.just(A), "resultReason": st.just("z")})
        | st.none(),
        max_size=4,
    )
)
def test_the_typed_reading_says_what_the_tolerant_one_says(items: list[Any]) -> None:
    body = json.dumps({"deviceList": items}).encode()

    assert DeviceAnswers.from_body(body) == DeviceAnswers.from_odd_body(body)

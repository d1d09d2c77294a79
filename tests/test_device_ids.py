"""What is a device id, what is not, and which were there before."""

import pytest
from batch_helpers import assert_law, ids_of, report_over
from hypothesis import example, given
from hypothesis import strategies as st

from fota_async import State
from fota_async.batch.device_ids import Sieve, as_device_ids, is_device_id, pack, unpack

GOOD = "490154203237518"
WHITE = " \t\n\r\v\f"


@pytest.mark.parametrize("text", [GOOD, "000000000000000", "999999999999999", "012345678901234"])
async def test_fifteen_digits_are_a_device_id_whatever_their_check_digit(text: str) -> None:
    report = await report_over([text])

    assert ids_of(report, State.SUCCEEDED) == [text]


@pytest.mark.parametrize("text", [f" {GOOD}", f"{GOOD}\r\n", f"\t\v\f{GOOD}  "])
async def test_ascii_white_space_around_an_id_is_stripped(text: str) -> None:
    report = await report_over([text, GOOD])

    assert ids_of(report, State.SUCCEEDED) == [GOOD]
    assert report.duplicates == 1


@pytest.mark.each_python
@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("4.90E+14", "rounded number"),
        ("4,90e+14", "rounded number"),
        ("490154203237518.0", ".0"),
        ("49-015420-323751-8", "remove dashes"),
        ("49 015420 323751 8", "remove dashes and spaces"),
        (f'"{GOOD}"', "remove the quotes"),
        (f"'{GOOD}'", "remove the quotes"),
        (f"{GOOD},foo", "more than an id on the line"),
        (f"foo;{GOOD}", "more than an id on the line"),
        ("49015420323751", "14 digits"),
        ("4901542032375181", "16 digits: an IMEISV"),
        ("4901542", "7 digits, not 15"),
        ("\uff14\uff19\uff10" * 5, "not ASCII"),
        ("\u0664\u0669\u0660" * 5, "not ASCII"),
        (f"\u00a0{GOOD}", "not 15 digits"),
        ("+49015420323751", "not 15 digits"),
        ("49015420323751X", "not 15 digits"),
        (490154203237518, "not int"),
        (None, "not NoneType"),
        (GOOD.encode(), "not bytes"),
        (bytearray(GOOD.encode()), "not bytearray"),
        (4.90154203237518e14, "not float"),
        ([GOOD], "not list"),
    ],
)
async def test_anything_else_is_invalid_with_a_hint_at_what_happened(
    item: object, hint: str
) -> None:
    report = await report_over([item, GOOD])  # type: ignore[list-item]  # what people do

    [invalid] = [outcome for outcome in report if outcome.state is State.INVALID]
    assert hint in invalid.reason
    assert ids_of(report, State.SUCCEEDED) == [GOOD]
    assert_law(report)


async def test_a_malformed_text_is_shown_as_it_was() -> None:
    report = await report_over([" 4.90E+14 ", 17, b"17"])  # type: ignore[list-item]  # as above

    assert ids_of(report, State.INVALID) == ["4.90E+14", "int 17", "bytes b'17'"]


async def test_the_first_occurrence_counts_also_of_malformed_texts() -> None:
    inputs = [GOOD, "bad", GOOD, f" {GOOD}", " bad", "bad", "", " ", None, None]

    report = await report_over(inputs)  # type: ignore[arg-type]  # what people do

    assert (report.succeeded, report.invalid, report.duplicates) == (1, 3, 6)
    assert_law(report)


async def test_duplicates_are_found_across_the_whole_input_not_only_in_one_slice() -> None:
    some = [f"{number:015d}" for number in range(3000)]

    report = await report_over([*some, *reversed(some), *some[:10]], batch_size=100)

    assert (report.succeeded, report.duplicates) == (3000, 3010)


white = st.text(st.sampled_from(WHITE), max_size=2)
ids = st.builds("{}{:015d}{}".format, white, st.integers(0, 30) | st.integers(0, 10**15 - 1), white)
others = st.one_of(
    st.text(st.sampled_from("0123456789 -.eE+,[]\u00a0\uff11\u0664\ud800"), max_size=17),
    st.integers(),
    st.none(),
    st.binary(max_size=3),
    st.just(1.5),
)


def known_by_definition(item: object) -> str | None:
    if not isinstance(item, str):
        return None
    text = item.strip(WHITE)
    return text if len(text) == 15 and all(c in "0123456789" for c in text) else None


@given(st.lists(ids) | st.lists(ids | others))
@example(["e15", f"{GOOD}{' ' * 12}"])  # together as long as two ids
@example([f"{GOOD},1{GOOD}", ""])
@example([f"{GOOD},1{GOOD[:-2]}", GOOD])
@example([f"{GOOD[:-2]}.0", GOOD])
@example([f"{GOOD[:-1]}\n", GOOD])
@example([f"{GOOD[:-1]}]", GOOD])
@example([f"-{GOOD[:-1]}", GOOD])
@example([f"{GOOD[:-1]}\ud800", GOOD])
@example([f"{GOOD},1{GOOD}{GOOD[:-4]}", "", ""])
@example([GOOD[:-1], f"{GOOD}0"])
@example([f"{GOOD} ", GOOD[:-1]])
@example(["000000000000000", "012345678901234"])
def test_the_fast_path_takes_a_slice_only_if_each_item_is_an_id(inputs: list[object]) -> None:
    one_by_one = [known_by_definition(item) for item in inputs]
    fast = as_device_ids(inputs)

    if inputs and None not in one_by_one:
        assert fast == one_by_one
    else:
        assert fast is None


class KindOfStr(str):
    """As numpy's `str_` is one."""

    __slots__ = ()


@pytest.mark.parametrize("extra", [[], [GOOD], ["no id"]])
def test_ids_are_plain_text_whatever_kind_of_text_the_inputs_are(extra: list[str]) -> None:
    inputs = [KindOfStr("012345678901234"), KindOfStr("012345678901235"), *extra]

    sifted = Sieve().sift(inputs)

    assert sifted.ids[:2] == inputs[:2]
    assert {type(one) for one in sifted.ids} == {str}


@given(st.lists(st.lists(ids) | st.lists(ids | others), max_size=4))
def test_a_slice_is_sifted_as_its_items_one_by_one(slices: list[list[object]]) -> None:
    whole, single = Sieve(), Sieve()
    for inputs in slices:
        sifted = whole.sift(inputs)
        parts = [single.sift([item]) for item in inputs]

        assert sifted.ids == [text for part in parts for text in part.ids]
        assert sifted.numbers == pack(sifted.ids)
        assert sifted.malformed == [one for part in parts for one in part.malformed]
        assert sifted.duplicates == sum(part.duplicates for part in parts)
        assert sifted.inputs == len(inputs)


@given(st.lists(st.integers(0, 10**15 - 1).map("{:015d}".format)))
def test_packing_keeps_leading_zeros(texts: list[str]) -> None:
    assert all(is_device_id(text) for text in texts)
    assert [unpack(number) for number in pack(texts)] == texts

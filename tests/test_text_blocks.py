"""Text is read in blocks, and holds the same ids as if it were read line by line."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fota_async import SourceError
from fota_async.batch import text_blocks
from fota_async.batch.text_blocks import cells_of, lines_of


class Pipe(io.TextIOWrapper):
    """Text that cannot be read twice."""

    def seekable(self) -> bool:
        return False


def lines_one_by_one(text: io.TextIOBase, first: str) -> Iterator[str]:
    for line in (first, *text):
        if line and not line.isspace():
            yield line.rstrip("\r\n")


def cells_one_by_one(text: io.TextIOBase, index: int) -> Iterator[str]:
    rows = csv.reader(text, strict=True)
    line = 1
    try:
        for row in rows:
            if row:
                yield row[index] if index < len(row) else ""
            line = rows.line_num + 1
    except csv.Error as error:
        raise SourceError(
            f"the row that begins {line} lines below the header of it is no CSV ({error}); "
            "is a quote not closed?"
        ) from None


def read_all(items: Iterator[Any]) -> list[Any]:
    """Return the items, and last how it broke off, if it did."""
    found = []
    try:
        for item in items:
            found += item if isinstance(item, list) else [item]
    except SourceError as error:
        found.append(str(error))
    return found


texts = st.lists(
    st.sampled_from(["\n", "\r\n", "\r", ",", '"', "7", " ", "\v", "\x85", "\u2028", "a,b\n"]),
    max_size=40,
).map("".join)
wrappers = st.sampled_from([io.TextIOWrapper, Pipe])


def opened(wrapper: Callable[..., io.TextIOBase], text: str) -> io.TextIOBase:
    return wrapper(io.BytesIO(text.encode()), "utf-8", newline="")


@given(texts, wrappers, st.integers(1, 9))
def test_lines_of_blocks_are_the_lines_one_by_one(text: str, wrapper: Any, size: int) -> None:
    plain, blocks = opened(io.TextIOWrapper, text), opened(wrapper, text)

    with patch.object(text_blocks, "_BLOCK", size), patch.object(text_blocks, "TRICKLE", size):
        found = read_all(lines_of(blocks, blocks.readline()))

    assert found == read_all(lines_one_by_one(plain, plain.readline()))


@pytest.mark.parametrize("longest_cell", [2, 131_072])
@given(texts, wrappers, st.integers(1, 9), st.integers(0, 2))
def test_cells_of_blocks_are_the_cells_of_a_csv_reader(
    longest_cell: int, text: str, wrapper: Any, size: int, index: int
) -> None:
    plain, usual = opened(io.TextIOWrapper, text), csv.field_size_limit(longest_cell)

    try:
        with patch.object(text_blocks, "_BLOCK", size), patch.object(text_blocks, "TRICKLE", size):
            found = read_all(cells_of(opened(wrapper, text), ",", index, "it"))

        assert found == read_all(cells_one_by_one(plain, index))
    finally:
        csv.field_size_limit(usual)


@pytest.mark.parametrize("odd_row", ["7", '"two\nlines",7', "plain,7"])
def test_however_odd_a_row_is_a_list_is_not_read_whole(odd_row: str) -> None:
    text = opened(io.TextIOWrapper, f"{odd_row}\n" + "site,7\n" * 50_000)

    pieces = [len(cells) for cells in cells_of(text, ",", 1, "it")]

    assert sum(pieces) == 50_001
    assert max(pieces) < 10_000

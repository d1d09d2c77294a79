"""Device ids: what is one, what is not, and which were there before. No I/O."""

import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Annotated, cast

import attrs
import msgspec
from pyroaring import BitMap64

WHITE_SPACE = " \t\n\r\v\f"
_DIGITS = 15
_AMONG_OTHERS = re.compile(r"(?:\A|[,;\t])[0-9]{15}(?:[,;\t]|\Z)")
_LEADING_ONE = 10**_DIGITS
_with_leading_one = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=_LEADING_ONE)]])


@attrs.define
class Malformed:
    """An input that is not a device id, as it was, with a hint at what happened to it."""

    text: str
    hint: str


@attrs.define
class Sifted:
    """What a slice of the input holds.

    Attributes:
        ids: Device ids not seen before, in the order of the input.
        numbers: The same, packed.
        malformed: Other inputs not seen before.
        inputs: How many there were in all; what is missing above is duplicates.
    """

    ids: list[str]
    numbers: "array[int]"
    malformed: list[Malformed]
    inputs: int

    @property
    def duplicates(self) -> int:
        """Inputs that were there before."""
        return self.inputs - len(self.ids) - len(self.malformed)


class DeviceSet(Collection[str]):
    """Device ids, each once, in ascending order; about a byte an id in real fleets.

    >>> try:
    ...     await fota.v1.upgrades.sync_devices(upgrade_id, imeis[:1])
    ... except SyncRefused as refused:
    ...     removals = refused.plan.remove
    >>> removals, imeis[2] in removals, list(removals)
    (<DeviceSet of 2>, True, ['990003425730535', '990013907835573'])

    Args:
        numbers: The ids, packed.
    """

    def __init__(self, numbers: BitMap64 | None = None) -> None:
        self.numbers = BitMap64() if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[str]:
        return map(unpack, self.numbers)

    def __contains__(self, device_id: object) -> bool:
        return (
            isinstance(device_id, str)
            and is_device_id(device_id)
            and int(device_id) in self.numbers
        )

    def __sub__(self, other: "DeviceSet") -> "DeviceSet":
        return DeviceSet(self.numbers - other.numbers)

    def __repr__(self) -> str:
        return f"<DeviceSet of {len(self):,}>"


class Sieve:
    """Tells device ids from other inputs, and remembers them all: the first occurrence counts.

    Ids are remembered as numbers in a compressed bitmap: real fleets have few type codes and
    dense serials, and need about a byte an id.

    Attributes:
        numbers: All device ids so far, packed.
    """

    def __init__(self) -> None:
        self.numbers = BitMap64()
        self._texts: set[str] = set()

    def sift(self, inputs: Sequence[object]) -> Sifted:
        """Sort a slice of the input into new device ids, malformed inputs and duplicates."""
        checked = _checked(inputs)
        if checked is None:
            return self._sift_one_by_one(inputs)
        ids, numbers = checked
        if not self._are_new(numbers):
            new = {n: text for n, text in zip(numbers, ids, strict=True) if n not in self.numbers}
            ids, numbers = list(new.values()), array("Q", new)
        # Not with a bitmap: merging two of them costs as much as the larger one is long.
        self.numbers.update(numbers)
        return Sifted(ids, numbers, [], len(inputs))

    def _are_new(self, numbers: "array[int]") -> bool:
        slice_ = BitMap64(numbers)
        return len(slice_) == len(numbers) and self.numbers.isdisjoint(slice_)

    def _sift_one_by_one(self, inputs: Sequence[object]) -> Sifted:
        sifted = Sifted([], array("Q"), [], len(inputs))
        for item in inputs:
            text = item.strip(WHITE_SPACE) if isinstance(item, str) else _named(item)
            if isinstance(item, str) and is_device_id(text):
                number = int(text)
                if number not in self.numbers:
                    self.numbers.add(number)
                    sifted.ids.append(text)
                    sifted.numbers.append(number)
            elif text not in self._texts:
                self._texts.add(text)
                sifted.malformed.append(Malformed(text, hint_at(item)))
        return sifted


def _named(item: object) -> str:
    # With its type, so that a report which holds it cannot be taken for one with a device id.
    return f"{type(item).__name__} {item!r}"


def is_device_id(text: str) -> bool:
    """Whether `text` is 15 ASCII digits.

    No check digit is asked for: 18 of the 20 IMEIs in the vendor's own documents have a wrong one.
    """
    return len(text) == _DIGITS and text.isascii() and text.isdigit()


def as_device_ids(inputs: Sequence[object]) -> list[str] | None:
    """Return `inputs` stripped if all of them are device ids, else None."""
    checked = _checked(inputs)
    return None if checked is None else checked[0]


def pack(ids: Iterable[str]) -> "array[int]":
    """Return device ids as numbers, eight bytes each."""
    return array("Q", map(int, ids))


def _checked(inputs: Sequence[object]) -> tuple[list[str], "array[int]"] | None:
    """Return `inputs` stripped, and packed, if all of them are device ids, else None."""
    numbers = _packed_at_once(inputs)
    if numbers is not None:
        return cast("list[str]", list(inputs)), numbers
    try:
        ids = [text.strip(WHITE_SPACE) for text in inputs]  # type: ignore[attr-defined]  # what has no strip() is caught below
    except (AttributeError, TypeError):
        return None
    numbers = _packed_at_once(ids)
    return None if numbers is None else (ids, numbers)


def _packed_at_once(inputs: Sequence[object]) -> "array[int] | None":
    """Return device ids packed; None if one of them is none, or has white space around it.

    The fast path: checking and packing them one by one costs four times as much.
    """
    # Kinds of str, as numpy has one, would end up in bodies, and no JSON writer takes them.
    if set(map(type, inputs)) != {str}:
        return None
    text = f"[1{',1'.join(cast('Sequence[str]', inputs))}]"
    # A list in JSON, its numbers with a one in front, since JSON knows no leading zeros. There are
    # as many numbers as inputs at least, none has less than 16 digits, and so they fill a text of
    # this length: there is room for no more of them, for no longer ones, and for no white space.
    if not text.isascii() or len(text) != (_DIGITS + 2) * len(inputs) + 1:
        return None
    try:
        numbers = _with_leading_one.decode(text)
    except msgspec.DecodeError:
        return None
    return array("Q", [number - _LEADING_ONE for number in numbers])


def unpack(number: int) -> str:
    """Return the device id that was packed into `number`."""
    return f"{number:015d}"


def as_json(ids: Sequence[str]) -> bytes:
    """Return device ids as a JSON list; digits need no escaping."""
    return b'["%s"]' % '","'.join(ids).encode()


def hint_at(item: object) -> str:
    """Say what may have happened to an input that is not a device id."""
    if not isinstance(item, str):
        return f"a device id is text of 15 digits, not {type(item).__name__}"
    text = item.strip(WHITE_SPACE)
    bare = text.replace("-", "").replace(" ", "")
    for happened, hint in (
        (not text, "empty"),
        ("E+" in text.upper(), "a spreadsheet turned it into a rounded number"),
        (text.isdigit() and not text.isascii(), "digits that are not ASCII"),
        (is_device_id(text.strip("\"'")), "remove the quotes"),
        (_AMONG_OTHERS.search(text), "more than an id on the line"),
        (bare != text and is_device_id(bare), "remove dashes and spaces"),
        (is_device_id(text.removesuffix(".0")), "a spreadsheet added .0"),
        (
            text.isdigit() and len(text) == _DIGITS - 1,
            "14 digits: a leading zero or the check digit is lost",
        ),
        (text.isdigit() and len(text) == _DIGITS + 1, "16 digits: an IMEISV, not an IMEI"),
        (text.isdigit(), f"{len(text)} digits, not 15"),
    ):
        if happened:
            return hint
    return "not 15 digits"

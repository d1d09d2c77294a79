"""A long list inside a JSON object, parsed piece by piece, so that an event loop can breathe.

The answer that reads a v1 upgrade is not paged: a million devices are one body of 80 MB, and
parsing it in one call would hold up everything else for a quarter of a second, in a thread as well.
"""

import re
from collections.abc import Generator
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_SLICE = 64 * 1024
_HEAD = 64 * 1024
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_MOST_WRONG_CUTS = 20


def in_slices(
    body: bytes, name: str, items: "msgspec.json.Decoder[list[T]]"
) -> Generator[list[T], None, dict[str, Any] | None]:
    """Yield the items of the list `name`, some at a time; return the object around it.

    Args:
        body: A JSON object that holds the list, as the API writes it.
        name: Name of the list, in any letter case.
        items: Parses a part of the list.

    Returns:
        The object with an empty list, or None when the body cannot be cut: parse it whole then,
        and forget what was yielded.
    """
    start = re.search(rb'"%s"\s*:\s*\[' % name.encode(), body[:_HEAD], re.IGNORECASE)
    end = body.rfind(b"]")
    if start is None or end < start.end():
        return None
    try:
        around = msgspec.json.decode(body[: start.end()] + body[end:])
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(around, dict):
        return None
    if not any(key.lower() == name.lower() and value == [] for key, value in around.items()):
        return None  # the list that was found is not the object's own
    at = start.end()
    while at < end:
        parsed = _next(body, at, end, items)
        if parsed is None:
            return None
        part, at = parsed
        yield part
    return around


def _next(
    body: bytes, at: int, end: int, items: "msgspec.json.Decoder[list[T]]"
) -> tuple[list[T], int] | None:
    """Parse the items from `at` on, about a slice of them; return them and where to go on."""
    cut = at + _SLICE
    for _ in range(_MOST_WRONG_CUTS):
        between = _BETWEEN.search(body, cut, end) if cut < end else None
        stop = between.start() + 1 if between else end
        try:
            part = items.decode(b"[" + body[at:stop] + b"]")
        except (msgspec.ValidationError, RecursionError):
            return None
        except msgspec.DecodeError:
            # What looked like the place between two items may be inside one.
            if between is None:
                return None
            cut = stop
        else:
            return part, between.end() - 1 if between else end
    return None

"""Values and texts made fit to be shown: as JSON, and on a terminal."""

from typing import Any

import attrs

from fota_async.printable import printable


def printable_lines(text: str) -> str:
    """Return a text that may have several lines as it may stand on a terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))


def members(model: Any) -> dict[str, Any]:
    """Return what a model says, under our names; what is secret is not shown."""
    return {
        field.name: value if field.repr or value is None else "***"
        for field in attrs.fields(type(model))
        for value in (getattr(model, field.name),)
    }


def as_plain(value: Any) -> Any:
    """Return a value, which may be a model, as plain values for JSON."""
    if attrs.has(type(value)):
        return {name: as_plain(one) for name, one in members(value).items()}
    if isinstance(value, tuple | list):
        return [as_plain(one) for one in value]
    return value

"""Values and texts made fit to be shown: as JSON, and on a terminal."""

from typing import Any

import attrs

from fota_async.models import TimeWindow


def printable(text: str) -> str:
    r"""Return a text of the API as it may stand on a terminal.

    What is not printable could move the cursor, recolour or retitle the terminal, or turn the
    direction of writing: it is shown by its escape, such as `\x1b`.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def printable_lines(text: str) -> str:
    """Return a text that may have several lines as it may stand on a terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))


def as_plain(value: Any) -> Any:
    """Return a model as plain values for JSON, under our names; what is secret is not shown."""
    if attrs.has(type(value)):
        return {
            field.name: _shown(getattr(value, field.name), hidden=not field.repr)
            for field in attrs.fields(type(value))
        }
    if isinstance(value, tuple | list):
        return [as_plain(one) for one in value]
    return value


def as_text(value: Any) -> str:
    """Return a value as one cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(as_text(one) for one in value)
    if isinstance(value, TimeWindow):
        return f"{value.start_time}-{value.end_time}"
    if attrs.has(type(value)):
        return " ".join(filter(None, (as_text(one) for one in as_plain(value).values())))
    return printable(str(value))


def _shown(value: Any, *, hidden: bool) -> Any:
    return "***" if hidden and value is not None else as_plain(value)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")

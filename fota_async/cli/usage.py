"""What is wrong with the arguments of a command, in words."""

import difflib
import re
from datetime import date

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError

_NOT_GIVEN = re.compile(r'(?:Command ".*?" parameter|Parameter) (\S+) requires an argument')


def wrong_usage(error: CycloptsError) -> str:
    """Return what is wrong with the arguments, and what may have been meant."""
    if isinstance(error, UnusedCliTokensError):
        tokens = " ".join(error.unused_tokens or ())
        return f"nothing takes {tokens!r}: is it one argument too many, or an option misspelt?"
    text = str(error)
    text = text if text.endswith("...") else text.rstrip(".")
    if isinstance(error, MissingArgumentError) and error.keyword is None:
        return _NOT_GIVEN.sub(r"\1 is missing", text)
    if isinstance(error, CoercionError) and error.target_type is date:
        return f"{text}; a date is YYYY-MM-DD"
    if misspelt := re.match(r'Invalid value "(--[^"]+)" for FILE', text):
        return ": ".join(filter(None, (text, _meant(error, misspelt[1]))))
    return text


def _meant(error: CycloptsError, misspelt: str) -> str:
    """Return which option of the command may have been meant; nothing if none is like it."""
    if error.app is None:
        return ""
    options = [name for one in error.app.assemble_argument_collection() for name in one.names]
    meant = difflib.get_close_matches(misspelt, options, n=1)
    return f"did you mean {meant[0]}?" if meant else ""

"""A route: everything about an endpoint that does not change from call to call."""

from enum import Enum
from functools import cache, lru_cache
from string import Formatter
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import attrs

from fota_async.errors import ConfigurationError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Repeat(Enum):
    """What a repeat does after an answer was lost (wire contract, "Is a repeat safe?")."""

    SAFE = "safe"
    """A read."""
    IDEMPOTENT = "idempotent"
    """A write with the same end state however often it arrives."""
    SETTLE = "settle"
    """A write whose loss is settled by reading the target."""
    NEVER = "never"
    """A write that creates anew each time it arrives."""


@attrs.frozen
class Route(Generic[T_co]):
    """One endpoint.

    Attributes:
        method: HTTP verb.
        path: The whole path, with `{name}` for each value that goes into it.
        result: What a good answer becomes.
        repeat: What a repeat does after an answer was lost.
        or_nothing: Whether an empty answer means "nothing there".
    """

    method: str
    path: str
    result: type[Any]
    repeat: Repeat
    or_nothing: bool = False

    @property
    def name(self) -> str:
        """Verb and path template: safe to log, since it holds no values."""
        return f"{self.method} {self.path}"

    def fill(self, **values: str) -> str:
        """Return the path with `values` quoted, so that none can leave its segment.

        Raises:
            ConfigurationError: A value is not text, is empty, or would change the path.
        """
        return self.path.format_map({name: _segment(name, values[name]) for name in self.names})

    @property
    def names(self) -> list[str]:
        """The names of the values that the path needs."""
        return list(_names(self.path))


@cache
def _names(path: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(path) if name)


def _segment(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {type(value).__name__}")
    return _quoted(name, value)


@lru_cache(maxsize=1024)  # every batch of a run goes to the same place
def _quoted(name: str, value: str) -> str:
    if not value or value != value.strip() or value in {".", ".."} or not value.isprintable():
        raise ConfigurationError(f"{name} {value!r} cannot be part of a path")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} {value!r} cannot be part of a path") from None


def list_of(item: type[T]) -> type[tuple[T, ...]]:
    """Return the result of a route that answers with a bare list."""
    return tuple[item, ...]  # type: ignore[valid-type]  # made at run time


def get(path: str, result: type[T]) -> Route[T]:
    """Return a route that reads."""
    return Route("GET", path, result, Repeat.SAFE)


def post(path: str, result: type[T], repeat: Repeat = Repeat.NEVER) -> Route[T]:
    """Return a POST route; unless told otherwise it creates, and is never repeated blindly."""
    return Route("POST", path, result, repeat)


def put(path: str, result: type[T], repeat: Repeat) -> Route[T]:
    """Return a PUT route."""
    return Route("PUT", path, result, repeat)


def delete(path: str, result: type[T], repeat: Repeat = Repeat.IDEMPOTENT) -> Route[T]:
    """Return a DELETE route."""
    return Route("DELETE", path, result, repeat)


def or_nothing(route: Route[T]) -> Route[T | None]:
    """Return `route` with an empty answer meaning None."""
    return cast("Route[T | None]", attrs.evolve(route, or_nothing=True))


def read_as(route: Route[Any], result: type[T]) -> Route[T]:
    """Return `route` with another result, for a reader that makes something else of the answer."""
    return cast("Route[T]", attrs.evolve(route, result=result))

"""A request as the handlers see it and the answer they give; no HTTP server in sight."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import parse_qs

import attrs
import msgspec

from fota_async.simulator.routes import Route

_WRAPPER: Final = "addorremovedevice"


@attrs.frozen(kw_only=True)
class Call:
    """A request that was read to its end.

    Args:
        route: The route it matched.
        path: Its path, as sent.
        params: The values of the path template.
        query: The query's values by name, as often as each was given.
        headers: Its headers; look them up in any letter case.
        body: Its body, not decoded.

    """

    route: Route
    path: str
    params: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def members(self) -> dict[str, Any] | None:
        """The body's JSON members by lower-case name; None for an unreadable body.

        The contract spells members in more than one way (`deviceList`, `devicelist`).
        """
        if self._content_type not in self._readable:
            return None
        try:
            document = msgspec.json.decode(self.body)
        except ValueError:
            return None
        if not isinstance(document, dict):
            return None
        members = _by_lower_case(document)
        return _unwrapped(members) if self.route.may_be_wrapped else members

    @cached_property
    def form(self) -> dict[str, str]:
        """The body's form fields; empty for a body that is no form."""
        if self._content_type != "application/x-www-form-urlencoded":
            return {}
        fields = parse_qs(self.body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in fields.items()}

    @property
    def account(self) -> str:
        """The account the call is about, empty if it names none."""
        named = self.params.get("account") or (self.members or {}).get("accountname")
        return named if isinstance(named, str) else ""

    @property
    def device_ids(self) -> list[Any]:
        """The device list as sent, unchecked; empty if there is none.

        Logging calls it `deviceIds`.
        """
        members = (self.members or {}) if self.body else {}
        listed = members.get("devicelist", members.get("deviceids"))
        return listed if isinstance(listed, list) else []

    def asked(self, name: str, default: str = "") -> str:
        """Return the first value that the query gives for `name`, else `default`."""
        return self.query.get(name, (default,))[0]

    @property
    def _content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def _readable(self) -> tuple[str, ...]:
        json = ("application/json",)
        return (*json, "*/*") if self.route.any_content_type else json


def _by_lower_case(members: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in members.items()}


def _unwrapped(members: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is in the wrapper, an object or a list of one (wire contract, row 4)."""
    if _WRAPPER not in members:
        return members
    match members[_WRAPPER]:
        case [dict() as inner] | (dict() as inner):
            return _by_lower_case(inner)
    return None


class Delivery(Enum):
    """How much of an answer reaches the caller."""

    WHOLE = auto()
    TORN = auto()
    DROPPED = auto()
    NEVER = auto()


@attrs.frozen(kw_only=True)
class Answer:
    """What the server has to say.

    Args:
        status: HTTP status.
        body: The body, in slices so that a long one is not built in one go.
        content_type: Its media type.
        headers: Further headers.
        delivery: How much of it reaches the caller.
        longer: Members of a longer form, which only an odd spelling shows.

    """

    status: int = 200
    body: Iterable[bytes] = ()
    content_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict)
    delivery: Delivery = Delivery.WHOLE
    longer: Mapping[str, object] = attrs.field(factory=dict)

    @classmethod
    def of(cls, document: object, status: int = 200, headers: Mapping[str, str] = {}) -> Self:
        """Return the answer whose body is `document` as JSON."""
        return cls(status=status, body=(msgspec.json.encode(document),), headers=headers)

    @property
    def content(self) -> bytes:
        """The whole body. An answer has to be `gathered` to be asked more than once."""
        return b"".join(self.body)

    def with_content(self, content: bytes, **changes: Any) -> Self:
        """Return this answer with another body and, by keyword, other attributes."""
        return attrs.evolve(self, body=(content,), **changes)

    async def gathered(self) -> Self:
        """Return this answer with its body in one piece, letting others run meanwhile."""
        slices = []
        for piece in self.body:
            slices.append(piece)
            await asyncio.sleep(0)
        return self.with_content(b"".join(slices))


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """Ends the work on a call with an answer that says no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer

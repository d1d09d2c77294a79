"""The one converter between the wire's JSON and our models, with every quirk of the wire.

Member names are compared without regard to letter case, and a member may have other spellings:
the vendor's pages disagree with each other and with the SDK.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Annotated, Any, NewType, TypeAlias, TypeVar, get_args, get_origin

import attrs
import msgspec
from cattrs import transform_error
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.msgspec import make_converter

from fota_async.wire.enums import OpenEnum
from fota_async.wire.timestamp import Timestamp

T = TypeVar("T")

DeviceId = NewType("DeviceId", str)
"""An IMEI as text. A wire that wrote it as a number has lost its leading zeros: padded to 15."""

Cursor = NewType("Cursor", str)
"""A place in a list, as text, be it written as text or as a number."""

Hour: TypeAlias = Annotated[int, "hour"]
"""An hour of the day, a number; some answers write it as a text of digits."""


def member(
    name: str, *aliases: str, default: Any = None, secret: bool = False, bare: bool = False
) -> Any:
    """Declare a model's attribute that may be absent from the wire.

    Args:
        name: The spelling that we send, and prefer when several are there.
        aliases: Other spellings that are read.
        default: The value of an absent member.
        secret: Whether it must not be shown, nor stand in an error of a call that sends it.
        bare: Whether the value may also stand alone, without the object around it.
    """
    metadata = {"wire": (name, *aliases), "bare": bare}
    return attrs.field(default=default, repr=not secret, metadata=metadata)


def required(name: str, *aliases: str, secret: bool = False) -> Any:
    """Declare a model's attribute without which an answer is no answer; arguments as `member`."""
    return attrs.field(repr=not secret, metadata={"wire": (name, *aliases)})


def secrets_of(model: object) -> list[str]:
    """Return the texts of a model that must not be seen."""
    kind = type(model)
    if not attrs.has(kind):
        return []
    hidden = [field.name for field in attrs.fields(kind) if not field.repr]
    values = [value for name in hidden if isinstance(value := getattr(model, name), str)]
    # A server that echoes a body echoes them as JSON writes them.
    return [*values, *(msgspec.json.encode(value).decode()[1:-1] for value in values)]


def _wire_name(attribute: "attrs.Attribute[Any]") -> str:
    return str(attribute.metadata["wire"][0])


Spellings: TypeAlias = Mapping[str, tuple[str, str, int]]
"""By lower-case spelling: our name, the exact spelling, and its place among those of the name."""


def spellings_of(names: Mapping[str, Sequence[str]]) -> Spellings:
    """Return what `fold_names` needs: for each of our names its spellings, preferred ones first."""
    return {
        spelling.lower(): (name, spelling, place)
        for name, spellings in names.items()
        for place, spelling in enumerate(spellings)
    }


def fold_names(obj: Mapping[str, Any], spellings: Spellings) -> dict[str, Any]:
    """Return `obj` with its members under our names, unknown ones left out.

    Of several spellings the preferred one wins, and the exact letter case before any other.
    """
    folded: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for key, value in obj.items():
        name, spelling, place = spellings.get(key.lower(), ("", "", 0))
        rank = 2 * place + (key != spelling)
        if name and rank <= ranks.get(name, rank):
            folded[name], ranks[name] = value, rank
    return folded


Note: TypeAlias = Callable[[str, str], object]
"""Gets the name of a model, and of a member that it does not know."""

_note: ContextVar[Note | None] = ContextVar("note", default=None)


@contextmanager
def noting_unknown_members(note: Note) -> Iterator[None]:
    """Have `note` called for members that models ignore, as long as the context lasts."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


def _strict(kind: type[T], *, but_not: type | None = None) -> Callable[[Any, Any], T]:
    def check(value: Any, _: Any) -> T:
        if not isinstance(value, kind) or (but_not is not None and isinstance(value, but_not)):
            raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return check


_converter = make_converter(detailed_validation=True)
# cattrs would make 'None' of None and True of "false".
_text = _strict(str)
_number = _strict(int, but_not=bool)
_converter.register_structure_hook(str, _text)
_converter.register_structure_hook(bool, _strict(bool))
_converter.register_structure_hook(int, _number)
_converter.register_structure_hook(Timestamp, lambda value, kind: Timestamp(_text(value, kind)))
_converter.register_unstructure_hook(Timestamp, str)
# A datetime is a date, too; the wire wants the day alone.
_converter.register_unstructure_hook(date, lambda day: f"{day.year:04}-{day.month:02}-{day.day:02}")
_converter.register_structure_hook(OpenEnum, lambda value, kind: kind(_text(value, kind)))


def device_id(value: object) -> DeviceId:
    """Return the device id that a member holds, be it text or a number.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return DeviceId(f"{value:015d}")
    if isinstance(value, str):
        return DeviceId(value)
    raise TypeError(f"expected a device id, got {type(value).__name__}")


_converter.register_structure_hook(DeviceId, lambda value, _: device_id(value))


def _cursor(value: object, _: Any) -> Cursor:
    if isinstance(value, int) and not isinstance(value, bool):
        return Cursor(str(value))
    return Cursor(_text(value, _))


_converter.register_structure_hook(Cursor, _cursor)


def _hour(value: object, _: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return _number(value, _)


_converter.register_structure_hook_func(lambda kind: kind == Hour, _hour)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


@_converter.register_structure_hook_factory(_is_list)
def _structure_list(kind: Any) -> Callable[[Any, Any], Any]:
    element: Any = get_args(kind)[0]
    inner = list_structure_factory(list[element], _converter)

    def from_wire(obj: Any, _: Any) -> Any:
        if obj is None:
            return ()
        if not isinstance(obj, list):
            raise TypeError(f"expected a list, got {type(obj).__name__}")
        return tuple(inner(obj, None))

    return from_wire


def _is_model(cls: Any) -> bool:
    return attrs.has(cls) and all("wire" in field.metadata for field in attrs.fields(cls))


@_converter.register_structure_hook_factory(_is_model)
def _structure_model(cls: type[attrs.AttrsInstance]) -> Callable[[Any, Any], Any]:
    names = {field.name: override(rename=_wire_name(field)) for field in attrs.fields(cls)}
    spellings = spellings_of(
        {_wire_name(field): field.metadata["wire"] for field in attrs.fields(cls)}
    )
    structure = make_dict_structure_fn(cls, _converter, **names)  # type: ignore[arg-type]  # overrides and flags share **kwargs
    bare = [_wire_name(field) for field in attrs.fields(cls) if field.metadata.get("bare")]

    def from_wire(obj: Any, _: Any) -> Any:
        if bare and (obj is None or isinstance(obj, list)):
            obj = {bare[0]: obj}
        if not isinstance(obj, dict):
            raise TypeError(f"expected an object, got {type(obj).__name__}")
        folded = fold_names(obj, spellings)
        if len(folded) < len(obj) and (note := _note.get()) is not None:
            for name in obj:
                if name.lower() not in spellings:
                    note(cls.__name__, name)
        return structure(folded, cls)

    return from_wire


@_converter.register_unstructure_hook_factory(_is_model)
def _unstructure_model(cls: type[attrs.AttrsInstance]) -> Callable[[Any], Any]:
    names = {
        field.name: override(rename=_wire_name(field), omit_if_default=True)
        for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, _converter, **names)  # type: ignore[arg-type]  # as above


def structure(obj: object, result: type[T]) -> T:
    """Make a `result` of parsed JSON.

    Raises:
        ValueError: It does not fit; the text names the member.
    """
    try:
        return _converter.structure(obj, result)
    except Exception as error:  # noqa: BLE001 - cattrs passes on whatever a hook raises
        raise ValueError("; ".join(transform_error(error, path="$"))) from None


def unstructure(model: object) -> Any:
    """Return plain values in the wire's spelling, absent members left out."""
    return _converter.unstructure(model)

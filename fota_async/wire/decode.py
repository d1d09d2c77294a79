"""Status and body of an answer into the route's result, or into the right error.

The error shapes are those of the wire contract, "Error bodies": three in JSON, told apart by
member and not by status, one in XML, and whatever else a gateway may say.
"""

import re
from collections.abc import Callable, Generator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias, TypeVar, get_args

import attrs
import msgspec

from fota_async.errors import (
    CallError,
    DecodeError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RedirectError,
    RefusedError,
    ServerError,
    SessionEndedError,
    ThrottledError,
    TokenRefusedError,
    TooManyDevicesError,
)
from fota_async.wire.convert import structure
from fota_async.wire.route import Route

T = TypeVar("T")

StepReader: TypeAlias = Callable[[bytes], Generator[None, None, T]]
"""Reads a large body piece by piece; pauses between pieces, and returns the result."""

BEARER_CODES = frozenset({"900900", "900901", "900903", "900904", "900905"})
"""Gateway: the bearer token is wrong, expired or inactive; a new one may be taken."""

THROTTLE_CODES = frozenset({*(str(code) for code in range(900800, 900808)), "900907"})
"""Gateway: the request was turned away before any service saw it; later it may pass."""

_SESSION_CODES = ("SessionToken.Expired", "SessionToken.Invalid")
_SIZE_CODES = ("NumberofDevices", "MaxRequestsExceeded")
_REQUEST_CODES = (
    "Account.NotDefined",
    "AccountName",
    "AccountNotFound",
    "NoAccounts",
    "MultipleAccounts",
    "SessionToken.Format",
    "RequestUndefined",
)
_BODY_PART = 200
_NOTHING = re.compile(rb'\s*(\{\s*"success"\s*:\s*true\s*\}\s*)?')
_REQUEST_IDS = ("x-request-id", "x-correlation-id", "request-id", "activityid")
_XML_FAULT = re.compile(r"<(?:\w+:)?fault\b")
_XML_CODE = re.compile(r"<(?:\w+:)?code>\s*(\w+)\s*</")
_XML_TEXT = re.compile(r"<(?:\w+:)?message>([^<]*)</")


@attrs.frozen
class ErrorBody:
    """What an error body says of itself; `by_gateway` when no service saw the request."""

    code: str | None
    text: str
    by_gateway: bool = False


def decode(route: Route[T], status: int, headers: Mapping[str, str], body: bytes) -> T:
    """Return the result of `route` that an answer holds.

    Args:
        route: What was asked.
        status: HTTP status.
        headers: The answer's headers, looked up without regard to letter case.
        body: The whole body, decompressed.

    Raises:
        CallError: The error that the answer means; `DecodeError` if it means nothing.
    """
    if not 200 <= status < 300:
        raise refusal(route.name, status, headers, body)
    if route.or_nothing and _NOTHING.fullmatch(body):
        return None  # type: ignore[return-value]  # or_nothing() made T optional
    try:
        return read_body(body, route.result)  # type: ignore[no-any-return]  # Route.result is T
    except ValueError as error:
        raise _undecodable(route, status, headers, body, error) from None


def decode_in_steps(
    route: Route[T], status: int, headers: Mapping[str, str], body: bytes, read: StepReader[T]
) -> Generator[None, None, T]:
    """Return what `decode` returns, by a reader that pauses now and then.

    Raises:
        CallError: The error that the answer means; `DecodeError` if it means nothing.
    """
    if not 200 <= status < 300:
        raise refusal(route.name, status, headers, body)
    try:
        return (yield from read(body))
    except ValueError as error:
        raise _undecodable(route, status, headers, body, error) from None


def _undecodable(
    route: Route[T], status: int, headers: Mapping[str, str], body: bytes, error: ValueError
) -> DecodeError:
    return DecodeError(
        f"the answer is not a {_name(route.result)}: {error}",
        route=route.name,
        status=status,
        request_id=_request_id(headers),
        body=_part(body),
    )


def _name(result: Any) -> str:
    items = get_args(result)
    return f"list of {items[0].__name__}" if items else str(result.__name__)


def read_body(body: bytes, result: type[T]) -> T:
    """Return the `result` that a JSON body holds.

    A result that knows a faster way has a class method `from_body`.

    Raises:
        ValueError: The body is empty, no JSON, or does not fit.
    """
    if not body.strip():
        raise ValueError("it is empty")
    from_body = getattr(result, "from_body", None)
    if from_body is not None:
        return from_body(body)  # type: ignore[no-any-return]  # a class method of result
    return structure(parse_json(body), result)


def parse_json(body: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"no JSON ({error})") from None


def read_error(body: bytes) -> ErrorBody:
    """Return what an error body says, whichever of the known shapes it has."""
    try:
        obj = parse_json(body)
    except ValueError:
        return _read_text(body)
    if not isinstance(obj, dict):
        return ErrorBody(None, "")
    fault = obj.get("fault")
    if isinstance(fault, dict):
        text = fault.get("description") or fault.get("message")
        return ErrorBody(_text(fault.get("code")), _text(text) or "", by_gateway=True)
    for code, text in (("errorCode", "errorMessage"), ("error", "error_description")):
        if code in obj:
            return ErrorBody(_text(obj[code]), _text(obj.get(text)) or "")
    return ErrorBody(None, "")


def _read_text(body: bytes) -> ErrorBody:
    page = body[:10_000].decode("utf-8", "replace")
    if _XML_FAULT.search(page) and (code := _XML_CODE.search(page)):
        text = _XML_TEXT.search(page)
        return ErrorBody(code[1], text[1].strip() if text else "", by_gateway=True)
    return ErrorBody(None, "")


def refusal(route: str, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
    """Return the error that an answer other than 2xx means."""
    said = read_error(body)
    code = said.code or ""
    kind, what = _kind(status, code, by_gateway=said.by_gateway)
    explained = ": ".join(part for part in (code, said.text) if part)
    return kind(
        f"{what} (status {status})" + (f": {explained}" if explained else ""),
        route=route,
        status=status,
        code=said.code,
        text=said.text,
        request_id=_request_id(headers),
        body="" if explained else _part(body),
        retry_after=retry_after(headers),
    )


def _kind(  # noqa: PLR0911 - a table in order of precedence
    status: int, code: str, *, by_gateway: bool
) -> tuple[type[CallError], str]:
    """Codes speak before statuses: the vendor documents 400 for almost everything."""
    if status == 429 or (by_gateway and code in THROTTLE_CODES):
        return ThrottledError, "throttled"
    if code.endswith(_SESSION_CODES):
        return SessionEndedError, "the session ended"
    if status == 401 and by_gateway and code in BEARER_CODES:
        return TokenRefusedError, "the bearer token was refused"
    if status == 413 or code.endswith(_SIZE_CODES):
        return TooManyDevicesError, "too many devices in one request"
    if status == 408 or status >= 500:
        return ServerError, "the server failed"
    if 300 <= status < 400:
        return RedirectError, "the server points elsewhere, which is never followed"
    by_status: dict[int, type[CallError]] = {
        400: InvalidRequestError,
        403: ForbiddenError,
        404: NotFoundError,
        422: InvalidRequestError,
    }
    return by_status.get(status, RefusedError), "refused"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a Retry-After header asks for, or None.

    A date is measured against the Date of the same answer, so that no clock of ours matters.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
        return float(value)
    try:
        then = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def concerns_devices(error: RefusedError) -> bool:
    """Whether a refusal can be about single devices of a batch, so that dividing it may help.

    A gateway has seen no device, and the account and session codes name what they are about.
    """
    code = error.code or ""
    if code.endswith("DeviceNotFound"):
        return True
    if by_gateway(error) or code.endswith(_REQUEST_CODES):
        return False
    return isinstance(error, InvalidRequestError | TooManyDevicesError)


def by_gateway(error: CallError) -> bool:
    """Whether the gateway in front of the services said this; its codes are numbers."""
    return (error.code or "").isdigit()


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_IDS if name in headers), None)


def _part(body: bytes) -> str:
    return body[: _BODY_PART * 4].decode("utf-8", "replace")[:_BODY_PART].strip()


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None

"""Answers that say no, in the error shapes of the wire contract."""

import math
from email.utils import formatdate
from time import time

from fota_async.simulator.exchange import Answer

_SERVICE = "UnifiedWebService"


def invalid_parameter(message: str) -> Answer:
    """Return a FOTA refusal; every row of the v1 page "Error Messages" has this one code."""
    return Answer.of({"errorCode": "INVALID_PARAMETER", "errorMessage": message}, status=400)


def connectivity(suffix: str, message: str) -> Answer:
    """Return a refusal by the session service.

    Args:
        suffix: The stable part of the code, as in page "Synchronous Error Messages"
            (Connectivity); the service's name goes in front.
        message: Text for people.

    """
    return Answer.of({"errorCode": f"{_SERVICE}.{suffix}", "errorMessage": message}, status=400)


def session_expired() -> Answer:
    """Return the answer to a session that was idle too long or is not known."""
    return connectivity("REQUEST_FAILED.SessionToken.Expired", "The session token has expired.")


def gateway_fault(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Answer:
    """Return a refusal by the gateway in front of every service."""
    fault = {"code": code, "message": message, "description": "The gateway let nothing through"}
    return Answer.of({"fault": fault}, status=status, headers=headers or {})


def unknown_resource() -> Answer:
    """Return the gateway's answer to a path or verb it does not know."""
    return gateway_fault(
        400, "900906", "No matching resource found in the API for the given request"
    )


def missing_credentials() -> Answer:
    """Return the gateway's answer to a call without a bearer or Basic credentials."""
    return gateway_fault(401, "900902", "Missing Credentials")


def invalid_credentials() -> Answer:
    """Return the gateway's answer to a bearer that is wrong or expired; one code for both."""
    return gateway_fault(401, "900901", "Invalid Credentials")


def throttled(retry_after: float | None, *, as_date: bool = False) -> Answer:
    """Return the gateway's answer to too many requests.

    Args:
        retry_after: Seconds to wait; None leaves the header out.
        as_date: Write the header as a date, with a `Date` header to measure it against.

    """
    headers = {}
    if retry_after is not None and as_date:
        now = math.floor(time())
        headers["Date"] = formatdate(now, usegmt=True)
        headers["Retry-After"] = formatdate(now + math.ceil(retry_after), usegmt=True)
    elif retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return gateway_fault(429, "900800", "Message throttled out", headers)


def oauth(status: int, error: str, description: str) -> Answer:
    """Return a refusal by the token endpoint; `error` is a code of RFC 6749."""
    return Answer.of({"error": error, "error_description": description}, status=status)


def too_many_devices(how: str) -> Answer:
    """Return the refusal of a request that carries too many devices.

    Args:
        how: "413", or a Connectivity code of the class `INPUT_INVALID`. Which of them
            FOTA uses, if any, is not documented.

    """
    if how == "413":
        page = b"<html><body><h1>413 Request Entity Too Large</h1></body></html>"
        return Answer(status=413, body=(page,), content_type="text/html")
    return connectivity(f"INPUT_INVALID.{how}", "Too many devices in one request.")

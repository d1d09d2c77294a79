"""From a request to a message that may be stored, or to the answer that turns it away."""

import asyncio
from typing import Any, Final

import attrs
from aiohttp import web

from fota_async.callbacks.callers import Address, Callers
from fota_async.callbacks.events import Version
from fota_async.callbacks.message import (
    CallbackCredentials,
    UnreadableError,
    read_body,
    without_credentials,
)
from fota_async.callbacks.options import ReceiverOptions

RETRY_AFTER: Final = 60
"""Seconds after which a message that could not be stored should come again."""


class TurnedAwayError(Exception):
    """A request is no message.

    Attributes:
        status: Of the answer.
    """

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@attrs.frozen
class Message:
    """A message that may be stored, without its credentials."""

    version: Version
    raw: dict[str, Any]


@attrs.frozen
class Intake:
    """Decides which requests are messages.

    Attributes:
        callers: Who may send messages.
        credentials: What a v1 message must bring, or None.
        paths: The version that each path is for.
        options: How large, slow and deep a message may be.
    """

    callers: Callers
    credentials: CallbackCredentials | None
    paths: dict[str, Version]
    options: ReceiverOptions

    def is_welcome(self, request: web.Request) -> bool:
        """Whether a request may be a message, by all that can be known without its body."""
        return (
            self.callers.may_send(self.caller(request))
            and request.method == "POST"
            and request.match_info["path"] in self.paths
        )

    async def read(self, request: web.Request) -> Message:
        """Return the message that a request is.

        Raises:
            TurnedAwayError: It is none.
        """
        # 404 for every wrong caller, whatever is wrong: 401 or 403 would tell that there is
        # something to get into, and 405 what it takes.
        if not self.is_welcome(request):
            raise TurnedAwayError(404, "wrong address, verb or path")
        try:
            async with asyncio.timeout(self.options.max_seconds):
                body = await self._body(request)
            raw = read_body(body, self.options.max_depth)
        except TimeoutError:
            raise TurnedAwayError(408, "its body came too slowly") from None
        except (web.RequestPayloadError, ConnectionError):
            raise TurnedAwayError(400, "its body broke off") from None
        except UnreadableError as error:
            raise TurnedAwayError(400, str(error)) from None
        version = self.paths[request.match_info["path"]]
        if version == "v1" and self.credentials and not self.credentials.are_in(raw):
            raise TurnedAwayError(404, "wrong user name or password")
        return Message(version, without_credentials(raw))

    def caller(self, request: web.Request) -> Address | None:
        """Return who sent a request, or None if nobody can tell."""
        # Not `request.remote`: a middleware may have believed what a caller said of itself.
        transport = request.transport
        peer = transport.get_extra_info("peername") if transport else None
        if not isinstance(peer, tuple):
            return None
        return self.callers.caller(peer[0], request.headers.getall("X-Forwarded-For", []))

    async def _body(self, request: web.Request) -> bytes:
        size, body = request.content_length or 0, bytearray()
        if size <= self.options.max_bytes:
            async for piece in request.content.iter_any():
                body += piece
                size = len(body)
                if size > self.options.max_bytes:
                    break
        if size > self.options.max_bytes:
            raise TurnedAwayError(413, f"over {self.options.max_bytes} bytes")
        return bytes(body)


def answer(status: int) -> web.Response:
    """Return an answer without a body; after one that is no 2xx the connection ends."""
    response = web.Response(status=status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if status != 200:
        response.force_close()
    return response

"""What a request carries: bytes, or a form with a file that is read as it is sent."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import attrs
import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from fota_async.errors import ConfigurationError
from fota_async.wire.convert import unstructure

JSON = "application/json"

_PIECE = 64 * 1024


class Body(Payload):
    """A request body that knows whether it was written to the wire."""

    _autoclose = True

    def __init__(self, value: bytes, content_type: str) -> None:
        super().__init__(value, content_type=content_type)
        self._size = len(value)
        self.written = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body."""
        self.written = True
        await writer.write(self._value)

    async def write_with_length(
        self,
        writer: AbstractStreamWriter,
        content_length: int | None,  # noqa: ARG002 - the name is aiohttp's
    ) -> None:
        """Write the body, whose length is the one announced."""
        await self.write(writer)


@attrs.frozen
class Upload:
    """A form with one file; the file is read as it is sent, a piece at a time.

    Args:
        path: The file.
        name: Name of its field.
        fields: The other fields.
    """

    path: Path
    name: str
    fields: Mapping[str, str]

    def check(self) -> None:
        """Open the file, to be told of trouble before anything is sent.

        Raises:
            ConfigurationError: It cannot be read.
        """
        try:
            with self.path.open("rb"):
                pass
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error.strerror}") from None


class FormBody(Body):
    """A `multipart/form-data` body with one file, for one try."""

    def __init__(self, upload: Upload) -> None:
        boundary = uuid4().hex
        super().__init__(b"", f"multipart/form-data; boundary={boundary}")
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in upload.fields.items()
        ]
        file_name = upload.path.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{upload.name}"; '
            f'filename="{file_name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._path = upload.path
        self._length = upload.path.stat().st_size
        self._size = len(self._head) + self._length + len(self._tail)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the form, a piece of the file at a time.

        Raises:
            OSError: The file cannot be read, or is no longer as long as was announced.
        """
        self.written = True
        await writer.write(self._head)
        left = self._length
        with await asyncio.to_thread(self._path.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                left -= len(piece)
                if left < 0:
                    break
                await writer.write(piece)
        if left:
            raise OSError(f"{self._path} changed while it was sent")
        await writer.write(self._tail)


def content_of(given: object) -> bytes | Upload | None:
    """Return what the tries of a call have in common of their bodies.

    Args:
        given: Bytes of JSON, a model that becomes JSON, an `Upload`, or None for no body.

    Raises:
        ConfigurationError: The file of an upload cannot be read.
    """
    if given is None or isinstance(given, bytes):
        return given
    if isinstance(given, Upload):
        given.check()
        return given
    return msgspec.json.encode(unstructure(given))


def body_of(content: bytes | Upload | None) -> Body | None:
    """Return the body of one try."""
    if content is None:
        return None
    return FormBody(content) if isinstance(content, Upload) else Body(content, JSON)

"""Configuration files for HTTP devices: list, upload."""

from email.parser import BytesParser
from email.policy import HTTP
from pathlib import PurePosixPath
from typing import Final

import attrs

from fota_async.simulator import refusals
from fota_async.simulator.accounts import account_of
from fota_async.simulator.exchange import Answer, Call, Refused
from fota_async.simulator.fleet import passes
from fota_async.simulator.world import Handler, World

_MOST_LISTED: Final = 100
"""Files in an answer; there is no second page."""

_FIELDS: Final = ("fileVersion", "make", "model", "localTargetPath")


@attrs.frozen
class _Part:
    """A part of a form: its content and, for a file, its file name."""

    content: bytes
    file_name: str | None


def list_files(world: World, call: Call, _now: float) -> Answer:
    """Show the files for a way of distribution, which has to be named."""
    account = account_of(world, call)
    wanted = call.asked("distributionType")
    if not wanted:
        raise Refused(refusals.invalid_parameter("Input binding error"))
    files = [file for file in account.files.values() if passes(file["distributionType"], wanted)]
    return Answer.of({"AvailableFilesResponse": files[:_MOST_LISTED]})


def upload_file(world: World, call: Call, now: float) -> Answer:
    """Take a file and make up the name that campaigns use for it.

    What a second file of that name does is not documented; here it replaces the first.
    """
    account = account_of(world, call)
    form = _form(call)
    upload = form.get("fileupload")
    fields = {name: _text(form.get(name)) for name in _FIELDS}
    if upload is None or not upload.content or not all(fields.values()):
        raise Refused(refusals.invalid_parameter("Input binding error"))
    name = PurePosixPath(upload.file_name or fields["localTargetPath"]).name
    file = {
        "fileName": f"configfile-{fields['make']}_{fields['model']}_{name}",
        **fields,
        "releaseNote": "",
        "distributionType": "HTTP",
        "devicePlatformId": "IoT",
    }
    account.files[file["fileName"]] = file
    return Answer.of(file | {"launchDate": world.calendar.day_at(now).isoformat()})


def _form(call: Call) -> dict[str, _Part]:
    """Return the parts of a multipart form by name; none for a body that is no such form."""
    content_type = call.headers.get("Content-Type", "")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    if message.get_content_type() != "multipart/form-data":
        return {}
    parts = {}
    for part in message.iter_parts():
        name, content = (
            part.get_param("name", header="Content-Disposition"),
            part.get_payload(decode=True),
        )
        if isinstance(name, str) and isinstance(content, bytes):
            parts[name] = _Part(content, part.get_filename())
    return parts


def _text(part: _Part | None) -> str:
    return part.content.decode("utf-8", "replace").strip() if part else ""


HANDLERS: Final[dict[str, Handler]] = {
    "v2_list_files": list_files,
    "v2_upload_file": upload_file,
}

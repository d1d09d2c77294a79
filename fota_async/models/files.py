"""Software, and configuration files for HTTP devices (vendor page "Upload a New File")."""

import attrs

from fota_async.wire.convert import member, required
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class Software:
    """Software for HTTP devices; `software_name` is what a schedule request calls it."""

    software_name: str = required("softwareName", "software")
    launch_date: Timestamp | None = member("launchDate")
    release_note: str | None = member("releaseNote")
    model: str | None = member("model")
    make: str | None = member("make")
    distribution_type: str | None = member("distributionType")
    device_platform_id: str | None = member("devicePlatformId")


@attrs.frozen
class UploadedFile:
    """A file that campaigns can bring to devices.

    Attributes:
        file_name: The server's own name for it, which a file campaign must use.
        local_target_path: Where it goes on a device.
        launch_date: When it became available; only the answer to an upload says so.
    """

    file_name: str | None = member("fileName")
    file_version: str | None = member("fileVersion")
    release_note: str | None = member("releaseNote")
    make: str | None = member("make")
    model: str | None = member("model")
    local_target_path: str | None = member("localTargetPath")
    distribution_type: str | None = member("distributionType")
    device_platform_id: str | None = member("devicePlatformId")
    launch_date: Timestamp | None = member("launchDate")


@attrs.frozen
class FileList:
    """The files of an account, at most 100."""

    files: tuple[UploadedFile, ...] = member("AvailableFilesResponse", default=(), bare=True)

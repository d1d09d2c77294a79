"""Configuration files for HTTP devices."""

from os import PathLike
from pathlib import Path

from fota_async.api.context import Context
from fota_async.bodies import Upload
from fota_async.models.files import FileList, UploadedFile
from fota_async.wire.route import get, post

LIST = get("/api/fota/v2/files/{account}", FileList)
UPLOAD = post("/api/fota/v2/files/{account}", UploadedFile)


class FilesV2:
    """The files that campaigns can bring to HTTP devices (vendor page "Upload a New File").

    >>> _ = Path("config.bin").write_bytes(bytes(1000))
    >>> file = await fota.v2.files.upload(
    ...     "config.bin",
    ...     file_version="1.0",
    ...     make="Verizon",
    ...     model="Model-A",
    ...     local_target_path="/VZWFOTA/config.bin",
    ... )
    >>> file.file_name in [one.file_name for one in await fota.v2.files.list("HTTP")]
    True
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, distribution_type: str) -> tuple[UploadedFile, ...]:
        """List the uploaded files. An answer holds at most 100 and does not say whether more are.

        Args:
            distribution_type: For instance `HTTP`; passed on as it is.

        Raises:
            CallError: The call did not give its result.
        """
        query = {"distributionType": distribution_type}
        return (await self._context.call(LIST, query=query)).files

    async def upload(
        self,
        file: str | PathLike[str],
        *,
        file_version: str,
        make: str,
        model: str,
        local_target_path: str,
    ) -> UploadedFile:
        """Upload a file for campaigns; it is read as it is sent, whatever its size.

        Never repeated after a lost answer; `list` then tells.

        Args:
            file: Path of the file. The vendor documents no largest size.
            file_version: Version to give it.
            make: Maker of the devices it is for.
            model: Model of the devices it is for.
            local_target_path: Where it goes on a device.

        Returns:
            The file; `schedule_file` wants its `file_name`, which the server makes up.

        Raises:
            ConfigurationError: The file cannot be read; nothing was sent.
            LostError: No answer came, and the file may be there all the same.
            RefusedError: The API said no.
            CallError: Any other way for a call to end.
        """
        fields = {
            "fileVersion": file_version,
            "make": make,
            "model": model,
            "localTargetPath": local_target_path,
        }
        body = Upload(Path(file), "fileupload", fields)
        return await self._context.call(UPLOAD, body=body)

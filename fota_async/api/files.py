"""Configuration files for HTTP devices."""

from fota_async.api.context import Context
from fota_async.models.files import FileList, UploadedFile
from fota_async.wire.route import get

LIST = get("/api/fota/v2/files/{account}", FileList)


class FilesV2:
    """The files that campaigns can bring to HTTP devices (vendor page "Upload a New File")."""

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

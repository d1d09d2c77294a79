"""Software for HTTP devices."""

from fota_async.api.context import Context
from fota_async.models.files import Software
from fota_async.wire.route import get, list_of

LIST = get("/api/fota/v2/software/{account}", list_of(Software))


class SoftwareV2:
    """The software for HTTP devices of the account.

    Wire contract, operation `v2_list_software`.

    >>> for software in await fota.v2.software.list(distribution_type="HTTP"):
    ...     print(software.software_name, software.launch_date)
    FOTA_Verizon_Model-A_02To03_HF 2020-08-31
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, *, distribution_type: str | None = None) -> tuple[Software, ...]:
        """List the software there is for the devices of the account.

        Args:
            distribution_type: Only software of this protocol, for instance `HTTP`; passed on as
                it is.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST, query={"distributionType": distribution_type})

"""Cancellation candidates: devices that lose their licences first when a subscription shrinks.

After them come the oldest assignments. The vendor's SDK marks all of these calls as deprecated.
"""

from collections.abc import Sequence

from fota_async.api.context import Context, check_device_ids
from fota_async.api.pages import Pages
from fota_async.models.licenses import (
    CancelCandidatePage,
    CancelCandidatesChange,
    CancelCandidatesRequest,
)
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, or_nothing, post

LIST_V1 = get("/api/fota/v1/licenses/{account}/cancel/index/{start_index}", CancelCandidatePage)
LIST_V2 = get("/api/fota/v2/licenses/{account}/cancel", CancelCandidatePage)
STORE_V1 = post("/api/fota/v1/licenses/{account}/cancel", CancelCandidatesChange, Repeat.IDEMPOTENT)
STORE_V2 = post("/api/fota/v2/licenses/{account}/cancel", CancelCandidatesChange, Repeat.IDEMPOTENT)
CLEAR_V1 = or_nothing(delete("/api/fota/v1/licenses/{account}/cancel", SuccessFlag))
CLEAR_V2 = or_nothing(delete("/api/fota/v2/licenses/{account}/cancel", SuccessFlag))


class CancelCandidatesV1:
    """The v1 cancellation candidates; deprecated by the vendor's SDK.

    Vendor pages "Create a List of Licenses to Remove", "Get the List of Licenses to Remove",
    "Delete the List of Licenses to Remove".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self) -> Pages[CancelCandidatePage]:
        """List the candidates, 1,000 a page.

        Returns:
            Pages of IMEIs; see there for what is raised.
        """
        return self._context.pages(LIST_V1, "start_index")

    async def append_batch(self, device_ids: Sequence[str]) -> CancelCandidatesChange:
        """Add devices to the stored list, in one request.

        Repeated after a lost answer.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        ids = check_device_ids(device_ids)
        body = CancelCandidatesRequest(ids, type="append")
        return await self._context.call(STORE_V1, body=body)

    async def replace(self, device_ids: Sequence[str]) -> CancelCandidatesChange:
        """Store these devices, and forget those stored before.

        Repeated after a lost answer.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        ids = check_device_ids(device_ids)
        body = CancelCandidatesRequest(ids)
        return await self._context.call(STORE_V1, body=body)

    async def clear(self) -> None:
        """Forget the stored list.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(CLEAR_V1)


class CancelCandidatesV2:
    """The v2 cancellation candidates; deprecated by the vendor's SDK.

    Vendor pages "Create a List of Licenses to Remove", "Get the List of Licenses to Remove",
    "Delete the List of Licenses to Remove".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self) -> Pages[CancelCandidatePage]:
        """List the candidates.

        Returns:
            Pages of IMEIs; see there for what is raised.
        """
        return self._context.pages(LIST_V2, "startIndex")

    async def append_batch(self, device_ids: Sequence[str]) -> CancelCandidatesChange:
        """Add devices to the stored list, in one request.

        Repeated after a lost answer.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        ids = check_device_ids(device_ids)
        body = CancelCandidatesRequest(ids, type="append", count=len(ids))
        return await self._context.call(STORE_V2, body=body)

    async def replace(self, device_ids: Sequence[str]) -> CancelCandidatesChange:
        """Store these devices, and forget those stored before.

        Repeated after a lost answer.

        Args:
            device_ids: IMEIs. The vendor documents no limit.

        Raises:
            ConfigurationError: No device, or one that is no device id; nothing was sent.
            CallError: The call did not give its result.
        """
        ids = check_device_ids(device_ids)
        body = CancelCandidatesRequest(ids, count=len(ids))
        return await self._context.call(STORE_V2, body=body)

    async def clear(self) -> None:
        """Forget the stored list.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(CLEAR_V2)

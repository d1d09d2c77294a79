"""Subscriptions: what the account pays for."""

from fota_async.api.context import Context
from fota_async.models.subscriptions import Subscription
from fota_async.wire.route import get

GET_V1 = get("/api/fota/v1/subscriptions/{account}", Subscription)
GET_V2 = get("/api/fota/v2/subscriptions/{account}", Subscription)
GET_V3 = get("/api/fota/v3/subscriptions/{account}", Subscription)


class SubscriptionsV1:
    """The v1 subscription (vendor page "Get Account Subscription Status").

    >>> subscription = await fota.v1.subscriptions.get()
    >>> subscription.purchase_type, subscription.license_count
    ('TS-HFOTA-EVNT,TS-HFOTA-MRC', 5000)
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Subscription:
        """Read the subscription; only monthly billed accounts have licences to count.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V1)


class SubscriptionsV2:
    """The v2 subscription (vendor page "Get Account Subscription Status", v2).

    >>> subscription = await fota.v2.subscriptions.get()
    >>> subscription.purchase_type, subscription.license_count
    ('TS-HFOTA-EVNT,TS-HFOTA-MRC', 5000)
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Subscription:
        """Read the subscription; only monthly billed accounts have licences to count.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V2)


class SubscriptionsV3:
    """The v3 subscription (vendor page "Get Account Subscription Status", v3).

    >>> subscription = await fota.v3.subscriptions.get()
    >>> subscription.purchase_type, subscription.license_count
    ('TS-HFOTA-EVNT,TS-HFOTA-MRC', 5000)
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Subscription:
        """Read the subscription; only monthly billed accounts have licences to count.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V3)

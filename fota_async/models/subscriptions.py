"""The subscription of an account (vendor page "Get Account Subscription Status")."""

import attrs

from fota_async.wire.convert import member
from fota_async.wire.timestamp import Timestamp


@attrs.frozen
class Subscription:
    """What an account pays for.

    Attributes:
        purchase_type: Subscription codes with commas between them: `TS-HFOTA-EVNT` is billed by
            event, `TS-HFOTA-MRC` by month.
        license_count: Licences bought, for monthly billing.
        license_used_count: Licences assigned.
        update_time: When this last changed.
    """

    account_name: str | None = member("accountName")
    purchase_type: str | None = member("purchaseType")
    license_count: int | None = member("licenseCount")
    license_used_count: int | None = member("licenseUsedCount")
    update_time: Timestamp | None = member("updateTime")

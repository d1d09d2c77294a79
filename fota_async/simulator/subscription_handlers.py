"""What an account has bought; the same in every version."""

from typing import Final

from fota_async.simulator.accounts import account_of
from fota_async.simulator.days import rfc3339
from fota_async.simulator.exchange import Answer, Call
from fota_async.simulator.world import Handler, World


def get_subscription(world: World, call: Call, _now: float) -> Answer:
    """Show the kinds of subscription and the number of licences."""
    account = account_of(world, call)
    return Answer.of(
        {
            "accountName": account.name,
            "purchaseType": "TS-HFOTA-EVNT,TS-HFOTA-MRC",
            "licenseCount": account.licenses.total,
            "licenseUsedCount": account.licenses.used,
            "updateTime": rfc3339(world.calendar.time_at(account.licenses.updated)),
        }
    )


HANDLERS: Final[dict[str, Handler]] = {
    f"{version}_get_subscription": get_subscription for version in ("v1", "v2", "v3")
}

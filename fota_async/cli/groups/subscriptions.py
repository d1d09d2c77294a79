"""`fota subscriptions`."""

from cyclopts import App

from fota_async.cli.arguments import Api
from fota_async.cli.calls import CALL, Call, show, version

app = App(
    name="subscriptions",
    help="""What the account pays for.

    Example: fota subscriptions get --api v1
    """,
)


@app.command
async def get(*, api: Api, flags: Call = CALL) -> int:
    """Read the subscription; only monthly billed accounts have licences to count.

    Example: fota subscriptions get --api v3 --json
    """
    return await show(lambda client: version(client, api).subscriptions.get(), flags)

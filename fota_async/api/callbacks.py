"""Callbacks: the address at which an account hears of firmware and of its upgrades."""

from fota_async.api.context import Context
from fota_async.errors import ConfigurationError
from fota_async.models.callbacks import Callback
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, or_nothing, post, put

GET_CALLBACK = or_nothing(get("/api/fota/v2/callbacks/{account}", Callback))
REGISTER_CALLBACK = post("/api/fota/v2/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
MODIFY_CALLBACK = put("/api/fota/v2/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
DEREGISTER_CALLBACK = or_nothing(delete("/api/fota/v2/callbacks/{account}", SuccessFlag))


class CallbacksV2:
    """The v2 callback listener of the account.

    Vendor pages "Register a Callback Listener", "Modify a Callback Listener URL".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Callback | None:
        """Read the registered listener; None when there is none.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.session.call(GET_CALLBACK, self._values)

    async def register(self, url: str) -> Callback:
        """Register a listener; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.session.call(
            REGISTER_CALLBACK, self._values, body=_listener(url)
        )

    async def modify(self, url: str) -> Callback:
        """Change the listener's address; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.session.call(MODIFY_CALLBACK, self._values, body=_listener(url))

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.session.call(DEREGISTER_CALLBACK, self._values)

    @property
    def _values(self) -> dict[str, str]:
        return {"account": self._context.account}


def _listener(url: str) -> Callback:
    if not isinstance(url, str) or not url.lower().startswith("https://"):
        raise ConfigurationError(f"a callback listener needs an https:// address, not {url!r}")
    return Callback(url)

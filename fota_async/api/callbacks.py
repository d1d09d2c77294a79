"""Callbacks: the address at which an account hears of firmware and of its upgrades."""

from fota_async.api.context import Context
from fota_async.errors import ConfigurationError
from fota_async.models.callbacks import (
    Callback,
    CallbackRegistration,
    RegisterCallback,
    RegisteredCallback,
)
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, delete, get, list_of, or_nothing, post, put

LIST_V1 = or_nothing(get("/api/fota/v1/callbacks/{account}", list_of(RegisteredCallback)))
REGISTER_V1 = post("/api/fota/v1/callbacks/{account}", CallbackRegistration, Repeat.IDEMPOTENT)
DEREGISTER_V1 = or_nothing(delete("/api/fota/v1/callbacks/{account}/name/{service}", SuccessFlag))
GET_V2 = or_nothing(get("/api/fota/v2/callbacks/{account}", Callback))
REGISTER_V2 = post("/api/fota/v2/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
MODIFY_V2 = put("/api/fota/v2/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
DEREGISTER_V2 = or_nothing(delete("/api/fota/v2/callbacks/{account}", SuccessFlag))
GET_V3 = or_nothing(get("/api/fota/v3/callbacks/{account}", Callback))
REGISTER_V3 = post("/api/fota/v3/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
MODIFY_V3 = put("/api/fota/v3/callbacks/{account}", Callback, Repeat.IDEMPOTENT)
DEREGISTER_V3 = or_nothing(delete("/api/fota/v3/callbacks/{account}", SuccessFlag))

_SERVICE = "Fota"


class CallbacksV1:
    """The v1 callback listener of the account.

    Vendor page "About Software Management Services API Callback Notifications".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self) -> tuple[RegisteredCallback, ...]:
        """Read the registered listeners; none when nothing is registered.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(LIST_V1) or ()

    async def register(
        self, url: str, *, username: str | None = None, password: str | None = None
    ) -> CallbackRegistration:
        """Register a listener; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.
            username: Comes back in every message.
            password: Likewise, in clear text: choose one that opens nothing else.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        body = RegisterCallback(_SERVICE, _https(url), username, password)
        return await self._context.call(REGISTER_V1, body=body)

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(DEREGISTER_V1, service=_SERVICE)


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
        return await self._context.call(GET_V2)

    async def register(self, url: str) -> Callback:
        """Register a listener; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(REGISTER_V2, body=Callback(_https(url)))

    async def modify(self, url: str) -> Callback:
        """Change the listener's address; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(MODIFY_V2, body=Callback(_https(url)))

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(DEREGISTER_V2)


class CallbacksV3:
    """The v3 callback listener of the account.

    Vendor pages "Register a Callback Listener", "Modify a Callback Listener URL".
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Callback | None:
        """Read the registered listener; None when there is none.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(GET_V3)

    async def register(self, url: str) -> Callback:
        """Register a listener; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(REGISTER_V3, body=Callback(_https(url)))

    async def modify(self, url: str) -> Callback:
        """Change the listener's address; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(MODIFY_V3, body=Callback(_https(url)))

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(DEREGISTER_V3)


def _https(url: str) -> str:
    if not isinstance(url, str) or not url.lower().startswith("https://"):
        raise ConfigurationError(f"a callback listener needs an https:// address, not {url!r}")
    return url

"""Callbacks: the address at which an account hears of firmware and of its upgrades."""

from typing import ClassVar

from fota_async.api.context import Context
from fota_async.errors import ConfigurationError, RegistrationError
from fota_async.models.callbacks import (
    Callback,
    CallbackRegistration,
    RegisterCallback,
    RegisteredCallback,
)
from fota_async.models.success import SuccessFlag
from fota_async.wire.route import Repeat, Route, delete, get, list_of, or_nothing, post, put

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

    >>> listener = await fota.v1.callbacks.ensure("https://fota.example.com/v1")
    >>> listener.url
    'https://fota.example.com/v1'
    >>> await fota.v1.callbacks.deregister()
    >>> await fota.v1.callbacks.register("https://fota.example.com/v1", username="listener")
    CallbackRegistration(account_name='0402196254-00001', service_name='Fota')
    >>> [listener.url for listener in await fota.v1.callbacks.list()]
    ['https://fota.example.com/v1']
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

    async def ensure(
        self, url: str, *, username: str | None = None, password: str | None = None
    ) -> RegisteredCallback:
        """Have this listener registered: read, register where needed, and read again.

        Args:
            url: HTTPS address that the vendor's data centers can reach.
            username: Comes back in every message. Where a reading does not show it, and the
                password, as they are wanted, the listener is registered anew.
            password: Likewise, in clear text: choose one that opens nothing else.

        Returns:
            The listener as the last reading showed it.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            RegistrationError: The API took it, and shows another or none.
            CallError: A call did not give its result.
        """
        wanted = (_https(url), username, password)
        listener = await self._registered()
        if listener and (listener.url, listener.username, listener.password) == wanted:
            return listener
        await self.register(url, username=username, password=password)
        listener = await self._registered()
        if listener is None or listener.url != url:
            raise _not_registered(url, listener.url if listener else None)
        return listener

    async def _registered(self) -> RegisteredCallback | None:
        mine = [one for one in await self.list() if one.name in {None, _SERVICE}]
        return mine[0] if mine else None

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(DEREGISTER_V1, service=_SERVICE)


class _Listener:
    """The one callback listener of an account, in v2 and v3."""

    _get: ClassVar[Route[Callback | None]]
    _register: ClassVar[Route[Callback]]
    _modify: ClassVar[Route[Callback]]
    _deregister: ClassVar[Route[SuccessFlag | None]]

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self) -> Callback | None:
        """Read the registered listener; None when there is none.

        Raises:
            CallError: The call did not give its result.
        """
        return await self._context.call(self._get)

    async def register(self, url: str) -> Callback:
        """Register a listener; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(self._register, body=Callback(_https(url)))

    async def modify(self, url: str) -> Callback:
        """Change the listener's address; it replaces the one registered before, if any.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            CallError: The call did not give its result.
        """
        return await self._context.call(self._modify, body=Callback(_https(url)))

    async def ensure(self, url: str) -> Callback:
        """Have this listener registered: read, register or modify where needed, and read again.

        Args:
            url: HTTPS address that the vendor's data centers can reach.

        Returns:
            The listener as the last reading showed it.

        Raises:
            ConfigurationError: The address is not HTTPS; nothing was sent.
            RegistrationError: The API took it, and shows another or none.
            CallError: A call did not give its result.
        """
        _https(url)
        listener = await self.get()
        if listener is None:
            await self.register(url)
        elif listener.url != url:
            await self.modify(url)
        else:
            return listener
        listener = await self.get()
        if listener is None or listener.url != url:
            raise _not_registered(url, listener.url if listener else None)
        return listener

    async def deregister(self) -> None:
        """Remove the listener.

        Repeated after a lost answer; the second answer may then be a refusal.

        Raises:
            CallError: The call did not give its result.
        """
        await self._context.call(self._deregister)


class CallbacksV2(_Listener):
    """The v2 callback listener of the account.

    Vendor pages "Register a Callback Listener", "Modify a Callback Listener URL".

    >>> await fota.v2.callbacks.register("https://fota.example.com/v2")
    Callback(url='https://fota.example.com/v2')
    >>> await fota.v2.callbacks.modify("https://fota.example.com/callbacks/v2")
    Callback(url='https://fota.example.com/callbacks/v2')
    >>> await fota.v2.callbacks.get()
    Callback(url='https://fota.example.com/callbacks/v2')
    >>> await fota.v2.callbacks.deregister()
    >>> await fota.v2.callbacks.ensure("https://fota.example.com/v2")
    Callback(url='https://fota.example.com/v2')
    """

    _get = GET_V2
    _register = REGISTER_V2
    _modify = MODIFY_V2
    _deregister = DEREGISTER_V2


class CallbacksV3(_Listener):
    """The v3 callback listener of the account.

    Vendor pages "Register a Callback Listener", "Modify a Callback Listener URL".

    >>> await fota.v3.callbacks.register("https://fota.example.com/v3")
    Callback(url='https://fota.example.com/v3')
    >>> await fota.v3.callbacks.modify("https://fota.example.com/callbacks/v3")
    Callback(url='https://fota.example.com/callbacks/v3')
    >>> await fota.v3.callbacks.get()
    Callback(url='https://fota.example.com/callbacks/v3')
    >>> await fota.v3.callbacks.deregister()
    >>> await fota.v3.callbacks.ensure("https://fota.example.com/v3")
    Callback(url='https://fota.example.com/v3')
    """

    _get = GET_V3
    _register = REGISTER_V3
    _modify = MODIFY_V3
    _deregister = DEREGISTER_V3


def _https(url: str) -> str:
    if not isinstance(url, str) or not url.lower().startswith("https://"):
        raise ConfigurationError(f"a callback listener needs an https:// address, not {url!r}")
    return url


def _not_registered(url: str, shown: str | None) -> RegistrationError:
    return RegistrationError(
        f"the API took the listener {url} and shows {shown or 'none'}; read it again in a while, "
        "and see who else registers listeners for this account"
    )

"""Callback registrations (vendor pages "Register", "Modify a Callback Listener URL")."""

import attrs

from fota_async.wire.convert import member, required


@attrs.frozen
class Callback:
    """The listener of an account in v2 and v3.

    >>> await fota.v3.callbacks.ensure("https://fota.example.com/v3")
    Callback(url='https://fota.example.com/v3')

    Attributes:
        url: HTTPS address that the callback service posts to. The vendor's pages spell this
            member `url`, `URL` and `callback`.
    """

    url: str = required("url", "callback")


@attrs.frozen
class RegisterCallback:
    """The body of a request to register a v1 listener."""

    name: str = required("name")
    url: str = required("url")
    username: str | None = member("username")
    password: str | None = member("password", secret=True)


@attrs.frozen
class CallbackRegistration:
    """That a v1 listener was registered."""

    account_name: str | None = member("accountName")
    service_name: str | None = member("serviceName")


@attrs.frozen
class RegisteredCallback:
    """A listener of an account in v1.

    Attributes:
        account_name: Billing account.
        name: The service, `Fota`.
        url: Address that the callback service posts to.
        username: What the service puts into every message, in clear text.
        password: Likewise.
    """

    url: str = required("url")
    account_name: str | None = member("aname")
    name: str | None = member("name")
    username: str | None = member("username")
    password: str | None = member("password", secret=True)

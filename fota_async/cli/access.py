"""How a command reaches the API: options, and the client they become."""

from typing import Annotated

import attrs
import platformdirs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.cli.refused_logins import LoginGuard, RefusedLogins
from fota_async.cli.secret_sources import credentials_for
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError
from fota_async.events import Event, EventHook
from fota_async.options import SessionOptions
from fota_async.retry import RetryPolicy
from fota_async.transport import check_base_url
from fota_async.tries import BASE_URL

_ACCESS = Group("Access", sort_key=3)
OUTPUT = Group("Output", sort_key=4)


@attrs.frozen(kw_only=True)
class AccessFlags:
    """The options of every command that calls the API. Secrets are none of them."""

    account: Annotated[str | None, Parameter(group=_ACCESS, help="Billing account.")] = None
    base_url: Annotated[str, Parameter(group=_ACCESS, help="Scheme, host and port of the API.")] = (
        BASE_URL
    )
    timeout: Annotated[
        float,
        Parameter(group=_ACCESS, validator=Number(gt=0), help="Seconds a try waits for an answer."),
    ] = 30.0
    trust_env: Annotated[
        bool,
        Parameter(group=_ACCESS, help="Go through the proxy that HTTPS_PROXY and NO_PROXY name."),
    ] = False
    config: Annotated[
        str | None,
        Parameter(
            group=_ACCESS,
            help="File of settings, in place of FOTA_CONFIG and of what `fota config path` prints.",
        ),
    ] = None
    try_login_again: Annotated[
        bool,
        Parameter(
            negative=(),
            group=_ACCESS,
            show_default=False,
            help="Log in though this user name and password were refused before: five refusals in "
            "a row lock the user.",
        ),
    ] = False

    def client(self, hook: EventHook, *, max_rate: float | None = None) -> FotaClient:
        """Return a client, with secrets from the environment, the keyring or the terminal.

        Args:
            hook: Gets every event.
            max_rate: The most requests a second.

        Raises:
            ConfigurationError: An option or a secret is missing or cannot work.
            LoginRefusedError: The login was refused before; nothing was sent.
        """
        return self.guarded_client(hook, max_rate=max_rate)[0]

    def guarded_client(
        self,
        hook: EventHook,
        *,
        max_rate: float | None = None,
        retry: RetryPolicy | None = None,
        one_login: bool = False,
    ) -> tuple[FotaClient, LoginGuard]:
        """Return likewise a client, and what keeps it from a login that was refused before.

        Args:
            hook: Gets every event.
            max_rate: The most requests a second.
            retry: How often and how long a call is tried.
            one_login: Whether a session that ends is not followed by another login.

        Raises:
            ConfigurationError: An option or a secret is missing or cannot work.
            LoginRefusedError: The login was refused before; nothing was sent.
        """
        if not self.account:
            raise ConfigurationError(
                "there is no account: give --account, or set THINGSPACE_ACCOUNT, or `account` in "
                "the file that `fota config path` prints; nothing was sent"
            )
        base_url = check_base_url(self.base_url)
        directory = platformdirs.user_state_path("fota_async") / "refused-logins"
        credentials = credentials_for(base_url)
        guard = LoginGuard(RefusedLogins(directory), base_url, credentials, once=one_login)
        if self.try_login_again:
            guard.waive()
        guard.check()

        def tell(event: Event) -> None:
            guard.hear(event)
            hook(event)

        session: SessionOptions = {
            "base_url": base_url,
            "timeout": self.timeout,
            "trust_env": self.trust_env,
            "max_rate": max_rate,
            "on_event": tell,
            "around_login": guard.turn,
        }
        if retry is not None:
            session["retry"] = retry
        return FotaClient(guard.credentials, account=self.account, **session), guard

"""How a command reaches the API: options, and the client they become."""

from typing import Annotated

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.client import FotaClient
from fota_async.events import EventHook
from fota_async.options import SessionOptions

_ACCESS = Group("Access", sort_key=3)
OUTPUT = Group("Output", sort_key=4)


@attrs.frozen(kw_only=True)
class AccessFlags:
    """The options of every command that calls the API. Secrets are none of them."""

    account: Annotated[
        str | None,
        Parameter(group=_ACCESS, help="Billing account; else THINGSPACE_ACCOUNT."),
    ] = None
    base_url: Annotated[
        str | None,
        Parameter(
            group=_ACCESS,
            help="Scheme, host and port of the API; else THINGSPACE_BASE_URL, else Verizon's.",
        ),
    ] = None
    timeout: Annotated[
        float,
        Parameter(group=_ACCESS, validator=Number(gt=0), help="Seconds a try waits for an answer."),
    ] = 30.0

    def client(self, hook: EventHook, *, max_rate: float | None = None) -> FotaClient:
        """Return a client, with secrets from the environment.

        Args:
            hook: Gets every event.
            max_rate: The most requests a second.

        Raises:
            ConfigurationError: An option or the environment cannot work.
        """
        session: SessionOptions = {
            "timeout": self.timeout,
            "max_rate": max_rate,
            "on_event": hook,
        }
        if self.base_url is not None:
            session["base_url"] = self.base_url
        return FotaClient.from_env(account=self.account, **session)

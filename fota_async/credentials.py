"""What opens the API, and the tokens that it is exchanged for."""

import base64
from typing import Protocol

import attrs
import msgspec

from fota_async.errors import ConfigurationError


def _is_given(_: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"the credentials lack a {attribute.name}")
    # So Python reads a variable of the environment that is no UTF-8.
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise ConfigurationError(f"the {attribute.name} holds what is no text in UTF-8")


@attrs.frozen(repr=False)
class Credentials:
    """What opens the API: an application's key and secret, and a user's name and password.

    >>> credentials = Credentials(
    ...     key=simulator.key,
    ...     secret=simulator.secret,
    ...     username=simulator.username,
    ...     password=simulator.password,
    ... )
    >>> credentials
    Credentials(***)
    >>> client = FotaClient(credentials, account=simulator.account, base_url=simulator.base_url)
    >>> await client.aclose()

    Args:
        key: Application key of the ThingSpace account.
        secret: Application secret.
        username: User of the session ("UWS user").
        password: Its password.

    Raises:
        ConfigurationError: One of them is empty, or no text that UTF-8 can write.
    """

    key: str = attrs.field(validator=_is_given)
    secret: str = attrs.field(validator=_is_given)
    username: str = attrs.field(validator=_is_given)
    password: str = attrs.field(validator=_is_given)

    def __repr__(self) -> str:
        return "Credentials(***)"

    @property
    def basic(self) -> str:
        """Value of the Authorization header of the token endpoint."""
        return "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()

    @property
    def secrets(self) -> list[str]:
        """Every value that must not be seen, the longest first."""
        given = attrs.astuple(self)
        # A server that echoes a body echoes them as JSON writes them.
        escaped = (msgspec.json.encode(value).decode()[1:-1] for value in given)
        values = {self.basic.removeprefix("Basic "), *given, *escaped}
        return sorted(values, key=len, reverse=True)


@attrs.frozen(repr=False)
class Tokens:
    """Both tokens, with the generation of each, so that a refusal names what was refused.

    >>> tokens = Tokens("the-bearer", "the-session")
    >>> tokens
    Tokens(***, generations=0, 0)
    >>> tokens.headers
    {'Authorization': 'Bearer the-bearer', 'VZ-M2M-Token': 'the-session'}

    Attributes:
        bearer: What the token endpoint gave.
        session: What the login gave.
        bearer_generation: How many bearers were had before, for a provider that counts them.
        session_generation: Likewise, sessions.
    """

    bearer: str
    session: str
    bearer_generation: int = 0
    session_generation: int = 0

    def __repr__(self) -> str:
        return f"Tokens(***, generations={self.bearer_generation}, {self.session_generation})"

    @property
    def headers(self) -> dict[str, str]:
        """The two headers that every call of the API carries."""
        return {"Authorization": f"Bearer {self.bearer}", "VZ-M2M-Token": self.session}


class TokenProvider(Protocol):
    """Where a session manager gets its tokens from.

    >>> class TokensOfAVault:
    ...     async def get(self) -> Tokens:
    ...         return Tokens("bearer-from-the-vault", "session-from-the-vault")
    ...     async def bearer_refused(self, tokens: Tokens) -> bool:
    ...         return False  # True where the vault may have another one by now
    ...     async def session_ended(self, tokens: Tokens) -> None:
    ...         raise SessionEndedError("the vault has no other session")
    ...     async def logout(self) -> None:
    ...         pass  # others use the session, too
    >>> fota_of_vault = FotaClient(tokens=TokensOfAVault(), account=simulator.account)
    >>> await fota_of_vault.aclose()
    """

    async def get(self) -> Tokens:
        """Return tokens to use now.

        Raises:
            AuthError: There are none to be had; any other error would tell of the call itself.
        """
        ...

    async def bearer_refused(self, tokens: Tokens) -> bool:
        """Hear that the bearer in `tokens` was refused; return whether trying again may help.

        Args:
            tokens: As `get` returned them; there may be newer ones by now.
        """
        ...

    async def session_ended(self, tokens: Tokens) -> None:
        """Hear that the session in `tokens` ended.

        Args:
            tokens: As `get` returned them; there may be newer ones by now.

        Raises:
            SessionEndedError: Sessions end too often for another login.
        """
        ...

    async def logout(self) -> None:
        """End the session, if there is one."""
        ...

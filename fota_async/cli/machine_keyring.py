"""The keyring of this machine, where there is one: secrets by name, for each address of the API."""

from typing import TYPE_CHECKING

from fota_async.errors import ConfigurationError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_NONE = "this machine has no keyring that can be used"
_EXTRA = "pip install 'fota_async[keyring]'"


def get(base_url: str, name: str) -> str | None:
    """Return a secret; None where it is not kept, or nothing can be."""
    keyring = _usable()
    if keyring is None:
        return None
    from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

    try:
        return keyring.get_password(_service(base_url), name)
    except KeyringError:  # locked, or nobody to unlock it: as good as none
        return None


def check() -> None:
    """Make sure that there is a keyring.

    Raises:
        ConfigurationError: There is none.
    """
    _needed()


def keep(base_url: str, secrets: dict[str, str]) -> None:
    """Keep secrets, by name.

    Raises:
        ConfigurationError: There is no keyring that takes them.
    """
    keyring = _needed()
    from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

    try:
        for name, value in secrets.items():
            keyring.set_password(_service(base_url), name, value)
    except KeyringError as error:
        raise ConfigurationError(f"the keyring does not take them: {error}") from None


def forget(base_url: str, names: list[str]) -> list[str]:
    """Delete secrets; return the names of those that were there.

    Raises:
        ConfigurationError: There is no keyring that could be asked to.
    """
    keyring = _needed()
    from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

    there = [name for name in names if get(base_url, name) is not None]
    try:
        for name in there:
            keyring.delete_password(_service(base_url), name)
    except KeyringError as error:
        raise ConfigurationError(f"the keyring does not give them up: {error}") from None
    return there


def what_it_needs() -> str:
    """Return what a keyring here needs first, to stand behind its mention; or nothing."""
    try:
        import keyring  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError:
        return f" (after `{_EXTRA}`)"
    return "" if _usable() is not None else f" ({_NONE})"


def _needed() -> "KeyringBackend":
    keyring = _usable()
    if keyring is None:
        raise ConfigurationError(f"nothing can be kept{what_it_needs()}; use the environment")
    return keyring


def _usable() -> "KeyringBackend | None":
    """Return the keyring; None where the extra is missing or no backend works."""
    try:
        import keyring  # noqa: PLC0415 - an extra
        from keyring.backends import fail, null  # noqa: PLC0415 - likewise
    except ModuleNotFoundError:
        return None
    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring | null.Keyring) else backend


def _service(base_url: str) -> str:
    return f"fota {base_url}"

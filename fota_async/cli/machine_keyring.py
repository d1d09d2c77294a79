"""The keyring of this machine, where there is one: secrets by name, for each address of the API.

Its backends are of many makers, and what they raise is not always a `KeyringError`.
"""

from importlib.util import find_spec
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
    try:
        return keyring.get_password(_service(base_url), name)
    except Exception:  # noqa: BLE001 - locked, out of reach, damaged: as good as none
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
    try:
        for name, value in secrets.items():
            keyring.set_password(_service(base_url), name, value)
    except Exception as error:  # noqa: BLE001 - see above
        raise ConfigurationError(f"the keyring does not take them: {_why(error)}") from None


def forget(base_url: str, names: list[str]) -> list[str]:
    """Delete secrets; return the names of those that were there.

    Raises:
        ConfigurationError: There is no keyring that could be asked to.
    """
    keyring = _needed()
    there = [name for name in names if get(base_url, name) is not None]
    try:
        for name in there:
            keyring.delete_password(_service(base_url), name)
    except Exception as error:  # noqa: BLE001 - see above
        raise ConfigurationError(f"the keyring does not give them up: {_why(error)}") from None
    return there


def what_it_needs() -> str:
    """Return what a keyring here needs first, to stand behind its mention; or nothing."""
    if find_spec("keyring") is None:
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

        backend = keyring.get_keyring()
    except Exception:  # noqa: BLE001 - its own settings may be damaged, or name what is not there
        return None
    return None if isinstance(backend, fail.Keyring | null.Keyring) else backend


def _why(error: Exception) -> str:
    from keyring.errors import KeyringError  # noqa: PLC0415 - an extra

    # What others say may repeat the secret they were given.
    return str(error) if isinstance(error, KeyringError) else type(error).__name__


def _service(base_url: str) -> str:
    return f"fota {base_url}"

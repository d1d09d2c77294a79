"""Packages that only their users need."""

from importlib import import_module
from types import ModuleType

from fota_async.errors import ConfigurationError


def needed(module: str, extra: str) -> ModuleType:
    """Return a module of a package that may be missing.

    Raises:
        ConfigurationError: It is.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{module} cannot be imported ({error}); pip install 'fota_async[{extra}]'"
        ) from error

"""Where secrets come from: the environment, the keyring, or whoever sits at the terminal."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass

import attrs

from fota_async.cli import machine_keyring
from fota_async.cli.output import say
from fota_async.credentials import Credentials
from fota_async.errors import ConfigurationError

SECRETS = {
    "key": "Application key",
    "secret": "Application secret",
    "username": "User name",
    "password": "Password",
}
"""By name: what to call it when it is asked for."""


@attrs.frozen
class Secret:
    """A secret, and the variable or the keyring that it comes from."""

    value: str = attrs.field(repr=False)
    source: str


def variable(name: str) -> str:
    """Return the variable of the environment that a setting or a secret may come from."""
    return f"THINGSPACE_{name.upper()}"


def stored_secrets(base_url: str) -> dict[str, Secret]:
    """Return the secrets that are there without asking anybody, by name.

    Args:
        base_url: Address of the API; the keyring keeps secrets for each.
    """
    found = {
        name: Secret(os.environ[variable(name)], variable(name))
        for name in SECRETS
        if os.environ.get(variable(name))
    }
    if len(found) < len(SECRETS):
        with _interruptible():
            for name in SECRETS.keys() - found.keys():
                value = machine_keyring.get(base_url, name)
                if value:
                    found[name] = Secret(value, "keyring")
    return found


def credentials_for(base_url: str) -> Credentials:
    """Return what opens the API, asking for what is stored nowhere.

    Raises:
        ConfigurationError: Something is missing, and nobody can be asked.
    """
    given = {name: one.value for name, one in stored_secrets(base_url).items()}
    missing = [name for name in SECRETS if name not in given]
    if missing and not can_ask():
        raise ConfigurationError(
            f"there is no {', no '.join(missing)}. Set {', '.join(map(variable, missing))}; or "
            f"store them once with `fota config remember`"
            f"{machine_keyring.what_it_needs()}; or call this on a terminal, to be asked; "
            "nothing was sent"
        )
    return Credentials(**given, **{name: ask(name) for name in missing})


def can_ask() -> bool:
    """Return whether somebody can be asked for a secret."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def ask(name: str) -> str:
    """Ask for a secret on the terminal; only a user name shows as it is typed.

    Raises:
        ConfigurationError: Nothing was answered; nothing was sent.
    """
    words = SECRETS[name]
    with _interruptible():
        if name == "username":
            say(f"{words}:")
            answer = sys.stdin.readline().strip()
        else:
            try:
                answer = getpass(f"{words}: ", sys.stderr)
            except EOFError:
                answer = ""
    if not answer:
        raise ConfigurationError(f"no {name} was given; nothing was sent")
    return answer


@contextmanager
def _interruptible() -> Iterator[None]:
    # asyncio's own handler would only cancel a task, which cannot happen before an answer; a
    # keyring may ask somebody, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

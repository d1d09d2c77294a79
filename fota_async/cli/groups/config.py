"""`fota config`."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from fota_async.cli import machine_keyring
from fota_async.cli.calls import JSON_HELP, as_line
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces, say
from fota_async.cli.secret_sources import (
    SECRETS,
    Secret,
    ask,
    can_ask,
    stored_secrets,
    variable,
)
from fota_async.cli.settings import Setting, config_file, load
from fota_async.cli.tables import list_table
from fota_async.errors import ConfigurationError
from fota_async.transport import check_base_url

app = App(
    name="config",
    help="""What is set for all commands, and the secrets in the keyring of this machine.

    Example: fota config show
    """,
)

_Config = Annotated[str | None, Parameter(help="File of settings, in place of the usual one.")]
_BaseUrl = Annotated[
    str | None,
    Parameter(help="Address of the API that the secrets are for; else what is set."),
]


@app.command
def show(
    *,
    config: _Config = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False, help=JSON_HELP)] = False,
) -> int:
    """List what is set and where it came from; of secrets, whether they are there.

    A flag comes before a variable of the environment, that before the file, and that before the
    default. Keys of the file are the names that this lists.

    Example: fota config show --json
    """
    settings = load(config)
    secrets = stored_secrets(_address(settings))
    items = [*settings, *(_shown(name, secrets) for name in SECRETS)]
    if json or not sys.stdout.isatty():
        pieces = [as_line(item) for item in items]
    else:
        pieces = [list_table(items)]
    return Exit.DONE if print_pieces(pieces) else Exit.ERROR


@app.command
def path(*, config: _Config = None) -> int:
    """Print where the file of settings is, or would be.

    Example: fota config path
    """
    file = config_file(config)
    if not file.exists():
        say("There is no such file yet; it would be this one:")
    return Exit.DONE if print_pieces([f"{file}\n"]) else Exit.ERROR


@app.command
def remember(*, base_url: _BaseUrl = None, config: _Config = None) -> int:
    """Ask for key, secret, user name and password, and keep them in the keyring of this machine.

    Nothing is sent. Variables of the environment, where they are set, come before the keyring.

    Example: fota config remember
    """
    address = check_base_url(base_url or _address(load(config)))
    machine_keyring.check()
    if not can_ask():
        raise ConfigurationError(
            "nobody can be asked for secrets here: call this on a terminal, or set "
            f"{', '.join(map(variable, SECRETS))}"
        )
    machine_keyring.keep(address, {name: ask(name) for name in SECRETS})
    say(f"Kept for {address}.")
    return Exit.DONE


@app.command
def forget(*, base_url: _BaseUrl = None, config: _Config = None) -> int:
    """Delete key, secret, user name and password from the keyring of this machine.

    Example: fota config forget
    """
    address = check_base_url(base_url or _address(load(config)))
    gone = machine_keyring.forget(address, list(SECRETS))
    say(f"Deleted for {address}: {', '.join(gone) or 'nothing was there'}.")
    return Exit.DONE


def _address(settings: list[Setting]) -> str:
    return check_base_url(next(one.value for one in settings if one.name == "base_url"))


def _shown(name: str, secrets: dict[str, Secret]) -> Setting:
    if name not in secrets:
        return Setting(name, None, "nowhere")
    return Setting(name, "***", secrets[name].source)

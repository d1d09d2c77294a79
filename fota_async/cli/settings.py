"""What a site may set for all commands: by variables of the environment, or in a file."""

import itertools
import os
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import platformdirs
from cyclopts import Parameter, Token
from cyclopts.argument import ArgumentCollection
from typed_settings import EnvLoader, SettingsState, TomlFormat, default_converter
from typed_settings.exceptions import InvalidOptionsError, TsError
from typed_settings.loaders import clean_settings

from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.secret_sources import SECRETS, variable
from fota_async.errors import ConfigurationError

CONFIG_VARIABLE = "FOTA_CONFIG"
NAMES = (
    *("account", "base_url", "timeout", "trust_env", "batch_size", "concurrency", "max_rate"),
    *("max_failures", "settle_delay", "grace"),
)
"""The options that can be set. Secrets are none of them."""

_Check: typing.TypeAlias = Callable[[type, Any], object]
_HINTS = typing.get_type_hints(RecordFlags, include_extras=True)
_FLAGS = attrs.fields_dict(RecordFlags)
_WORDS = {str: "text in quotes", bool: "true or false", int: "a whole number", float: "a number"}
_TRUTH = {"true": True, "false": False}


@attrs.frozen
class Setting:
    """What an option is where its flag is not given.

    Attributes:
        name: Its key in the file: the option, with underscores.
        value: What it is; None for nothing.
        source: The variable or the file that says so, or `default`.
    """

    name: str
    value: Any
    source: str


def config_file(given: str | None) -> Path:
    """Return where the file of settings is, or would be.

    Args:
        given: What `--config` says.
    """
    named = given or os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("fota_async") / "config.toml"


def load(given: str | None = None) -> list[Setting]:
    """Return every setting; variables of the environment come before the file.

    Args:
        given: What `--config` says.

    Raises:
        ConfigurationError: The file or a variable holds what cannot be; the text names it.
    """
    file = config_file(given)
    state: SettingsState[Any] = SettingsState(_class(), [], [], default_converter(), Path())
    variables = EnvLoader(variable(""))(state.settings_class, state.options).settings
    found = {name: Setting(name, _FLAGS[name].default, "default") for name in NAMES}
    # All that the file says is looked at, lest a mistake in it shows only when a variable goes.
    for name, value in (_entries(file, state) if _must_be_read(file, given) else {}).items():
        found[name] = _checked(Setting(name, _from_toml(name, value, str(file)), str(file)))
    for name, text in variables.items():
        if text:  # an empty one is how a shell takes it back
            source = variable(name)
            found[name] = _checked(Setting(name, _from_text(name, str(text), source), source))
    return list(found.values())


def fill_in(arguments: ArgumentCollection) -> None:
    """Give the options of a command that were not given as flags what is set for them.

    Raises:
        ConfigurationError: The file or a variable holds what cannot be; the text names it.
    """
    named = arguments["--config"].tokens
    for setting in load(named[-1].value if named else None):
        argument = arguments.get(f"--{setting.name.replace('_', '-')}", None)
        if setting.source != "default" and argument is not None and not argument.has_tokens:
            argument.append(
                Token(keyword=setting.name, value=str(setting.value), source=setting.source)
            )


def _class() -> type:
    fields = {name: attrs.field(type=_kind(name), default=_FLAGS[name].default) for name in NAMES}
    return attrs.make_class("Settings", fields)


def _must_be_read(file: Path, given: str | None) -> bool:
    if file.exists():
        return True
    if given or os.environ.get(CONFIG_VARIABLE):
        who = "--config" if given else CONFIG_VARIABLE
        raise ConfigurationError(f"{who} names {str(file)!r}, and there is no such file")
    return False


def _entries(file: Path, state: SettingsState[Any]) -> dict[str, Any]:
    try:
        entries = TomlFormat(None)(file, state.settings_class, state.options)
    except (TsError, OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{str(file)!r} cannot be read: {error}") from None
    for name in entries:
        secret = name.lower().removeprefix(variable("").lower())
        if secret in SECRETS:
            raise ConfigurationError(
                f"{str(file)!r} holds {name}; a secret must not stand there: take it out, and use "
                f"{variable(secret)} or `fota config remember`"
            )
    try:
        return dict(clean_settings(entries, state.options, file))
    except InvalidOptionsError as error:
        raise ConfigurationError(f"{error}; what can be set is {', '.join(NAMES)}") from None


def _kind(name: str) -> type:
    bare = typing.get_args(_HINTS[name])[0]
    kinds = typing.get_args(bare) or (bare,)
    return next(kind for kind in _WORDS if kind in kinds)


def _from_text(name: str, text: str, source: str) -> Any:
    kind = _kind(name)
    try:
        return _TRUTH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise _wrong(name, text, source) from None


def _from_toml(name: str, value: Any, source: str) -> Any:
    kind = _kind(name)
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    raise _wrong(name, value, source)


def _wrong(name: str, value: Any, source: str) -> ConfigurationError:
    words = _WORDS[_kind(name)]
    return ConfigurationError(f"{source}: {name} is {words}, not {value!r}")


def _checked(setting: Setting) -> Setting:
    parameters = typing.get_args(_HINTS[setting.name])[1:]
    validators = [one.validator for one in parameters if isinstance(one, Parameter)]
    # A parameter makes a tuple of what it was given.
    for check in itertools.chain(*typing.cast("list[tuple[_Check, ...]]", validators)):
        try:
            check(_kind(setting.name), setting.value)
        except ValueError as error:
            raise ConfigurationError(
                f"{setting.source}: {setting.name} cannot be {setting.value!r}: {error}"
            ) from None
    return setting

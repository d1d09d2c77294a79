"""`fota simulate`: the API's twin for other programs."""

import asyncio
import json
import os
import sys
from typing import Annotated, Any, TypeVar

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.cli.arguments import Flat
from fota_async.cli.output import say
from fota_async.cli.signals import on_signals
from fota_async.errors import ConfigurationError
from fota_async.simulator import Faults, Rules, Simulator

T = TypeVar("T", Faults, Rules)


@attrs.frozen(kw_only=True)
class SimulateOptions:
    """The options of `fota simulate`."""

    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="Port; 0 takes a free one.")
    ] = 0
    fault: Annotated[
        list[str],
        Parameter(
            negative=(),
            show_default=False,
            help="Something that goes wrong, as NAME=VALUE; repeatable. The names are those of "
            "fota_async.simulator.Faults, for instance latency=0.05 or drop_after=0.02; a name "
            "that is none of them has all listed.",
        ),
    ] = attrs.field(factory=list)
    rule: Annotated[
        list[str],
        Parameter(
            negative=(),
            show_default=False,
            help="How the server behaves by nature, as NAME=VALUE; repeatable. The names are those "
            "of fota_async.simulator.Rules, for instance refuse_rate=0.01 or rate=50; a name that "
            "is none of them has all listed.",
        ),
    ] = attrs.field(factory=list)


_NO_OPTIONS = SimulateOptions()


async def simulate(*, options: Annotated[SimulateOptions, Flat] = _NO_OPTIONS) -> int:
    """Serve the simulated API on this machine until interrupted.

    Prints one JSON line when it listens: base_url, account, upgrade_id, key, secret, username,
    password. Another command calls it with these as THINGSPACE_BASE_URL, THINGSPACE_ACCOUNT and so
    on; on a terminal it prints the lines to paste there. GET /__stats tells what it has seen.

    Example: fota simulate --port 8080 --fault drop_after=0.05 --rule rate=50
    """
    faults, rules = _settings(Faults, options.fault), _settings(Rules, options.rule)
    ended = asyncio.Event()
    with on_signals(ended.set) as received:
        simulator = Simulator(faults=faults, rules=rules, port=options.port)
        try:
            await simulator.start()
        except OSError as error:
            raise ConfigurationError(f"cannot listen on port {options.port}: {error}") from None
        try:
            names = ("base_url", "account", "upgrade_id", "key", "secret", "username", "password")
            served = {name: getattr(simulator, name) for name in names}
            sys.stdout.write(json.dumps(served) + "\n")
            sys.stdout.flush()
            if sys.stdout.isatty():
                say(_how_to_call(served))
            await ended.wait()
        finally:
            await simulator.stop()
    return 128 + received.signal if received.signal else 0


def _how_to_call(served: dict[str, str]) -> str:
    """Return what to paste into another terminal."""
    variables = {name: value for name, value in served.items() if name != "upgrade_id"}
    form = "$env:{}='{}'" if os.name == "nt" else "export {}='{}'"
    return "\n".join(
        [
            "\nIn another terminal:\n",
            *(form.format(f"THINGSPACE_{name.upper()}", one) for name, one in variables.items()),
            f"fota upgrades get {served['upgrade_id']}",
            "\nCtrl-C ends it, and nothing is kept.",
        ]
    )


def _settings(kind: type[T], texts: list[str]) -> T:
    known = [field.name for field in attrs.fields(kind)]
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(f"{text!r} is not NAME=VALUE")
        if name not in known:
            raise ConfigurationError(
                f"there is no {name!r}; {kind.__name__} has {', '.join(known)}"
            )
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error)) from None

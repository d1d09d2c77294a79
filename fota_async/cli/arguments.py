"""What several commands take: device lists, ids, versions of the API, states, hours."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from cyclopts import Parameter

from fota_async.api.context import check_device_id, check_uuid
from fota_async.batch.device_ids import Sieve
from fota_async.batch.source import Source
from fota_async.errors import ConfigurationError
from fota_async.models import TimeWindow
from fota_async.wire.enums import OpenEnum

Status = TypeVar("Status", bound=OpenEnum)

Flat = Parameter(name="*")
"""Each attribute of a class of options is an option."""


def _is_no_option(_: object, text: str) -> None:
    """Refuse what was meant as an option: a file may begin with a hyphen as well."""
    if text.startswith("--") and not Path(text).exists():
        raise ConfigurationError("there is no such option, and no such file")


File = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        validator=_is_no_option,
        help="One IMEI a line, or a CSV with a column `imei`, `device_id` or `deviceid`; "
        "`-` reads standard input.",
    ),
]


def is_uuid(what: str) -> Callable[[object, str | None], None]:
    """Return a validator of an id that the vendor's pages say is a UUID."""

    def check(_: object, text: str | None) -> None:
        if text is not None:
            check_uuid(text, what)

    return check


UpgradeId = Annotated[
    str,
    Parameter(
        name="ID",
        help="Id of the upgrade; `fota upgrades list` shows it.",
        validator=is_uuid("an upgrade id"),
    ),
]
CampaignId = Annotated[
    str,
    Parameter(
        name="ID",
        help="Id of the campaign; `fota campaigns list` shows it.",
        validator=is_uuid("a campaign id"),
    ),
]
DeviceId = Annotated[
    str,
    Parameter(name="IMEI", help="15 digits.", validator=lambda _, text: check_device_id(text)),
]

_WORDS = {"v1": "v1: OMA-DM and LWM2M devices", "v2": "v2: HTTP devices", "v3": "v3: LWM2M devices"}


def _api(*versions: str) -> Parameter:
    return Parameter(name="--api", help=f"{'; '.join(_WORDS[one] for one in versions)}.")


Api = Annotated[Literal["v1", "v2", "v3"], _api("v1", "v2", "v3")]
Api12 = Annotated[Literal["v1", "v2"], _api("v1", "v2")]
Api13 = Annotated[Literal["v1", "v3"], _api("v1", "v3")]
Api23 = Annotated[Literal["v2", "v3"], _api("v2", "v3")]


def status_of(kind: type[Status], text: str) -> Status:
    """Return the state that a text names, in any letter case.

    Raises:
        ConfigurationError: The vendor lists no such state: a list of what is in it would be empty,
            as if nothing were.
    """
    for one in kind:
        if one.lower() == text.strip().lower():
            return one
    raise ConfigurationError(f"--status is one of {', '.join(kind)}, not {text!r}")


def windows_of(option: str, texts: Sequence[str] | None) -> tuple[TimeWindow, ...]:
    """Return hours of a day from texts such as `8-17`.

    Raises:
        ConfigurationError: A text is no such pair of hours.
    """
    return tuple(_window(option, text) for text in texts or ())


def _window(option: str, text: str) -> TimeWindow:
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text.strip(), re.ASCII)
    start, end = (int(found[1]), int(found[2])) if found else (-1, -1)
    if not (0 <= start <= 23 and 1 <= end <= 24):
        raise ConfigurationError(
            f"{option} is hours of a day such as 8-17, from 0 to 23 and to 1 to 24, not {text!r}"
        )
    return TimeWindow(start, end)


async def devices_in(source: Source) -> list[str]:
    """Return the devices of a list that one request is to carry, each once.

    Raises:
        SourceError: It cannot be read.
        ConfigurationError: Something in it is no device id, or nothing is in it.
    """
    sieve, devices = Sieve(), list[str]()
    try:
        while inputs := await source.read():
            sifted = sieve.sift(inputs)
            for bad in sifted.malformed:
                raise ConfigurationError(
                    f"{bad.text!r} is no device id ({bad.hint}); nothing was sent"
                )
            devices += sifted.ids
    finally:
        await source.aclose()
    if not devices:
        raise ConfigurationError("there is no device in the list; nothing was sent")
    return devices

"""The options that say when a campaign works."""

from datetime import date
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from fota_async.api.context import check_dates
from fota_async.cli.arguments import windows_of
from fota_async.errors import ConfigurationError

_Hours = Annotated[list[str] | None, Parameter(negative=())]


@attrs.frozen(kw_only=True)
class Dates:
    """When a campaign works."""

    start_date: Annotated[date, Parameter(help="First day, YYYY-MM-DD.")]
    end_date: Annotated[date, Parameter(help="Last day, YYYY-MM-DD.")]


@attrs.frozen(kw_only=True)
class HttpDates(Dates):
    """When a v2 campaign works."""

    download_after_date: Annotated[
        date | None, Parameter(help="v2: first day on which devices download.")
    ] = None
    download_window: Annotated[
        _Hours, Parameter(help="v2: hours of a day in which they do, such as 8-17; repeatable.")
    ] = None
    install_after_date: Annotated[
        date | None, Parameter(help="v2: first day on which devices install.")
    ] = None
    install_window: Annotated[
        _Hours, Parameter(help="v2: hours of a day in which they do, such as 20-24; repeatable.")
    ] = None

    def of_v2(self) -> dict[str, Any]:
        """Return the arguments of a v2 method.

        Raises:
            ConfigurationError: A text is no pair of hours, or the days are in the wrong order.
        """
        check_dates(self.start_date, self.end_date)
        return {
            "start_date": self.start_date,
            "end_date": self.end_date,
            "download_after_date": self.download_after_date,
            "download_windows": windows_of("--download-window", self.download_window),
            "install_after_date": self.install_after_date,
            "install_windows": windows_of("--install-window", self.install_window),
        }


@attrs.frozen(kw_only=True)
class AllDates(HttpDates):
    """When a v2 or v3 campaign works."""

    window: Annotated[
        _Hours, Parameter(help="v3: hours of a day in which devices are upgraded; repeatable.")
    ] = None

    def of(self, api: str) -> dict[str, Any]:
        """Return the arguments of a method of a version.

        Raises:
            ConfigurationError: As `of_v2`, or an option is of the other version.
        """
        if api == "v2":
            refuse(api, window=self.window)
            return self.of_v2()
        refuse(
            api,
            download_after_date=self.download_after_date,
            download_window=self.download_window,
            install_after_date=self.install_after_date,
            install_window=self.install_window,
        )
        check_dates(self.start_date, self.end_date)
        return {
            "start_date": self.start_date,
            "end_date": self.end_date,
            "windows": windows_of("--window", self.window),
        }


def refuse(api: str, **options: object) -> None:
    """Refuse options that a version of the API does not have.

    Raises:
        ConfigurationError: One of them was given.
    """
    for name, value in options.items():
        if value:
            option = name.replace("_", "-")
            raise ConfigurationError(f"--{option} has no place in {api}; nothing was sent")

"""The choices of one run."""

import os
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

import attrs

from fota_async.batch.journal.writer import Durability
from fota_async.batch.ledger import Keep
from fota_async.batch.states import DeviceOutcome
from fota_async.errors import ConfigurationError
from fota_async.executor import Executor

RetryRule: TypeAlias = Callable[[DeviceOutcome], bool]
"""Says of a failed device whether its status is temporary, so that it is sent again."""

_SHARE_AFTER = 1000


def _whole(_: object, attribute: "attrs.Attribute[int]", value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number from 1, not {value!r}")


def _seconds(_: object, attribute: "attrs.Attribute[float]", value: Any) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < inf:
        raise ConfigurationError(f"{attribute.name} must be seconds from 0, not {value!r}")


def _yes_or_no(_: object, attribute: "attrs.Attribute[bool]", value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{attribute.name} must be True or False, not {value!r}")


def _keep(_: object, __: object, value: object) -> None:
    if value not in ("all", "failures", "none"):
        raise ConfigurationError(f"keep must be all, failures or none, not {value!r}")


def _failures(_: object, __: object, value: Any) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return
    if not isinstance(value, float) or not 0 <= value < 1:
        raise ConfigurationError(
            f"max_failures must be a whole number from 0 or a share from 0.0 below 1.0, "
            f"not {value!r}"
        )


def _executor(_: object, __: "attrs.Attribute[Executor | None]", value: object) -> None:
    if value is None:
        return
    if isinstance(value, type) or not callable(getattr(value, "place", None)):
        kind = value.__name__ if isinstance(value, type) else f"a {type(value).__name__}"
        raise ConfigurationError(
            f"executor must be an executor such as fota_async.distributed.DaskExecutor(client), "
            f"not {kind}"
        )


def _path(value: object) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ConfigurationError(f"journal must be the path of a file, not {value!r}")
    try:
        # Once and for all: another working directory must not lead to another file.
        return Path(value).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigurationError(f"journal cannot be {value!r}: {error}") from None


def _durability(_: object, __: object, value: object) -> None:
    if value not in ("process", "full"):
        raise ConfigurationError(f"durability must be process or full, not {value!r}")


class RunOptions(TypedDict, total=False):
    """Keyword options of every call that carries a device list.

    >>> options: RunOptions = {"batch_size": 500, "max_failures": 0.05, "journal": "enrol.db"}
    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, imeis, **options)
    >>> report.ok
    True
    """

    batch_size: int
    """Devices a request. Default 1,000; the vendor states no limit, and an operation that has one
    of its own lowers it."""
    concurrency: int | None
    """The most requests of this run in flight at once. None (the default) for as many as the
    session manager's limit, which is learned from the answers, leaves to this run."""
    keep: Keep
    """Which outcomes the report keeps: `all` (default), `failures` or `none`. Counts are whole."""
    grace: float
    """Seconds that an interrupted run waits at most: half of them for answers in flight, half for
    one reading of the target. Default 10. The rest of a list or file is then read as `unsent`."""
    settle_delay: float
    """Seconds that reads of the target may lag and lost requests may land late. Default 5."""
    settle_limit: float
    """Seconds that a run with `settle=True` (v2 campaigns) waits for a device that was taken with a
    receipt to show; then it stays `pending`. Default 600. The vendor does not say how long it
    takes."""
    max_rounds: int
    """How often a device is sent again after its loss was settled. Default 3."""
    max_failures: int | float | None
    """Stop when more devices failed: a number, or a share of the decided devices (a float below
    1.0, looked at after the first 1,000). Default None."""
    deadline: float | None
    """Seconds from the start: the last moment at which a batch may start. Default None."""
    journal: str | os.PathLike[str] | None
    """A file that records the run, so that starting it again after a crash goes on: what is decided
    is not sent again, what is in doubt is settled first. Not for reads and what else fills the
    `detail` of outcomes. Default None; see `fota_async.batch.journal`."""
    durability: Durability
    """What the journal survives: the death of the process (`process`, default), or of the machine
    too (`full`, slower: the disk confirms each transaction)."""
    dry_run: bool
    """Send nothing: the report says what would be sent (`unsent` devices, with that reason) in how
    many `requests`. Default False."""
    retry_if: RetryRule | None
    """Says of a failed device that its status is temporary; it is then sent again, `settle_delay`
    later, up to `max_rounds` times. None by default: the vendor documents no such status."""
    executor: Executor | None
    """Where requests are made: None (the default) in place, in this process; otherwise for instance
    by the workers of a cluster, see `fota_async.distributed`. Limit, tokens, journal and report
    stay here."""


@attrs.frozen(kw_only=True)
class RunSettings:
    """The choices of one run, checked; see `RunOptions`."""

    batch_size: int = attrs.field(default=1000, validator=_whole)
    concurrency: int | None = attrs.field(default=None, validator=attrs.validators.optional(_whole))
    keep: Keep = attrs.field(default="all", validator=_keep)
    grace: float = attrs.field(default=10.0, validator=_seconds)
    settle_delay: float = attrs.field(default=5.0, validator=_seconds)
    settle_limit: float = attrs.field(default=600.0, validator=_seconds)
    max_rounds: int = attrs.field(default=3, validator=_whole)
    max_failures: int | float | None = attrs.field(default=None, validator=_failures)
    deadline: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(_seconds)
    )
    journal: Path | None = attrs.field(default=None, converter=_path)
    durability: Durability = attrs.field(default="process", validator=_durability)
    dry_run: bool = attrs.field(default=False, validator=_yes_or_no)
    retry_if: RetryRule | None = None
    executor: Executor | None = attrs.field(default=None, validator=_executor)

    def too_many(self, failed: int, decided: int) -> bool:
        """Whether more devices failed than the caller accepts."""
        limit = self.max_failures
        if limit is None:
            return False
        if isinstance(limit, float):
            return decided >= _SHARE_AFTER and failed > limit * decided
        return failed > limit

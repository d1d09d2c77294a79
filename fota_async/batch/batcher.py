"""The batcher: splits a device list into batches, sends them concurrently, merges the answers."""

import attrs

from fota_async.batch.engine import Engine, RunSettings
from fota_async.batch.ledger import Keep
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.run import BatchRun
from fota_async.batch.source import Devices, Source, open_source
from fota_async.errors import ConfigurationError


class DeviceBatcher:
    """Runs one operation over device lists of any length.

    Args:
        session: A `fota_async.SessionManager`, or whatever has its face.
        operation: What to do with the devices.
        batch_size: Devices a request. The vendor states no limit; an operation that has one of
            its own lowers it.
        concurrency: Requests of this run in flight at once.
        keep: Which outcomes the report keeps: `all`, `failures` or `none`. Counts are always
            whole.
        grace: Seconds that answers in flight are waited for when the run is interrupted.

    Raises:
        ConfigurationError: A number is less than 1, or `keep` is none of the three.
    """

    def __init__(
        self,
        session: BatchSession,
        operation: Operation,
        *,
        batch_size: int = 1000,
        concurrency: int = 8,
        keep: Keep = "all",
        grace: float = 10.0,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("concurrency", concurrency)):
            if not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} must be a whole number from 1, not {value!r}")
        if keep not in {"all", "failures", "none"}:
            raise ConfigurationError(f"keep must be all, failures or none, not {keep!r}")
        if not grace >= 0:
            raise ConfigurationError(f"grace must be seconds from 0, not {grace!r}")
        self._session = session
        self._operation = operation
        self._settings = RunSettings(
            batch_size=min(batch_size, operation.cap or batch_size),
            concurrency=concurrency,
            keep=keep,
            grace=grace,
        )

    def run(self, devices: Devices | Source, *, column: str | None = None) -> BatchRun:
        """Return a run over `devices`; it starts when it is awaited or entered.

        Args:
            devices: Ids one by one, sync or async, or the path of a file.
            column: Header of the device ids in a CSV, if it is none of `imei`, `device_id`,
                `deviceid`.

        Raises:
            TypeError: `devices` is a bare string or no device list at all.
        """
        source = open_source(devices, column)
        return BatchRun(
            Engine(self._session, self._operation, source, attrs.evolve(self._settings))
        )

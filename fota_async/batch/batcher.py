"""The batcher: splits a device list into batches, sends them concurrently, merges the answers."""

from typing import Unpack

from fota_async.batch.engine import Engine
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions, RunSettings
from fota_async.batch.source import Devices, Source, open_source
from fota_async.errors import ConfigurationError


class DeviceBatcher:
    """Runs one operation over device lists of any length.

    >>> operation = modify_upgrade("append", simulator.account, upgrade_id)
    >>> report = await DeviceBatcher(fota.session, operation, batch_size=500).run(imeis)
    >>> report.succeeded
    3

    Args:
        session: A `fota_async.SessionManager`, or whatever has its face.
        operation: What to do with the devices.
        options: See `fota_async.RunOptions`.

    Raises:
        ConfigurationError: An option cannot work.
    """

    def __init__(
        self, session: BatchSession, operation: Operation, **options: Unpack[RunOptions]
    ) -> None:
        self._session = session
        self._operation = operation
        self._settings = RunSettings(**options)
        if operation.details and self._settings.journal is not None:
            raise ConfigurationError(
                f"{operation.name} on {operation.target} takes no journal, since it does not hold "
                "what the answers say of the devices; run it again instead, that does no harm"
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
        return BatchRun(Engine(self._session, self._operation, source, self._settings))

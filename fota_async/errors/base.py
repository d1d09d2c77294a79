"""The root of the tree, and what goes wrong without a call."""

from typing import Any


def _rebuild(cls: type["FotaError"], args: tuple[Any, ...], state: dict[str, Any]) -> "FotaError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class FotaError(Exception):
    """The root of everything this library raises on purpose.

    >>> try:
    ...     report = await fota.v1.upgrades.append_devices(upgrade_id, Path("fleet.csv"))
    ... except FotaError as error:
    ...     print(f"{type(error).__name__}: {error}")
    SourceError: cannot read fleet.csv: No such file or directory; ...
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigurationError(FotaError, ValueError):
    """What was given cannot work, whatever the API would say. Nothing was sent.

    >>> try:
    ...     await fota.v1.upgrades.get("60b5d639")
    ... except ConfigurationError as error:
    ...     print(error)
    an upgrade id is a UUID, not '60b5d639'
    """


class MisuseError(FotaError, RuntimeError):
    """The object is closed, or belongs to another event loop. Nothing was sent.

    >>> other = FotaClient.from_env(environ=environ)
    >>> await other.aclose()
    >>> try:
    ...     await other.v1.firmware.list()
    ... except MisuseError as error:
    ...     print(error)
    this client is closed; make a new one
    """


class SourceError(FotaError):
    r"""The device list cannot be read: no such file or column, a directory, a binary file.

    >>> _ = Path("fleet.csv").write_text("serial,model\n1,BG96\n")
    >>> try:
    ...     await fota.v1.upgrades.append_devices(upgrade_id, Path("fleet.csv"))
    ... except SourceError as error:
    ...     print(error)
    fleet.csv has no column imei, device_id or deviceid; its header is ['serial', 'model']; ...
    """


class JournalError(FotaError):
    """The journal of a run cannot be used: of another run, in use, damaged, or the disk is full.

    Raised by itself when nothing was sent; later it is the `__cause__` of a `RunStopped`.

    >>> _ = await fota.v1.upgrades.append_devices(upgrade_id, imeis, journal="enrol.db")
    >>> try:
    ...     await fota.v1.upgrades.remove_devices(upgrade_id, imeis, journal="enrol.db")
    ... except JournalError as error:
    ...     print(error)
    the journal '...enrol.db' cannot be used: it is of another run: append on 60b5d639-...
    """


class StoreError(FotaError):
    """The store of callback messages cannot be used: in use, damaged, or the disk is full.

    >>> from fota_async.callbacks import count_messages
    >>> try:
    ...     count_messages("events.db")
    ... except StoreError as error:
    ...     print(error)
    the store '...events.db' cannot be used: there is no such file
    """


class RegistrationError(FotaError):
    """The API took a callback listener, and a reading shows another or none.

    >>> try:
    ...     listener = await fota.v1.callbacks.ensure("https://fota.example.com/v1")
    ... except RegistrationError as error:
    ...     print(error)
    """

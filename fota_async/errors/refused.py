"""Calls that were answered, and the answer is no."""

from fota_async.errors.calls import CallError


class RefusedError(CallError):
    """The API answered, and the answer is no.

    >>> simulator.set_status(upgrade_id, "InProgress")
    >>> try:
    ...     await fota.v1.upgrades.cancel(upgrade_id)
    ... except RefusedError as error:
    ...     print(error.text)
    Upgrade is InProgress, too late
    """

    default_sent = "yes"


class InvalidRequestError(RefusedError):
    """400 or 422: something in the request is wrong; for a batch it can be one device.

    >>> unknown = "00000000-0000-0000-0000-000000000000"
    >>> try:
    ...     await fota.v1.upgrades.get(unknown)
    ... except InvalidRequestError as error:
    ...     print(error.text)
    Invalid upgradeId
    """


class TooManyDevicesError(RefusedError):
    """The request carries more devices than the API takes at once.

    >>> simulator.rules = Rules(max_devices=2)
    >>> report = await fota.v1.upgrades.remove_devices(upgrade_id, imeis)
    >>> report.succeeded, report.requests
    (3, 4)
    """


class ForbiddenError(RefusedError):
    """403.

    >>> try:
    ...     images = await fota.v1.firmware.list()
    ... except ForbiddenError as error:  # may this user do so, for this account?
    ...     print(error)
    """


class NotFoundError(RefusedError):
    """404.

    >>> try:
    ...     images = await fota.v1.firmware.list()
    ... except NotFoundError as error:  # is base_url that of the API? An unknown id is a 400
    ...     print(error)
    """


class RedirectError(RefusedError):
    """The server points elsewhere. Never followed: the tokens stay with this host.

    >>> simulator.faults = Faults(redirect=1.0)
    >>> try:
    ...     await fota.v1.firmware.list()
    ... except RedirectError as error:
    ...     print(error)
    GET /api/fota/v1/firmware/{account}: the server points elsewhere, which is never followed ...
    """

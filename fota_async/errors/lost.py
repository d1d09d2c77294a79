"""Calls that were sent, and that no answer decides."""

from fota_async.errors.calls import CallError


class LostError(CallError):
    """The request was sent, and no answer decides whether it was applied.

    >>> simulator.faults = Faults(drop_after=1.0)
    >>> try:
    ...     await fota.v3.firmware.report_device("356938035643809")
    ... except LostError as error:  # look whether it was done before you repeat what may do harm
    ...     print(error.brief, error.sent)
    ConnectionLostError maybe
    """


class AnswerTimeoutError(LostError):
    """No byte of an answer came for `timeout` seconds.

    >>> simulator.faults = Faults(hang_before=1.0)
    >>> once = RetryPolicy(tries=1)
    >>> async with FotaClient.from_env(environ=environ, timeout=0.5, retry=once) as hasty:
    ...     try:
    ...         await hasty.v1.firmware.list()
    ...     except AnswerTimeoutError as error:
    ...         print(error)
    GET /api/fota/v1/firmware/{account}: no answer for 0.5 s (timeout)
    """


class ConnectionLostError(LostError):
    """The connection broke before the answer was whole.

    >>> simulator.faults = Faults(drop_before=1.0)
    >>> try:
    ...     await fota.v1.firmware.list()
    ... except ConnectionLostError as error:  # a reading was tried again, in vain
    ...     print(error.sent, error.gave_up)
    maybe True
    """


class AnswerTooLargeError(LostError):
    """The answer is larger than `max_answer_bytes` after decompression.

    >>> async with FotaClient.from_env(environ=environ, max_answer_bytes=150) as narrow:
    ...     try:
    ...         await narrow.v1.firmware.list()
    ...     except AnswerTooLargeError as error:
    ...         print(error)
    GET /api/fota/v1/firmware/{account}: the answer is larger than 150 bytes (max_answer_bytes)
    """


class ServerError(LostError):
    """Any 5xx, or 408: the server may have applied the request before it failed.

    >>> simulator.faults = Faults(error_before=1.0)
    >>> try:
    ...     await fota.v1.firmware.list()
    ... except ServerError as error:
    ...     print(error.status, error.sent, error.gave_up)
    503 maybe True
    """


class DecodeError(LostError):
    """The answer is not what the route promises: HTML, nothing, half a document, another shape.

    >>> simulator.faults = Faults(html_body=1.0)
    >>> try:
    ...     await fota.v1.firmware.list()
    ... except DecodeError as error:  # the route, and how the answer begins
    ...     print(error)
    GET ...: the answer is not a list of FirmwareV1: no JSON ...; the answer begins '<html>...
    """

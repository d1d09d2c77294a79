"""Requests made beyond this process: by workers on this machine, or by a cluster that is there."""

import asyncio
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import Any

from yarl import URL

from fota_async.batch.settings import RunOptions
from fota_async.cli.output import say
from fota_async.cli.run_flags import RunFlags
from fota_async.cli.signals import on_signals
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError, NotSentError
from fota_async.events import EventHook
from fota_async.executor import Executor
from fota_async.transport import is_loopback

_PATIENCE = 30.0
"""Seconds that a scheduler may take to answer."""
_WORTH_TELLING = 2.0
_GOODBYE = 5.0


@asynccontextmanager
async def requests_elsewhere(
    flags: RunFlags, options: RunOptions, client: FotaClient, tell: EventHook
) -> AsyncIterator[None]:
    """Have runs with these options make their requests where the command says.

    Args:
        flags: The options of the command.
        options: Those of its runs; they get an executor if requests are not made in place.
        client: Makes the runs; it has its secrets already.
        tell: Hears that there is no worker, and that there are some again.

    Raises:
        ConfigurationError: An option cannot work, or the extra is missing; nothing was sent.
        NotSentError: There is no cluster to be had; nothing was sent.
    """
    if flags.workers is None and flags.cluster is None:
        _check_no_tls_files(flags)
        yield
        return
    security = _checked(flags)
    if flags.dry_run:  # it has no requests to make
        yield
        return
    stack = AsyncExitStack()
    try:
        options["executor"] = await stack.enter_async_context(
            _executor(flags, security, client, tell)
        )
        yield
    finally:
        await _leave(stack)


@asynccontextmanager
async def _executor(
    flags: RunFlags, security: Any, client: FotaClient, tell: EventHook
) -> AsyncIterator[Executor]:
    from fota_async.cli.local_cluster import local_cluster, silence  # noqa: PLC0415 - an extra
    from fota_async.distributed import DaskExecutor  # noqa: PLC0415 - likewise

    silence()
    async with AsyncExitStack() as stack:
        address = flags.cluster or ""
        if flags.workers is not None:
            # As many tries at once as the session may have in flight.
            threads = -(-client.session.max_concurrency // flags.workers)
            local = local_cluster(flags.workers, threads)
            address, security = await stack.enter_async_context(local)
        cluster = await stack.enter_async_context(_connected(address, security))
        async with DaskExecutor(cluster, on_event=tell) as executor:
            yield executor


async def _leave(stack: AsyncExitStack) -> None:
    """Let go of the cluster, but let nobody wait long for a report: what is left ends by itself."""
    leaving = asyncio.create_task(stack.aclose())
    leaving.add_done_callback(lambda left: left.cancelled() or left.exception())
    enough = asyncio.Event()
    interrupted = asyncio.create_task(enough.wait())
    with on_signals(enough.set):
        await asyncio.wait(
            [leaving, interrupted], timeout=_GOODBYE, return_when=asyncio.FIRST_COMPLETED
        )
    interrupted.cancel()


def _checked(flags: RunFlags) -> Any:
    """Return the certificates for the cluster, None if it needs none.

    Raises:
        ConfigurationError: An option cannot work, or the extra is missing.
    """
    if flags.workers is not None and flags.cluster is not None:
        raise ConfigurationError(
            "--workers starts a cluster on this machine, --cluster uses one that is there: give "
            "one of them; nothing was sent"
        )
    if not all(map(find_spec, ("distributed", "cryptography"))):
        raise ConfigurationError(
            "--workers and --cluster need `pip install 'fota_async[distributed]'`; nothing was sent"
        )
    if flags.cluster is None or not _is_encrypted(flags.cluster):
        _check_no_tls_files(flags)
        return None
    return _security(flags)


def _is_encrypted(address: str) -> bool:
    """Whether TLS protects the way to a scheduler.

    Raises:
        ConfigurationError: It is no address of a scheduler, or nothing protects the tokens.
    """
    expected = "--cluster is tls://HOST:PORT, or tcp://HOST:PORT on this machine"
    try:
        url = URL(address)
        host, is_whole = url.host, url.port is not None
    except ValueError:
        raise ConfigurationError(f"{expected}; nothing was sent") from None
    if url.scheme not in {"tcp", "tls"} or not host or not is_whole:
        raise ConfigurationError(f"{expected}; nothing was sent")
    if url.user or url.password or url.path not in {"", "/"} or url.query_string or url.fragment:
        raise ConfigurationError(f"{expected}, and has no other parts; nothing was sent")
    if url.scheme == "tcp" and not is_loopback(host):
        raise ConfigurationError(
            f"--cluster must be tls://, or the tokens to {host} are public: start scheduler and "
            "workers with --tls-ca-file, --tls-cert and --tls-key, and give --cluster-ca, "
            "--cluster-cert and --cluster-key here; nothing was sent"
        )
    return url.scheme == "tls"


def _tls_files(flags: RunFlags) -> dict[str, str | None]:
    return {
        "--cluster-ca": flags.cluster_ca,
        "--cluster-cert": flags.cluster_cert,
        "--cluster-key": flags.cluster_key,
    }


def _check_no_tls_files(flags: RunFlags) -> None:
    if given := [name for name, file in _tls_files(flags).items() if file is not None]:
        raise ConfigurationError(
            f"{given[0]} is for --cluster with a tls:// address; nothing was sent"
        )


def _security(flags: RunFlags) -> Any:
    """Return the certificates; what no option names is what Dask's own settings say.

    Raises:
        ConfigurationError: One is missing, or cannot be used.
    """
    from distributed.security import Security  # noqa: PLC0415 - an extra

    names = {"--cluster-ca": "tls_ca_file", "--cluster-cert": "tls_client_cert"}
    names["--cluster-key"] = "tls_client_key"
    given = {names[name]: file for name, file in _tls_files(flags).items() if file is not None}
    make: Any = Security  # which is not annotated
    security = make(require_encryption=True, **given)
    for name, field in names.items():
        file = getattr(security, field)
        if file is None:
            raise ConfigurationError(f"a tls:// address needs {name}; nothing was sent")
        if not os.path.isfile(file) and "\n" not in file:  # noqa: PTH113 - or PEM text itself
            raise ConfigurationError(f"{name}: there is no file {file!r}; nothing was sent")
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:  # what ssl raises is an OSError
        raise ConfigurationError(
            f"--cluster-ca, --cluster-cert and --cluster-key cannot be used: {error}; nothing was "
            "sent"
        ) from None
    return security


@asynccontextmanager
async def _connected(address: str, security: Any) -> AsyncIterator[Any]:
    from distributed import Client  # noqa: PLC0415 - an extra

    words = f"fota: waiting for the scheduler at {address}, at most {_PATIENCE:g} s"
    telling = asyncio.get_running_loop().call_later(_WORTH_TELLING, say, words)
    with warnings.catch_warnings():
        # Of versions that differ; where that matters, the executor says so.
        warnings.simplefilter("ignore")
        make: Any = Client  # which is not annotated
        client = make(
            address, asynchronous=True, set_as_default=False, timeout=_PATIENCE, security=security
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                await client
        except Exception as error:  # noqa: BLE001 - whatever it is that answers there
            await client.close()
            certificates = ", and that the certificates fit" if security else ""
            raise NotSentError(
                f"no Dask scheduler answers at {address} ({type(error).__name__}): see that it "
                f"runs there{certificates}; nothing was sent"
            ) from None
        finally:
            telling.cancel()
    try:
        yield client
    finally:
        await client.close()

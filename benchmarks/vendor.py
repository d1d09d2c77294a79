"""The vendor's SDK, as it is documented: blocking, one request after the other, or in threads."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks import fleet
from benchmarks.server import ACCOUNT, UPGRADE_ID
from benchmarks.turn import Figures
from benchmarks.usage import measured


def append(base_url: str, /, devices: int, batch: int, threads: int = 1) -> Figures:
    """Append devices and measure that.

    Args:
        base_url: Where the server is.
        devices: How many.
        batch: Devices a request.
        threads: Requests in flight at most; 1 for no threads.
    """
    # Its pool keeps 10 connections and warns about each one more; the printing is not measured.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    ids = fleet.in_a_row(devices)
    append_batch = log_in(base_url)
    append_batch(ids[:1])
    with measured() as figures:
        if threads == 1:
            answers = [append_batch(one) for one in fleet.in_batches(ids, batch)]
        else:
            with ThreadPoolExecutor(threads) as pool:
                answers = list(pool.map(append_batch, fleet.in_batches(ids, batch)))
    fleet.check(ids, ((item.device_id, item.status) for items in answers for item in items))
    return {**figures, "sent": 1 + devices}


def log_in(base_url: str) -> Callable[[list[str]], list[Any]]:
    """Log in; return what appends a batch and returns its result items."""
    # The SDK ships no type information.
    from verizon.configuration import (  # type: ignore[import-untyped]
        Configuration,
        Server,
    )
    from verizon.http.auth.thingspace_oauth import (  # type: ignore[import-untyped]
        ThingspaceOauthCredentials,
    )
    from verizon.http.auth.vz_m2m_token import (  # type: ignore[import-untyped]
        VZM2mTokenCredentials,
    )
    from verizon.models.firmware_upgrade_change_request import (  # type: ignore[import-untyped]
        FirmwareUpgradeChangeRequest,
    )
    from verizon.models.log_in_request import LogInRequest  # type: ignore[import-untyped]
    from verizon.verizon_client import VerizonClient  # type: ignore[import-untyped]

    class Local(Configuration):  # type: ignore[misc]  # the base class is untyped
        """The SDK's own addresses, on our host: it has no setting for that."""

        def get_base_uri(self, server: Server = Server.THINGSPACE) -> str:
            address: str = super().get_base_uri(server)
            return base_url + urlsplit(address).path

    oauth = ThingspaceOauthCredentials("k", "s")
    login = VerizonClient(config=Local(thingspace_oauth_credentials=oauth))
    session = login.session_management.start_connectivity_management_session(
        LogInRequest("u", "p")
    ).body
    client = VerizonClient(
        config=Local(
            thingspace_oauth_credentials=oauth,
            vz_m2m_token_credentials=VZM2mTokenCredentials(session.session_token),
        )
    )

    def append(batch: list[str]) -> list[Any]:
        request = FirmwareUpgradeChangeRequest("append", batch)
        answer = client.firmware_v1.update_firmware_upgrade_devices(ACCOUNT, UPGRADE_ID, request)
        items: list[Any] = answer.body.device_list
        return items

    return append

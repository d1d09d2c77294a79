"""asyncio client library for Verizon ThingSpace Software Management (FOTA), built for fleets.

    async with FotaClient.from_env() as fota:
        report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
        print(report)

Not affiliated with Verizon.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fota_async._version import __version__ as __version__

if TYPE_CHECKING:
    from fota_async._public import *  # noqa: F403 - its __all__ is ours
else:
    # Loading it takes a quarter of a second, aiohttp most of it: whoever runs pytest without a
    # test of ours, where this is imported as a plugin's parent, should not pay for that.
    def __getattr__(name: str) -> object:
        if name == "__all__" or not name.startswith("_"):
            public = import_module("fota_async._public")
            shown = {one: getattr(public, one) for one in ("__all__", *public.__all__)}
            globals().update(shown)
            if name in globals():
                return globals()[name]
        raise AttributeError(f"module 'fota_async' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *import_module("fota_async._public").__all__})

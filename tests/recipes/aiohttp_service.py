"""A service on aiohttp.web: one client from its start to its end, on the service's own session.

A borrowed `ClientSession` lends its connections and is never closed. Ask for `fota` where it is
needed; making a client for each request would log in for each request.
"""

from collections.abc import AsyncIterator

from aiohttp import ClientSession, web

from fota_async import FotaClient, RunStopped

HTTP = web.AppKey("http", ClientSession)
FOTA = web.AppKey("fota", FotaClient)


async def clients(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession() as http, FotaClient.from_env(http=http) as fota:
        app[HTTP], app[FOTA] = http, fota
        yield


async def append(request: web.Request) -> web.Response:
    fota, upgrade_id = request.app[FOTA], request.match_info["upgrade_id"]
    try:
        report = await fota.v1.upgrades.append_devices(upgrade_id, await request.json())
    except RunStopped as stopped:
        return web.json_response(text=stopped.report.to_json(), status=502)
    return web.json_response(text=report.to_json())


def make_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(clients)
    app.router.add_post("/upgrades/{upgrade_id}/devices", append)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1")

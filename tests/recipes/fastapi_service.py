"""A service on FastAPI: the lifespan opens the client, `request.state` hands it on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from fota_async import FotaClient, RunStopped


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, FotaClient]]:
    async with FotaClient.from_env() as fota:
        yield {"fota": fota}


app = FastAPI(lifespan=lifespan)


@app.post("/upgrades/{upgrade_id}/devices")
async def append(upgrade_id: str, imeis: list[str], request: Request) -> Response:
    fota: FotaClient = request.state.fota
    try:
        report = await fota.v1.upgrades.append_devices(upgrade_id, imeis)
    except RunStopped as stopped:
        return Response(stopped.report.to_json(), 502, media_type="application/json")
    return Response(report.to_json(), media_type="application/json")

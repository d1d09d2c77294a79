"""The HTTP server: requests in, answers out, trouble on the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import web

from fota_async.simulator import refusals
from fota_async.simulator.exchange import Answer, Call, Delivery
from fota_async.simulator.request_log import RequestLog
from fota_async.simulator.routes import ROUTES, Route
from fota_async.simulator.service import Service

_MOST_BYTES: Final = 256 * 1024**2
_BACKLOG: Final = 1024
_LOOK_AGAIN: Final = 1.0

_Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Listener:
    """Serves a `Service` on a socket.

    Args:
        service: Answers the calls.
        log: Told of every call.
        stats: Gives what `/__stats` shows.
        host: Address to bind.
        port: Port to bind; 0 for a free one, which a later start keeps.

    """

    def __init__(
        self,
        service: Service,
        log: RequestLog,
        stats: Callable[[], dict[str, Any]],
        host: str,
        port: int,
    ) -> None:
        self._service = service
        self._log = log
        self._stats = stats
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._serving: set[asyncio.Task[Any]] = set()

    @property
    def base_url(self) -> str:
        """Scheme, host and port."""
        if not self._port:
            raise RuntimeError("the simulator has no address yet: start it first")
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Begin to listen."""
        if self._runner is not None:
            raise RuntimeError("the simulator is running already")
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_get("/__stats", self._show_stats, allow_head=False)
        for route in ROUTES:
            for path in filter(None, (route.path, route.other_path)):
                app.router.add_route(route.method, path, self._server_of(route))
        app.router.add_route("*", "/{rest:.*}", self._serve_unknown)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port, backlog=_BACKLOG).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the socket and end the requests that are still being served."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        for task in self._serving:
            task.cancel()
        await runner.cleanup()

    def _server_of(self, route: Route) -> _Serve:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, route)

        return serve

    async def _serve_unknown(self, request: web.Request) -> web.StreamResponse:
        route = Route(name="unknown", method=request.method, path=request.path)
        return await self._serve(request, route, refusals.unknown_resource())

    async def _show_stats(self, _request: web.Request) -> web.StreamResponse:
        body = msgspec.json.encode(self._stats())
        return web.Response(body=body, content_type="application/json")

    async def _serve(
        self, request: web.Request, route: Route, answer: Answer | None = None
    ) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        self._serving.add(task)
        try:
            seq, at = self._log.arrive(), self._service.world.now()
            try:
                body = await request.read()
            except ConnectionError:
                # The caller went away in the middle of its request: nobody to answer.
                return web.Response(status=400)
            call = Call(
                route=route,
                path=request.raw_path,
                params=request.match_info,
                query={name: request.query.getall(name) for name in request.query},
                headers=request.headers,
                body=body,
            )
            fault = None
            if answer is None:
                answer, fault = await self._service.respond(call)
            self._log.add(seq, at, call, answer, fault)
            return await _deliver(request, answer)
        finally:
            self._serving.discard(task)


async def _deliver(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send as much of an answer as its `delivery` says.

    A response is returned in any case; on a closed connection the HTTP server
    drops it without a word.
    """
    transport = request.transport
    if transport is None:
        return web.Response()
    match answer.delivery:
        case Delivery.NEVER:
            await _gone(transport)
        case Delivery.DROPPED:
            transport.abort()
        case Delivery.TORN:
            return await _tear(request, answer, transport)
        case Delivery.WHOLE:
            pass
    return _response(answer)


async def _gone(transport: asyncio.Transport) -> None:
    """Return soon after the caller has hung up."""
    while not transport.is_closing():  # noqa: ASYNC110 - a transport signals nothing
        await asyncio.sleep(_LOOK_AGAIN)


async def _tear(
    request: web.Request, answer: Answer, transport: asyncio.Transport
) -> web.StreamResponse:
    content = answer.content
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    # At least one byte has to be missing, of an empty body too.
    response.content_length = max(len(content), 1)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    # Not abort: what was written must arrive.
    transport.close()
    return response


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.content,
        content_type=answer.content_type,
        headers=answer.headers,
    )

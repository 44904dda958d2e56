"""Which address is which page. The pages themselves are in `pages_*`, what stands before them in `guard`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from openstreamer.server.web import (
    metrics,
    pages_clients,
    pages_events,
    pages_login,
    pages_status,
    pages_types,
)
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.guard import Endpoint, Guard, Visit, page


def make_application(context: WebContext) -> ASGIApp:
    """All pages of one service."""

    def get(path: str, endpoint: Endpoint, *, quiet: bool = False, public: bool = False) -> Route:
        return Route(path, page(context, endpoint, quiet=quiet, public=public), methods=["GET"])

    def post(path: str, endpoint: Endpoint, *, public: bool = False) -> Route:
        return Route(path, page(context, endpoint, public=public), methods=["POST"])

    routes = [
        Route("/", _first, methods=["GET"]),
        Route("/healthz", _bound(context, metrics.health), methods=["GET"]),
        Route("/metrics", _bound(context, metrics.metrics), methods=["GET"]),
        Route("/static/{name}", _bound(context, _static), methods=["GET"]),
        get("/login", pages_login.form, public=True),
        post("/login", pages_login.log_in, public=True),
        post("/logout", pages_login.log_out),
        get("/status", pages_status.status),
        get("/status/now", pages_status.now, quiet=True),
        get("/types", pages_types.show),
        post("/types", pages_types.save),
        get("/clients", pages_clients.show_all),
        get("/clients/now", pages_clients.now, quiet=True),
        post("/clients", pages_clients.add),
        get("/clients/{host}", pages_clients.show_one),
        get("/clients/{host}/names", pages_clients.names, quiet=True),
        get("/clients/{host}/file", pages_clients.download),
        get("/clients/{host}/revoke", pages_clients.ask),
        post("/clients/{host}/revoke", pages_clients.revoke),
        post("/clients/{host}/types", pages_clients.set_types),
        get("/events", pages_events.browse),
        get("/events/live", pages_events.live, quiet=True),
        get("/events/{number:int}.{index:int}", pages_events.show_one),
    ]
    application = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _page_of_status(context)},  # type: ignore[dict-item]
    )
    application.router.redirect_slashes = False
    return Guard(application, context)


def _bound(
    context: WebContext, function: Callable[[WebContext, Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await function(context, request)

    return answer


async def _first(request: Request) -> Response:
    return RedirectResponse("/status", 303)


async def _static(context: WebContext, request: Request) -> Response:
    asset = context.assets.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    kept = "max-age=31536000, immutable" if request.url.query == asset.tag else "no-cache"
    return Response(
        asset.content, media_type=asset.media_type, headers={"cache-control": kept, "etag": f'"{asset.tag}"'}
    )


def _page_of_status(context: WebContext) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    async def answer(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            return PlainTextResponse("No such method here.\n", 405, error.headers)
        visit = Visit(context, request, None, "")
        return await visit.page(
            "message.html",
            error.status_code,
            title="Nothing here" if error.status_code == 404 else "That did not work",
            sentence="There is no such page." if error.status_code == 404 else error.detail,
        )

    return answer

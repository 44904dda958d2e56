"""Which address is which page. The pages themselves are in `pages_*`, what stands before them in `guard`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from openstreamer.authority.revocation import PATH
from openstreamer.server.web import (
    metrics,
    pages_clients,
    pages_events,
    pages_login,
    pages_renewal,
    pages_status,
    pages_types,
    revocation_lists,
)
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.guard import Endpoint, Guard, Visit, page

Plain = Callable[[WebContext, Request], Awaitable[Response]]


class Page(NamedTuple):
    """A row of the table of addresses."""

    method: str
    path: str
    endpoint: Endpoint
    public: bool = False
    """Whether it wants no login."""
    quiet: bool = False
    """Whether it refreshes itself, and so does not keep a login alive."""


class PlainAnswer(NamedTuple):
    """An address that is no page: it decides itself who may ask, and says no more than it must."""

    path: str
    function: Plain


async def _first(context: WebContext, request: Request) -> Response:
    return RedirectResponse("/status", 303)


async def _static(context: WebContext, request: Request) -> Response:
    asset = context.assets.get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    kept = "max-age=31536000, immutable" if request.url.query == asset.tag else "no-cache"
    return Response(
        asset.content, media_type=asset.media_type, headers={"cache-control": kept, "etag": f'"{asset.tag}"'}
    )


PLAIN = (
    PlainAnswer("/", _first),
    PlainAnswer("/healthz", metrics.health),
    PlainAnswer("/metrics", metrics.metrics),
    PlainAnswer(f"{PATH}{{name}}", revocation_lists.answer),
    PlainAnswer("/static/{name}", _static),
)

PAGES = (
    Page("GET", "/login", pages_login.form, public=True),
    Page("POST", "/login", pages_login.log_in, public=True),
    Page("POST", "/logout", pages_login.log_out),
    Page("GET", "/status", pages_status.status),
    Page("GET", "/status/now", pages_status.now, quiet=True),
    Page("GET", "/types", pages_types.show),
    Page("POST", "/types", pages_types.save),
    Page("GET", "/clients", pages_clients.show_all),
    Page("GET", "/clients/now", pages_clients.now, quiet=True),
    Page("POST", "/clients", pages_clients.add),
    Page("GET", "/clients/{host}", pages_clients.show_one),
    Page("GET", "/clients/{host}/names", pages_clients.names, quiet=True),
    Page("GET", "/clients/{host}/file", pages_clients.download),
    Page("GET", "/clients/{host}/revoke", pages_clients.ask),
    Page("POST", "/clients/{host}/revoke", pages_clients.revoke),
    Page("GET", "/clients/{host}/renew", pages_renewal.ask),
    Page("POST", "/clients/{host}/renew", pages_renewal.renew),
    Page("POST", "/clients/{host}/types", pages_clients.set_types),
    Page("GET", "/events", pages_events.browse),
    Page("GET", "/events/live", pages_events.live, quiet=True),
    Page("GET", "/events/{number:int}.{index:int}", pages_events.show_one),
)
"""Everything there is. Tests of what stands before the pages go over these two tables, so that a new page is
tested by being in one.
"""


def make_application(context: WebContext) -> ASGIApp:
    """All pages of one service."""
    routes = [Route(item.path, _bound(context, item.function), methods=["GET"]) for item in PLAIN]
    routes += [
        Route(
            item.path,
            page(context, item.endpoint, public=item.public, quiet=item.quiet),
            methods=[item.method],
        )
        for item in PAGES
    ]
    application = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _page_of_status(context)},  # type: ignore[dict-item]
    )
    application.router.redirect_slashes = False
    return Guard(application, context)


def _bound(context: WebContext, function: Plain) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await function(context, request)

    return answer


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

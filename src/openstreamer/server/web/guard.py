"""What stands before every page: Host header, response headers, login, CSRF token, size of a form.

`Guard` wraps the whole application and knows nothing of logins. `page` wraps one page: it finds the login,
reads the form of a POST and checks its token, and turns our errors into pages. A page is a function of a
`Visit`.
Rules: `docs/web.md`, "Security".
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openstreamer.errors import OpenStreamerError
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.logins import Login, same

log = logging.getLogger("openstreamer.server")

FORM_BYTES = 32 * 1024
FORM_SECONDS = 10.0
FORM_FIELDS = 200

HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Of every answer; one that has such a header itself keeps it."""

_LOCAL_PAGE = re.compile(r"/(?:status|events|types|clients)(?:[/?][\w./?&=%:+\[\]~-]*)?")


class Refused(Exception):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Guard:
    """The outermost layer: only hosts and methods of ours get in, and strict headers go out."""

    def __init__(self, application: ASGIApp, context: WebContext) -> None:
        self._application = application
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *[
                        (name.encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.encode() not in present
                    ],
                ]
            await send(message)

        answer = self._refusal(scope)
        try:
            await (answer or self._application)(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("web pages: %s %r failed by a fault of the program", scope["method"], scope["path"])
            if started:
                raise
            answer = PlainTextResponse("This page failed; the log of the service says why.\n", 500)
            await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        server = scope.get("server") or ("", 0)
        if len(hosts) != 1 or not self._context.is_ours(hosts[0], str(server[0])):
            return PlainTextResponse(
                "This server does not go by that name. If it should, add the name to 'names' in the section "
                "[web] of openstreamer.toml.\n",
                421,
            )
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("No such method.\n", 405, {"allow": "GET, HEAD, POST"})
        return None


class Visit:
    """One request, with who makes it."""

    def __init__(self, context: WebContext, request: Request, login: Login | None, token: str) -> None:
        self.context = context
        self.request = request
        self.maybe_login = login
        self.token = token
        self.form: dict[str, list[str]] = {}

    @property
    def login(self) -> Login:
        """Who makes it, on pages that need a login."""
        assert self.maybe_login is not None
        return self.maybe_login

    @property
    def peer(self) -> str:
        """Address of the browser."""
        return peer_of(self.request)

    @property
    def partial(self) -> bool:
        """Whether a part of a page is asked for, not the whole."""
        return self.request.headers.get("hx-request") == "true"

    def field(self, name: str) -> str:
        """A field of the form; empty if it is not there."""
        return self.form.get(name, [""])[0]

    def audit(self, action: str, **details: Any) -> None:
        """Note a change."""
        self.context.audit.write(self.peer, action, **details)

    def notice(self, sentence: str, kind: str = "good") -> None:
        """Have the next page say something; kinds are "good", "warn" and "bad"."""
        self.login.notices.append((kind, sentence))

    async def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page made from a template, in a thread: long tables take their time."""
        login = self.maybe_login
        notices: list[tuple[str, str]] = []
        if login is not None and not self.partial:
            notices, login.notices = login.notices, []
        values.update(
            path=self.request.url.path,
            csrf=login.csrf if login is not None else "",
            logged_in=login is not None,
            notices=notices,
            now=time.time(),
        )
        templates = self.context.templates
        content = await self.context.run(lambda: templates.get_template(template).render(values))
        return HTMLResponse(content, status)


Endpoint = Callable[[Visit], Awaitable[Response]]


def page(
    context: WebContext, endpoint: Endpoint, *, public: bool = False, quiet: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Make a route's function from a page.

    `public` pages need no login. `quiet` ones refresh themselves and do not keep a login alive.
    """

    async def answer(request: Request) -> Response:
        token = request.cookies.get(cookie_name(context), "")
        login = None
        if token:
            stamp = context.passwords.stamp()
            login = context.logins.find(token, stamp, context.clock(), used=not quiet)
        visit = Visit(context, request, login, token)
        try:
            if login is None and not public:
                return _to_login(request)
            if request.method == "POST":
                check_origin(request)
                visit.form = await read_form(request)
                if not public and not same(_token_of(visit), visit.login.csrf):
                    raise Refused(
                        403, "This form is too old or not ours. Go back, reload the page, try again."
                    )
            return await endpoint(visit)
        except Refused as refused:
            said = await visit.page(
                "message.html", refused.status, title="Refused", sentence=refused.sentence
            )
            if request.method == "POST" and not visit.form:
                said.headers["connection"] = "close"  # the rest of the form is not wanted
            return said
        except OpenStreamerError as error:
            log.error("web pages: %s", error)
            return await visit.page("message.html", 500, title="That did not work", sentence=str(error))

    return answer


def cookie_name(context: WebContext) -> str:
    """Name of the login cookie. Cookies are shared by all ports of a host, hence the port in it."""
    return f"{'__Host-' if context.secure else ''}openstreamer-{context.port}"


def peer_of(request: Request) -> str:
    """Address of whoever made the request."""
    return request.client.host if request.client is not None else ""


def is_local(request: Request) -> bool:
    """Whether the request comes from this machine and was not passed on by a proxy."""
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    try:
        return ipaddress.ip_address(peer_of(request)).is_loopback and not forwarded
    except ValueError:
        return False


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent. Raises Refused."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    ):
        raise Refused(403, "This form was sent by another site.")


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form. Raises Refused if it is too long, too slow or not one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "Only forms are understood here.")
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > FORM_BYTES:
                    raise Refused(413, "The form is too long.")
    except TimeoutError:
        raise Refused(408, "The form took too long.") from None
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise Refused(400, "The form cannot be read.") from None
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def local_page(path: str) -> str:
    """A page of ours to go to after the login; the first one if the text is anything else."""
    return path if _LOCAL_PAGE.fullmatch(path) and "//" not in path else "/status"


def _token_of(visit: Visit) -> str:
    return visit.field("csrf") or visit.request.headers.get("x-csrf-token", "")


def _to_login(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": "/login"})
    if request.method != "GET" or "text/event-stream" in request.headers.get("accept", ""):
        return PlainTextResponse("Log in first.\n", 401, {"connection": "close"})
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = local_page(path)
    return RedirectResponse(
        f"/login?next={quote(target, safe='/')}" if target != "/status" else "/login", 303
    )

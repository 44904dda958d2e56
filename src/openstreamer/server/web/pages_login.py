"""Logging in and out. Rules: `docs/web.md`, "Logging in"."""

from __future__ import annotations

import math

from starlette.responses import RedirectResponse, Response

from openstreamer.server.web.guard import Refused, Visit, cookie_name, local_page
from openstreamer.server.web.logins import LONGEST_SECONDS

WAITING_LOGINS = 8
"""Passwords that may wait for being checked; more are refused."""


def _form_cookie(visit: Visit) -> str:
    return f"{cookie_name(visit.context)}-form"


async def _page(visit: Visit, status: int = 200, *, target: str, problem: str = "") -> Response:
    context = visit.context
    value, token = context.login_forms.make()
    answer = await visit.page(
        "login.html",
        status,
        target=target,
        problem=problem,
        form_token=token,
        has_password=bool(context.passwords.stamp()),
        state=str(context.service.state.path),
    )
    answer.set_cookie(
        _form_cookie(visit), value, max_age=3600, httponly=True, samesite="strict", secure=context.secure
    )
    return answer


async def form(visit: Visit) -> Response:
    """The form."""
    target = local_page(visit.request.query_params.get("next", ""))
    if visit.maybe_login is not None:
        return RedirectResponse(target, 303)
    return await _page(visit, target=target)


async def log_in(visit: Visit) -> Response:
    """Check the password."""
    context, peer = visit.context, visit.peer
    target = local_page(visit.field("next"))
    if not context.login_forms.check(visit.request.cookies.get(_form_cookie(visit), ""), visit.field("csrf")):
        return await _page(visit, 403, target=target, problem="This form was too old. Please try again.")
    wait = context.attempts.wait(peer, context.clock())
    if wait:
        minutes = math.ceil(wait / 60)
        answer = await _page(
            visit,
            429,
            target=target,
            problem=f"Too many wrong passwords from your address. Try again in {minutes} min.",
        )
        answer.headers["retry-after"] = str(math.ceil(wait))
        return answer
    if context.waiting_logins >= WAITING_LOGINS:
        raise Refused(503, "Too many logins at once. Try again in a moment.")
    context.attempts.begin(peer, context.clock())
    context.waiting_logins += 1
    try:
        async with context.verifying:  # one at a time: each takes 64 MB
            right = await context.run(lambda: context.passwords.verify(visit.field("password")))
    finally:
        context.waiting_logins -= 1
    if not right:
        visit.audit("login failed")
        return await _page(visit, 403, target=target, problem="That is not the password.")
    context.attempts.succeeded(peer)
    if visit.token:
        context.logins.close(visit.token)
    token, _ = context.logins.open(peer, context.passwords.stamp(), context.clock())
    visit.audit("login")
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        cookie_name(context),
        token,
        max_age=int(LONGEST_SECONDS),
        httponly=True,
        samesite="strict",
        secure=context.secure,
    )
    answer.delete_cookie(_form_cookie(visit), secure=context.secure, httponly=True, samesite="strict")
    return answer


async def log_out(visit: Visit) -> Response:
    """End the login."""
    visit.context.logins.close(visit.token)
    visit.audit("logout")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(
        cookie_name(visit.context), secure=visit.context.secure, httponly=True, samesite="strict"
    )
    return answer

"""The page on which a client gets a new certificate: the question, and the renewal.

The client stays as it is otherwise; its former certificate is good for as many days as are chosen. Rules:
`docs/certificates.md`, "Clients"; `docs/web.md`, "Clients".
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from openstreamer.authority.authority import OVERLAP_DAYS
from openstreamer.errors import AuthorityError
from openstreamer.server.web.guard import Refused, Visit
from openstreamer.server.web.pages_clients import PASSWORD_LENGTH, client_of, path_of

OVERLAPS = (0, 1, 7, OVERLAP_DAYS, 30, 90)
"""Days that can be chosen for the former certificate."""


async def ask(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    """The form."""
    client = await client_of(visit)
    if client.revoked is not None:
        raise Refused(404, f"Client {client.host} is revoked: add it again.")
    posted = visit.request.method == "POST"
    return await visit.page(
        "renew.html",
        status,
        client=client,
        home=path_of(client.host),
        overlaps=OVERLAPS,
        overlap=visit.field("overlap") if posted else str(OVERLAP_DAYS),
        compat=bool(visit.field("compat")) if posted else False,
        problem=problem,
    )


async def renew(visit: Visit) -> Response:
    """Make the new certificate."""
    client = await client_of(visit)
    password = visit.field("password")
    problem = ""
    if password != visit.field("again"):
        problem = "The two passwords differ."
    elif len(password) > PASSWORD_LENGTH:
        problem = f"The password is longer than {PASSWORD_LENGTH} characters."
    elif visit.field("overlap") not in map(str, OVERLAPS):
        problem = "Choose how long the former certificate stays good."
    if problem:
        return await ask(visit, problem=problem, status=400)
    overlap = int(visit.field("overlap"))
    service = visit.context.service
    try:
        await visit.context.run(
            lambda: service.authority.renew(
                client.host,
                password=password or None,
                compat=bool(visit.field("compat")),
                overlap_days=overlap,
            )
        )
    except AuthorityError as error:
        raise Refused(409, f"{error}.") from None
    visit.audit("client renewed", host=client.host, overlap_days=overlap)
    await service.end_revoked()
    days = "1 day" if overlap == 1 else f"{overlap} days"
    good = f"The former one is good for another {days}." if overlap else "The former one is no longer good."
    visit.notice(f"Renewed the certificate of {client.host}. Download its new file and copy it there. {good}")
    if not password:
        visit.notice("The file has no password: whoever gets it can connect as this client.", "warn")
    return RedirectResponse(path_of(client.host), 303)

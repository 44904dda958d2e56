"""The page *Clients*: who may connect, how far each is; add, download, revoke, and a client's event types.

A client is added with one or more names and addresses; its PKCS#12 file is then downloaded here. Names that
do not resolve on this server are told, because such a client would be refused. Revoking is asked for once and
counts at once, for open sessions too. Rules: guide, "Adding eStreamer clients"; `docs/web.md`, "Clients".
"""

from __future__ import annotations

import ipaddress
import re
import time
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from openstreamer.authority import Authority, Client
from openstreamer.authority.clients import parse_names
from openstreamer.errors import AuthorityError, UsageError
from openstreamer.server.snapshot import Snapshot
from openstreamer.server.web.guard import Refused, Visit
from openstreamer.server.web.pages_types import chosen_types, labels, offered

PASSWORD_LENGTH = 200
NAMES_LENGTH = 2000


def path_of(host: str) -> str:
    """The address of a client's page."""
    return f"/clients/{quote(host, safe='')}"


async def client_of(visit: Visit) -> Client:
    """The client that the address names; 404 if there is none."""
    host = visit.request.path_params["host"]
    try:
        return await visit.context.run(lambda: visit.context.service.authority.registry.get(host))
    except AuthorityError:
        raise Refused(404, f"There is no client {host}.") from None


async def _list(visit: Visit) -> tuple[Snapshot, list[Client], dict[str, str]]:
    """Numbers, clients, and what is wrong with whose certificate."""
    snapshot = await visit.context.snapshot()
    authority = visit.context.service.authority

    def read() -> tuple[list[Client], dict[str, str]]:
        clients = authority.registry.list(revoked=True)
        return clients, {client.host: why for client in clients if (why := refusal(authority, client))}

    return snapshot, *await visit.context.run(read)


def refusal(authority: Authority, client: Client) -> str:
    """Why the newest certificate of a client is refused; empty if it is not. May read a file."""
    if client.revoked is not None:
        return ""
    if not authority.files.counts(client.issuer):
        return "former CA"
    return "expired" if client.expires <= time.time() else ""


async def show_all(visit: Visit, *, problem: str = "", status: int = 200) -> Response:
    """All clients, and the form for a new one."""
    snapshot, clients, refused = await _list(visit)
    return await visit.page(
        "clients.html",
        status,
        snapshot=snapshot,
        rows=_rows(snapshot, clients, refused),
        offered=frozenset(offered(visit.context)),
        revoked=[client for client in clients if client.revoked is not None],
        types=offered(visit.context),
        problem=problem,
        form={
            name: visit.field(name) if visit.request.method == "POST" else ""
            for name in ("host", "also", "compat")
        },
        ticked=visit.form.get("type", []) if visit.request.method == "POST" else list(offered(visit.context)),
        path_of=path_of,
    )


async def now(visit: Visit) -> Response:
    """The table of clients again, for the page that shows it."""
    snapshot, clients, refused = await _list(visit)
    return await visit.page(
        "clients_table.html",
        snapshot=snapshot,
        rows=_rows(snapshot, clients, refused),
        offered=frozenset(offered(visit.context)),
        path_of=path_of,
    )


def _rows(snapshot: Snapshot, clients: list[Client], refused: dict[str, str]) -> list[dict[str, object]]:
    change = snapshot.authority_rotation
    waiting = frozenset(change.not_renewed if change is not None else ())
    about = {client.host: client for client in snapshot.clients}
    rows: list[dict[str, object]] = []
    for client in clients:
        if client.revoked is None:
            sessions = [item for item in snapshot.sessions if item.client == client.host]
            rows.append(
                {
                    "client": client,
                    "about": about.get(client.host),
                    "sessions": sessions,
                    "refused": refused.get(client.host, ""),
                    "needs_renewal": client.host in waiting,
                }
            )
    return rows


async def show_one(visit: Visit) -> Response:
    """One client, with its sessions."""
    client = await client_of(visit)
    snapshot = await visit.context.snapshot()
    registry = visit.context.service.authority.registry
    allowed = await visit.context.run(lambda: registry.allowed_events(client))
    refused = await visit.context.run(lambda: refusal(visit.context.service.authority, client))
    change = snapshot.authority_rotation
    about = next((item for item in snapshot.clients if item.host == client.host), None)
    return await visit.page(
        "client.html",
        client=client,
        about=about,
        refused=refused,
        until=change.until if change is not None and client.host in change.not_renewed else None,
        sessions=[item for item in snapshot.sessions if item.client == client.host],
        types=offered(visit.context),
        allowed=allowed,
        home=path_of(client.host),
        server_name=client.host if _is_here(client) else visit.context.host_name,
        server_port=snapshot.listen[0].rpartition(":")[2] if snapshot.listen else "8302",
        file_name=file_name(client.host),
    )


async def names(visit: Visit) -> Response:
    """What a client's names stand for on this server just now. May take some seconds."""
    client = await client_of(visit)
    found = await visit.context.resolve(client.names)
    checked = client.hostcheck and visit.context.service.host_check
    return await visit.page("client_names.html", client=client, found=found, checked=checked)


async def add(visit: Visit) -> Response:
    """Add a client."""
    also = [name for name in re.split(r"[\s,;]+", visit.field("also")[:NAMES_LENGTH]) if name]
    host = visit.field("host").strip()[:NAMES_LENGTH]
    password, again = visit.field("password"), visit.field("again")
    types = chosen_types(visit)
    problem = ""
    if not host:
        problem = "Give the host name or the address that the client connects from."
    elif password != again:
        problem = "The two passwords differ."
    elif len(password) > PASSWORD_LENGTH:
        problem = f"The password is longer than {PASSWORD_LENGTH} characters."
    if problem:
        return await show_all(visit, problem=problem, status=400)
    authority = visit.context.service.authority
    try:
        parsed = parse_names([host, *also])
        await visit.context.run(
            lambda: authority.issue(
                host, also, password=password or None, compat=bool(visit.field("compat")), events=types
            )
        )
    except (UsageError, AuthorityError) as error:
        sentence = str(error)
        return await show_all(visit, problem=f"{sentence[:1].upper()}{sentence[1:]}.", status=400)
    client = await visit.context.run(lambda: authority.registry.get(host))
    visit.audit(
        "client added", host=client.host, names=list(client.names + client.addresses + client.networks)
    )
    visit.notice(f"Added {client.host}. Download its file below and copy it to the client.")
    if not password:
        visit.notice("The file has no password: whoever gets it can connect as this client.", "warn")
    lost = [name for name, addresses in (await visit.context.resolve(parsed.names)).items() if not addresses]
    if lost and visit.context.service.host_check:
        unless = ", unless it comes from one of its addresses" if client.addresses or client.networks else ""
        verb, it = ("do not resolve", "they do") if len(lost) > 1 else ("does not resolve", "it does")
        visit.notice(
            f"{' and '.join(lost)} {verb} on this server. The client is refused until {it}{unless}.",
            "warn",
        )
    return RedirectResponse(path_of(client.host), 303)


async def download(visit: Visit) -> Response:
    """The PKCS#12 file."""
    client = await client_of(visit)
    try:
        content = await visit.context.run(lambda: visit.context.service.authority.download(client.host))
    except AuthorityError as error:
        raise Refused(404, f"{error}.") from None
    visit.audit("client file downloaded", host=client.host)
    return Response(
        content,
        media_type="application/x-pkcs12",
        headers={"content-disposition": f'attachment; filename="{file_name(client.host)}"'},
    )


async def ask(visit: Visit) -> Response:
    """The question before a client is revoked."""
    client = await client_of(visit)
    if client.revoked is not None:
        raise Refused(404, f"Client {client.host} is revoked already.")
    snapshot = await visit.context.snapshot()
    sessions = [item for item in snapshot.sessions if item.client == client.host]
    return await visit.page("revoke.html", client=client, sessions=sessions, home=path_of(client.host))


async def revoke(visit: Visit) -> Response:
    """Revoke a client, and wait for its sessions to have ended."""
    client = await client_of(visit)
    service = visit.context.service
    ended = sum(session.client.host == client.host for session in service.sessions)
    try:
        await visit.context.run(lambda: service.authority.revoke(client.host, reason="web pages"))
    except AuthorityError as error:
        raise Refused(409, f"{error}.") from None
    visit.audit("client revoked", host=client.host)
    await service.end_revoked()
    words = {0: "It had no session.", 1: "Its session was ended."}
    visit.notice(f"Revoked {client.host}. {words.get(ended, f'Its {ended} sessions were ended.')}")
    return RedirectResponse("/clients", 303)


async def set_types(visit: Visit) -> Response:
    """Set a client's own event types."""
    client = await client_of(visit)
    ticked = chosen_types(visit)
    shown = frozenset(offered(visit.context))
    registry = visit.context.service.authority.registry
    await visit.context.run(lambda: registry.set_events(client.host, enable=ticked, disable=shown - ticked))
    on, off = ticked - client.events, client.events & shown - ticked
    if on or off:
        visit.audit("event types of a client changed", host=client.host, on=sorted(on), off=sorted(off))
        changes = [f"now gets {labels(on)}"] if on else []
        changes += [f"no longer gets {labels(off)}"] if off else []
        visit.notice(f"{client.host} {' and '.join(changes)}.")
    return RedirectResponse(path_of(client.host), 303)


def _is_here(client: Client) -> bool:
    """Whether a client is this machine itself, which then reaches the server by the same name."""
    address = ipaddress.ip_address(client.host) if client.host in client.addresses else None
    return client.host == "localhost" or (address is not None and address.is_loopback)


def file_name(host: str) -> str:
    """Name of a client's file: nothing in it that a file system or a header could take amiss."""
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', host)}.pkcs12"

"""The page *Event types*: the check boxes of the manual, for the whole server.

Unticking a type keeps it from being captured and sent, and deletes nothing. Rules: guide, "Configuring
eStreamer on the server"; `docs/event-types.md`.
"""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import RedirectResponse, Response

from openstreamer.authority import EVENT_CLASSES
from openstreamer.server.roles import role_events
from openstreamer.server.web.context import WebContext
from openstreamer.server.web.guard import Refused, Visit


class EventType(NamedTuple):
    """A check box: its name in the manual, and what it means."""

    label: str
    meaning: str


EVENT_TYPES = {
    "intrusion": EventType(
        "Intrusion events", "A rule matched: which one, who with whom, what was done about it."
    ),
    "packet": EventType("Intrusion event packet data", "The packets that made a rule match, whole."),
    "extra-data": EventType(
        "Intrusion event extra data",
        "What else is known of an intrusion event: address behind a proxy, URI, host name, mail addresses.",
    ),
    "discovery": EventType(
        "Discovery events", "Hosts, services and applications that were found, and what changed about them."
    ),
    "correlation": EventType("Correlation events", "A correlation rule or an allow list matched."),
    "impact-alert": EventType("Impact flag alerts", "An intrusion event with a high impact on its target."),
    "user": EventType("User activity events", "Logins, logouts and new identities."),
    "malware": EventType("Malware events", "Malware was found by an endpoint or in the cloud."),
    "file": EventType("File events", "A file passed by, with what is known of it; malware in it too."),
    "connection": EventType(
        "Connection events", "A connection began or ended. Usually the greatest number of events by far."
    ),
}

assert tuple(EVENT_TYPES) == EVENT_CLASSES


def offered(context: WebContext) -> dict[str, EventType]:
    """The event types that this server has, by its role."""
    return {name: EVENT_TYPES[name] for name in role_events(context.service.settings)}


def chosen_types(visit: Visit) -> frozenset[str]:
    """The ticked boxes of a form. Raises Refused."""
    ticked = frozenset(visit.form.get("type", ()))
    if not ticked <= set(offered(visit.context)):
        raise Refused(400, "There is no such event type.")
    return ticked


def labels(types: frozenset[str] | set[str]) -> str:
    """Event types in a sentence, in the order of the page."""
    return ", ".join(EVENT_TYPES[name].label.lower() for name in EVENT_CLASSES if name in types)


async def show(visit: Visit) -> Response:
    """The check boxes, with what each has brought."""
    context = visit.context
    snapshot = await context.snapshot()
    enabled = await context.run(context.service.authority.registry.server_events)
    rates = context.history.rates()
    return await visit.page(
        "types.html",
        limited=len(offered(context)) < len(EVENT_TYPES),
        types=[
            (name, item, name in enabled, snapshot.store.by_type.get(name, 0), rates.get(name, 0.0))
            for name, item in offered(context).items()
        ],
    )


async def save(visit: Visit) -> Response:
    """Set the check boxes."""
    ticked = chosen_types(visit)
    shown = frozenset(offered(visit.context))
    registry = visit.context.service.authority.registry

    def change() -> frozenset[str]:
        before = registry.server_events()
        registry.set_server_events(enable=ticked, disable=shown - ticked)
        return before & shown

    before = await visit.context.run(change)
    on, off = ticked - before, before - ticked
    if on or off:
        visit.audit("event types changed", on=sorted(on), off=sorted(off))
        if off:
            visit.notice(f"Switched off: {labels(off)}. Nothing captured is deleted.")
        if on:
            visit.notice(f"Switched on: {labels(on)}.")
    else:
        visit.notice("Nothing changed.")
    return RedirectResponse("/types", 303)

"""What a server is, and which event types it has therefore.

A managed device sees traffic and reports what matched: intrusion events, their packets and extra data. A
Management Center also knows hosts, users, files and connections. What a role has not cannot be switched on,
is not captured and is not sent; what was captured before stays in the event log. Guide: "Configuring
eStreamer on the eStreamer Server".
"""

from __future__ import annotations

from openstreamer.authority import EVENT_CLASSES
from openstreamer.server.settings import Settings

ROLES: dict[str, tuple[str, ...]] = {
    "management-center": EVENT_CLASSES,
    "managed-device": ("intrusion", "packet", "extra-data"),
}
"""Event types by role, in the order in which they are shown."""


def role_events(settings: Settings) -> tuple[str, ...]:
    """The event types that a server with these settings has."""
    return ROLES[settings.server.role]

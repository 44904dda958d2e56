"""A described event as words for a log line: names and values, or the reference client's words.

`plain` is `name=value` with quotes where a value has blanks, quotes or "=" in it; inside quotes the quote and
"\\" are escaped by "\\". `reference` is the line of the reference client's syslog plugin. What could steer a
terminal or break the line stands as an escape in both. Not here: the frame of a syslog message.
"""

from __future__ import annotations

from openstreamer.outputs.mappings.describe import Described, Value
from openstreamer.outputs.terminal import harmless

_QUOTED = frozenset(' "=\\')


def quoted(value: Value) -> str:
    """A value of `plain`."""
    if isinstance(value, int):
        return str(value)
    if not value.isprintable():
        value = harmless(value)
    if not value or not _QUOTED.isdisjoint(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def plain(event: Described, count: int = 1) -> str:
    """Title first, then what it is, then everything its mapping names."""
    parts = [
        harmless(event.title),
        f"id={event.id}",
        f"event={event.event.event}",
        f"signature={quoted(event.signature)}",
        f"severity={event.severity}",
    ]
    if count > 1:
        parts.append(f"count={count}")
    for item, value in event.values:
        if item.form == "milliseconds" and isinstance(value, int):
            value //= 1000
        if item.name != "message" or value != event.title:
            parts.append(f"{item.name}={quoted(value)}")
    parts.append(f"server={quoted(event.server)}")
    return " ".join(parts)


def reference(event: Described, count: int = 1) -> str:
    """The words of the reference client, in its order; zero for what an event does not have."""

    def of(name: str) -> Value:
        value = event.get(name)
        return 0 if value is None else value

    return harmless(
        f"AlertPriority {event.priority} SourceIp {of('source_ip')} DestinationIp {of('destination_ip')}"
        f" sfAlertCount {count} SourcePort {of('source_port')} DestinationPort {of('destination_port')}"
        f" EventMessage Sourcefire Alert {event.title}"
    )

"""The objects of the trap `sfEvent`: number, name, type, and where their values stand.

Names, order and types are those that receivers of the reference client know; the MIB in which it had them was
never published, so ours (OPENSTREAMER-MIB.txt) gives them numbers of its own, under the number that is kept
for examples, and the arc can be chosen. `appliance` is the number under which management centers send the
same thing in their own alerts (observed, not documented), for receivers that know those. Not here: sending.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Literal

import msgspec

from openstreamer.outputs.mappings.describe import Described

ARC = "1.3.6.1.4.1.32473.8302"
"""Where our MIB stands; objects are below .1, the notification is .0.1."""

APPLIANCE_ARC = "1.3.6.1.4.1.14223.1"

Syntax = Literal["integer", "unsigned", "string", "octets"]


class TrapObject(msgspec.Struct, frozen=True):
    """One object of the trap."""

    number: int
    name: str
    syntax: Syntax
    source: str
    meaning: str
    appliance: int = 0


OBJECTS: tuple[TrapObject, ...] = (
    TrapObject(1, "sfAlertPriority", "integer", "priority", "Priority of the alert: 1 is high; 0 if none."),
    TrapObject(2, "sfSourceIpString", "string", "source_ip", "Source address as text.", 13),
    TrapObject(3, "sfDestinationIpString", "string", "destination_ip", "Destination address as text.", 14),
    TrapObject(4, "sfAlertCount", "unsigned", "count", "How many events this notification stands for."),
    TrapObject(5, "sfAlertDateAndTime", "octets", "time", "When it happened, as DateAndTime."),
    TrapObject(
        6, "sfSignatureGenerator", "unsigned", "generator_id", "Which part of the sensor found it.", 2
    ),
    TrapObject(7, "sfSignatureId", "unsigned", "signature_id", "Number of the rule.", 3),
    TrapObject(8, "sfSignatureRevision", "unsigned", "signature_revision", "Revision of the rule.", 4),
    TrapObject(9, "sfIpProtocol", "integer", "ip_protocol", "Number of the IP protocol.", 5),
    TrapObject(10, "sfSourcePort", "integer", "source_port", "Source port, or the ICMP type.", 7),
    TrapObject(
        11, "sfDestinationPort", "integer", "destination_port", "Destination port, or the ICMP code.", 8
    ),
    TrapObject(12, "sfSourceIP", "octets", "source_ip", "Source address, 4 or 16 octets."),
    TrapObject(13, "sfDestinationIP", "octets", "destination_ip", "Destination address, 4 or 16 octets."),
    TrapObject(14, "sfEventMessage", "string", "message", "What it says, with the event's id at the end.", 6),
)


def date_and_time(seconds: int, microseconds: int) -> bytes:
    """DateAndTime of SNMPv2-TC, in UTC: eleven octets."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return (
        moment.year.to_bytes(2, "big")
        + bytes((moment.month, moment.day, moment.hour, moment.minute, moment.second))
        + bytes((microseconds // 100_000,))
        + b"+\0\0"
    )


def _address(text: str) -> bytes:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        return bytes(4)


def value_of(row: TrapObject, event: Described, count: int) -> int | bytes:
    """The value of one object; zero, 0.0.0.0 or an empty text for what an event does not have."""
    data = event.event.data
    if row.source == "count":
        return count
    if row.source == "priority":
        return event.priority
    if row.source == "time":
        return date_and_time(event.seconds, event.microseconds)
    if row.source == "message":
        return f"{event.title[:400]} [{event.id}]".encode()
    if row.source in ("source_ip", "destination_ip"):
        address = str(event.get(row.source) or "0.0.0.0")
        return _address(address) if row.syntax == "octets" else address.encode()
    value = event.get(row.source)
    if value is None:
        other = "protocol" if row.source == "ip_protocol" else row.source
        value = getattr(data, row.source, None) or getattr(data, other, None)
    return value if isinstance(value, int) and 0 <= value < 1 << 32 else 0

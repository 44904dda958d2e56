"""The header that stands before the body of discovery, connection and user records.

Rules: chapter 4 of the integration guide, "Discovery Event Header". The 40-byte form has no address behind
it, whatever its era: releases before 5.2 know no other, later ones leave the address out where `has_ipv6`
is 0. So the size is the version: 40 or 56, and the byte `has_ipv6` says which it is (1 means 56).
"""

from __future__ import annotations

from openstreamer.wire import IP, MAC, U8, U32, Fields, IPv4, f


class DiscoveryHeader(Fields, id="discovery_header", records={40: "all", 56: "5.2+"}):
    """When, where and of which kind a discovery, connection or user event is."""

    device_id: U32 = f("Managed device that made the event; 0 is the management center itself.")
    legacy_ip: IPv4 = f("IPv4 address of the host; not filled from 5.3.1 on.")
    mac: MAC = f("MAC address of the host; all zero if unknown.")
    has_ipv6: U8 = f("1 if a 16-byte address stands at the end of the header.")
    reserved: U8 = f("Reserved, zero.")
    event_second: U32 = f("When the event happened, UNIX seconds.")
    event_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    event_type: U32 = f(
        "Kind of event; the top byte may be internal before 5.2.", values="discovery_event_type"
    )
    event_subtype: U32 = f("Kind of event within the type.")
    file_number: U32 = f("For internal use.")
    file_position: U32 = f("For internal use.")
    ipv6: IP = f("Address of the host, IPv4 ones in mapped form from 5.3.1 on.", since=56)

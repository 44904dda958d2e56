"""The packet that made a rule fire.

Record 2, plain fields, the same in all versions; it belongs to the intrusion event with the same device,
event number and second. Rules: chapter 3 of the integration guide, "Packet Record".
"""

from __future__ import annotations

from openstreamer.wire import U32, CountedBytes, Fields, f


class Packet(Fields, id="packet", records={2: "all"}):
    """One captured packet of an intrusion event."""

    device_id: U32 = f("Managed device that saw the packet; 0 is the management center itself.")
    event_id: U32 = f("Number of the intrusion event it belongs to.")
    event_second: U32 = f("When that event was detected, UNIX seconds.")
    packet_second: U32 = f("When the packet was captured, UNIX seconds.")
    packet_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    link_type: U32 = f("Link layer, as in capture files; 1 is Ethernet.", values="packet_link_type")
    packet_length: U32 = f("How many bytes of packet follow.")
    packet_data: CountedBytes = f("The packet from its link layer header on.", length="packet_length")

"""Discovery events whose body is not a block: one number or address, or nothing at all.

Each stands behind the discovery event header (discovery_header.py). Rules: chapter 4 of the integration
guide, "Host Discovery and Connection Event Structures". Not here: discovery events that carry a block.
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U16, U32, Fields, IPv4, f


class NoBody(
    Fields,
    id="no_body",
    records={6: "before 3.0", 19: "all", 20: "all", 21: "all", 44: "all", 114: "before 5.0"},
    confidence={
        6: "sdk-only",
        19: "two-sources",
        20: "two-sources",
        21: "two-sources",
        44: "two-sources",
        114: "guess",
    },
    notes={
        6: "Only the header is known; what follows is kept as bytes.",
        114: "Only the header is known; what follows is kept as bytes.",
    },
):
    """The discovery event header says it all."""


class NewNetworkProtocol(
    Fields, id="new_network_protocol", records={13: "all"}, confidence={13: "two-sources"}
):
    """A host used a network protocol for the first time."""

    network_protocol: U16 = f("EtherType of the protocol.")


class NewTransportProtocol(
    Fields, id="new_transport_protocol", records={14: "all"}, confidence={14: "two-sources"}
):
    """A host used a transport protocol for the first time."""

    transport_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")


class HopsChange(Fields, id="hops_change", records={22: "all"}, confidence={22: "two-sources"}):
    """The distance of a host changed."""

    hops: U8 = f("Network hops between device and host.")


class PortEvent(
    Fields,
    id="port_event",
    records={23: "all", 24: "all", 25: "all", 26: "all"},
    confidence={23: "two-sources", 24: "two-sources", 25: "two-sources", 26: "two-sources"},
):
    """A port of a host was closed, or nothing was heard of it for long."""

    port: U16 = f("Port number.")


class HostAddressChange(
    Fields,
    id="host_ip_changed",
    records={29: "all"},
    confidence={29: "two-sources"},
    notes={29: "Before 5.2 the address is an IPv4 one, 4 bytes long."},
    alternatives={29: ({"ip_address": IP}, {"ip_address": IPv4})},
):
    """A host got another address."""

    ip_address: IP = f("The new address.")


class HostTypeChange(Fields, id="host_type_change", records={31: "all"}):
    """A host turned out to be a router or bridge."""

    host_type: U32 = f("What the host is.", values="host_type")

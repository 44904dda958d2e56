"""Kinds of discovery event: which record carries an event of some type and subtype.

Type and subtype stand in the discovery event header (discovery_header.py). A record type has one kind of event
only, so readers need the table for words, and those who make records to fill the header. Rules: chapter 4 of the
integration guide, "Discovery and Connection Event Types and Subtypes"; the numbers of 1001 from 8 and of 1002
to 13 come from other programs. What an event is called here is what `values.py` calls its subtype.
"""

from __future__ import annotations

from typing import NamedTuple


class DiscoveryEvent(NamedTuple):
    """One kind of event; `record` is None where no record is known to carry it."""

    name: str
    record: int | None


# fmt: off
DISCOVERY_EVENTS: dict[tuple[int, int], DiscoveryEvent] = {
    (1000, 1): DiscoveryEvent("new_host", 10),
    (1000, 2): DiscoveryEvent("new_tcp_server", 11),
    (1000, 3): DiscoveryEvent("new_network_protocol", 13),
    (1000, 4): DiscoveryEvent("new_transport_protocol", 14),
    (1000, 5): DiscoveryEvent("new_ip_to_ip_traffic", None),
    (1000, 6): DiscoveryEvent("new_udp_server", 12),
    (1000, 7): DiscoveryEvent("new_client_application", 15),
    (1000, 8): DiscoveryEvent("new_os", 101),
    (1000, 9): DiscoveryEvent("new_ipv6_to_ipv6_traffic", None),
    (1001, 1): DiscoveryEvent("host_ip_changed", 29),
    (1001, 2): DiscoveryEvent("os_update", 18),
    (1001, 3): DiscoveryEvent("host_ip_reused", 20),
    (1001, 4): DiscoveryEvent("vulnerability_changed", 32),
    (1001, 5): DiscoveryEvent("hops_change", 22),
    (1001, 6): DiscoveryEvent("tcp_server_update", 16),
    (1001, 7): DiscoveryEvent("host_timeout", 19),
    (1001, 8): DiscoveryEvent("tcp_port_closed", 23),
    (1001, 9): DiscoveryEvent("udp_port_closed", 24),
    (1001, 10): DiscoveryEvent("udp_server_update", 17),
    (1001, 11): DiscoveryEvent("tcp_port_timeout", 25),
    (1001, 12): DiscoveryEvent("udp_port_timeout", 26),
    (1001, 13): DiscoveryEvent("mac_change", 27),
    (1001, 14): DiscoveryEvent("mac_added", 28),
    (1001, 15): DiscoveryEvent("host_last_seen", 30),
    (1001, 16): DiscoveryEvent("host_router_or_bridge", 31),
    (1001, 17): DiscoveryEvent("connection_statistics_old", 33),
    (1001, 18): DiscoveryEvent("vlan_update", 34),
    (1001, 19): DiscoveryEvent("host_deleted_limit", 21),
    (1001, 20): DiscoveryEvent("client_application_timeout", 35),
    (1001, 21): DiscoveryEvent("netbios_name", 42),
    (1001, 22): DiscoveryEvent("netbios_domain", None),
    (1001, 23): DiscoveryEvent("host_dropped_limit", 44),
    (1001, 24): DiscoveryEvent("banner_update", 45),
    (1001, 25): DiscoveryEvent("tcp_server_confidence", 51),
    (1001, 26): DiscoveryEvent("udp_server_confidence", 52),
    (1001, 27): DiscoveryEvent("os_confidence", 53),
    (1001, 28): DiscoveryEvent("dhcp_info", None),
    (1001, 29): DiscoveryEvent("identity_conflict", 102),
    (1001, 30): DiscoveryEvent("identity_timeout", 103),
    (1001, 31): DiscoveryEvent("secondary_host_update", None),
    (1001, 32): DiscoveryEvent("client_application_update", 107),
    (1002, 1): DiscoveryEvent("valid_vulnerabilities_v1", 37),
    (1002, 2): DiscoveryEvent("invalid_vulnerabilities_v1", 38),
    (1002, 3): DiscoveryEvent("delete_address_v1", 39),
    (1002, 4): DiscoveryEvent("delete_server_v1", 40),
    (1002, 5): DiscoveryEvent("set_criticality_v1", 41),
    (1002, 6): DiscoveryEvent("attribute_add", 46),
    (1002, 7): DiscoveryEvent("attribute_update", 47),
    (1002, 8): DiscoveryEvent("attribute_delete", 48),
    (1002, 9): DiscoveryEvent("attribute_set_value_v1", 49),
    (1002, 10): DiscoveryEvent("attribute_delete_value_v1", 50),
    (1002, 11): DiscoveryEvent("add_scan_result", 89),
    (1002, 12): DiscoveryEvent("vulnerability_qualification", None),
    (1002, 13): DiscoveryEvent("policy_control", None),
    (1002, 14): DiscoveryEvent("delete_protocol", 76),
    (1002, 15): DiscoveryEvent("delete_client_application", 77),
    (1002, 16): DiscoveryEvent("set_os", 74),
    (1002, 17): DiscoveryEvent("account_seen", None),
    (1002, 18): DiscoveryEvent("account_update", None),
    (1002, 19): DiscoveryEvent("set_server", 75),
    (1002, 20): DiscoveryEvent("delete_address", 78),
    (1002, 21): DiscoveryEvent("delete_server", 79),
    (1002, 22): DiscoveryEvent("valid_vulnerabilities", 80),
    (1002, 23): DiscoveryEvent("invalid_vulnerabilities", 81),
    (1002, 24): DiscoveryEvent("set_criticality", 82),
    (1002, 25): DiscoveryEvent("attribute_set_value", 83),
    (1002, 26): DiscoveryEvent("attribute_delete_value", 84),
    (1002, 27): DiscoveryEvent("add_host", 85),
    (1002, 28): DiscoveryEvent("add_server", 86),
    (1002, 29): DiscoveryEvent("add_client_application", 87),
    (1002, 30): DiscoveryEvent("add_protocol", 88),
    (1002, 31): DiscoveryEvent("reload_applications", None),
    (1002, 32): DiscoveryEvent("account_delete", None),
    (1002, 45): DiscoveryEvent("ioc_delete", None),
    (1002, 46): DiscoveryEvent("ioc_invalid", None),
    (1003, 1): DiscoveryEvent("connection_statistics", 71),
    (1003, 2): DiscoveryEvent("connection_chunk", 73),
    (1004, 1): DiscoveryEvent("new_user", 94),
    (1004, 2): DiscoveryEvent("user_login", 95),
    (1004, 3): DiscoveryEvent("user_removed", 93),
    (1004, 4): DiscoveryEvent("user_dropped", 92),
    (1008, 1): DiscoveryEvent("ioc_set", 160),
}
# fmt: on
"""Type and subtype -> what it is. Full host profiles (type 1050) come as messages, not as records."""

TYPE_OF_RECORD: dict[int, tuple[int, int]] = {
    event.record: kind for kind, event in DISCOVERY_EVENTS.items() if event.record is not None
}
"""Record type -> type and subtype of its events. Not known for 6, 114, 162 to 164, 170 and 171."""

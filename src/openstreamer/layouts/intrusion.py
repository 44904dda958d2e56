"""Intrusion events: one packet or stream matched one rule.

Since 5.1.1 they are a series 2 block (record 400); before, plain fields without a block header, with one
record type for IPv4 and one for IPv6 in each era. Rules: chapter 3 of the integration guide, "Intrusion
Event Record", and its appendix of legacy structures. Not here: the packet (packet.py) and the extra data
(extra_data.py) that belong to an event.
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U16, U32, UUID, Block, Fields, Hex20, IPv4, String, f


class IntrusionEvent(
    Block,
    id="intrusion_event",
    series=2,
    types={
        25: "5.1.1",
        34: "5.2",
        41: "5.3",
        42: "5.3.1",
        45: "5.4",
        60: "6.0-6.6",
        81: "6.7-7.0",
        85: "7.1+",
    },
    confidence={
        25: "partly-verified",
        34: "partly-verified",
        42: "partly-verified",
        45: "two-sources",
        60: "encore-only",
        81: "encore-only",
        85: "encore-only",
    },
    notes={
        41: "A client of the 6.x era reads one byte more, blocked_reason_id; the length the guide prints rules it out."
    },
):
    """A rule of the detection engine matched traffic."""

    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    event_id: U32 = f("Number of the event on its device; with device and second it identifies the event.")
    event_second: U32 = f("When the event was detected, UNIX seconds.")
    event_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    signature_id: U32 = f("Rule that fired, by its number within the generator.")
    generator_id: U32 = f("Part of the detection engine that raised the event.")
    signature_revision: U32 = f("Revision of the rule.")
    classification_id: U32 = f("Classification of the rule.")
    priority_id: U32 = f("Priority of the event.")
    source_ip: IP = f("Address the packet came from.")
    destination_ip: IP = f("Address the packet went to.")
    source_port_or_icmp_type: U16 = f("TCP or UDP source port, or ICMP type.")
    destination_port_or_icmp_code: U16 = f("TCP or UDP destination port, or ICMP code.")
    ip_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    impact_flags: U8 = f("What is known of the target: a bit mask.", values="impact_flags")
    impact: U8 = f("Impact level, 1 (red) to 5 (gray).", values="impact_level")
    blocked: U8 = f("What became of the packet.", values="intrusion_blocked")
    blocked_reason_id: U8 = f("Why a drop did not take place.", since=81, values="intrusion_blocked_reason")
    mpls_label: U32 = f("MPLS label; 0 if none.")
    vlan_id: U16 = f("VLAN tag; 0 if none.")
    pad: U16 = f("Reserved, zero.")
    policy_uuid: UUID = f("Intrusion policy that raised the event.")
    user_id: U32 = f("User logged in at the source; 0 if unknown.")
    web_application_id: U32 = f("Web application recognised.")
    client_application_id: U32 = f("Client program recognised.")
    application_protocol_id: U32 = f("Application protocol recognised.")
    access_control_rule_id: U32 = f("Access control rule that let the traffic be inspected.")
    access_control_policy_uuid: UUID = f("Access control policy that was in force.")
    ingress_interface_uuid: UUID = f("Interface by which the packet came in.")
    egress_interface_uuid: UUID = f("Interface by which it went out.")
    ingress_zone_uuid: UUID = f("Security zone by which the packet came in.")
    egress_zone_uuid: UUID = f("Security zone by which it went out.")
    connection_second: U32 = f(
        "First second of the connection the event belongs to, UNIX seconds; 0 if none."
    )
    connection_instance_id: U16 = f("Detection process that saw that connection.")
    connection_counter: U16 = f("Tells connections of one second and instance apart.")
    source_country: U16 = f("Country of the source address.", since=34)
    destination_country: U16 = f("Country of the destination address.", since=34)
    ioc_number: U16 = f("Indication of compromise tied to the event; 0 if none.", since=41)
    security_context_uuid: UUID = f(
        "Security context (virtual firewall) the traffic passed; all zero if none.", since=42
    )
    tls_certificate_fingerprint: Hex20 = f("SHA-1 of the server's certificate; all zero if none.", since=45)
    tls_actual_action: U16 = f("What was done with the TLS session.", since=45, values="tls_action")
    tls_flow_status: U16 = f("How handling of the TLS session ended.", since=45, values="tls_flow_status")
    network_analysis_policy_uuid: UUID = f("Network analysis policy that was in force.", since=45)
    http_response: U32 = f("HTTP status code seen; 0 if none.", since=60)
    ingress_vrf: String = f("Virtual router by which the traffic came in.", since=81)
    egress_vrf: String = f("Virtual router by which it went out.", since=81)
    snort_version: U8 = f("Generation of the detection engine, 2 or 3.", since=81, values="snort_version")
    original_source_ip: IP = f("Client address taken from X-Forwarded-For or alike; `::` if none.", since=85)
    http_hostname: String = f("HTTP host of the request that triggered the event.", since=85)
    http_uri: String = f("HTTP URI of that request.", since=85)
    smtp_attachments: String = f("Attachment names of the mail that triggered the event.", since=85)
    smtp_from: String = f("Sender of that mail.", since=85)
    smtp_headers: String = f("Headers of that mail.", since=85)
    smtp_to: String = f("Recipients of that mail.", since=85)


class IntrusionEventIPv4(
    Fields,
    id="intrusion_event_ipv4",
    records={1: "before 3.2", 7: "3.2-4.8", 99: "4.9", 104: "4.9-4.10", 207: "5.0-5.1"},
    confidence={1: "sdk-only", 7: "two-sources", 99: "guess"},
    notes={99: "Short-lived; layout inferred from its neighbours."},
):
    """An intrusion event over IPv4, before 5.1.1."""

    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    event_id: U32 = f("Number of the event on its device; with device and second it identifies the event.")
    event_second: U32 = f("When the event was detected, UNIX seconds.")
    event_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    signature_id: U32 = f("Rule that fired, by its number within the generator.")
    generator_id: U32 = f("Part of the detection engine that raised the event.")
    signature_revision: U32 = f("Revision of the rule.")
    classification_id: U32 = f("Classification of the rule.")
    priority_id: U32 = f("Priority of the event.")
    source_ip: IPv4 = f("Address the packet came from.")
    destination_ip: IPv4 = f("Address the packet went to.")
    source_port_or_icmp_type: U16 = f("TCP or UDP source port, or ICMP type.")
    destination_port_or_icmp_code: U16 = f("TCP or UDP destination port, or ICMP code.")
    ip_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    impact_flags: U8 = f("What is known of the target: a bit mask.", values="impact_flags")
    impact: U8 = f("Impact level, 1 (red) to 5 (gray).", since=7, values="impact_level")
    blocked: U8 = f("What became of the packet.", since=7, values="intrusion_blocked")
    mpls_label: U32 = f("MPLS label; 0 if none.", since=99)
    vlan_id: U16 = f("VLAN tag; 0 if none.", since=104)
    pad: U16 = f("Reserved, zero.", spans=((1, 1), (104, None)))
    policy_uuid: UUID = f("Intrusion policy that raised the event.", since=207)
    user_id: U32 = f("User logged in at the source; 0 if unknown.", since=207)
    web_application_id: U32 = f("Web application recognised.", since=207)
    client_application_id: U32 = f("Client program recognised.", since=207)
    application_protocol_id: U32 = f("Application protocol recognised.", since=207)
    access_control_rule_id: U32 = f("Access control rule that let the traffic be inspected.", since=207)
    access_control_policy_uuid: UUID = f("Access control policy that was in force.", since=207)
    ingress_interface_uuid: UUID = f("Interface by which the packet came in.", since=207)
    egress_interface_uuid: UUID = f("Interface by which it went out.", since=207)
    ingress_zone_uuid: UUID = f("Security zone by which the packet came in.", since=207)
    egress_zone_uuid: UUID = f("Security zone by which it went out.", since=207)


class IntrusionEventIPv6(
    Fields,
    id="intrusion_event_ipv6",
    records={72: "before 4.9", 100: "4.9", 105: "4.10.2.3", 208: "5.0-5.1"},
    confidence={72: "partly-verified", 100: "guess"},
    notes={100: "Short-lived; layout inferred from its neighbours."},
):
    """An intrusion event over IPv6, before 5.1.1."""

    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    event_id: U32 = f("Number of the event on its device; with device and second it identifies the event.")
    event_second: U32 = f("When the event was detected, UNIX seconds.")
    event_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    signature_id: U32 = f("Rule that fired, by its number within the generator.")
    generator_id: U32 = f("Part of the detection engine that raised the event.")
    signature_revision: U32 = f("Revision of the rule.")
    classification_id: U32 = f("Classification of the rule.")
    priority_id: U32 = f("Priority of the event.")
    source_ip: IP = f("Address the packet came from.")
    destination_ip: IP = f("Address the packet went to.")
    source_port_or_icmp_type: U16 = f("TCP or UDP source port, or ICMP type.")
    destination_port_or_icmp_code: U16 = f("TCP or UDP destination port, or ICMP code.")
    ip_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    impact_flags: U8 = f("What is known of the target: a bit mask.", values="impact_flags")
    impact: U8 = f("Impact level, 1 (red) to 5 (gray).", values="impact_level")
    blocked: U8 = f("What became of the packet.", values="intrusion_blocked")
    mpls_label: U32 = f("MPLS label; 0 if none.", since=100)
    vlan_id: U16 = f("VLAN tag; 0 if none.", since=105)
    pad: U16 = f("Reserved, zero.", since=105)
    policy_uuid: UUID = f("Intrusion policy that raised the event.", since=208)
    user_id: U32 = f("User logged in at the source; 0 if unknown.", since=208)
    web_application_id: U32 = f("Web application recognised.", since=208)
    client_application_id: U32 = f("Client program recognised.", since=208)
    application_protocol_id: U32 = f("Application protocol recognised.", since=208)
    access_control_rule_id: U32 = f("Access control rule that let the traffic be inspected.", since=208)
    access_control_policy_uuid: UUID = f("Access control policy that was in force.", since=208)
    ingress_interface_uuid: UUID = f("Interface by which the packet came in.", since=208)
    egress_interface_uuid: UUID = f("Interface by which it went out.", since=208)
    ingress_zone_uuid: UUID = f("Security zone by which the packet came in.", since=208)
    egress_zone_uuid: UUID = f("Security zone by which it went out.", since=208)

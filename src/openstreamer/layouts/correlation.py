"""Correlation events: a rule that an administrator set up over other events was met.

Records 8, 36, 65, 97 and 112, a series 1 block without the discovery event header. Violations of an allow
list are such events too; their rule names the list (record 70). Which fields mean anything is told by
`event_defined_mask`. Rules: chapter 3 of the integration guide, "Correlation Event Data Structure"; its
appendix of legacy structures. Forms before 4.7 are in no published guide.
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U16, U32, UUID, AnyBlock, Block, Hex20, IPv4, String, f


class PolicyViolationEvent(
    Block,
    id="policy_violation_event",
    series=1,
    types={19: "before 4.5"},
    confidence={19: "sdk-only"},
):
    """A policy was violated: the first form of the correlation event."""

    event_id: U32 = f("Number of the event.")
    device_id: U32 = f("Sensor that saw it.")
    event_second: U32 = f("When it happened, UNIX seconds.")
    policy_id: U32 = f("Policy that was violated.")
    rule_id: U32 = f("Rule of the policy.")
    priority: U32 = f("Priority of the rule.")
    source_ip: IPv4 = f("Address the traffic came from.")
    destination_ip: IPv4 = f("Address it went to.")
    description: String = f("The event in words.")


class CorrelationEventLegacy(
    Block,
    id="correlation_event",
    series=1,
    types={33: "to 4.5", 52: "4.5-4.6"},
    confidence={33: "sdk-only", 52: "sdk-only"},
):
    """A correlation rule was met, before 4.7."""

    policy_sensor_id: U32 = f("Device that made the correlation event.", was={33: U8})
    policy_tv_sec: U32 = f("When the rule was met, UNIX seconds.")
    policy_event_id: U32 = f("Number of the correlation event.")
    policy_id: U32 = f("Policy the rule belongs to; metadata names it.")
    rule_id: U32 = f("Rule that was met; metadata names it.")
    priority: U32 = f("Priority of the rule.")
    description: AnyBlock = f("The event in words.")
    event_type: U8 = f("Kind of event that met the rule.", values="correlation_event_type")
    device_id: U32 = f("Device that saw that event.", was={33: U8})
    sig_id: U32 = f("Intrusion rule that fired; 0 if it was no intrusion event.")
    sig_gen: U32 = f("Generator of that rule.")
    tv_sec: U32 = f("When that event happened, UNIX seconds.")
    tv_usec: U32 = f("Microseconds of that time, 0 to 999999.")
    event_id: U32 = f("Number of that event on its device.")
    defined_mask: U32 = f(
        "Which of the fields that follow mean anything: a bit mask.", values="correlation_event_defined"
    )
    impact_flags: U32 = f("What is known of the target: a bit mask.", values="impact_flags")
    ip_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    net_protocol: U16 = f("EtherType of the network protocol.")
    src_ip_addr: IPv4 = f("Source address.")
    src_host_type: U8 = f("What the source is.", values="host_type")
    src_vlan_id: U16 = f("VLAN of the source.")
    src_os_fingerprint_id: U32 = f("Operating system of the source, by number.", until=33)
    src_os_fingerprint_uuid: UUID = f("Operating system of the source; metadata names it.", since=52)
    src_criticality: U16 = f("How much depends on the source.", values="criticality")
    src_port: U16 = f("Source port.")
    src_service: AnyBlock = f("Server at the source.", until=33)
    src_service_id: U16 = f("Server at the source; metadata names it.", since=52)
    dest_ip_addr: IPv4 = f("Destination address.")
    dest_host_type: U8 = f("What the destination is.", values="host_type")
    dest_vlan_id: U16 = f("VLAN of the destination.")
    dest_os_fingerprint_id: U32 = f("Operating system of the destination, by number.", until=33)
    dest_os_fingerprint_uuid: UUID = f("Operating system of the destination; metadata names it.", since=52)
    dest_criticality: U16 = f("How much depends on the destination.", values="criticality")
    dest_port: U16 = f("Destination port.")
    dest_service: AnyBlock = f("Server at the destination.", until=33)
    dest_service_id: U16 = f("Server at the destination; metadata names it.", since=52)


class CorrelationEvent(
    Block,
    id="correlation_event",
    series=1,
    types={
        70: "4.7",
        84: "4.8.0.2-4.9.1.x",
        107: "4.10.x",
        116: "5.0-5.0.2",
        128: "5.1-5.3.x",
        156: "5.4+",
    },
    confidence={
        70: "sdk-only",
        84: "partly-verified",
        116: "partly-verified",
        156: "partly-verified",
    },
    notes={
        107: "Whether record 97 or 112 carries it is not settled: both are read.",
        156: "Only a client of the 6.x era has the impact byte before `blocked`; the block is read without it"
        " where it ends in the right place then.",
    },
    alternatives={156: ({}, {"impact": None})},
):
    """A correlation rule was met."""

    device_id: U32 = f("Device that made the correlation event; 0 is the management center itself.")
    event_second: U32 = f("When the rule was met, UNIX seconds.")
    event_id: U32 = f("Number of the correlation event.")
    policy_id: U32 = f("Policy the rule belongs to; metadata names it.")
    rule_id: U32 = f("Rule that was met; metadata names it.")
    priority: U32 = f("Priority of the rule, 0 to 5.")
    description: String = f("The event in words.")
    event_type: U8 = f("Kind of event that met the rule.", values="correlation_event_type")
    event_device_id: U32 = f("Device that saw that event.")
    signature_id: U32 = f("Intrusion rule that fired; 0 if it was no intrusion event.")
    signature_generator_id: U32 = f("Generator of that rule.")
    trigger_second: U32 = f("When that event happened, UNIX seconds.")
    trigger_microsecond: U32 = f("Microseconds of that time, 0 to 999999.")
    trigger_event_id: U32 = f("Number of that event on its device.")
    event_defined_mask: U32 = f(
        "Which of the fields that follow mean anything: a bit mask.", values="correlation_event_defined"
    )
    impact_flags: U8 = f("What is known of the target: a bit mask.", was={84: U32}, values="impact_flags")
    ip_protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    network_protocol: U16 = f("EtherType of the network protocol.")
    source_ip: IPv4 = f("Source address; from 5.1 on in `source_ipv6` instead.")
    source_host_type: U8 = f("What the source is.", values="host_type")
    source_vlan_id: U16 = f("VLAN of the source.")
    source_os_fingerprint: UUID = f("Operating system of the source; metadata names it.")
    source_criticality: U16 = f("How much depends on the source.", values="criticality")
    source_user_id: U32 = f("User logged in at the source; 0 if unknown.", since=84)
    source_port: U16 = f("Source port.")
    source_server_id: U32 = f("Server at the source; metadata names it.")
    destination_ip: IPv4 = f("Destination address; from 5.1 on in `destination_ipv6` instead.")
    destination_host_type: U8 = f("What the destination is.", values="host_type")
    destination_vlan_id: U16 = f("VLAN of the destination.")
    destination_os_fingerprint: UUID = f("Operating system of the destination; metadata names it.")
    destination_criticality: U16 = f("How much depends on the destination.", values="criticality")
    destination_user_id: U32 = f("User logged in at the destination; 0 if unknown.", since=84)
    destination_port: U16 = f("Destination port.")
    destination_server_id: U32 = f("Server at the destination; metadata names it.")
    impact: U8 = f("Impact level, 1 (red) to 5 (gray).", since=156, values="impact_level")
    blocked: U8 = f("What became of the packet.", since=107, values="intrusion_blocked")
    intrusion_policy: UUID = f("Intrusion policy that raised the event.", since=156)
    rule_action: U32 = f("What the access control rule did.", since=156, values="rule_action")
    netbios_name: String = f("NetBIOS name or domain.", since=156)
    url_category: U32 = f("Category of the URL.", since=156)
    url_reputation: U32 = f("Reputation of the URL.", since=156)
    url: String = f("URL the client asked for.", since=156)
    client_id: U32 = f("Client program recognised.", since=156)
    client_version: String = f("Version of the client program, as text.", since=156)
    access_policy_revision: UUID = f("Revision of the access control policy that was in force.", since=156)
    access_rule_id: U32 = f("Access control rule that handled the connection.", since=156)
    ingress_interface: UUID = f("Interface by which the traffic came in.", since=116)
    egress_interface: UUID = f("Interface by which it went out.", since=116)
    ingress_zone: UUID = f("Security zone by which the traffic came in.", since=116)
    egress_zone: UUID = f("Security zone by which it went out.", since=116)
    source_ipv6: IP = f("Source address.", since=128)
    destination_ipv6: IP = f("Destination address.", since=128)
    source_country: U16 = f("Country of the source address.", since=156)
    destination_country: U16 = f("Country of the destination address.", since=156)
    security_intelligence_uuid: UUID = f("Security intelligence list that matched.", since=156)
    security_context: UUID = f(
        "Security context (virtual firewall) the traffic passed; all zero if none.", since=156
    )
    ssl_policy_id: UUID = f("TLS decryption policy that was in force.", since=156)
    ssl_rule_id: U32 = f("Rule of the TLS policy that matched.", since=156)
    ssl_actual_action: U32 = f("What was done with the TLS session.", since=156, values="tls_action")
    ssl_flow_status: U32 = f("How handling of the TLS session ended.", since=156, values="tls_flow_status")
    ssl_certificate_fingerprint: Hex20 = f("SHA-1 of the server's certificate; all zero if none.", since=156)

"""Connection statistics: one connection, reported when it begins or ends; and chunks of many.

Record 71, always a series 1 block after the discovery event header. The layouts from 115 on share one
order; those before 5.0 are another shape (IPv4 only, 32-bit counters) and stand in a class of their own, as
do those of record 33, whose addresses are little-endian. Record 73 is a chunk: connections of one pair of
hosts, added up. The numbers 157 and 161 are known by name only: their bytes are kept. Rules: chapter 4 of the
integration guide, "Connection Statistics Data Block", "Connection Chunk Data Block", and its appendix of
legacy structures; record 33 is in no published guide.
"""

from __future__ import annotations

from openstreamer.wire import (
    IP,
    U8,
    U16,
    U32,
    U64,
    UUID,
    AnyBlock,
    Block,
    Hex20,
    Hex32,
    IPv4,
    IPv4LE,
    String,
    f,
)


class ConnectionStatisticsOldest(
    Block,
    id="connection_statistics",
    series=1,
    types={9: "to 3.0", 18: "3.x", 32: "3.2-3.4", 43: "3.5-4.6"},
    confidence={9: "sdk-only", 18: "sdk-only", 32: "sdk-only", 43: "sdk-only"},
    notes={43: "Of all blocks, only these four have little-endian addresses."},
):
    """One connection, before 4.7."""

    initiator_ip: IPv4LE = f("Host that opened the connection.")
    responder_ip: IPv4LE = f("Host that answered.")
    initiator_port: U16 = f("Port of the initiator, or ICMP type.")
    responder_port: U16 = f("Port of the responder, or ICMP code.")
    first_packet: U32 = f("When the first packet was seen, UNIX seconds.")
    last_packet: U32 = f("When the last packet was seen, UNIX seconds.")
    packets_sent: U32 = f("Packets the initiator sent.")
    packets_received: U32 = f("Packets the responder sent.")
    bytes_sent: U32 = f("Bytes the initiator sent.")
    bytes_received: U32 = f("Bytes the responder sent.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    legacy_service: AnyBlock = f("Application protocol by name.", since=18, until=32)
    server_id: U16 = f("Application protocol recognised.", since=43)
    client_application_type_id: U32 = f("Type of client program.", since=43)
    clnt_app_id: U32 = f("Client program recognised.", since=32)
    version: AnyBlock = f("Version of the client program.", since=32)
    info: AnyBlock = f("What the client asked for, such as a URL.", since=32)
    domain: AnyBlock = f("NetBIOS name or domain of the initiator.", since=43)


class ConnectionStatisticsLegacy(
    Block,
    id="connection_statistics",
    series=1,
    types={56: "4.7-4.9.0", 101: "4.9.1-4.10.1", 125: "4.10.2"},
    confidence={101: "partly-verified", 125: "partly-verified"},
):
    """One connection, before 5.0."""

    initiator_ip: IPv4 = f("Host that opened the connection.")
    responder_ip: IPv4 = f("Host that answered.")
    initiator_port: U16 = f("Port of the initiator, or ICMP type.")
    responder_port: U16 = f("Port of the responder, or ICMP code.")
    first_packet_time: U32 = f("When the first packet was seen, UNIX seconds.")
    last_packet_time: U32 = f("When the last packet was seen, UNIX seconds.")
    connection_type: U8 = f("Kind of connection.")
    source_tos: U8 = f("Type of service byte of the source, from NetFlow.", since=125)
    destination_tos: U8 = f("Type of service byte of the destination, from NetFlow.", since=125)
    snmp_input: U16 = f("SNMP index of the input interface, from NetFlow.", since=125)
    snmp_output: U16 = f("SNMP index of the output interface, from NetFlow.", since=125)
    source_device_ip: IPv4 = f("Sensor or NetFlow exporter that saw the connection.")
    tcp_flags: U8 = f("TCP flags seen; only connections reported by NetFlow have them.")
    initiator_packets: U32 = f("Packets the initiator sent.")
    responder_packets: U32 = f("Packets the responder sent.")
    initiator_bytes: U32 = f("Bytes the initiator sent.")
    responder_bytes: U32 = f("Bytes the responder sent.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    application_protocol_id: U32 = f("Application protocol recognised.")
    client_application_type_id: U32 = f("Type of client program.")
    client_application_id: U32 = f("Client program recognised.")
    client_version: String = f("Version of the client program, as text.")
    client_url: String = f("URL the client asked for.")
    netbios_name: String = f("NetBIOS name or domain of the initiator.")
    payload_type: U32 = f("Type of payload.", since=101)
    payload_id: U32 = f("Payload, the forerunner of the web application.", since=101)


class ConnectionStatistics(
    Block,
    id="connection_statistics",
    series=1,
    types={
        115: "5.0",
        126: "5.1",
        137: "5.1.1",
        144: "5.2",
        152: "5.3",
        154: "5.3.1",
        155: "5.4",
        160: "6.0",
        163: "6.1",
        168: "6.2",
        169: "6.3-6.4",
        170: "6.5",
        171: "6.6-6.7",
        173: "7.0",
        174: "7.1+",
    },
    confidence={
        126: "partly-verified",
        137: "partly-verified",
        144: "partly-verified",
        152: "partly-verified",
        154: "partly-verified",
        155: "partly-verified",
        160: "encore-only",
        163: "encore-only",
        168: "encore-only",
        169: "encore-only",
        170: "encore-only",
        171: "encore-only",
        173: "encore-only",
        174: "encore-only",
    },
    notes={
        155: "Two fields are read as 16 bits where that ends exactly at the block's end, else as 32 bits.",
        169: "As long as 168; the last number has another meaning.",
    },
    alternatives={
        155: (
            {"rule_reason": U16, "tls_server_certificate_status": U16},
            {"rule_reason": U32, "tls_server_certificate_status": U32},
        )
    },
):
    """One connection, reported when it begins or ends."""

    device_id: U32 = f("Managed device that saw the connection; 0 is the management center itself.")
    ingress_zone: UUID = f("Security zone by which the traffic came in.")
    egress_zone: UUID = f("Security zone by which it went out.")
    ingress_interface: UUID = f("Interface by which the traffic came in.")
    egress_interface: UUID = f("Interface by which it went out.")
    initiator_ip: IP = f("Host that opened the connection.")
    responder_ip: IP = f("Host that answered.")
    original_client_ip: IP = f("Real client behind a proxy; `::` if there is none.", since=163)
    policy_revision: UUID = f("Revision of the access control policy that was in force.")
    rule_id: U32 = f("Access control rule that handled the connection.")
    tunnel_rule_id: U32 = f("Tunnel or prefilter rule that matched first.", since=163)
    rule_action: U16 = f("What the access control rule did.", was={115: U32}, values="rule_action")
    rule_reason: U32 = f("Why the rule acted: a bit mask.", since=126, was={155: U16}, values="rule_reason")
    initiator_port: U16 = f("Port of the initiator, or ICMP type.")
    responder_port: U16 = f("Port of the responder, or ICMP code.")
    tcp_flags: U16 = f("TCP flags seen; only connections reported by NetFlow have them.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    netflow_source: IP = f(
        "Address of the NetFlow exporter that reported the connection; `::` for a connection the device saw itself."
    )
    instance_id: U16 = f("Detection process on the device that saw the connection.", since=137)
    connection_counter: U16 = f("Tells connections of one second and instance apart.", since=137)
    first_packet_time: U32 = f("When the first packet was seen, UNIX seconds.")
    last_packet_time: U32 = f("When the last packet was seen, UNIX seconds.")
    initiator_packets: U64 = f("Packets the initiator sent.")
    responder_packets: U64 = f("Packets the responder sent.")
    initiator_bytes: U64 = f("Bytes the initiator sent.")
    responder_bytes: U64 = f("Bytes the responder sent.")
    initiator_packets_dropped: U64 = f("Packets of the initiator dropped by rate limiting.", since=163)
    responder_packets_dropped: U64 = f("Packets of the responder dropped by rate limiting.", since=163)
    initiator_bytes_dropped: U64 = f("Bytes of the initiator dropped by rate limiting.", since=163)
    responder_bytes_dropped: U64 = f("Bytes of the responder dropped by rate limiting.", since=163)
    qos_interface_uuid: UUID = f("Interface on which rate limiting took place.", since=163)
    qos_rule_id: U32 = f("Rate limiting (QoS) rule that matched.", since=163)
    user_id: U32 = f("User logged in at the initiator; 0 if unknown.")
    application_protocol_id: U32 = f("Application protocol recognised.")
    url_category: U32 = f("Category of the URL.")
    url_reputation: U32 = f("Reputation of the URL.")
    client_application_id: U32 = f("Client program recognised.")
    web_application_id: U32 = f("Web application recognised.")
    client_url: String = f("URL the client asked for.")
    netbios_name: String = f("NetBIOS name or domain of the initiator.")
    client_version: String = f("Version of the client program, as text.")
    monitor_rule_1: U32 = f("The first monitor rule that matched; 0 if none.", since=126)
    monitor_rule_2: U32 = f("The second monitor rule that matched; 0 if none.", since=126)
    monitor_rule_3: U32 = f("The third monitor rule that matched; 0 if none.", since=126)
    monitor_rule_4: U32 = f("The fourth monitor rule that matched; 0 if none.", since=126)
    monitor_rule_5: U32 = f("The fifth monitor rule that matched; 0 if none.", since=126)
    monitor_rule_6: U32 = f("The sixth monitor rule that matched; 0 if none.", since=126)
    monitor_rule_7: U32 = f("The seventh monitor rule that matched; 0 if none.", since=126)
    monitor_rule_8: U32 = f("The eighth monitor rule that matched; 0 if none.", since=126)
    si_source_destination: U8 = f(
        "Which side stood on a security intelligence list; 0 if neither.",
        since=126,
        values="si_source_destination",
    )
    si_layer: U8 = f("IP layer at which the security intelligence list matched.", since=126)
    file_event_count: U16 = f("File events that belong to the connection.", since=137)
    intrusion_event_count: U16 = f("Intrusion events that belong to the connection.", since=137)
    initiator_country: U16 = f("Country of the initiator's address.", since=144)
    responder_country: U16 = f("Country of the responder's address.", since=144)
    original_client_country: U16 = f("Country of the real client's address.", since=163)
    ioc_number: U16 = f("Indication of compromise tied to the connection; 0 if none.", since=152)
    source_as: U32 = f("Autonomous system of the source, from NetFlow.", since=152)
    destination_as: U32 = f("Autonomous system of the destination, from NetFlow.", since=152)
    snmp_input: U16 = f("SNMP index of the input interface, from NetFlow.", since=152)
    snmp_output: U16 = f("SNMP index of the output interface, from NetFlow.", since=152)
    source_tos: U8 = f("Type of service byte of the source, from NetFlow.", since=152)
    destination_tos: U8 = f("Type of service byte of the destination, from NetFlow.", since=152)
    source_mask: U8 = f("Prefix length of the source address, from NetFlow.", since=152)
    destination_mask: U8 = f("Prefix length of the destination address, from NetFlow.", since=152)
    security_context_uuid: UUID = f(
        "Security context (virtual firewall) the traffic passed; all zero if none.", since=154
    )
    vlan_id: U16 = f("VLAN tag; 0 if none.", since=155)
    referenced_host: String = f("Host name found in the protocol itself, such as HTTP or DNS.", since=155)
    user_agent: String = f("User agent of an HTTP request.", since=155)
    http_referrer: String = f("Referrer of an HTTP request.", since=155)
    tls_certificate_fingerprint: Hex20 = f("SHA-1 of the server's certificate; all zero if none.", since=155)
    tls_policy_uuid: UUID = f("TLS decryption policy that was in force.", since=155)
    tls_rule_id: U32 = f("Rule of the TLS policy that matched.", since=155)
    tls_cipher_suite: U16 = f("TLS cipher suite, IANA number.", since=155, values="tls_cipher_suite")
    tls_version: U8 = f("TLS version code.", since=155, values="tls_version")
    tls_server_certificate_status: U32 = f(
        "What was found about the server's certificate: a bit mask.",
        since=155,
        was={155: U16},
        values="tls_certificate_status",
    )
    tls_actual_action: U16 = f("What was done with the TLS session.", since=155, values="tls_action")
    tls_expected_action: U16 = f("What the TLS rule asked for.", since=155, values="tls_action")
    tls_flow_status: U16 = f("How handling of the TLS session ended.", since=155, values="tls_flow_status")
    tls_flow_error: U32 = f("Error code of the TLS session; 0 if none.", since=155)
    tls_flow_messages: U32 = f("Handshake messages seen: a bit mask.", since=155, values="tls_flow_messages")
    tls_flow_flags: U64 = f("State of the TLS session: a bit mask.", since=155, values="tls_flow_flags")
    tls_server_name: String = f("Server name from the client hello.", since=155)
    tls_url_category: U32 = f("Category of the TLS server name.", since=155)
    tls_session_id: Hex32 = f("TLS session identifier, left-aligned, unused bytes zero.", since=155)
    tls_session_id_length: U8 = f("How many bytes of the session identifier are used.", since=155)
    tls_ticket_id: Hex20 = f("Hash of the session ticket.", since=155)
    tls_ticket_id_length: U8 = f("How many bytes of the ticket hash are used.", since=155)
    network_analysis_policy_revision: UUID = f(
        "Revision of the network analysis policy that was in force.", since=155
    )
    endpoint_profile_id: U32 = f("Kind of endpoint, as the identity service tells it.", since=160)
    security_group_id: U32 = f("Security group of the user, as the identity service tells it.", since=160)
    source_sgt: U16 = f("Security group tag of the source.", since=170)
    source_sgt_type: U8 = f("How the tag of the source was learned.", since=171)
    destination_sgt: U16 = f("Security group tag of the destination.", since=170)
    destination_sgt_type: U8 = f("How the tag of the destination was learned.", since=171)
    location_ip: IP = f("Address of the device where the endpoint was located.", since=160)
    http_response: U32 = f("HTTP status code seen; 0 if none.", since=160)
    dns_query: String = f("Name asked for in a DNS query.", since=160)
    dns_record_type: U16 = f("Type of the DNS record.", since=160)
    dns_response_type: U16 = f("DNS response code.", since=160)
    dns_ttl: U32 = f("Time to live of the DNS answer, in seconds.", since=160)
    sinkhole_uuid: UUID = f("DNS sinkhole that answered; all zero if none.", since=160)
    si_list_1: U32 = f("First security intelligence list that matched.", since=160)
    si_list_2: U32 = f("Second security intelligence list that matched.", since=160)
    si_list_3: U32 = f("Third security intelligence list that matched.", since=168, until=168)
    threat_intelligence_category: U32 = f("Category given by the threat intelligence director.", since=169)
    eve_process: String = f("Client process named by encrypted visibility.", since=174)
    eve_process_confidence: U8 = f("How sure the process name is, in percent.", since=174)
    eve_threat_confidence: U8 = f("How likely the process is malicious, in percent.", since=174)
    eve_threat_confidence_index: U8 = f("The same as a step on a scale.", since=174)
    client_app_detector_id: U8 = f("Detector that named the client program.", since=174)
    nat_initiator_port: U16 = f("Port of the initiator after translation.", since=174)
    nat_responder_port: U16 = f("Port of the responder after translation.", since=174)
    nat_initiator_ip: IP = f("Address of the initiator after translation.", since=174)
    nat_responder_ip: IP = f("Address of the responder after translation.", since=174)
    ingress_vrf: String = f("Virtual router by which the traffic came in.", since=171)
    egress_vrf: String = f("Virtual router by which it went out.", since=171)
    source_dynamic_attributes: String = f("Dynamic attributes of the source, by name.", since=173)
    destination_dynamic_attributes: String = f("Dynamic attributes of the destination, by name.", since=173)


class ConnectionChunk(
    Block,
    id="connection_chunk",
    series=1,
    types={66: "4.7-4.10", 119: "5.0-5.1", 136: "5.1.1-6.0.x"},
    confidence={66: "sdk-only", 136: "two-sources"},
):
    """Connections of one pair of hosts, added up over five minutes."""

    initiator_ip: IPv4 = f("Host that opened the connections.")
    responder_ip: IPv4 = f("Host that answered.")
    start_time: U32 = f("When the five minutes began, UNIX seconds.")
    server_id: U32 = f("Application protocol recognised.", until=66)
    application_protocol_id: U32 = f("Application protocol recognised.", since=119)
    responder_port: U16 = f("Port of the responder, or ICMP code.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    connection_type: U8 = f("Kind of connection.")
    source_device_ip: IPv4 = f("Sensor or NetFlow exporter that saw the connections.")
    packets_sent: U64 = f("Packets the initiator sent.", was={119: U32})
    packets_received: U64 = f("Packets the responder sent.", was={119: U32})
    bytes_sent: U64 = f("Bytes the initiator sent.", was={119: U32})
    bytes_received: U64 = f("Bytes the responder sent.", was={119: U32})
    connections: U32 = f("How many connections were added up.")

"""File events: a file seen in network traffic.

Records 500 and 502 (the same layout, for files found to be malware), a series 2 block. Rules: chapter 3 of
the integration guide, "File Event", and its appendix of legacy structures. Not here: malware events of
record 125.
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U16, U32, U64, UUID, Block, Hex20, Hex32, String, f


class FileEvent(
    Block,
    id="file_event",
    series=2,
    types={
        23: "5.1.1",
        32: "5.2",
        38: "5.3",
        43: "5.3.1",
        46: "5.4",
        56: "6.x",
        79: "7.0+",
    },
    confidence={
        23: "sdk-only",
        32: "partly-verified",
        38: "partly-verified",
        43: "partly-verified",
        46: "partly-verified",
        56: "encore-only",
        79: "encore-only",
    },
):
    """A file went over a connection that a file policy watches."""

    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    connection_instance: U16 = f("Detection process that saw the connection the file went over.")
    connection_counter: U16 = f("Tells connections of one second and instance apart.")
    connection_time: U32 = f("First second of that connection, UNIX seconds.")
    file_event_time: U32 = f("When the file was seen, UNIX seconds.")
    source_ip: IP = f("Address that sent the file.")
    destination_ip: IP = f("Address that received the file.")
    disposition: U8 = f("What the cloud says of the file.", values="file_disposition")
    spero_disposition: U8 = f(
        "Whether Spero analysis was used (1, 2 or 3).", since=38, values="spero_disposition"
    )
    file_storage_status: U8 = f(
        "Whether the file was stored on the device.", since=38, values="file_storage_status"
    )
    file_analysis_status: U8 = f("How far dynamic analysis got.", since=38, values="file_analysis_status")
    local_malware_analysis_status: U8 = f(
        "How far local malware analysis got.", since=56, values="local_malware_analysis_status"
    )
    archive_file_status: U8 = f("How inspection of an archive went.", since=38, values="archive_file_status")
    threat_score: U8 = f("Score of dynamic analysis, 0 to 100.", since=38)
    action: U8 = f("What was done with the file.", values="file_action")
    sha256: Hex32 = f("SHA-256 of the file; all zero if not computed.")
    file_type_id: U32 = f("Type of the file.")
    file_name: String = f("Name of the file.")
    file_size: U64 = f("Size in bytes.")
    direction: U8 = f("Whether the file was downloaded (1) or uploaded (2).", values="file_direction")
    application_protocol_id: U32 = f("Application protocol of the transfer.")
    user_id: U32 = f("User logged in at the host that received the file; 0 if unknown.")
    uri: String = f("URI the file was transferred by.")
    signature: String = f("SHA-256 once more, as text.")
    source_port: U16 = f("TCP or UDP source port.")
    destination_port: U16 = f("TCP or UDP destination port.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    access_control_policy_uuid: UUID = f("Access control policy that was in force.")
    source_country: U16 = f("Country of the source address.", since=32)
    destination_country: U16 = f("Country of the destination address.", since=32)
    web_application_id: U32 = f("Web application recognised.", since=32)
    client_application_id: U32 = f("Client program recognised.", since=32)
    security_context_uuid: UUID = f(
        "Security context (virtual firewall) the traffic passed; all zero if none.", since=43
    )
    tls_certificate_fingerprint: Hex20 = f("SHA-1 of the server's certificate; all zero if none.", since=46)
    tls_actual_action: U16 = f("What was done with the TLS session.", since=46, values="tls_action")
    tls_flow_status: U16 = f("How handling of the TLS session ended.", since=46, values="tls_flow_status")
    archive_sha256: String = f("SHA-256, as text, of the archive that contained the file.", since=46)
    archive_name: String = f("Name of that archive.", since=46)
    archive_depth: U8 = f("How many archives deep the file lay; 0 is not in one.", since=46)
    http_response: U32 = f("HTTP status code seen; 0 if none.", since=56)
    ingress_vrf: String = f("Virtual router by which the traffic came in.", since=79)
    egress_vrf: String = f("Virtual router by which it went out.", since=79)

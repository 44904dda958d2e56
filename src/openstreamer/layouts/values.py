"""What single numbers mean: enumerations and bit masks that fields of declarations name in `values=`.

Words in snake_case, as short as they can be. Where metadata names the same numbers, the metadata is right and
these are what is shown without it. Rules: the field descriptions in chapters 3 and 4 of the integration guide.
"""

from __future__ import annotations

import msgspec


class Values(msgspec.Struct, frozen=True):
    """One enumeration, or one bit mask (`entries` then are single bits).

    `confidence` says how sure the numbers are, `note` what the words cannot say.
    """

    id: str
    mask: bool
    entries: dict[int, str]
    confidence: str
    note: str = ""

    def words(self, number: int) -> str | None:
        """Say what a number means; the bits of a mask joined by " | ". None if it means nothing known."""
        found = self.entries.get(number)
        if found is not None or not self.mask:
            return found
        bits = [word for bit, word in self.entries.items() if bit and number & bit]
        rest = number & ~sum(bit for bit in self.entries)
        if rest:
            bits.append(f"0x{rest:x}")
        return " | ".join(bits) or None


def _enum(id: str, confidence: str, entries: dict[int, str], note: str = "") -> Values:
    return Values(id, False, entries, confidence, note)


def _mask(id: str, confidence: str, entries: dict[int, str], note: str = "") -> Values:
    return Values(id, True, entries, confidence, note)


# fmt: off
_TABLES = (
    _enum("message_type", "two-sources", {
        0: "null", 1: "error", 2: "event_stream_request", 4: "event_data", 5: "host_data_request",
        6: "single_host_data", 7: "multiple_host_data", 2049: "streaming_request",
        2051: "streaming_information", 4002: "message_bundle",
    }),
    _mask("request_flags", "partly-verified", {
        1: "packets", 2: "metadata_v1", 4: "intrusion_events", 8: "discovery_v1", 16: "correlation_v1",
        32: "impact_alerts", 64: "intrusion_events_impact_flag", 128: "discovery_v2", 256: "connection_v1",
        512: "correlation_v2", 1024: "discovery_v3", 2048: "host_data_only", 4096: "connection_v3",
        8192: "correlation_v3", 16384: "metadata_v2", 32768: "metadata_v3", 0x10000: "wait_for_config",
        0x20000: "discovery_v4", 0x40000: "connection_v4", 0x80000: "correlation_v4",
        0x100000: "metadata_v4", 0x200000: "user_activity_v1", 0x400000: "correlation_v5",
        0x800000: "archive_timestamps", 0x1000000: "discovery_v5", 0x2000000: "discovery_v6",
        0x4000000: "connection_v5", 0x8000000: "extra_data", 0x10000000: "discovery_v7",
        0x20000000: "correlation_v6", 0x40000000: "extended_request",
    }),
    _enum("host_data_request", "verified-with-guide", {
        10: "rule_documentation",
    }),
    _enum("packet_link_type", "partly-verified", {
        1: "ethernet",
    }, "Numbers as in capture files."),
    _mask("impact_flags", "verified-with-guide", {
        1: "monitored_network", 2: "in_network_map", 4: "server_on_port", 8: "vulnerable_os",
        16: "vulnerable_server", 32: "session_dropped", 64: "rule_sets_red", 128: "vulnerable_client",
    }),
    _enum("impact_level", "partly-verified", {
        1: "red", 2: "orange", 3: "yellow", 4: "blue", 5: "gray",
    }, "5 in the impact byte and 0 worked out from the flags both mean gray."),
    _enum("intrusion_blocked", "partly-verified", {
        0: "not_blocked", 1: "blocked", 2: "would_block", 3: "partially_dropped", 4: "block",
        5: "would_block_2", 6: "partial_block", 7: "drop", 8: "would_drop", 9: "reject", 10: "would_reject",
        11: "rejected", 12: "would_reject_2", 13: "rewrite", 14: "would_rewrite",
    }, "Above 2 only one client knows the numbers, for 7.2; some of its words come twice."),
    _enum("intrusion_blocked_reason", "encore-only", {
        0: "none", 1: "passive_or_tap_interface", 2: "policy_in_detection_mode", 3: "nap_in_detection_mode",
        4: "connection_timed_out", 5: "connection_closed_1", 6: "connection_closed_2",
        7: "connection_closed_4",
    }),
    _enum("priority", "verified-with-guide", {
        1: "high", 2: "medium", 3: "low",
    }),
    _enum("extra_data_type", "partly-verified", {
        1: "xff_ipv4", 2: "xff_ipv6", 3: "reviewed_by", 4: "gzip_data", 5: "smtp_filename",
        6: "smtp_mail_from", 7: "smtp_rcpt_to", 8: "smtp_headers", 9: "http_uri", 10: "http_hostname",
        11: "ipv6_source", 12: "ipv6_destination", 13: "normalized_javascript",
    }, "Record 111 has the names that hold."),
    _enum("file_disposition", "verified-with-guide", {
        0: "not_available", 1: "clean", 2: "unknown", 3: "malware", 4: "unavailable", 5: "custom_signature",
    }, "The words are those of 5.3: before, 2 was called neutral, 4 a cache miss, and 5 meant that the cloud did not answer."),
    _enum("spero_disposition", "verified-with-guide", {
        1: "used", 2: "used_2", 3: "used_3",
    }, "Any other number: not used."),
    _enum("file_storage_status", "verified-with-guide", {
        0: "not_applicable", 1: "stored", 2: "stored_2", 3: "unable_to_store_3", 4: "unable_to_store_4",
        5: "unable_to_store_5", 6: "unable_to_store_6", 7: "unable_to_store_7", 8: "too_large",
        9: "too_small", 10: "unable_to_store_10", 11: "not_stored_disposition_unavailable",
    }),
    _enum("file_analysis_status", "verified-with-guide", {
        0: "not_sent", 1: "sent", 2: "sent_2", 4: "sent_4", 5: "failed_to_send", 6: "failed_to_send_6",
        7: "failed_to_send_7", 8: "failed_to_send_8", 9: "too_small", 10: "too_large", 11: "sent_11",
        12: "complete", 13: "failed_network", 14: "failed_rate_limit", 15: "failed_too_large",
        16: "failed_read_error", 17: "failed_library_error", 19: "not_sent_disposition_unavailable",
        20: "failed_cannot_run", 21: "failed_timeout", 22: "sent_22", 23: "not_supported",
        25: "capacity_rate_limit", 26: "communication_failure", 27: "not_sent_configuration",
        28: "preclassification_no_match", 29: "sent_private_cloud", 30: "not_sent_private_cloud",
    }, "3, 18 and 24 are not known. 23 changed its meaning in 6.x: kept on the device."),
    _enum("local_malware_analysis_status", "encore-only", {
        0: "not_analyzed", 1: "done", 2: "failed", 3: "manual_request",
    }),
    _enum("archive_file_status", "partly-verified", {
        0: "not_an_archive", 1: "pending", 2: "extracted", 3: "failed", 4: "depth_exceeded", 5: "encrypted",
        6: "not_inspectable",
    }),
    _enum("file_action", "verified-with-guide", {
        0: "not_applicable", 1: "detect", 2: "block", 3: "malware_cloud_lookup", 4: "malware_block",
        5: "malware_allow_list", 6: "cloud_lookup_timeout", 7: "custom_detection",
        8: "custom_detection_block", 9: "archive_block_depth", 10: "archive_block_encrypted",
        11: "archive_block_failed",
    }),
    _enum("file_direction", "verified-with-guide", {
        0: "unknown", 1: "download", 2: "upload",
    }),
    _enum("sha_user_defined", "verified-with-guide", {
        0: "amp", 1: "user",
    }),
    _enum("malware_event_type", "two-sources", {
        0: "not_applicable", 1: "network_transfer", 2: "network_transfer_retrospective",
        553648143: "quarantined", 553648145: "detected_in_exclusion",
        553648146: "cloud_recall_restore_started", 553648147: "cloud_recall_quarantine_started",
        553648149: "quarantined_item_restored", 553648150: "quarantine_restore_started",
        553648154: "cloud_recall_restore", 553648155: "cloud_recall_quarantine",
        553648168: "execution_blocked", 554696714: "scan_started", 554696715: "scan_completed_clean",
        1090519054: "threat_detected", 1091567628: "scan_completed_with_detections",
        2164260880: "quarantine_failure", 2164260884: "quarantine_restore_failed",
        2164260892: "cloud_recall_restore_failed", 2164260893: "cloud_recall_quarantine_failed",
        2165309453: "scan_failed",
    }, "Record 128 has the names to show."),
    _enum("malware_event_subtype", "two-sources", {
        0: "not_applicable", 1: "create", 2: "execute", 4: "scan", 22: "move",
    }, "Record 129 has the names to show."),
    _mask("rule_reason", "two-sources", {
        1: "ip_block", 2: "ip_monitor", 4: "user_bypass", 8: "file_monitor", 16: "file_block",
        32: "intrusion_monitor", 64: "intrusion_block", 128: "file_resume_block", 256: "file_resume_allow",
        512: "file_custom_detection",
    }, "6.x has higher bits, for TLS, DNS, URLs; record 124 has the names, also of several bits together."),
    _enum("rule_action", "guess", {}, "No source lists the numbers; record 120 has the names."),
    _enum("tls_action", "encore-only", {
        0: "unknown", 1: "do_not_decrypt", 2: "block", 3: "block_with_reset", 4: "decrypt_known_key",
        5: "decrypt_replace_key", 6: "decrypt_resign",
    }),
    _enum("tls_flow_status", "encore-only", {
        0: "unknown", 1: "no_match", 2: "success", 3: "uncached_session", 4: "unknown_cipher_suite",
        5: "unsupported_cipher_suite", 6: "unsupported_version", 7: "compression_used",
        8: "undecryptable_in_passive_mode", 9: "handshake_error", 10: "decryption_error",
        11: "pending_server_name_category", 12: "pending_common_name_category", 13: "internal_error",
        14: "network_parameters_unavailable", 15: "invalid_server_certificate_handle",
        16: "server_certificate_fingerprint_unavailable", 17: "cannot_cache_subject_dn",
        18: "cannot_cache_issuer_dn", 19: "unknown_version", 20: "external_certificate_list_unavailable",
        21: "external_certificate_fingerprint_unavailable", 22: "internal_certificate_list_invalid",
        23: "internal_certificate_list_unavailable", 24: "internal_certificate_unavailable",
        25: "internal_certificate_fingerprint_unavailable", 26: "server_certificate_validation_unavailable",
        27: "server_certificate_validation_failure", 28: "invalid_action",
    }),
    _mask("tls_certificate_status", "encore-only", {
        0: "not_checked", 1: "unknown", 2: "valid", 4: "self_signed", 16: "invalid_issuer",
        32: "invalid_signature", 64: "expired", 128: "not_yet_valid", 256: "revoked",
    }),
    _mask("tls_flow_flags", "encore-only", {
        1: "valid", 2: "initialized", 4: "intercept",
    }, "Only the first three bits are known."),
    _mask("tls_flow_messages", "encore-only", {
        1: "hello_request", 2: "client_alert", 4: "server_alert", 8: "client_hello", 16: "server_hello",
        32: "server_certificate", 64: "server_key_exchange", 128: "certificate_request",
        256: "server_hello_done", 512: "client_certificate", 1024: "client_key_exchange",
        2048: "certificate_verify", 4096: "client_change_cipher_spec", 8192: "client_finished",
        16384: "server_change_cipher_spec", 32768: "server_finished", 0x10000: "new_session_ticket",
        0x20000: "handshake_other", 0x40000: "app_data_from_client", 0x80000: "app_data_from_server",
    }),
    _enum("tls_version", "guess", {
        0: "unknown", 1: "ssl_2_0", 2: "ssl_3_0", 3: "tls_1_0", 4: "tls_1_1", 5: "tls_1_2",
    }, "Record 604 has the names that hold."),
    _enum("tls_cipher_suite", "two-sources", {}, "IANA's numbers; record 602 has the names."),
    _enum("ip_protocol", "verified-with-guide", {
        1: "icmp", 4: "ip", 6: "tcp", 17: "udp",
    }, "IANA's numbers."),
    _enum("host_type", "verified-with-guide", {
        0: "host", 1: "router", 2: "bridge", 3: "nat_device", 4: "load_balancer",
    }, "One old client swaps 1 and 2."),
    _enum("criticality", "verified-with-guide", {
        0: "none", 1: "low", 2: "medium", 3: "high",
    }),
    _enum("correlation_event_type", "partly-verified", {
        0: "unknown", 1: "intrusion", 2: "host_discovery", 3: "user_activity", 4: "white_list",
        5: "malware",
    }),
    _mask("correlation_event_defined", "partly-verified", {
        1: "impact_flags", 2: "ip_protocol", 4: "network_protocol", 8: "source_ip", 16: "source_host_type",
        32: "source_vlan", 64: "source_fingerprint", 128: "source_criticality", 256: "source_port",
        512: "source_server",
    }, "The bits go on for the destination, in the same order; they are not settled."),
    _enum("source_type", "verified-with-guide", {
        0: "rna", 1: "user", 2: "third_party_scanner", 3: "command_line_or_api",
    }),
    _enum("user_auth_type", "encore-only", {
        0: "none_required", 1: "passive", 2: "captive_portal_success", 3: "captive_portal_guest",
        4: "captive_portal_failed", 5: "vpn",
    }),
    _enum("user_protocol", "encore-only", {
        165: "ftp", 426: "sip", 547: "aol_im", 683: "imap", 710: "ldap", 767: "ntp", 773: "oracle",
        788: "pop3", 1755: "mdns",
    }, "Record 63 has the names of these and all others."),
    _enum("vpn_type", "encore-only", {
        0: "unknown", 1: "cisco_ikev1_client", 2: "anyconnect_ikev1_client", 3: "anyconnect_tls",
        4: "webvpn_clientless", 5: "site_to_site_ikev2_5", 6: "site_to_site_ikev2_6",
        7: "generic_ikev2_ra_client",
    }, "Likely slips of the only source: 2 should be IKEv2, and 5 IKEv1."),
    _enum("si_source_destination", "encore-only", {
        0: "none",
    }, "Record 281 has the other names."),
    _enum("snort_version", "guess", {
        2: "snort_2", 3: "snort_3",
    }),
    _enum("discovery_event_type", "verified-with-guide", {
        1000: "new", 1001: "change", 1002: "user_input", 1003: "connection", 1004: "user", 1008: "ioc",
        1050: "full_host_profile",
    }),
    _enum("discovery_subtype_1000", "two-sources", {
        1: "new_host", 2: "new_tcp_server", 3: "new_network_protocol", 4: "new_transport_protocol",
        5: "new_ip_to_ip_traffic", 6: "new_udp_server", 7: "new_client_application", 8: "new_os",
        9: "new_ipv6_to_ipv6_traffic",
    }),
    _enum("discovery_subtype_1001", "two-sources", {
        1: "host_ip_changed", 2: "os_update", 3: "host_ip_reused", 4: "vulnerability_changed",
        5: "hops_change", 6: "tcp_server_update", 7: "host_timeout", 8: "tcp_port_closed",
        9: "udp_port_closed", 10: "udp_server_update", 11: "tcp_port_timeout", 12: "udp_port_timeout",
        13: "mac_change", 14: "mac_added", 15: "host_last_seen", 16: "host_router_or_bridge",
        17: "connection_statistics_old", 18: "vlan_update", 19: "host_deleted_limit",
        20: "client_application_timeout", 21: "netbios_name", 22: "netbios_domain",
        23: "host_dropped_limit", 24: "banner_update", 25: "tcp_server_confidence",
        26: "udp_server_confidence", 27: "os_confidence", 28: "dhcp_info", 29: "identity_conflict",
        30: "identity_timeout", 31: "secondary_host_update", 32: "client_application_update",
    }),
    _enum("discovery_subtype_1002", "two-sources", {
        1: "valid_vulnerabilities_v1", 2: "invalid_vulnerabilities_v1", 3: "delete_address_v1",
        4: "delete_server_v1", 5: "set_criticality_v1", 6: "attribute_add", 7: "attribute_update",
        8: "attribute_delete", 9: "attribute_set_value_v1", 10: "attribute_delete_value_v1",
        11: "add_scan_result", 12: "vulnerability_qualification", 13: "policy_control",
        14: "delete_protocol", 15: "delete_client_application", 16: "set_os", 17: "account_seen",
        18: "account_update", 19: "set_server", 20: "delete_address", 21: "delete_server",
        22: "valid_vulnerabilities", 23: "invalid_vulnerabilities", 24: "set_criticality",
        25: "attribute_set_value", 26: "attribute_delete_value", 27: "add_host", 28: "add_server",
        29: "add_client_application", 30: "add_protocol", 31: "reload_applications", 32: "account_delete",
        45: "ioc_delete", 46: "ioc_invalid",
    }),
    _enum("discovery_subtype_1003", "two-sources", {
        1: "connection_statistics", 2: "connection_chunk",
    }),
    _enum("discovery_subtype_1004", "two-sources", {
        1: "new_user", 2: "user_login", 3: "user_removed", 4: "user_dropped",
    }),
    _enum("discovery_subtype_1008", "encore-only", {
        1: "ioc_set",
    }),
    _enum("flag", "verified-with-guide", {
        0: "no", 1: "yes",
    }),
    _enum("primary_secondary", "verified-with-guide", {
        0: "primary", 1: "secondary",
    }),
    _enum("protocol_type", "verified-with-guide", {
        0: "network", 1: "transport",
    }),
    _enum("attribute_type", "guess", {
        0: "text", 1: "integer", 2: "list", 3: "url", 4: "binary",
    }, "From memory; no source has the numbers."),
)
# fmt: on

VALUES: dict[str, Values] = {table.id: table for table in _TABLES}
"""All enumerations and bit masks by their id."""

IMPACT_RULES: tuple[tuple[int, int, int], ...] = (
    (0x08, 0x08, 1),
    (0x10, 0x10, 1),
    (0x40, 0x40, 1),
    (0x80, 0x80, 1),
    (0x06, 0x06, 2),
    (0x02, 0x02, 3),
    (0x01, 0x01, 4),
)
"""How the impact level follows from the impact flags: mask, what must be left of them under it, level.

The first row that fits counts; where none does the level is 0 (gray). The page on impact alerts does not
ask for bit 0 in levels 2 and 3, the pages on events do; testing 0x02 does for both.
"""


def impact_level(flags: int) -> int:
    """Work the impact level out from the impact flags: 1 (red) to 4 (blue), 0 (gray)."""
    return next((level for mask, wanted, level in IMPACT_RULES if flags & mask == wanted), 0)

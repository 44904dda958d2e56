"""Every record type that is known, and what its data looks like.

One row a record type: number, id (the concept over all versions: what the JSON lines call `event`), name,
kind, the releases that send it, how sure the layout is. `blocks` are the block types that may stand in
it, oldest first; `bodies` are the declarations, in the order tried: a block is taken where the first word of
the body is one of its types (be it in `blocks` or not), plain fields where they end exactly at the end.
Rules: chapters 3 and 4 of the integration guide, and its
appendix of legacy structures. Not here: who asks for a record (requests.py).
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import internal, internal_users  # noqa: F401  (no record carries them, other blocks may)
from .attributes import AttributeDefinition
from .connection import (
    ConnectionChunk,
    ConnectionStatistics,
    ConnectionStatisticsLegacy,
    ConnectionStatisticsOldest,
)
from .correlation import CorrelationEvent, CorrelationEventLegacy, PolicyViolationEvent
from .discovery import (
    HopsChange,
    HostAddressChange,
    HostTypeChange,
    NewNetworkProtocol,
    NewTransportProtocol,
    NoBody,
    PortEvent,
)
from .extra_data import ExtraData
from .file import FileEvent
from .host_input import (
    UserAttributeValue,
    UserClientApplicationList,
    UserCriticalityChange,
    UserHosts,
    UserProduct,
    UserProtocolList,
    UserServerList,
    UserVulnerabilityChange,
)
from .host_input_legacy import (
    UserAttributeValueLegacy,
    UserCriticality,
    UserHostsLegacy,
    UserServerListLegacy,
    UserVulnerabilityChangeLegacy,
)
from .host_profile import HostProfile
from .hosts import HostMacAddress, Identity, MacChange, OperatingSystem, OperatingSystemFingerprint, Vlan
from .hosts_legacy import (
    HostClientApplicationLegacy,
    HostProfileLegacy,
    HostServerLegacy,
    OperatingSystemByName,
    ScanResultLegacy,
    VulnerabilityReference,
)
from .impact_alert import IntrusionImpactAlert
from .indication_of_compromise import HostIocMessage, IocState
from .intrusion import IntrusionEvent, IntrusionEventIPv4, IntrusionEventIPv6
from .malware import MalwareEvent
from .metadata import (
    Classification,
    CorrelationPolicy,
    CorrelationRule,
    DetectedUser,
    DetectionEngine,
    Fingerprint,
    HeadedUuidName,
    IdName,
    IdString,
    Priority,
    RuleMessage,
    RuleMessageOld,
    ThirdPartyVulnerability,
    TlsRule,
    UuidName,
    Vulnerability,
    VulnerabilityOld,
)
from .metadata_blocks import (
    AccessControlPolicy,
    AccessControlRule,
    EndpointProfile,
    ExtraDataType,
    FileShaHash,
    Geolocation,
    IcmpCode,
    IcmpType,
    IdNameDescription,
    IocName,
    RuleDocumentation,
    RuleReason,
    SecurityIntelligenceCategory,
    TlsCertificate,
    User,
    UuidString,
)
from .packet import Packet
from .primitives import Integer, StringInformation
from .scan import ScanResult
from .servers import HostClientApplication, HostServer, ServerBanner
from .users import UserInformation, UserLoginInformation

EVENT_CLASSES = (
    "intrusion",
    "packet",
    "extra-data",
    "discovery",
    "correlation",
    "impact-alert",
    "user",
    "malware",
    "file",
    "connection",
)
"""The event types an operator switches on and off; metadata belongs to none."""

CLASS_OF_KIND: dict[str, str | None] = {
    "intrusion_event": "intrusion",
    "packet": "packet",
    "extra_data": "extra-data",
    "discovery": "discovery",
    "host_input": "discovery",
    "ioc": "discovery",
    "correlation": "correlation",
    "intrusion_impact": "impact-alert",
    "user": "user",
    "vpn": "user",
    "malware": "malware",
    "file": "file",
    "connection": "connection",
    "metadata": None,
}


class RecordType(msgspec.Struct, frozen=True):
    """One record type; see the head of this module."""

    number: int
    id: str
    name: str
    kind: str
    event_class: str | None
    discovery_header: bool
    series: int | None
    blocks: tuple[int, ...]
    bodies: tuple[type[Any], ...]
    versions: str
    confidence: str


UNKNOWN_LAYOUTS: dict[tuple[int, int], tuple[str, str, str]] = {
    (1, 157): ("connection_statistics", "5.4.1", "guess"),
    (1, 161): ("connection_chunk", "6.1+", "guess"),
}
"""Blocks known by (series, type) only, with family, releases and confidence: their bytes are kept."""

WHY_UNKNOWN: dict[tuple[int, int], str] = {
    (1, 157): "Only the number can be inferred, from its neighbours; no source has the layout.",
    (1, 161): "Said to follow 136; no source has the layout, and clients read it as 136 without looking.",
}
"""Why the layout of such a block is not declared."""


def _record(
    number: int,
    family: str,
    name: str,
    kind: str,
    versions: str,
    confidence: str = "verified-with-guide",
    *,
    header: bool = False,
    series: int | None = None,
    blocks: tuple[int, ...] = (),
    bodies: tuple[type[Any], ...] = (),
) -> RecordType:
    event_class = CLASS_OF_KIND[kind]
    return RecordType(
        number, family, name, kind, event_class, header, series, blocks, bodies, versions, confidence
    )


# fmt: off
_ROWS = (
    _record(1, "intrusion_event", "Intrusion Event (oldest)", "intrusion_event", "before 3.2", "sdk-only", bodies=(IntrusionEventIPv4,)),
    _record(2, "packet", "Packet Data", "packet", "all", bodies=(Packet,)),
    _record(3, "classification", "Classification (before 4.6.1)", "metadata", "before 4.6.1", "sdk-only", bodies=(Classification,)),
    _record(4, "priority", "Priority", "metadata", "all", bodies=(Priority,)),
    _record(5, "rule_message", "Rule Message (before 4.6.1)", "metadata", "before 4.6.1", "sdk-only", bodies=(RuleMessageOld,)),
    _record(6, "rna_event", "Discovery event (oldest)", "discovery", "before 3.0", "sdk-only", header=True, bodies=(NoBody,)),
    _record(7, "intrusion_event", "Intrusion Event IPv4", "intrusion_event", "3.2-4.8", "two-sources", bodies=(IntrusionEventIPv4,)),
    _record(8, "correlation_event", "Correlation event, record 8", "correlation", "before 4.5", "sdk-only", series=1, blocks=(19,), bodies=(PolicyViolationEvent,)),
    _record(9, "intrusion_impact_alert", "Intrusion Impact Alert", "intrusion_impact", "all", series=1, blocks=(20, 153), bodies=(IntrusionImpactAlert,)),
    _record(10, "new_host", "New Host Detected", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(91, 132, 139), bodies=(HostProfile, HostProfileLegacy)),
    _record(11, "new_tcp_server", "New TCP Server", "discovery", "4.9+", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(12, "new_udp_server", "New UDP Server", "discovery", "4.9+", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(13, "new_network_protocol", "New Network Protocol", "discovery", "all", "two-sources", header=True, bodies=(NewNetworkProtocol,)),
    _record(14, "new_transport_protocol", "New Transport Protocol", "discovery", "all", "two-sources", header=True, bodies=(NewTransportProtocol,)),
    _record(15, "new_client_application", "New Client Application", "discovery", "3.5+", header=True, series=1, blocks=(42, 100, 122), bodies=(HostClientApplication, HostClientApplicationLegacy)),
    _record(16, "tcp_server_info_update", "TCP Server Information Update", "discovery", "4.9+", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(17, "udp_server_info_update", "UDP Server Information Update", "discovery", "4.9+", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(18, "os_update", "OS Information Update", "discovery", "3.5+", "two-sources", header=True, series=1, blocks=(53,), bodies=(OperatingSystem, OperatingSystemByName)),
    _record(19, "host_timeout", "Host Timeout", "discovery", "all", "two-sources", header=True, bodies=(NoBody,)),
    _record(20, "host_ip_reused", "Host IP Address Reused", "discovery", "all", "two-sources", header=True, bodies=(NoBody,)),
    _record(21, "host_deleted_limit", "Host Deleted: Host Limit Reached", "discovery", "all", "two-sources", header=True, bodies=(NoBody,)),
    _record(22, "hops_change", "Hops Change", "discovery", "all", "two-sources", header=True, bodies=(HopsChange,)),
    _record(23, "tcp_port_closed", "TCP Port Closed", "discovery", "all", "two-sources", header=True, bodies=(PortEvent,)),
    _record(24, "udp_port_closed", "UDP Port Closed", "discovery", "all", "two-sources", header=True, bodies=(PortEvent,)),
    _record(25, "tcp_port_timeout", "TCP Port Timeout", "discovery", "all", "two-sources", header=True, bodies=(PortEvent,)),
    _record(26, "udp_port_timeout", "UDP Port Timeout", "discovery", "all", "two-sources", header=True, bodies=(PortEvent,)),
    _record(27, "mac_info_change", "MAC Information Change", "discovery", "all", "partly-verified", header=True, series=1, blocks=(5, 95), bodies=(HostMacAddress, MacChange)),
    _record(28, "mac_added", "Additional MAC Detected for Host", "discovery", "all", "partly-verified", header=True, series=1, blocks=(5, 95), bodies=(HostMacAddress, MacChange)),
    _record(29, "host_ip_changed", "Host IP Address Changed", "discovery", "all", "two-sources", header=True, bodies=(HostAddressChange,)),
    _record(30, "host_last_seen", "Host Last Seen", "discovery", "4.9+", "sdk-only", header=True, series=1, blocks=(91, 132, 139), bodies=(HostProfile, HostProfileLegacy)),
    _record(31, "host_type_change", "Host Identified as Router/Bridge", "discovery", "all", header=True, bodies=(HostTypeChange,)),
    _record(32, "vulnerability_change", "Vulnerability Change", "discovery", "before 4.9", "guess", header=True, series=1, blocks=(8,), bodies=(VulnerabilityReference,)),
    _record(33, "connection_statistics", "Connection Statistics (oldest)", "connection", "before 4.7", "sdk-only", header=True, series=1, blocks=(9, 18, 32, 43), bodies=(ConnectionStatisticsOldest,)),
    _record(34, "vlan_update", "VLAN Tag Information Update", "discovery", "all", "two-sources", header=True, series=1, blocks=(14,), bodies=(Vlan,)),
    _record(35, "client_application_timeout", "Client Application Timeout", "discovery", "3.5+", header=True, series=1, blocks=(42, 100, 122), bodies=(HostClientApplication, HostClientApplicationLegacy)),
    _record(36, "correlation_event", "Correlation event, record 36", "correlation", "before 4.5", "sdk-only", series=1, blocks=(33,), bodies=(CorrelationEventLegacy,)),
    _record(37, "user_valid_vulnerabilities", "User Set Valid Vulnerabilities (legacy)", "host_input", "before 4.7", "sdk-only", header=True, series=1, blocks=(23, 46), bodies=(UserVulnerabilityChangeLegacy,)),
    _record(38, "user_invalid_vulnerabilities", "User Set Invalid Vulnerabilities (legacy)", "host_input", "before 4.7", "sdk-only", header=True, series=1, blocks=(23, 46), bodies=(UserVulnerabilityChangeLegacy,)),
    _record(39, "user_delete_address", "User Delete Address (legacy)", "host_input", "before 3.5", "sdk-only", header=True, series=1, blocks=(25,), bodies=(UserHostsLegacy,)),
    _record(40, "user_delete_server", "User Delete Server (legacy)", "host_input", "before 3.5", "sdk-only", header=True, series=1, blocks=(27,), bodies=(UserServerListLegacy,)),
    _record(41, "user_set_criticality", "User Set Host Criticality (legacy)", "host_input", "before 3.5", "sdk-only", header=True, series=1, blocks=(28,), bodies=(UserCriticality,)),
    _record(42, "netbios_name_change", "NetBIOS Name Change", "discovery", "all", "two-sources", header=True, series=1, blocks=(35,), bodies=(StringInformation,)),
    _record(44, "host_dropped_limit", "Host Dropped: Host Limit Reached", "discovery", "all", "two-sources", header=True, bodies=(NoBody,)),
    _record(45, "banner_update", "Update Banner", "discovery", "all", "two-sources", header=True, series=1, blocks=(37,), bodies=(ServerBanner,)),
    _record(46, "host_attribute_add", "Add Host Attribute", "host_input", "4.5+", "two-sources", header=True, series=1, blocks=(40, 55), bodies=(AttributeDefinition,)),
    _record(47, "host_attribute_update", "Update Host Attribute", "host_input", "4.5+", "two-sources", header=True, series=1, blocks=(40, 55), bodies=(AttributeDefinition,)),
    _record(48, "host_attribute_delete", "Delete Host Attribute", "host_input", "4.5+", "two-sources", header=True, series=1, blocks=(40, 55), bodies=(AttributeDefinition,)),
    _record(49, "user_set_attribute_value", "User Set Attribute Value (legacy)", "host_input", "4.5-4.6", "sdk-only", header=True, series=1, blocks=(41,), bodies=(UserAttributeValueLegacy,)),
    _record(50, "user_delete_attribute_value", "User Delete Attribute Value (legacy)", "host_input", "4.5-4.6", "sdk-only", header=True, series=1, blocks=(41,), bodies=(UserAttributeValueLegacy,)),
    _record(51, "tcp_server_confidence", "TCP Server Confidence Update", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(52, "udp_server_confidence", "UDP Server Confidence Update", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(89, 98, 103), bodies=(HostServer, HostServerLegacy)),
    _record(53, "os_confidence", "OS Confidence Update", "discovery", "3.5+", "two-sources", header=True, series=1, blocks=(53,), bodies=(OperatingSystem, OperatingSystemByName)),
    _record(54, "fingerprint", "Fingerprint", "metadata", "all", bodies=(Fingerprint,)),
    _record(55, "client_application", "Client Application", "metadata", "all", bodies=(IdName,)),
    _record(56, "client_application_type", "Client Application Type", "metadata", "before 5.0", "sdk-only", bodies=(IdName,)),
    _record(57, "vulnerability", "Vulnerability", "metadata", "all", "partly-verified", bodies=(Vulnerability, VulnerabilityOld)),
    _record(58, "criticality", "Criticality", "metadata", "all", "partly-verified", bodies=(IdName,)),
    _record(59, "network_protocol", "Network Protocol", "metadata", "all", "two-sources", bodies=(IdName,)),
    _record(60, "attribute", "Attribute", "metadata", "all", bodies=(IdName,)),
    _record(61, "scan_type", "Scan Type", "metadata", "all", bodies=(IdName,)),
    _record(62, "user_metadata", "User (system user)", "metadata", "all", series=2, blocks=(57,), bodies=(User, IdName)),
    _record(63, "server", "Server (application protocol)", "metadata", "all", bodies=(IdName,)),
    _record(64, "detection_engine", "Detection Engine", "metadata", "before 5.0", "sdk-only", bodies=(IdName,)),
    _record(65, "correlation_event", "Correlation event, record 65", "correlation", "4.5-4.7", "sdk-only", series=1, blocks=(52, 70), bodies=(CorrelationEvent, CorrelationEventLegacy)),
    _record(66, "rule_message", "Rule Message", "metadata", "4.6.1+", bodies=(RuleMessage,)),
    _record(67, "classification", "Classification", "metadata", "4.6.1+", bodies=(Classification,)),
    _record(68, "detection_engine", "Detection Engine, version 2", "metadata", "4.6.1-4.10", "sdk-only", bodies=(DetectionEngine,)),
    _record(69, "correlation_policy", "Correlation Policy", "metadata", "4.6.1+", bodies=(CorrelationPolicy,)),
    _record(70, "correlation_rule", "Correlation Rule", "metadata", "4.6.1+", bodies=(CorrelationRule, CorrelationPolicy)),
    _record(71, "connection_statistics", "Connection Statistics", "connection", "4.7+", header=True, series=1, blocks=(56, 101, 125, 115, 126, 137, 144, 152, 154, 155, 157, 160, 163, 168, 169, 170, 171, 173, 174), bodies=(ConnectionStatistics, ConnectionStatisticsLegacy)),
    _record(72, "intrusion_event", "Intrusion Event IPv6", "intrusion_event", "before 4.9", "partly-verified", bodies=(IntrusionEventIPv6,)),
    _record(73, "connection_chunk", "Connection Chunk", "connection", "4.7+", "partly-verified", header=True, series=1, blocks=(66, 119, 136, 161), bodies=(ConnectionChunk,)),
    _record(74, "user_set_os", "User Set OS", "host_input", "4.10+", "two-sources", header=True, series=1, blocks=(65, 118, 134), bodies=(UserProduct,)),
    _record(75, "user_set_server", "User Set Server", "host_input", "4.10+", "two-sources", header=True, series=1, blocks=(65, 118, 134), bodies=(UserProduct,)),
    _record(76, "user_delete_protocol", "User Delete Protocol", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(83,), bodies=(UserProtocolList,)),
    _record(77, "user_delete_client_application", "User Delete Client Application", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(60,), bodies=(UserClientApplicationList,)),
    _record(78, "user_delete_address", "User Delete Address", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(78,), bodies=(UserHosts,)),
    _record(79, "user_delete_server", "User Delete Server", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(77,), bodies=(UserServerList,)),
    _record(80, "user_valid_vulnerabilities", "User Set Valid Vulnerabilities", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(80,), bodies=(UserVulnerabilityChange,)),
    _record(81, "user_invalid_vulnerabilities", "User Set Invalid Vulnerabilities", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(80,), bodies=(UserVulnerabilityChange,)),
    _record(82, "user_set_criticality", "User Set Host Criticality", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(81,), bodies=(UserCriticalityChange,)),
    _record(83, "user_set_attribute_value", "User Set Attribute Value", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(82,), bodies=(UserAttributeValue,)),
    _record(84, "user_delete_attribute_value", "User Delete Attribute Value", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(82,), bodies=(UserAttributeValue,)),
    _record(85, "user_add_host", "User Add Host", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(78,), bodies=(UserHosts,)),
    _record(86, "user_add_server", "User Add Server", "host_input", "4.10+", "partly-verified", header=True, series=1, blocks=(77, 65, 118, 134), bodies=(UserProduct, UserServerList)),
    _record(87, "user_add_client_application", "User Add Client Application", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(60,), bodies=(UserClientApplicationList,)),
    _record(88, "user_add_protocol", "User Add Protocol", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(83,), bodies=(UserProtocolList,)),
    _record(89, "user_add_scan_result", "User Add Scan Result", "host_input", "4.7+", "two-sources", header=True, series=1, blocks=(72, 102, 142), bodies=(ScanResult, ScanResultLegacy)),
    _record(90, "source_type", "Source Type", "metadata", "all", bodies=(IdName,)),
    _record(91, "source_application", "Source Application", "metadata", "all", bodies=(IdName,)),
    _record(92, "user_dropped", "User Identity Dropped: User Limit Reached", "user", "4.7+", "partly-verified", header=True, series=1, blocks=(75, 120, 158), bodies=(UserInformation,)),
    _record(93, "user_removed", "Delete User Identity", "user", "4.7+", "partly-verified", header=True, series=1, blocks=(75, 120, 158), bodies=(UserInformation,)),
    _record(94, "new_user", "New User Identity", "user", "4.7+", "partly-verified", header=True, series=1, blocks=(75, 120, 158), bodies=(UserInformation,)),
    _record(95, "user_login", "User Login", "user", "4.7+", "partly-verified", header=True, series=1, blocks=(73, 121, 127, 159, 165, 167), bodies=(UserLoginInformation,)),
    _record(96, "source_detector", "Source Detector", "metadata", "all", bodies=(IdName,)),
    _record(97, "correlation_event", "Correlation event, record 97", "correlation", "4.8-4.10", "sdk-only", series=1, blocks=(84, 107), bodies=(CorrelationEvent,)),
    _record(98, "detected_user", "User (detected)", "metadata", "4.8+", series=2, blocks=(57,), bodies=(User, DetectedUser)),
    _record(99, "intrusion_event", "Intrusion Event IPv4 with MPLS", "intrusion_event", "4.9", "guess", bodies=(IntrusionEventIPv4,)),
    _record(100, "intrusion_event", "Intrusion Event IPv6 with MPLS", "intrusion_event", "4.9", "guess", bodies=(IntrusionEventIPv6,)),
    _record(101, "new_os", "New OS", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(87, 130), bodies=(OperatingSystemFingerprint,)),
    _record(102, "identity_conflict", "Identity Conflict", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(94,), bodies=(Identity,)),
    _record(103, "identity_timeout", "Identity Timeout", "discovery", "4.9+", "two-sources", header=True, series=1, blocks=(94,), bodies=(Identity,)),
    _record(104, "intrusion_event", "Intrusion Event IPv4 4.9-4.10.x", "intrusion_event", "4.9-4.10", bodies=(IntrusionEventIPv4,)),
    _record(105, "intrusion_event", "Intrusion Event IPv6 4.10.2.3", "intrusion_event", "4.10.2.3", bodies=(IntrusionEventIPv6,)),
    _record(106, "third_party_vulnerability", "Third Party Scanner Vulnerability", "metadata", "all", "partly-verified", bodies=(ThirdPartyVulnerability,)),
    _record(107, "client_application_update", "Client Application Update", "discovery", "3.5+", header=True, series=1, blocks=(42, 100, 122), bodies=(HostClientApplication, HostClientApplicationLegacy)),
    _record(108, "payload_type", "Payload Type", "metadata", "before 5.0", "guess", bodies=(IdName,)),
    _record(109, "web_application", "Web Application", "metadata", "4.10+", "two-sources", bodies=(IdName,)),
    _record(110, "extra_data", "Intrusion Event Extra Data", "extra_data", "4.10+", series=2, blocks=(4,), bodies=(ExtraData,)),
    _record(111, "extra_data_type", "Intrusion Event Extra Data Metadata", "metadata", "4.10+", series=2, blocks=(5,), bodies=(ExtraDataType,)),
    _record(112, "correlation_event", "Correlation Event", "correlation", "4.10+", series=1, blocks=(107, 116, 128, 156), bodies=(CorrelationEvent,)),
    _record(114, "failed_user_login", "Failed User Login", "user", "before 5.0", "guess", header=True, bodies=(NoBody,)),
    _record(115, "security_zone", "Security Zone Name", "metadata", "5.0+", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(116, "interface", "Interface Name", "metadata", "5.0+", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(117, "access_control_policy_name", "Access Control Policy Name", "metadata", "5.0+", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(118, "intrusion_policy", "Intrusion Policy Name", "metadata", "5.0+", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(119, "access_control_rule", "Access Control Rule ID", "metadata", "5.0+", series=2, blocks=(15,), bodies=(AccessControlRule,)),
    _record(120, "access_control_rule_action", "Access Control Rule Action", "metadata", "5.0+", bodies=(IdName,)),
    _record(121, "url_category", "URL Category", "metadata", "5.0+", "partly-verified", bodies=(IdName,)),
    _record(122, "url_reputation", "URL Reputation", "metadata", "5.0+", "two-sources", bodies=(IdName,)),
    _record(123, "managed_device", "Managed Device", "metadata", "5.0+", bodies=(IdName,)),
    _record(124, "rule_reason", "Access Control Rule Reason", "metadata", "5.0+", "partly-verified", series=2, blocks=(21, 59), bodies=(RuleReason,)),
    _record(125, "malware_event", "Malware Event", "malware", "5.1+", series=2, blocks=(16, 24, 33, 35, 44, 47, 62, 80), bodies=(MalwareEvent,)),
    _record(127, "amp_cloud", "AMP Cloud Name", "metadata", "5.0+", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(128, "malware_event_type", "Malware Event Type", "metadata", "5.1+", "partly-verified", bodies=(IdName,)),
    _record(129, "malware_event_subtype", "Malware Event Subtype", "metadata", "5.1+", bodies=(IdName,)),
    _record(130, "amp_detector_type", "AMP Detector Type", "metadata", "5.1+", bodies=(IdName,)),
    _record(131, "amp_file_type", "AMP File Type", "metadata", "5.1+", bodies=(IdName,)),
    _record(132, "security_context", "Security Context Name", "metadata", "5.3.1+", "partly-verified", bodies=(UuidName,)),
    _record(140, "rule_documentation", "Rule Documentation", "metadata", "5.2+", "partly-verified", series=2, blocks=(27,), bodies=(RuleDocumentation,)),
    _record(145, "access_control_policy", "Access Control Policy", "metadata", "6.0+", "encore-only", series=2, blocks=(64,), bodies=(AccessControlPolicy,)),
    _record(146, "prefilter_policy", "Prefilter Policy", "metadata", "6.0+", "encore-only", series=2, blocks=(64,), bodies=(AccessControlPolicy,)),
    _record(147, "tunnel_prefilter_rule", "Tunnel or Prefilter Rule", "metadata", "6.0+", "encore-only", series=2, blocks=(64,), bodies=(AccessControlPolicy,)),
    _record(160, "host_ioc", "Host IOC State / Host IOC Set", "ioc", "5.3+", "two-sources", header=True, series=1, blocks=(150, 7), bodies=(Integer, IocState)),
    _record(161, "ioc_name", "IOC Name", "metadata", "5.3+", "partly-verified", series=2, blocks=(39,), bodies=(IocName,)),
    _record(162, "ioc_delete", "User IOC Delete", "ioc", "5.3+", "guess", header=True, series=1, blocks=(148,), bodies=(HostIocMessage,)),
    _record(163, "ioc_enable", "User IOC Enable", "ioc", "5.3+", "guess", header=True, series=1, blocks=(148,), bodies=(HostIocMessage,)),
    _record(164, "ioc_disable", "User IOC Disable", "ioc", "5.3+", "guess", header=True, series=1, blocks=(148,), bodies=(HostIocMessage,)),
    _record(170, "vpn_login", "VPN Device Login", "vpn", "6.2+", "encore-only", header=True, series=1, blocks=(167,), bodies=(UserLoginInformation,)),
    _record(171, "vpn_logoff", "VPN Device Logoff", "vpn", "6.2+", "encore-only", header=True, series=1, blocks=(167,), bodies=(UserLoginInformation,)),
    _record(207, "intrusion_event", "Intrusion Event IPv4 5.0-5.1", "intrusion_event", "5.0-5.1", bodies=(IntrusionEventIPv4,)),
    _record(208, "intrusion_event", "Intrusion Event IPv6 5.0-5.1", "intrusion_event", "5.0-5.1", bodies=(IntrusionEventIPv6,)),
    _record(260, "icmp_type", "ICMP Type", "metadata", "5.1+", series=2, blocks=(19,), bodies=(IcmpType,)),
    _record(270, "icmp_code", "ICMP Code", "metadata", "5.1+", series=2, blocks=(20,), bodies=(IcmpCode,)),
    _record(280, "si_category", "Security Intelligence Category", "metadata", "5.1+", "partly-verified", series=2, blocks=(22,), bodies=(SecurityIntelligenceCategory,)),
    _record(281, "si_source_destination", "Security Intelligence Source/Destination", "metadata", "5.1+", bodies=(IdName,)),
    _record(282, "si_category_general", "Security Intelligence Category (general)", "metadata", "6.0+", "encore-only", bodies=(UuidName,)),
    _record(300, "realm", "Realm", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(301, "endpoint_profile", "Endpoint Profile", "metadata", "6.0+", "encore-only", series=2, blocks=(58,), bodies=(EndpointProfile,)),
    _record(302, "security_group", "Security Group", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(320, "dns_record_type", "DNS Record Type", "metadata", "6.0+", "encore-only", series=2, blocks=(61,), bodies=(IdNameDescription,)),
    _record(321, "dns_response_type", "DNS Response Type", "metadata", "6.0+", "encore-only", series=2, blocks=(61,), bodies=(IdNameDescription,)),
    _record(322, "sinkhole", "Sinkhole", "metadata", "6.0+", "encore-only", series=2, blocks=(14,), bodies=(UuidString,)),
    _record(350, "netmap_domain", "Netmap Domain", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(400, "intrusion_event", "Intrusion Event", "intrusion_event", "5.1.1+", series=2, blocks=(25, 34, 41, 42, 45, 60, 81, 85), bodies=(IntrusionEvent,)),
    _record(500, "file_event", "File Event", "file", "5.1.1+", series=2, blocks=(23, 32, 38, 43, 46, 56, 79), bodies=(FileEvent,)),
    _record(502, "file_malware_event", "File Malware Event", "file", "5.1.1+", "two-sources", series=2, blocks=(23, 32, 38, 43, 46, 56, 79), bodies=(FileEvent,)),
    _record(510, "file_type", "File Type ID", "metadata", "5.1.1+", "partly-verified", bodies=(IdName, IdString)),
    _record(511, "file_sha", "File Event SHA Hash", "metadata", "5.1.1+", series=2, blocks=(26, 40), bodies=(FileShaHash,)),
    _record(515, "file_storage_status", "File Storage", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(516, "file_sandbox_status", "File Sandbox", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(517, "file_spero_status", "File Spero", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(518, "file_archive_status", "File Archive", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(519, "file_static_analysis", "File Static Analysis", "metadata", "6.0+", "encore-only", bodies=(IdName,)),
    _record(520, "geolocation", "Geolocation", "metadata", "5.2+", series=2, blocks=(28,), bodies=(Geolocation,)),
    _record(530, "file_policy", "File Policy Name", "metadata", "5.4+", "two-sources", bodies=(HeadedUuidName, UuidName)),
    _record(600, "tls_policy", "TLS Policy Name", "metadata", "5.4+", "encore-only", bodies=(UuidName, IdName)),
    _record(601, "tls_rule", "TLS Rule ID", "metadata", "5.4+", "encore-only", bodies=(TlsRule,)),
    _record(602, "tls_cipher_suite", "TLS Cipher Suite", "metadata", "5.4+", "two-sources", bodies=(IdName, IdString)),
    _record(604, "tls_version", "TLS Version", "metadata", "5.4+", "two-sources", bodies=(IdName, IdString)),
    _record(605, "tls_certificate_status", "TLS Server Certificate Status", "metadata", "5.4+", "partly-verified", bodies=(IdName, IdString)),
    _record(606, "tls_actual_action", "TLS Actual Action", "metadata", "5.4+", "two-sources", bodies=(IdName, IdString)),
    _record(607, "tls_expected_action", "TLS Expected Action", "metadata", "5.4+", "two-sources", bodies=(IdName, IdString)),
    _record(608, "tls_flow_status", "TLS Flow Status", "metadata", "5.4+", "two-sources", bodies=(IdName, IdString)),
    _record(613, "tls_url_category", "TLS URL Category", "metadata", "5.4+", "partly-verified", bodies=(IdName, IdString)),
    _record(614, "tls_certificate", "TLS Certificate Details", "metadata", "5.4+", "two-sources", series=2, blocks=(50,), bodies=(TlsCertificate,)),
    _record(700, "network_analysis_policy", "Network Analysis Policy", "metadata", "5.4+", "partly-verified", bodies=(HeadedUuidName, UuidName)),
)
# fmt: on

RECORDS: dict[int, RecordType] = {row.number: row for row in _ROWS}

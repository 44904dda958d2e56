"""Hosts as releases before 4.9 told of them: profiles, servers, clients, scan results.

No published guide has these blocks; the layouts come from one program of the time. Which block stands in
a field is told by that block's own header only, most often a String or a List block. Not here: the forms
since 4.9 (hosts.py, servers.py, host_profile.py, scan.py).
"""

from __future__ import annotations

from typing import Any

from openstreamer.wire import U8, U16, U32, UUID, AnyBlock, Block, BlockList, IPv4, f


class HostService(Block, id="host_service", series=1, types={2: "to 3.0"}, confidence={2: "sdk-only"}):
    """A server on a host."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    legacy_service: AnyBlock = f("Name of the application protocol.")
    vendor: AnyBlock = f("Who made it.")
    legacy_product: AnyBlock = f("Name of the product.")
    version: AnyBlock = f("Its version.")
    sub_servers: AnyBlock = f("List of its parts.")
    confidence: U32 = f("How sure it is, in percent.")
    last_used: U32 = f("When it was last used, UNIX seconds.")


class HostServiceWithBanner(
    Block, id="host_service_with_banner", series=1, types={12: "3.x"}, confidence={12: "sdk-only"}
):
    """A server on a host, and what it says first."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    legacy_service: AnyBlock = f("Name of the application protocol.")
    vendor: AnyBlock = f("Who made it.")
    legacy_product: AnyBlock = f("Name of the product.")
    version: AnyBlock = f("Its version.")
    sub_servers: AnyBlock = f("List of its parts.")
    confidence: U32 = f("How sure it is, in percent.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    banner: AnyBlock = f("The first bytes it sent.")


class HostServerLegacy(
    Block,
    id="host_server",
    series=1,
    types={36: "3.5-4.6", 68: "4.7-4.8"},
    confidence={36: "sdk-only", 68: "sdk-only"},
):
    """A server on a host."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    server_id: U32 = f("Application protocol of the server.", was={36: U16})
    vendor: AnyBlock = f("Who made it.")
    legacy_product: AnyBlock = f("Name of the product.")
    version: AnyBlock = f("Its version.")
    sub_servers: AnyBlock = f("List of its parts.")
    confidence: U32 = f("How sure it is, in percent.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    source_type: U32 = f("What kind of source told it.", since=68, values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.", since=68)


class FullHostServerLegacy(
    Block,
    id="full_host_server",
    series=1,
    types={50: "3.5-4.6", 69: "4.7-4.8"},
    confidence={50: "sdk-only", 69: "sdk-only"},
):
    """A server on a host, with all that is known of it."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    server_id: U32 = f("Application protocol of the server.", was={50: U16})
    vendor: AnyBlock = f("Who made it.")
    legacy_product: AnyBlock = f("Name of the product.")
    version: AnyBlock = f("Its version.")
    confidence: U32 = f("How sure it is, in percent.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    source_type: U32 = f("What kind of source told it.", since=69, values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.", since=69)
    banner: AnyBlock = f("The first bytes it sent.")
    vuln_list: AnyBlock = f("List of vulnerabilities, by the numbers of the vendor's database.")
    scan_vuln_list: AnyBlock = f("List of vulnerabilities, by the numbers of a third party's scanner.")
    sub_servers: AnyBlock = f("List of its parts.")


class HostClientApplicationLegacy(
    Block, id="host_client_application", series=1, types={29: "3.2-3.4"}, confidence={29: "sdk-only"}
):
    """A client application on a host."""

    hits: U32 = f("How often it was used.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    id: U32 = f("The client application; metadata names it.")
    version: AnyBlock = f("Its version.")


class OperatingSystemByName(
    Block, id="operating_system_by_name", series=1, types={3: "to 3.0"}, confidence={3: "sdk-only"}
):
    """The operating system of a host, by its name."""

    name: AnyBlock = f("Name of the operating system.")
    vendor: AnyBlock = f("Who made it.")
    version: AnyBlock = f("Its version.")
    confidence: U32 = f("How sure it is, in percent.")
    legacy_fpid: U32 = f("Number of the fingerprint.")


class HostProfileLegacy(
    Block,
    id="host_profile",
    series=1,
    types={6: "to 3.0", 13: "3.x", 15: "3.x", 30: "3.2-3.4", 34: "3.5-4.8"},
    confidence={6: "sdk-only", 13: "sdk-only", 15: "sdk-only", 30: "sdk-only", 34: "sdk-only"},
):
    """A host as discovery first sees it."""

    ip: IPv4 = f("Address of the host.")
    hostname: AnyBlock = f("Name of the host.", until=13)
    hops: U8 = f("Network hops between device and host.")
    secondary: U8 = f("Whether the host is in a network that the device watches second.", since=13)
    path_mtu: U32 = f("Largest packet that the path takes, in bytes.", until=15)
    os_name: AnyBlock = f("Name of the operating system.", until=13)
    os_vendor: AnyBlock = f("Who made it.", until=13)
    os_version: AnyBlock = f("Its version.", until=13)
    confidence: U32 = f("How sure the operating system is, in percent.")
    legacy_fpid: U32 = f("Number of the operating system's fingerprint.", until=30)
    fpuuid: UUID = f("Fingerprint of the operating system; metadata names it.", since=34)
    tcp_servers: AnyBlock = f("List of servers on TCP ports.")
    udp_servers: AnyBlock = f("List of servers on UDP ports.")
    network_protocols: AnyBlock = f("List of network protocols it uses.")
    transport_protocols: AnyBlock = f("List of transport protocols it uses.")
    mac: AnyBlock = f("MAC addresses of the host.")
    last_seen: U32 = f("When the host was last seen, UNIX seconds.")
    host_type: U32 = f("What the host is.", values="host_type")
    criticality: U16 = f(
        "How much depends on the host, as users say.", since=30, until=30, values="criticality"
    )
    vlan_tag_present: U8 = f("Whether the VLAN fields are set.", since=34)
    vlan_id: U16 = f("Number of the VLAN.", since=15)
    type: U8 = f("How the VLAN tag is packed.", since=15)
    priority: U8 = f("Priority in the VLAN tag.", since=15)
    apps: AnyBlock = f("List of client applications.", since=30)
    netbios_name: AnyBlock = f("NetBIOS name of the host.", since=34)


class FullHostProfileLegacy(
    Block, id="full_host_profile", series=1, types={47: "3.5-4.8"}, confidence={47: "sdk-only"}
):
    """All that is known of a host; the answer to a host data request."""

    ip: IPv4 = f("Address of the host.")
    hops: U8 = f("Network hops between device and host.")
    confidence: U32 = f("How sure the operating system is, in percent.")
    fpuuid: UUID = f("Fingerprint of the operating system; metadata names it.")
    tcp_servers: AnyBlock = f("List of servers on TCP ports.")
    udp_servers: AnyBlock = f("List of servers on UDP ports.")
    network_protocols: AnyBlock = f("List of network protocols it uses.")
    transport_protocols: AnyBlock = f("List of transport protocols it uses.")
    mac: AnyBlock = f("MAC addresses of the host.")
    last_seen: U32 = f("When the host was last seen, UNIX seconds.")
    host_type: U32 = f("What the host is.", values="host_type")
    criticality: U16 = f("How much depends on the host, as users say.", values="criticality")
    vlan_id: U16 = f("Number of the VLAN.")
    type: U8 = f("How the VLAN tag is packed.")
    priority: U8 = f("Priority in the VLAN tag.")
    apps: AnyBlock = f("List of client applications.")
    netbios_name: AnyBlock = f("NetBIOS name of the host.")
    notes: AnyBlock = f("What users noted of the host.")
    vuln_list: AnyBlock = f("List of vulnerabilities, by the numbers of the vendor's database.")
    scan_vuln_list: AnyBlock = f("List of vulnerabilities, by the numbers of a third party's scanner.")
    attribute_list: AnyBlock = f("List of values of the host's attributes.")


class VulnerabilityReference(
    Block,
    id="vulnerability_reference",
    series=1,
    types={8: "all"},
    confidence={8: "partly-verified"},
    notes={8: "Which blocks stand in it is not published; that record 32 carries it is a guess."},
):
    """Vulnerabilities of a server."""

    port: U16 = f("Port of the server.")
    protocol: AnyBlock = f("Transport protocol of the server.")
    sub_service: AnyBlock = f("Part of the server that has them.")
    vulnerability_list: BlockList[Any] = f("Numbers of the vulnerabilities.")


class ScanVulnerabilityLegacy(
    Block, id="scan_vulnerability", series=1, types={44: "3.5-4.8"}, confidence={44: "sdk-only"}
):
    """A vulnerability that a scanner found."""

    port: U16 = f("Port of the server that has it; 0 if it is not of a server.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    id: U32 = f("Number the scanner gave it.")
    name: AnyBlock = f("Name of the vulnerability.")
    desc: AnyBlock = f("What it is, in words.")
    bugtraq_ids: AnyBlock = f("List of its numbers in the Bugtraq list.")
    cve_ids: AnyBlock = f("List of its CVE numbers.")


class ScanResultLegacy(Block, id="scan_result", series=1, types={45: "3.5-4.6"}, confidence={45: "sdk-only"}):
    """What a scanner found on a host."""

    user_id: U32 = f("User who brought the results in.")
    type: U32 = f("How they were brought in.")
    ip_address: IPv4 = f("Address of the host.")
    port: U16 = f("Port of the server they are about; 0 if they are not about one.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    vulns: AnyBlock = f("List of vulnerabilities that were found.")

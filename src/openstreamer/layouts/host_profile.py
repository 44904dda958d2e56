"""Host profiles: a host as discovery first sees it, and all that is known of it.

The short form is the body of records 10 and 30. The full form comes in answer to a host data request
(messages 6 and 7), never as a record. Rules: chapter 4 of the integration guide, "Host Profile Data Block"
and "Full Host Profile Data Block"; its appendix of legacy structures. Not here: forms before 4.9
(hosts_legacy.py).
"""

from __future__ import annotations

from openstreamer.wire import (
    IP,
    U8,
    U16,
    U32,
    Block,
    BlockList,
    GenericBlockList,
    Hex16,
    IPv4,
    String,
    f,
)

from .attributes import AttributeValue
from .hosts import HostAddress, HostMacAddress, HostVulnerability, OperatingSystemFingerprint, Protocol
from .indication_of_compromise import IocState
from .servers import FullHostClientApplication, FullHostServer, HostClientApplication, HostServer


class HostProfile(
    Block,
    id="host_profile",
    series=1,
    types={91: "4.9-5.0.2", 132: "5.1.x", 139: "5.2+"},
    confidence={91: "partly-verified", 132: "partly-verified", 139: "partly-verified"},
    notes={
        139: "The guide prints the full form 112 for client applications; the short form 122 is read as well."
    },
):
    """A host as discovery first sees it."""

    ip_address: IP = f("Address of the host.", was={132: IPv4})
    hops: U8 = f("Network hops between device and host.")
    primary_secondary: U8 = f(
        "Whether the host is in the network that the device watches first.", values="primary_secondary"
    )
    server_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by connections it accepted."
    )
    client_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by connections it opened."
    )
    smb_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its SMB traffic."
    )
    dhcp_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its DHCP traffic."
    )
    mobile_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system of a mobile device.", since=132
    )
    ipv6_server_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by IPv6 connections it accepted.", since=139
    )
    ipv6_client_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by IPv6 connections it opened.", since=139
    )
    ipv6_dhcp_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its DHCPv6 traffic.", since=139
    )
    user_agent_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by the user agent of its HTTP requests.", since=139
    )
    tcp_servers: BlockList[HostServer] = f("Servers on TCP ports.")
    udp_servers: BlockList[HostServer] = f("Servers on UDP ports.")
    network_protocols: BlockList[Protocol] = f("Network protocols it uses.")
    transport_protocols: BlockList[Protocol] = f("Transport protocols it uses.")
    macs: BlockList[HostMacAddress] = f("MAC addresses of the host.")
    last_seen: U32 = f("When the host was last seen, UNIX seconds.")
    host_type: U32 = f("What the host is.", values="host_type")
    mobile: U8 = f("1 if it is a mobile device.", since=132, values="flag")
    jailbroken: U8 = f("1 if the maker's restrictions were removed from it.", since=132, values="flag")
    vlan_presence: U8 = f(
        "Whether the VLAN fields are set; the guide says 0 means yes, which reads like a slip."
    )
    vlan_id: U16 = f("Number of the VLAN.")
    vlan_type: U8 = f("How the VLAN tag is packed.")
    vlan_priority: U8 = f("Priority in the VLAN tag.")
    client_applications: GenericBlockList[FullHostClientApplication | HostClientApplication] = f(
        "Client applications on the host.", was={91: GenericBlockList[HostClientApplication]}
    )
    netbios_name: String = f("NetBIOS name of the host.")


class FullHostProfile(
    Block,
    id="full_host_profile",
    series=1,
    types={92: "4.9-4.10.x", 111: "5.0-5.0.2", 135: "5.1.x", 140: "5.2.x", 149: "5.3+"},
    confidence={
        92: "partly-verified",
        111: "partly-verified",
        135: "partly-verified",
        140: "partly-verified",
        149: "partly-verified",
    },
    notes={
        135: "Only one source has the last field; the end of the guide's table was not seen.",
        149: "No source tells whether a List or a Generic List block holds the indications of compromise: both"
        " are read.",
    },
    alternatives={149: ({}, {"ioc_state": BlockList[IocState]})},
):
    """All that is known of a host; the answer to a host data request."""

    ip_address: IPv4 = f("Address of the host.", until=135)
    host_id: Hex16 = f("What the server knows the host by.", since=140)
    ip_addresses: BlockList[HostAddress] = f("Addresses of the host.", since=140)
    hops: U8 = f("Network hops between device and host.")
    derived_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, as worked out from all that follows."
    )
    server_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by connections it accepted."
    )
    client_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by connections it opened."
    )
    smb_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its SMB traffic."
    )
    dhcp_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its DHCP traffic."
    )
    user_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f("Operating system, as a user set it.")
    scan_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, as a scanner told it."
    )
    application_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, as another application told it."
    )
    conflict_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating systems that contradict each other."
    )
    mobile_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system of a mobile device.", since=140
    )
    ipv6_server_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by IPv6 connections it accepted.", since=140
    )
    ipv6_client_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by IPv6 connections it opened.", since=140
    )
    ipv6_dhcp_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by its DHCPv6 traffic.", since=140
    )
    user_agent_fingerprints: GenericBlockList[OperatingSystemFingerprint] = f(
        "Operating system, by the user agent of its HTTP requests.", since=140
    )
    tcp_servers: BlockList[FullHostServer] = f("Servers on TCP ports.")
    udp_servers: BlockList[FullHostServer] = f("Servers on UDP ports.")
    network_protocols: BlockList[Protocol] = f("Network protocols it uses.")
    transport_protocols: BlockList[Protocol] = f("Transport protocols it uses.")
    macs: BlockList[HostMacAddress] = f("MAC addresses of the host.")
    last_seen: U32 = f("When the host was last seen, UNIX seconds.")
    host_type: U32 = f("What the host is.", values="host_type")
    criticality: U16 = f("How much depends on the host, as users say.", values="criticality")
    vlan_id: U16 = f("Number of the VLAN.")
    vlan_type: U8 = f("How the VLAN tag is packed.")
    vlan_priority: U8 = f("Priority in the VLAN tag.")
    client_applications: GenericBlockList[FullHostClientApplication] = f(
        "Client applications on the host.", was={92: GenericBlockList[HostClientApplication]}
    )
    netbios_name: String = f("NetBIOS name of the host.")
    notes: String = f("What users noted of the host; empty unless the request asked for it.")
    vdb_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities, by the numbers of the vendor's database."
    )
    third_party_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities a third party's scanner found, translated to the vendor's numbers."
    )
    third_party_scan_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "The same by the scanner's own numbers."
    )
    attributes: BlockList[AttributeValue] = f("Values of the host's attributes.")
    mobile: U8 = f("1 if it is a mobile device.", since=135, values="flag")
    jailbroken: U8 = f("1 if the maker's restrictions were removed from it.", since=135, values="flag")
    vlan_presence: U8 = f("Whether the VLAN fields are set.", since=135, until=135)
    ioc_state: GenericBlockList[IocState] = f("Indications of compromise of the host.", since=149)

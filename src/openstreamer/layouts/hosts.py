"""What is known of a host in small pieces: addresses, protocols, operating system, vulnerabilities.

Some are the body of a discovery event of their own, most stand in host profiles (host_profile.py). Rules:
chapter 4 of the integration guide, "Host Discovery Structures" and the data blocks after it; its appendix of
legacy structures. Not here: servers and client applications (servers.py), and the forms of releases before
4.9 whose parts only their own headers tell (hosts_legacy.py).
"""

from __future__ import annotations

from openstreamer.wire import (
    IP,
    MAC,
    U8,
    U16,
    U32,
    UUID,
    Block,
    BlockList,
    Fields,
    GenericBlockList,
    IPv4,
    String,
    f,
)


class Protocol(Block, id="protocol", series=1, types={4: "all"}, confidence={4: "partly-verified"}):
    """A protocol that a host uses."""

    protocol: U16 = f("EtherType in a list of network protocols, IANA number in one of transport protocols.")


class HostMacAddress(
    Block,
    id="host_mac_address",
    series=1,
    types={5: "before 4.9", 95: "4.9+"},
    confidence={5: "sdk-only"},
):
    """A MAC address of a host."""

    ttl: U8 = f("Difference between the time to live that was seen and that of the fingerprint.")
    mac: MAC = f("The address.")
    primary: U8 = f("1 if the address was seen on the host's own network.", values="flag")
    last_seen: U32 = f("When the address was last seen, UNIX seconds.", since=95)


class MacChange(
    Fields,
    id="host_mac_address",
    records={27: "before 4.9", 28: "before 4.9"},
    confidence={27: "sdk-only", 28: "sdk-only"},
    notes={
        27: "Second choice: old servers leave the block header out; with or without the last field.",
        28: "Second choice: old servers leave the block header out; with or without the last field.",
    },
    alternatives={27: ({"last_seen": None}, {}), 28: ({"last_seen": None}, {})},
):
    """A MAC address of a host, without the header of its block."""

    ttl: U8 = f("Difference between the time to live that was seen and that of the fingerprint.")
    mac: MAC = f("The address.")
    primary: U8 = f("1 if the address was seen on the host's own network.", values="flag")
    last_seen: U32 = f("When the address was last seen, UNIX seconds.")


class Vlan(Block, id="vlan", series=1, types={14: "all"}, confidence={14: "partly-verified"}):
    """The VLAN tag that a host's traffic bears."""

    vlan_id: U16 = f("Number of the VLAN.")
    vlan_type: U8 = f("How the tag is packed.")
    vlan_priority: U8 = f("Priority in the tag.")


class HostVulnerability(
    Block,
    id="host_vulnerability",
    series=1,
    types={49: "before 4.9", 85: "4.9.0+"},
    confidence={49: "sdk-only"},
):
    """A vulnerability that a host may have."""

    vulnerability_id: U32 = f("Number of the vulnerability, in the list that the field around it belongs to.")
    invalid: U8 = f("Not 0 if somebody ruled the vulnerability out for this host.", until=49)
    invalid_flags: U8 = f("Not 0 if somebody ruled the vulnerability out for this host.", since=85)
    vulnerability_type: U32 = f("Kind of vulnerability.", since=85)


class IpAddressRange(
    Block,
    id="ip_address_range",
    series=1,
    types={61: "before 5.2", 141: "5.2+"},
    confidence={61: "sdk-only"},
    notes={141: "One line of the guide prints the number 61; its drawing and its text say 141."},
):
    """Addresses from one to another."""

    start: IP = f("First address.", was={61: IPv4})
    end: IP = f("Last address.", was={61: IPv4})


class HostAddress(Block, id="host_ip_address", series=1, types={143: "5.2+"}):
    """An address of a host."""

    ip_address: IP = f("The address.")
    last_seen: U32 = f("When the address was last seen, UNIX seconds.")


class SecondaryHostUpdate(
    Block,
    id="secondary_host_update",
    series=1,
    types={96: "4.9+"},
    confidence={96: "partly-verified"},
    notes={96: "Discovery event 1001/31; no record number is known that carries it."},
):
    """What another device knows of a host."""

    ip_address: IPv4 = f("Address of the host.")
    macs: BlockList[HostMacAddress] = f("MAC addresses of the host.")


class MobileDevice(Block, id="mobile_device_information", series=1, types={131: "5.1+"}):
    """A mobile device, as its traffic tells."""

    device: String = f("What the device is, in words.")
    last_seen: U32 = f("When it was last seen, UNIX seconds.")
    mobile: U32 = f("1 if it is a mobile device.", values="flag")
    jailbroken: U32 = f("1 if the maker's restrictions were removed from it.", values="flag")


class OperatingSystem(
    Block,
    id="operating_system",
    series=1,
    types={16: "3.x", 53: "3.5+"},
    confidence={16: "sdk-only"},
):
    """The operating system of a host, by its fingerprint."""

    confidence: U32 = f("How sure it is, in percent.")
    legacy_fpid: U32 = f("Number of the fingerprint.", until=16)
    fingerprint_uuid: UUID = f("Fingerprint; metadata names the operating system.", since=53)


class OperatingSystemFingerprint(
    Block,
    id="operating_system_fingerprint",
    series=1,
    types={87: "4.9.x-5.0.2", 130: "5.1+"},
):
    """The operating system of a host, as one source tells it."""

    fingerprint_uuid: UUID = f("Fingerprint; metadata names the operating system.")
    fingerprint_type: U32 = f("Kind of fingerprint; the numbers are not published.")
    source_type: U32 = f("What kind of source told it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.")
    last_seen: U32 = f("When it was last seen, UNIX seconds.")
    ttl_difference: U8 = f("Difference between the time to live that was seen and that of the fingerprint.")
    mobile_devices: GenericBlockList[MobileDevice] = f("The mobile device, if it is one.", since=130)


class Identity(
    Block,
    id="identity_data",
    series=1,
    types={94: "4.9+"},
    confidence={94: "partly-verified"},
):
    """What one source says a host or a server is, where sources conflict or one became too old."""

    source_type: U32 = f("What kind of source told it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.")
    uuid: UUID = f("Fingerprint of the operating system or server.")
    port: U16 = f("Port of the server; 0 if it is the operating system.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    server_map_id: U32 = f("Which known server it was matched with.")

"""Host input: what users, and programs that speak for them, say of hosts.

Records 74 to 88. Everything says who said it: a kind of source and a number within it. Rules: chapter 4 of
the integration guide, "User Data Structures" and the data blocks named "User ..."; its appendix of legacy
structures. Not here: scan results (scan.py), attributes as such (attributes.py), and the forms of releases
before 4.7 (host_input_legacy.py).
"""

from __future__ import annotations

from openstreamer.wire import MAC, U8, U16, U32, UUID, Blob, Block, GenericBlockList, String, f

from .hosts import IpAddressRange


class MacAddressSpecification(Block, id="mac_address_specification", series=1, types={63: "4.7+"}):
    """A host by its MAC address."""

    mac: MAC = f("The address.")


class AddressSpecification(Block, id="address_specification", series=1, types={64: "4.7+"}):
    """Hosts by their addresses."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    macs: GenericBlockList[MacAddressSpecification] = f("MAC addresses of the hosts.")


class UserHosts(Block, id="user_hosts", series=1, types={78: "4.7+"}):
    """A user added or deleted hosts."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    macs: GenericBlockList[MacAddressSpecification] = f("MAC addresses of the hosts.")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    source_type: U32 = f("What kind of source did it.", values="source_type")


class UserServer(Block, id="user_server", series=1, types={76: "4.7+"}):
    """A server on some hosts."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    port: U16 = f("Port of the server.")
    protocol: U16 = f("IP protocol, IANA number.", values="ip_protocol")


class UserServerList(
    Block,
    id="user_server_list",
    series=1,
    types={77: "4.7+"},
    notes={
        77: "A client of the 6.x era reads the two source fields in the other order; the guide's is kept."
    },
):
    """A user deleted servers, or added some."""

    source_type: U32 = f("What kind of source did it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    servers: GenericBlockList[UserServer] = f("The servers.")


class UserProtocol(Block, id="user_protocol", series=1, types={57: "4.7+"}):
    """A protocol that some hosts use."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    macs: GenericBlockList[MacAddressSpecification] = f("MAC addresses of the hosts.")
    protocol_type: U8 = f("Whether it is a network or a transport protocol.", values="protocol_type")
    protocol: U16 = f("EtherType of a network protocol, IANA number of a transport protocol.")


class UserProtocolList(Block, id="user_protocol_list", series=1, types={83: "4.7+"}):
    """A user added or deleted protocols."""

    source_type: U32 = f("What kind of source did it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    protocols: GenericBlockList[UserProtocol] = f("The protocols.")


class UserClientApplication(
    Block, id="user_client_application", series=1, types={59: "4.7-5.1", 138: "5.1.1+"}
):
    """A client application on some hosts."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    application_protocol_id: U32 = f("Application protocol it speaks.")
    client_application_id: U32 = f("The client application; metadata names it.")
    version: String = f("Its version.")
    payload_type: U32 = f("Always 0; kept for the sake of old readers.", since=138)
    web_application_id: U32 = f("Web application used with it.", since=138)


class UserClientApplicationList(Block, id="user_client_application_list", series=1, types={60: "4.7+"}):
    """A user added or deleted client applications."""

    source_type: U32 = f("What kind of source did it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    client_applications: GenericBlockList[UserClientApplication] = f("The client applications.")


class FixList(Block, id="fix_list", series=1, types={67: "4.7+"}, confidence={67: "two-sources"}):
    """A fix that is installed on some hosts."""

    fix_id: U32 = f("Number of the fix.")


class UserProduct(
    Block,
    id="user_product",
    series=1,
    types={65: "4.10.x", 118: "5.0-5.0.x", 134: "5.1+"},
    confidence={65: "partly-verified", 118: "partly-verified", 134: "two-sources"},
    notes={
        65: "Before 5.2 the addresses are of the shorter form 61, which the block's own header tells.",
        118: "Before 5.2 the addresses are of the shorter form 61, which the block's own header tells.",
    },
):
    """The operating system of some hosts, or a server on them, as a user says."""

    source_id: U32 = f("Which user, scanner or application said it, by the kind of source.")
    source_type: U32 = f("What kind of source said it.", values="source_type")
    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    port: U16 = f("Port of the server; 0 if it is an operating system.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    drop_user_product: U32 = f("Not 0 if what was said before is taken back.")
    custom_vendor: String = f("Vendor, where the user named one.")
    custom_product: String = f("Product, where the user named one.")
    custom_version: String = f("Version, where the user named one.")
    software_id: U32 = f("Number of the software in the vendor's database.")
    server_id: U32 = f("Application protocol of the server.")
    vendor_id: U32 = f("Number of the software's maker.")
    product_id: U32 = f("Number of the product.")
    major: String = f("Major version.")
    minor: String = f("Minor version.")
    revision: String = f("Revision.")
    to_major: String = f("Major version up to which it holds.")
    to_minor: String = f("Minor version up to which it holds.")
    to_revision: String = f("Revision up to which it holds.")
    build: String = f("Build.")
    patch: String = f("Patch.")
    extension: String = f("Extension of the version.")
    os_uuid: UUID = f("Fingerprint of the operating system; metadata names it.")
    device: String = f("What the device is, in words.", since=134)
    mobile: U8 = f("1 if it is a mobile device.", since=134, values="flag")
    jailbroken: U8 = f("1 if the maker's restrictions were removed from it.", since=134, values="flag")
    fixes: GenericBlockList[FixList] = f("Fixes that are installed.")


class UserVulnerability(
    Block,
    id="user_vulnerability",
    series=1,
    types={79: "4.7-4.10.x", 124: "5.0+"},
    confidence={79: "partly-verified", 124: "partly-verified"},
    notes={79: "The guide prints this layout under the number 22 as well, which is an older block."},
):
    """A vulnerability of some hosts."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    port: U16 = f("Port of the server that has it; 0 if a client application has.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    vulnerability_id: U32 = f("Number of the vulnerability in the vendor's database.")
    uuid: UUID = f("The vulnerability, if it is a third party's.")
    name: String = f("Name of the vulnerability.")
    client_application_id: U32 = f("Client application that has it.", since=124)
    application_protocol_id: U32 = f("Application protocol the client application speaks.", since=124)
    version: String = f("Version of the client application.", since=124)


class UserVulnerabilityChange(
    Block,
    id="user_vulnerability_change",
    series=1,
    types={80: "4.7+"},
    confidence={80: "partly-verified"},
    notes={
        80: "The guide's drawing leaves the change type out; it is written, and read where the list after it"
        " stands in the right place. A client of the 6.x era reads the source fields in the other order."
    },
    alternatives={80: ({}, {"change_type": None})},
):
    """A user set vulnerabilities valid or invalid for hosts."""

    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    source_type: U32 = f("What kind of source did it.", values="source_type")
    change_type: U32 = f("What was done; the numbers are not published.")
    vulnerabilities: GenericBlockList[UserVulnerability] = f("The vulnerabilities.")


class UserCriticalityChange(
    Block,
    id="user_criticality_change",
    series=1,
    types={81: "4.7+"},
    confidence={81: "partly-verified"},
):
    """A user said how much depends on hosts."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    source_type: U32 = f("What kind of source did it.", values="source_type")
    criticality: U32 = f("How much depends on the hosts.", values="criticality")


class UserAttributeValue(Block, id="user_attribute_value", series=1, types={82: "4.7+"}):
    """A user set or deleted the value of a host attribute."""

    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    source_type: U32 = f("What kind of source did it.", values="source_type")
    attribute_id: U32 = f("The attribute; metadata names it.")
    value: Blob = f("The value, as bytes.")

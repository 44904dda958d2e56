"""Host input as releases before 4.7 told of it: what users said of IPv4 hosts.

Records 37 to 41, 49 and 50. No published guide has these blocks; the layouts come from one program of the
time. Which block stands in a field is told by that block's own header only. Not here: the forms since 4.7
(host_input.py).
"""

from __future__ import annotations

from openstreamer.wire import U16, U32, AnyBlock, Block, IPv4, f


class IpMask(Block, id="ip_mask", series=1, types={24: "legacy"}, confidence={24: "sdk-only"}):
    """A network, or one host."""

    ip: IPv4 = f("Address.")
    mask: U32 = f("Mask of the network.")


class UserVulnerabilityLegacy(
    Block, id="user_vulnerability", series=1, types={22: "legacy"}, confidence={22: "sdk-only"}
):
    """A vulnerability of a host."""

    ip_address: IPv4 = f("Address of the host.")
    port: U16 = f("Port of the server that has it.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    subservice: AnyBlock = f("Part of the server that has it.")
    vulnerability_id: U32 = f("Number of the vulnerability in the vendor's database.")


class UserVulnerabilityChangeLegacy(
    Block,
    id="user_vulnerability_change",
    series=1,
    types={23: "to 3.5", 46: "3.5-4.6"},
    confidence={23: "sdk-only", 46: "sdk-only"},
):
    """A user set vulnerabilities of a host valid or invalid."""

    user_id: U32 = f("User who did it.")
    ip_address: IPv4 = f("Address of the host.")
    type: U32 = f("What was done.", since=46)
    vuln_list: AnyBlock = f("List of the vulnerabilities.")


class UserHostsLegacy(Block, id="user_hosts", series=1, types={25: "legacy"}, confidence={25: "sdk-only"}):
    """A user deleted hosts."""

    user_id: U32 = f("User who did it.")
    ip_list: AnyBlock = f("List of the hosts' addresses.")


class UserServerLegacy(Block, id="user_server", series=1, types={26: "legacy"}, confidence={26: "sdk-only"}):
    """A server on a host."""

    ip: IPv4 = f("Address of the host.")
    port: U16 = f("Port of the server.")
    protocol: U16 = f("IP protocol, IANA number.", values="ip_protocol")


class UserServerListLegacy(
    Block, id="user_server_list", series=1, types={27: "legacy"}, confidence={27: "sdk-only"}
):
    """A user deleted servers."""

    user_id: U32 = f("User who did it.")
    service_list: AnyBlock = f("List of the servers.")


class UserCriticality(
    Block, id="user_criticality", series=1, types={28: "legacy"}, confidence={28: "sdk-only"}
):
    """A user said how much depends on hosts."""

    user_id: U32 = f("User who did it.")
    criticality: U32 = f("How much depends on the hosts.", values="criticality")
    ip_list: AnyBlock = f("List of the hosts' addresses.")


class UserAttributeValueLegacy(
    Block, id="user_attribute_value", series=1, types={41: "4.5-4.6"}, confidence={41: "sdk-only"}
):
    """A user set or deleted the value of a host attribute."""

    user_id: U32 = f("User who did it.")
    attr_id: U32 = f("The attribute; metadata names it.")
    ip_list: AnyBlock = f("List of the hosts' addresses.")
    value: AnyBlock = f("The value.")


class UserProtocolListLegacy(
    Block, id="user_protocol_list", series=1, types={58: "4.6"}, confidence={58: "sdk-only"}
):
    """A user added or deleted protocols."""

    user_id: U32 = f("User who did it.")
    protos: AnyBlock = f("List of the protocols.")

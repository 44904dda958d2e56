"""Blocks that the product's own processes exchange: fingerprints, policy control, files.

No public record is known to carry them; they are here so that one that turns up inside another block is read
as itself. The layouts come from one program's tables and are not in the guide, except for the policy control
message, which it names. Not here: the same of users (internal_users.py).
"""

from __future__ import annotations

from openstreamer.wire import (
    IP,
    MAC,
    U8,
    U16,
    U32,
    U64,
    UUID,
    AnyBlock,
    Blob,
    Block,
    Hex8,
    Hex32,
    IPv4,
    String,
    f,
)


class PolicyEngineControl(
    Block,
    id="policy_engine_control_message",
    series=1,
    types={54: "all"},
    confidence={54: "sdk-only"},
    notes={
        54: "Discovery event 1002/13; no record number is known that carries it. What kind of block the"
        " content is in is not settled: a BLOB block is read as well."
    },
    alternatives={54: ({}, {"message": Blob})},
):
    """Internal: an order to the policy engine."""

    control_type: U32 = f("Kind of order.")
    message: String = f("Content of the order.")


class PolicyEngineControl2(
    Block,
    id="policy_engine_control_v2",
    series=1,
    types={110: "5.0+"},
    confidence={110: "sdk-only"},
):
    """Internal: an order to the policy engine about one host."""

    ip: IPv4 = f("Address of the host.")
    reset_white_list: U32 = f("Not 0 if the host is to be checked against the allow list anew.")
    white_list_uuid: UUID = f("The allow list.")


class CustomFingerprint(
    Block,
    id="custom_fingerprint_definition_17",
    series=1,
    types={17: "internal"},
    confidence={17: "sdk-only"},
):
    """Internal: an order to take the fingerprint of a host's operating system, and what came of it."""

    remote_cmd: U32 = f("The order.")
    status: U32 = f("How far it got.")
    id: U32 = f("Number of the fingerprint.")
    remote_id: U32 = f("Number of the fingerprint on the device.")
    device_id: U32 = f("Device that takes the fingerprint.")
    target_addr: U32 = f("Address of the host, as a number.")
    source_addr: U32 = f("Address the device uses, as a number.")
    source_mask: U32 = f("Mask of that address, as a number.")
    gateway: U32 = f("Gateway the device uses, as a number.")
    wscale: U32 = f("TCP window scale.")
    ipid_trend: U32 = f("How the IP identification changes.")
    type: U16 = f("Kind of fingerprint.")
    target_port: U16 = f("Port of the host.")
    wsize_low: U16 = f("Least TCP window size.")
    wsize_high: U16 = f("Greatest TCP window size.")
    interface: Hex8 = f("Name of the interface, padded with zeros.")
    target_distance: U8 = f("Hops to the host.")
    ttl: U8 = f("Time to live.")
    df: U8 = f("Whether fragmentation is forbidden.")
    mss_follows_syn: U16 = f("Whether the segment size follows that of the other side.")
    topts: AnyBlock = f("TCP options.")


class Fingerprint10(
    Block,
    id="fingerprint_values_21",
    series=1,
    types={21: "internal"},
    confidence={21: "sdk-only"},
):
    """Internal: the values of a fingerprint, of ten kinds."""

    val1: AnyBlock = f("First value.")
    val2: AnyBlock = f("Second value.")
    val3: AnyBlock = f("Third value.")
    val4: AnyBlock = f("Fourth value.")
    val5: AnyBlock = f("Fifth value.")
    val6: AnyBlock = f("Sixth value.")
    val7: AnyBlock = f("Seventh value.")
    val8: AnyBlock = f("Eighth value.")
    val9: AnyBlock = f("Ninth value.")
    val10: AnyBlock = f("Tenth value.")


class Fingerprint12(
    Block,
    id="fingerprint_values_93",
    series=1,
    types={93: "internal"},
    confidence={93: "sdk-only"},
):
    """Internal: the values of a fingerprint, of twelve kinds."""

    val1: AnyBlock = f("First value.")
    val2: AnyBlock = f("Second value.")
    val3: AnyBlock = f("Third value.")
    val4: AnyBlock = f("Fourth value.")
    val5: AnyBlock = f("Fifth value.")
    val6: AnyBlock = f("Sixth value.")
    val7: AnyBlock = f("Seventh value.")
    val8: AnyBlock = f("Eighth value.")
    val9: AnyBlock = f("Ninth value.")
    val10: AnyBlock = f("Tenth value.")
    val11: AnyBlock = f("Eleventh value.")
    val12: AnyBlock = f("Twelfth value.")


class Fingerprint15(
    Block,
    id="fingerprint_values_129",
    series=1,
    types={129: "internal"},
    confidence={129: "sdk-only"},
):
    """Internal: the values of a fingerprint, of fifteen kinds."""

    value_1: AnyBlock = f("First value.")
    value_2: AnyBlock = f("Second value.")
    value_3: AnyBlock = f("Third value.")
    value_4: AnyBlock = f("Fourth value.")
    value_5: AnyBlock = f("Fifth value.")
    value_6: AnyBlock = f("Sixth value.")
    value_7: AnyBlock = f("Seventh value.")
    value_8: AnyBlock = f("Eighth value.")
    value_9: AnyBlock = f("Ninth value.")
    value_10: AnyBlock = f("Tenth value.")
    value_11: AnyBlock = f("Eleventh value.")
    value_12: AnyBlock = f("Twelfth value.")
    value_13: AnyBlock = f("Thirteenth value.")
    value_14: AnyBlock = f("Fourteenth value.")
    value_15: AnyBlock = f("Fifteenth value.")


class DhcpLease(
    Block,
    id="dhcp_info",
    series=1,
    types={145: "5.2+"},
    confidence={145: "sdk-only"},
    notes={145: "Discovery event 1001/28; no record number is known that carries it."},
):
    """Internal: a lease that a host got by DHCP."""

    lease_time: U32 = f("How long the lease holds, in seconds.")
    netmask: U32 = f("Mask of the network, as a number.")
    router_ip: IP = f("Address of the router.")


class SandboxFileSignature(
    Block,
    id="sandbox_file_signature",
    series=1,
    types={151: "internal"},
    confidence={151: "sdk-only"},
    notes={151: "What kind of block the hash is in is not settled: a String block is read as well."},
    alternatives={151: ({}, {"sha256": String})},
):
    """Internal: what dynamic analysis says of a file."""

    sha256: Blob = f("SHA-256 of the file.")
    threat_score: U8 = f("Score of dynamic analysis, 0 to 100.")
    file_type: U32 = f("Type of the file; metadata names it.")


class Integer2(Block, id="int32_2", series=2, types={6: "internal"}, confidence={6: "sdk-only"}):
    """Internal: a number that stands as a block of its own, inside series 2."""

    value: U32 = f("The number.")


class MacAddress2(Block, id="mac_address", series=2, types={17: "internal"}, confidence={17: "sdk-only"}):
    """Internal: a MAC address that stands as a block of its own, inside series 2."""

    mac: MAC = f("The address.")


class AmpHostEvent(Block, id="amp_host_event", series=2, types={18: "internal"}, confidence={18: "sdk-only"}):
    """Internal: what the agent on an endpoint says of its host."""

    agent_uuid: UUID = f("The agent.")
    timestamp: U32 = f("When it said so, UNIX seconds.")
    name: String = f("Name of the agent.")
    description: String = f("The host in words.")
    hostname: String = f("Name of the host.")
    ips: AnyBlock = f("List of the host's addresses.")
    macs: AnyBlock = f("List of the host's MAC addresses.")
    ldap_uuid: UUID = f("The host in the directory.")
    ldap_name: String = f("Name of the host in the directory.")
    ldap_sid: String = f("Security identifier of the host in the directory.")
    os_type: String = f("Kind of operating system.")
    os_name: String = f("Name of the operating system.")
    os_version_major: U8 = f("Major version of the operating system.")
    os_version_minor: U8 = f("Minor version of the operating system.")
    os_version_type: String = f("Kind of version.")
    os_sp_major: U8 = f("Major number of the service pack.")
    os_sp_minor: U8 = f("Minor number of the service pack.")
    os_build: U32 = f("Build of the operating system.")
    os_product_type: String = f("Kind of product, such as workstation or server.")
    os_architecture: String = f("Architecture of the processor.")
    os_suites: String = f("Suites that are installed.")


class FileExtractEvent(
    Block, id="file_extract_event", series=2, types={36: "internal"}, confidence={36: "sdk-only"}
):
    """Internal: a device kept a file."""

    sha256: Hex32 = f("SHA-256 of the file.")
    timestamp: U32 = f("When it was kept, UNIX seconds.")
    subtype: U16 = f("Kind of event.")
    status: U32 = f("How it ended.")
    disposition: U8 = f("What the cloud says of the file.", values="file_disposition")
    file_size: U64 = f("Size in bytes.")
    file_type_id: U32 = f("Type of the file; metadata names it.")
    file_name: String = f("Name of the file.")


class FileStorageStatistics(
    Block, id="file_storage_stats", series=2, types={37: "internal"}, confidence={37: "sdk-only"}
):
    """Internal: how many files a device keeps."""

    timestamp: U32 = f("When they were counted, UNIX seconds.")
    category: U16 = f("Kind of file that is counted.")
    id: U32 = f("Number within the kind.")
    number_stored: U32 = f("Files that were kept.")
    number_dropped: U32 = f("Files that were not kept.")
    bytes_written: U64 = f("Bytes that were written.")

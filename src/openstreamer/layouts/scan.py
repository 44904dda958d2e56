"""Scan results: what a scanner found on a host, brought in by a user or another program.

Record 89 carries them. Rules: chapter 4 of the integration guide, "Scan Result Data Block", "Scan
Vulnerability Data Block", "Generic Scan Results Data Block"; its appendix of legacy structures. Not here:
forms before 4.7 (hosts_legacy.py).
"""

from __future__ import annotations

from openstreamer.wire import IP, U16, U32, Block, BlockList, GenericBlockList, IPv4, String, f

from .host_input import UserProduct
from .primitives import Integer, StringInformation


class ScanVulnerability(
    Block,
    id="scan_vulnerability",
    series=1,
    types={86: "4.9-4.9.1.x", 109: "4.10.0+"},
    confidence={86: "partly-verified", 109: "partly-verified"},
):
    """A vulnerability that a scanner found."""

    port: U16 = f("Port of the server that has it; 0 if it is not of a server.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    id: String = f("What the scanner calls it by.")
    name: String = f("Name of the vulnerability.")
    description: String = f("What it is, in words.")
    name_clean: String = f("The name without anything but text.", since=109)
    description_clean: String = f("The description without anything but text.", since=109)
    bugtraq_ids: BlockList[Integer] = f("Its numbers in the Bugtraq list.")
    cve_ids: BlockList[StringInformation] = f("Its CVE numbers.")


class GenericScanResults(
    Block, id="generic_scan_results", series=1, types={71: "4.7-4.9.1.x", 108: "4.10.0+"}
):
    """Anything else that a scanner found."""

    port: U16 = f("Port of the server it is about; 0 if it is not about a server.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    sub_server: String = f("Part of the server it is about.")
    value: String = f("What was found.")
    sub_server_unformatted: String = f("The part without anything but text.", since=108)
    value_unformatted: String = f("What was found, without anything but text.", since=108)


class ScanResult(
    Block,
    id="scan_result",
    series=1,
    types={72: "4.7-4.9.x", 102: "4.10.0-5.1.1.x", 142: "5.2+"},
    confidence={72: "sdk-only", 142: "two-sources"},
):
    """What a scanner found on a host."""

    user_id: U32 = f("User who brought the results in.")
    scan_type: U32 = f("How they were brought in; metadata names it.")
    ip_address: IP = f("Address of the host.", was={102: IPv4})
    port: U16 = f("Port of the server they are about; 0 if they are not about one.")
    protocol: U16 = f("IP protocol of the server, IANA number.", values="ip_protocol")
    flag: U16 = f("Reserved.", since=102)
    vulnerabilities: BlockList[ScanVulnerability] = f("Vulnerabilities that were found.")
    results: BlockList[GenericScanResults] = f("What else was found.")
    products: GenericBlockList[UserProduct] = f("Operating systems and servers that were found.")

"""Which form of an inner block belongs to which release.

A discovery record or a host profile holds further blocks, and the number of the outer block does not always
say in which form they are: record 11 with block 103 holds server information 105 or 117, block 83 holds
address ranges 61 or 141. Each row below is one concept in all its forms, oldest first, with the release that
brought each. Needed only to write for clients of releases before 5.2, after which none of these changed. Also here:
fields that older forms have under another name.
Rules: the guide's appendix of legacy structures; the numbers of releases are those of the declarations.
Not here: the outer blocks, which requests name (requests.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from .attributes import AttributeAddress
from .connection import ConnectionChunk
from .correlation import CorrelationEvent
from .host_input import UserClientApplication, UserProduct, UserVulnerability
from .hosts import HostMacAddress, HostVulnerability, IpAddressRange, OperatingSystemFingerprint
from .scan import GenericScanResults, ScanVulnerability
from .servers import (
    FullHostClientApplication,
    FullHostServer,
    FullServerInformation,
    HostClientApplication,
    HostServer,
    HostWebApplication,
    ServerInformation,
)
from .users import UserLoginInformation

Release = tuple[int, ...]
"""A release as numbers, (4, 9, 1)."""

InnerForm = tuple[Release, type, int]
"""First release, declaration, block type."""

INNER_FORMS: tuple[tuple[InnerForm, ...], ...] = (
    (((0,), IpAddressRange, 61), ((5, 2), IpAddressRange, 141)),
    (((0,), AttributeAddress, 38), ((5, 2), AttributeAddress, 146)),
    (((0,), HostMacAddress, 5), ((4, 9), HostMacAddress, 95)),
    (((0,), HostVulnerability, 49), ((4, 9), HostVulnerability, 85)),
    (((0,), OperatingSystemFingerprint, 87), ((5, 1), OperatingSystemFingerprint, 130)),
    (((0,), HostServer, 89), ((4, 9, 1), HostServer, 98), ((4, 10), HostServer, 103)),
    (((0,), FullHostServer, 90), ((4, 9, 1), FullHostServer, 99), ((4, 10), FullHostServer, 104)),
    (
        ((0,), ServerInformation, 88),
        ((4, 10), ServerInformation, 105),
        ((4, 10), FullServerInformation, 106),
        ((5, 0), ServerInformation, 117),
    ),
    (((0,), HostWebApplication, 97), ((5, 0), HostWebApplication, 123)),
    (
        ((0,), HostClientApplication, 42),
        ((4, 9, 1), HostClientApplication, 100),
        ((5, 0), HostClientApplication, 122),
        ((5, 0), FullHostClientApplication, 112),
    ),
    (((0,), UserVulnerability, 79), ((5, 0), UserVulnerability, 124)),
    (((0,), UserClientApplication, 59), ((5, 1, 1), UserClientApplication, 138)),
    (((4, 10), UserProduct, 65), ((5, 0), UserProduct, 118), ((5, 1), UserProduct, 134)),
    (((0,), GenericScanResults, 71), ((4, 10), GenericScanResults, 108)),
    (((4, 9), ScanVulnerability, 86), ((4, 10), ScanVulnerability, 109)),
)
"""The forms of each concept, oldest first. A field takes those whose declaration stands in its own one."""

FORMER_FIELDS: Mapping[type, Mapping[str, tuple[str, ...]]] = {
    ConnectionChunk: {"server_id": ("application_protocol_id",)},
    CorrelationEvent: {"source_ip": ("source_ipv6",), "destination_ip": ("destination_ipv6",)},
    HostWebApplication: {"payload_id": ("application_id",)},
    ServerInformation: {"server_id": ("application_id",)},
    UserLoginInformation: {
        "ip_address": ("ipv4_address", "ipv6_address"),
        "application_id": ("protocol",),
        "protocol": ("application_id",),
    },
}
"""Declaration -> fields of its older forms, with the fields of newer forms that say the same.

The first that says anything is taken, and only where the older form has no field of that name itself.
"""

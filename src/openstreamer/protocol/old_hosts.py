"""Hosts and servers in the forms of releases before 4.9, made from those since.

Those releases knew one operating system and one identity of a server; the newer forms have a list by each
source. The first that is there is taken: as worked out from all, then by traffic, by users, by scanners, by
other applications. No guide has the old blocks, only one program of the time; lists and texts stand in them
as List, String and BLOB blocks.

Rules: the layouts in layouts/hosts_legacy.py. Not here: forms since 4.9 (inner_blocks.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from openstreamer.layouts.eras import Release
from openstreamer.layouts.host_profile import FullHostProfile, HostProfile
from openstreamer.layouts.hosts_legacy import (
    FullHostProfileLegacy,
    FullHostServerLegacy,
    HostProfileLegacy,
    HostServerLegacy,
)
from openstreamer.layouts.primitives import BlobBlock, ListBlock, StringBlock
from openstreamer.layouts.servers import HostClientApplication, HostServer, SubServer
from openstreamer.wire import UnknownBlock

from .inner_blocks import Inexpressible, down

_FINGERPRINTS = ("derived_fingerprints", "server_fingerprints", "client_fingerprints", "smb_fingerprints")
_IDENTITIES = ("detected_identities", "user_identities", "scanner_identities", "application_identities")
_WITH_SOURCE: Release = (4, 7)


def _some(data: Any, name: str) -> list[Any]:
    """The blocks of a list; an unknown one among them cannot be told."""
    value = getattr(data, name, UNSET)
    items = [] if value is UNSET or value is None else list(value)
    if any(isinstance(item, UnknownBlock) for item in items):
        raise Inexpressible("a block inside has no known layout")
    return items


def _text(data: Any, name: str) -> StringBlock:
    value = getattr(data, name, UNSET)
    return StringBlock(block_type=0, data="" if value is UNSET else value)


def _list(items: Iterable[Any]) -> ListBlock:
    return ListBlock(block_type=11, items=list(items))


def _older(items: Iterable[Any], release: Release) -> ListBlock:
    """Blocks of kinds that those releases had too, in the forms of the time."""
    return _list(down(item, None, release) for item in items)


def _operating_system(profile: Any) -> tuple[Any, Any]:
    """Fingerprint of the operating system, and how sure it is: that it was told is all that is known."""
    for name in _FINGERPRINTS:
        for fingerprint in _some(profile, name):
            return fingerprint.fingerprint_uuid, 100
    return UNSET, 0


def _applications(profile: Any, release: Release) -> ListBlock:
    return _list(
        down(item, (HostClientApplication,), release) for item in _some(profile, "client_applications")
    )


def _server(server: Any, identities: Iterable[Any], release: Release) -> dict[str, Any]:
    identity = next(iter(identities), None)
    values: dict[str, Any] = {
        "port": server.port,
        "hits": server.hits,
        "vendor": _text(identity, "vendor"),
        "legacy_product": _text(None, ""),
        "version": _text(identity, "version"),
        "confidence": server.confidence,
        "last_used": getattr(server, "last_used", getattr(identity, "last_used", UNSET)),
    }
    if identity is not None:
        number = identity.application_id
        values["server_id"] = getattr(identity, "server_id", UNSET) if number is UNSET else number
    if release >= _WITH_SOURCE:
        for name in ("source_type", "source_id"):
            values[name] = getattr(identity, name, UNSET)
    return values


def host_server(server: HostServer, block_type: int, release: Release | None) -> HostServerLegacy:
    """Block 36 or 68."""
    release = release or _WITH_SOURCE
    identities = _some(server, "server_information")
    parts = _some(server, "sub_servers") + [
        part for item in identities for part in _some(item, "sub_servers")
    ]
    return HostServerLegacy(
        block_type=block_type, sub_servers=_list(parts), **_server(server, identities, release)
    )


def full_host_server(server: Any, release: Release) -> FullHostServerLegacy:
    """Block 50 or 69, by the release."""
    identities = [item for name in _IDENTITIES for item in _some(server, name)]
    parts = _some(server, "sub_servers") + [
        part for item in identities for part in _some(item, "sub_servers")
    ]
    banner = server.banner
    return FullHostServerLegacy(
        block_type=69 if release >= _WITH_SOURCE else 50,
        banner=BlobBlock(block_type=10, data=b"" if banner is UNSET else banner),
        vuln_list=_older(_some(server, "vdb_vulnerabilities"), release),
        scan_vuln_list=_older(_some(server, "third_party_scan_vulnerabilities"), release),
        sub_servers=_list(down(part, None, release) for part in parts if not isinstance(part, SubServer)),
        **_server(server, identities, release),
    )


def host_profile(profile: HostProfile, block_type: int, release: Release | None) -> HostProfileLegacy:
    """Block 34."""
    release = release or _WITH_SOURCE
    fingerprint, confidence = _operating_system(profile)
    return HostProfileLegacy(
        block_type=block_type,
        ip=profile.ip_address,
        hops=profile.hops,
        secondary=profile.primary_secondary,
        confidence=confidence,
        fpuuid=fingerprint,
        tcp_servers=_servers(profile, "tcp_servers", release),
        udp_servers=_servers(profile, "udp_servers", release),
        network_protocols=_list(_some(profile, "network_protocols")),
        transport_protocols=_list(_some(profile, "transport_protocols")),
        mac=_older(_some(profile, "macs"), release),
        last_seen=profile.last_seen,
        host_type=profile.host_type,
        vlan_tag_present=profile.vlan_presence,
        vlan_id=profile.vlan_id,
        type=profile.vlan_type,
        priority=profile.vlan_priority,
        apps=_applications(profile, release),
        netbios_name=_text(profile, "netbios_name"),
    )


def _servers(profile: Any, name: str, release: Release) -> ListBlock:
    block_type = 68 if release >= _WITH_SOURCE else 36
    return _list(host_server(server, block_type, release) for server in _some(profile, name))


def full_host_profile(profile: FullHostProfile, release: Release) -> FullHostProfileLegacy:
    """Block 47. The address must be in `ip_address`, as in the forms before 5.2."""
    fingerprint, confidence = _operating_system(profile)
    return FullHostProfileLegacy(
        block_type=47,
        ip=profile.ip_address,
        hops=profile.hops,
        confidence=confidence,
        fpuuid=fingerprint,
        tcp_servers=_list(full_host_server(server, release) for server in _some(profile, "tcp_servers")),
        udp_servers=_list(full_host_server(server, release) for server in _some(profile, "udp_servers")),
        network_protocols=_list(_some(profile, "network_protocols")),
        transport_protocols=_list(_some(profile, "transport_protocols")),
        mac=_older(_some(profile, "macs"), release),
        last_seen=profile.last_seen,
        host_type=profile.host_type,
        criticality=profile.criticality,
        vlan_id=profile.vlan_id,
        type=profile.vlan_type,
        priority=profile.vlan_priority,
        apps=_applications(profile, release),
        netbios_name=_text(profile, "netbios_name"),
        notes=_text(profile, "notes"),
        vuln_list=_older(_some(profile, "vdb_vulnerabilities"), release),
        scan_vuln_list=_older(_some(profile, "third_party_scan_vulnerabilities"), release),
        attribute_list=_list(_some(profile, "attributes")),
    )

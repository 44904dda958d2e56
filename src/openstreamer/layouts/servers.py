"""Servers and client applications of a host, as discovery events and host profiles tell of them.

A server is known by its port and by what several sources say it is; "full" forms stand in full host
profiles and hold vulnerabilities too. Rules: chapter 4 of the integration guide, "Host Server Data Block",
"Server Information Data Block", "Host Client Application Data Block" and their full forms; its appendix of
legacy structures. Not here: what users say of servers (host_input.py), and forms before 4.9
(hosts_legacy.py).
"""

from __future__ import annotations

from openstreamer.wire import U8, U16, U32, Blob, Block, BlockList, GenericBlockList, String, f

from .hosts import HostVulnerability


class SubServer(Block, id="sub_server", series=1, types={1: "all"}, confidence={1: "partly-verified"}):
    """A part of a server, such as a module of a web server."""

    name: String = f("Name of the part.")
    vendor: String = f("Who made it.")
    version: String = f("Its version.")


class FullSubServer(
    Block,
    id="full_sub_server",
    series=1,
    types={51: "all"},
    confidence={51: "partly-verified"},
    notes={51: "Before 4.9 the vulnerabilities are of the shorter form 49."},
):
    """A part of a server, with its vulnerabilities."""

    name: String = f("Name of the part.")
    vendor: String = f("Who made it.")
    version: String = f("Its version.")
    vdb_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities, by the numbers of the vendor's database."
    )
    scan_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities, by the numbers of a third party's scanner."
    )


class ServerInformation(
    Block,
    id="server_information",
    series=1,
    types={88: "4.9.x", 105: "4.10.x", 117: "5.0+"},
    confidence={105: "partly-verified"},
):
    """What one source says a server is."""

    server_id: U32 = f("Application protocol of the server.", until=105)
    application_id: U32 = f("Application protocol of the server.", since=117)
    vendor: String = f("Who made it.")
    version: String = f("Its version.")
    last_used: U32 = f("When the server was last used, UNIX seconds.")
    source_type: U32 = f("What kind of source told it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.")
    sub_servers: BlockList[SubServer] = f("Parts of the server.", since=105)


class FullServerInformation(
    Block,
    id="full_server_information",
    series=1,
    types={106: "4.10.0+"},
    confidence={106: "partly-verified"},
):
    """What one source says a server is, with the vulnerabilities of its parts."""

    application_id: U32 = f("Application protocol of the server.")
    vendor: String = f("Who made it.")
    version: String = f("Its version.")
    last_used: U32 = f("When the server was last used, UNIX seconds.")
    source_type: U32 = f("What kind of source told it.", values="source_type")
    source_id: U32 = f("Which user, scanner or application told it, by the kind of source.")
    sub_servers: BlockList[FullSubServer] = f("Parts of the server.")


class HostWebApplication(
    Block,
    id="web_application",
    series=1,
    types={97: "4.9.1-4.10.x", 123: "5.0+"},
    confidence={97: "partly-verified"},
):
    """A web application that was used over a server or client."""

    payload_type: U32 = f("Type of payload, the forerunner of the web application.", until=97)
    payload_id: U32 = f("Payload within its type.", until=97)
    application_id: U32 = f("The web application.", since=123)


class HostServer(
    Block,
    id="host_server",
    series=1,
    types={89: "4.9.0.x", 98: "4.9.1.x", 103: "4.10.0+"},
    confidence={89: "partly-verified", 98: "sdk-only"},
):
    """A server on a host."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    server_information: GenericBlockList[ServerInformation] = f("What each source says it is.")
    sub_servers: BlockList[SubServer] = f("Parts of the server.", until=98)
    confidence: U32 = f("How sure it is, in percent.")
    web_applications: GenericBlockList[HostWebApplication] = f(
        "Web applications that were used over it.", since=98
    )


class ServerBanner(Block, id="server_banner", series=1, types={37: "all"}, confidence={37: "two-sources"}):
    """What a server says first."""

    port: U16 = f("Port of the server.")
    protocol: U8 = f("IP protocol, IANA number.", values="ip_protocol")
    banner: Blob = f("The first bytes it sent.")


class FullHostServer(
    Block,
    id="full_host_server",
    series=1,
    types={90: "4.9.0.x", 99: "4.9.1.x", 104: "4.10.0+"},
    confidence={90: "sdk-only", 99: "sdk-only"},
):
    """A server on a host, with all that is known of it."""

    port: U16 = f("Port it listens on.")
    hits: U32 = f("How often it was used.")
    detected_identities: GenericBlockList[FullServerInformation] = f(
        "What its traffic says it is.", was={99: GenericBlockList[ServerInformation]}
    )
    user_identities: GenericBlockList[FullServerInformation] = f(
        "What users say it is.", was={99: GenericBlockList[ServerInformation]}
    )
    scanner_identities: GenericBlockList[FullServerInformation] = f(
        "What scanners say it is.", was={99: GenericBlockList[ServerInformation]}
    )
    application_identities: GenericBlockList[FullServerInformation] = f(
        "What other applications say it is.", was={99: GenericBlockList[ServerInformation]}
    )
    confidence: U32 = f("How sure it is, in percent.")
    banner: Blob = f("The first bytes it sent.")
    vdb_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities, by the numbers of the vendor's database."
    )
    third_party_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "Vulnerabilities a third party's scanner found, translated to the vendor's numbers."
    )
    third_party_scan_vulnerabilities: GenericBlockList[HostVulnerability] = f(
        "The same by the scanner's own numbers."
    )
    sub_servers: BlockList[FullSubServer] = f("Parts of the server.", until=99)
    web_applications: GenericBlockList[HostWebApplication] = f(
        "Web applications that were used over it.", since=99
    )


class HostClientApplication(
    Block,
    id="host_client_application",
    series=1,
    types={42: "3.5-4.9.0.x", 100: "4.9.1-4.10.x", 122: "5.0+"},
    confidence={42: "partly-verified", 122: "partly-verified"},
    notes={
        122: "The guide's table leaves the application protocol out; two programs have it. It is written, and"
        " read where the text after it stands in the right place."
    },
    alternatives={122: ({}, {"application_protocol_id": None})},
):
    """A client application on a host."""

    hits: U32 = f("How often it was used.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    application_type: U32 = f("Type of client application.", until=100)
    application_id: U32 = f("The client application; metadata names it.")
    application_protocol_id: U32 = f("Application protocol it speaks.", since=122)
    version: String = f("Its version.")
    web_applications: GenericBlockList[HostWebApplication] = f(
        "Web applications that were used with it.", since=100
    )


class FullHostClientApplication(
    Block,
    id="full_host_client_application",
    series=1,
    types={112: "5.0+"},
    notes={
        112: "One program has the application protocol before the application; the guide has not. It is read"
        " where the text after it stands in the right place, and not written."
    },
    alternatives={112: ({"application_protocol_id": None}, {"application_protocol_id": U32})},
):
    """A client application on a host, with its vulnerabilities."""

    hits: U32 = f("How often it was used.")
    last_used: U32 = f("When it was last used, UNIX seconds.")
    application_protocol_id: U32 = f("Application protocol it speaks; not in the first of the two layouts.")
    application_id: U32 = f("The client application; metadata names it.")
    version: String = f("Its version.")
    web_applications: GenericBlockList[HostWebApplication] = f("Web applications that were used with it.")
    vulnerabilities: GenericBlockList[HostVulnerability] = f("Vulnerabilities it may have.")

"""Users: who logged in where, and what is known of them.

Records 92 to 95 behind the discovery event header, and the VPN records 170 and 171. Which block a record holds
is told by the block, not by the record. Rules: chapter 4 of the integration guide, "User Events", "User
Information Data Block", "User Login Information Data Block"; its appendix of legacy structures. Not here:
names of users as metadata (metadata_blocks.py), what only the product's own processes exchange
(internal_users.py).
"""

from __future__ import annotations

from typing import Any

from openstreamer.wire import IP, U8, U16, U32, U64, Block, IPv4, Nested, String, f

_EMPTY_SESSION: dict[str, Any] = dict.fromkeys(
    (
        "index",
        "vpn_type",
        "group_policy",
        "connection_profile",
        "client_ip",
        "country_code",
        "client_os",
        "client_application",
        "connection_duration",
        "bytes_transmitted",
        "bytes_received",
    )
)


class VpnSession(
    Block,
    id="vpn_session",
    series=1,
    types={166: "6.2+"},
    confidence={166: "encore-only"},
    notes={166: "For a login without a VPN the block may be nothing but its header."},
    alternatives={166: ({}, _EMPTY_SESSION)},
):
    """The VPN session that a login belongs to."""

    index: U32 = f("Number of the session.")
    vpn_type: U8 = f("Kind of VPN.", values="vpn_type")
    group_policy: String = f("Group policy that was in force.")
    connection_profile: String = f("Connection profile that was used.")
    client_ip: IP = f("Public address of the client.")
    country_code: U16 = f("Country of that address; metadata names it.")
    client_os: String = f("Operating system of the client.")
    client_application: String = f("VPN program of the client.")
    connection_duration: U32 = f("How long the session lasted, in seconds.")
    bytes_transmitted: U64 = f("Bytes sent to the client.")
    bytes_received: U64 = f("Bytes received from the client.")


class UserLoginInformation(
    Block,
    id="user_login_information",
    series=1,
    types={
        73: "4.7-4.10.x",
        121: "5.0-5.0.2",
        127: "5.1-5.4.x",
        159: "6.0.x",
        165: "6.1.x",
        167: "6.2+",
    },
    confidence={
        73: "partly-verified",
        121: "partly-verified",
        159: "encore-only",
        165: "encore-only",
        167: "encore-only",
    },
    notes={
        121: "A client of the 6.x era has a layout for it that cannot be right; the guide's is the one of 73.",
        159: "Only one program has both application and protocol, and its later layout has one: the first is"
        " left out where the text after it then stands in the right place.",
        165: "As 159.",
        167: "The VPN session stands with its own header; for logins without a VPN it may be empty, or the"
        " block may end before it.",
    },
    alternatives={
        159: ({}, {"application_id": None}),
        165: ({}, {"application_id": None}),
        167: ({}, {"vpn_session": None}),
    },
):
    """A user logged in, or a VPN session began or ended."""

    timestamp: U32 = f("When it happened, UNIX seconds.")
    ip_address: IPv4 = f("Address the user logged in from.", until=121)
    ipv4_address: IPv4 = f("The same as an IPv4 address, for old readers.", since=127)
    username: String = f("Name of the user.")
    domain: String = f("Domain of the user.", since=159)
    user_id: U32 = f("Number of the user; metadata names it.")
    realm_id: U32 = f("Realm that knows the user; metadata names it.", since=159)
    endpoint_profile_id: U32 = f("Kind of endpoint, as the identity service tells it.", since=159)
    security_group_id: U32 = f("Security group of the user, as the identity service tells it.", since=159)
    application_id: U32 = f("Application protocol of the login.", since=127, until=165)
    protocol: U32 = f(
        "Application protocol by which the user was found.",
        spans=((None, 121), (159, None)),
        values="user_protocol",
    )
    port: U16 = f("Source port of the login.", since=165)
    range_start: U16 = f("Where the port ranges of the terminal server's agent begin.", since=165)
    start_port: U16 = f("First port of the user's range.", since=165)
    end_port: U16 = f("Last port of the user's range.", since=165)
    email: String = f("E-mail address of the user.")
    ipv6_address: IP = f("Address the user logged in from.", since=127)
    location_ipv6: IP = f("Address of the device where the endpoint was located.", since=159)
    login_type: U8 = f("Kind of login; the numbers are not published.", since=127)
    auth_type: U8 = f("How the user was authenticated.", since=159, values="user_auth_type")
    reported_by: String = f("Who reported the login, such as an Active Directory server.", since=127)
    description: String = f("The event in words.", since=167)
    vpn_session: Nested[VpnSession] = f("The VPN session the login belongs to.", since=167)


class UserInformation(
    Block,
    id="user_information",
    series=1,
    types={75: "4.7-4.10.x", 120: "5.0-5.4.x", 158: "6.0+"},
    confidence={75: "partly-verified", 120: "partly-verified", 158: "encore-only"},
    notes={
        158: "A client of the 6.x era keeps this layout under 155 and never compares the number; 155 is"
        " a connection."
    },
):
    """What is known of a user that became known, was deleted, or did not fit any more."""

    user_id: U32 = f("Number of the user.")
    username: String = f("Name of the user.")
    realm_id: U32 = f("Realm that knows the user; metadata names it.", since=158)
    protocol: U32 = f("Application protocol by which the user was found.", values="user_protocol")
    first_name: String = f("First name.")
    last_name: String = f("Last name.")
    email: String = f("E-mail address.")
    department: String = f("Department.")
    phone: String = f("Telephone number.")
    endpoint_profile_id: U32 = f("Kind of endpoint, as the identity service tells it.", since=158)
    security_group_id: U32 = f("Security group of the user, as the identity service tells it.", since=158)
    location_ipv6: IP = f("Address of the device where the endpoint was located.", since=158)


class UserAccountUpdate(
    Block,
    id="user_account_update_message",
    series=1,
    types={74: "4.7+"},
    confidence={74: "partly-verified"},
    notes={74: "Discovery event 1002/18; no record number is known that carries it."},
):
    """What a directory says of a user."""

    username: String = f("Name the user logs in with.")
    first_name: String = f("First name.")
    initials: String = f("Initials.")
    last_name: String = f("Last name.")
    full_name: String = f("Full name.")
    title: String = f("Title.")
    staff_id: String = f("Number of the member of staff.")
    address: String = f("Street and house.")
    city: String = f("City.")
    state: String = f("State.")
    country_region: String = f("Country or region.")
    postal_code: String = f("Postal code.")
    building: String = f("Building.")
    location: String = f("Place in the building.")
    room: String = f("Room.")
    company: String = f("Company.")
    division: String = f("Division.")
    department: String = f("Department.")
    office: String = f("Office.")
    mailstop: String = f("Where the house post is left.")
    email: String = f("E-mail address.")
    phone: String = f("Telephone number.")
    ip_phone: String = f("Number of the IP telephone.")
    user1: String = f("First field for free use.")
    user2: String = f("Second field for free use.")
    user3: String = f("Third field for free use.")
    user4: String = f("Fourth field for free use.")
    email_alias1: String = f("First other e-mail address.")
    email_alias2: String = f("Second other e-mail address.")
    email_alias3: String = f("Third other e-mail address.")

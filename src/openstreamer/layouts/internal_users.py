"""Blocks about users that the product's own processes exchange: maps of addresses and groups, accounts.

No public record is known to carry them; they are here so that one that turns up inside another block is read
as itself. The layouts come from one program's tables and are not in the guide. Not here: user events
(users.py).
"""

from __future__ import annotations

from openstreamer.wire import IP, U8, U32, AnyBlock, Block, IPv4, String, f


class UserAccountInformation(
    Block, id="user_account_info", series=1, types={113: "5.0+"}, confidence={113: "sdk-only"}
):
    """Internal: a user account."""

    user_id: U32 = f("Number of the user.")
    username: String = f("Name of the user.")
    email: String = f("E-mail address of the user.")
    flags: U8 = f("Flags of the account.")
    for_policy: U8 = f("Whether policies use the account.")


class UserSnapshotLoad(
    Block, id="user_snapshot_load", series=1, types={114: "internal"}, confidence={114: "sdk-only"}
):
    """Internal: an order to read all users from a file."""

    type: U8 = f("Kind of file.")
    file_name: String = f("Name of the file.")
    peer: String = f("Peer the file comes from, a UUID as text.")


class MachineLogin(Block, id="machine_login", series=1, types={133: "5.1+"}, confidence={133: "sdk-only"}):
    """Internal: a machine logged in."""

    timestamp: U32 = f("When it happened, UNIX seconds.")
    ipv4_address: IPv4 = f("IPv4 address of the machine.")
    ipv6_address: IP = f("Address of the machine.")
    netbios_name: String = f("NetBIOS name of the machine.")
    reported_by: String = f("Who reported the login.")


class UserGroupSnapshotLoad(
    Block, id="user_group_snapshot_load", series=1, types={147: "internal"}, confidence={147: "sdk-only"}
):
    """Internal: an order to read all users and groups from files."""

    type: U8 = f("Kind of files.")
    user_ip_file: String = f("Name of the file with the users' addresses.")
    user_group_file: String = f("Name of the file with the users' groups.")
    peer: String = f("Peer the files come from, a UUID as text.")


class UserIpMap(Block, id="user_ip_map", series=2, types={7: "internal"}, confidence={7: "sdk-only"}):
    """Internal: the IPv4 address of a user."""

    user_id: U32 = f("Number of the user.")
    user_name: String = f("Name of the user.")
    ip: IPv4 = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")


class UserIpMapUpdate(
    Block, id="user_ip_map_update", series=2, types={8: "internal"}, confidence={8: "sdk-only"}
):
    """Internal: a user got or lost an IPv4 address."""

    user_id: U32 = f("Number of the user.")
    user_name: String = f("Name of the user.")
    ip: IPv4 = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")
    flag: U8 = f("Whether the address was got or lost.")


class UserGroupMap(Block, id="user_group_map", series=2, types={9: "internal"}, confidence={9: "sdk-only"}):
    """Internal: the users of a group."""

    group_id: U32 = f("Number of the group.")
    group_name: String = f("Name of the group.")
    users: AnyBlock = f("List of the users.")


class UserGroupMapUpdate(
    Block, id="user_group_map_update", series=2, types={10: "internal"}, confidence={10: "sdk-only"}
):
    """Internal: users entered or left a group."""

    group_id: U32 = f("Number of the group.")
    group_name: String = f("Name of the group.")
    user_updates: AnyBlock = f("List of the changes.")


class UserMapUpdate(
    Block, id="user_map_update", series=2, types={11: "internal"}, confidence={11: "sdk-only"}
):
    """Internal: a user entered or left."""

    id: U32 = f("Number of the user.")
    flag: U8 = f("Whether the user entered or left.")


class UserSnapshot(Block, id="user_snapshot", series=2, types={12: "internal"}, confidence={12: "sdk-only"}):
    """Internal: a user's IPv4 address and groups."""

    user_id: U32 = f("Number of the user.")
    ip: IPv4 = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")
    groups: AnyBlock = f("List of the groups.")


class UserGroupSnapshot(
    Block, id="user_group_snapshot", series=2, types={13: "internal"}, confidence={13: "sdk-only"}
):
    """Internal: all groups."""

    groups: AnyBlock = f("List of the groups.")


class UserIpMap6(Block, id="user_ip_map_v6", series=2, types={29: "internal"}, confidence={29: "sdk-only"}):
    """Internal: the address of a user."""

    user_id: U32 = f("Number of the user.")
    user_name: String = f("Name of the user.")
    ip: IP = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")


class UserIpMapUpdate6(
    Block, id="user_ip_map_update_v6", series=2, types={30: "internal"}, confidence={30: "sdk-only"}
):
    """Internal: a user got or lost an address."""

    user_id: U32 = f("Number of the user.")
    user_name: String = f("Name of the user.")
    ip: IP = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")
    flag: U8 = f("Whether the address was got or lost.")


class UserSnapshot6(
    Block, id="user_snapshot_v6", series=2, types={31: "internal"}, confidence={31: "sdk-only"}
):
    """Internal: a user's address and groups."""

    user_id: U32 = f("Number of the user.")
    ip: IP = f("Address of the user.")
    timestamp: U32 = f("Since when, UNIX seconds.")
    groups: AnyBlock = f("List of the groups.")

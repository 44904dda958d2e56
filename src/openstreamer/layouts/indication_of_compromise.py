"""Indications of compromise: what makes a host look broken into.

Record 160 carries the state (5.3 to 6.0) or just the number (6.1 on, an INT32 block); records 162 to 164 tell
what users do about them. Record 161 names the kinds (metadata_blocks.py). Rules: chapter 4 of the integration
guide, "IOC State Data Block".
"""

from __future__ import annotations

from openstreamer.wire import U8, U16, U32, Block, GenericBlockList, f

from .hosts import IpAddressRange


class IocState(
    Block,
    id="ioc_state",
    series=1,
    types={150: "5.3+"},
    confidence={150: "sdk-only"},
    notes={
        150: "A client of the 6.x era leaves the last device out, which the first half has; both lengths, 53"
        " and 49 bytes, are read."
    },
    alternatives={150: ({}, {"last_device_id": None})},
):
    """One indication of compromise of a host: the events it rests on, the first and the last."""

    ioc_id: U32 = f("Kind of indication; metadata names it.")
    disabled: U8 = f("1 if somebody switched it off for this host.", values="flag")
    first_seen: U32 = f("When it was first seen, UNIX seconds.")
    first_event_id: U32 = f("Number of the first event on its device.")
    first_device_id: U32 = f("Managed device that saw the first event.")
    first_instance_id: U16 = f("Detection process that saw the first connection.")
    first_connection_time: U32 = f("First second of that connection, UNIX seconds.")
    first_counter: U16 = f("Tells connections of that second and process apart.")
    last_seen: U32 = f("When it was last seen, UNIX seconds.")
    last_event_id: U32 = f("Number of the last event on its device.")
    last_device_id: U32 = f("Managed device that saw the last event.")
    last_instance_id: U16 = f("Detection process that saw the last connection.")
    last_connection_time: U32 = f("First second of that connection, UNIX seconds.")
    last_counter: U16 = f("Tells connections of that second and process apart.")


class HostIocMessage(
    Block,
    id="host_ioc_message",
    series=1,
    types={148: "5.3+"},
    confidence={148: "sdk-only"},
    notes={148: "That records 162 to 164 carry it is a guess."},
):
    """A user deleted an indication of compromise of hosts, or switched it on or off."""

    source_id: U32 = f("Which user, scanner or application did it, by the kind of source.")
    source_type: U32 = f("What kind of source did it.", values="source_type")
    ip_ranges: GenericBlockList[IpAddressRange] = f("Addresses of the hosts.")
    ioc_id: U32 = f("Kind of indication; metadata names it.")

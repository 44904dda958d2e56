"""The page about requests: flags, event types and versions, host data types, and what old clients get.

Used by write_docs.py. The tables are made from `openstreamer.layouts`, the list of what a version cannot
tell by trying: the newest form of every record is brought into every version.
"""

from __future__ import annotations

from collections import Counter

from layout_pages import cell
from openstreamer.layouts import host_requests, requests
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS, RecordType
from openstreamer.protocol.records import Record
from openstreamer.protocol.selection import select
from openstreamer.protocol.transcode import transcode
from openstreamer.wire import Block, encoder, layout_of

HEAD = """\
# Requests

What a client can ask for: bits of the request flags, pairs of event type and version in an extended request,
and host profiles. `openstreamer explain flags 0x48900061` says what a client's flag word means, and which
records come of it. Rows marked *guess* are not settled by any source.

## How the parts of a request go together

| case | what comes |
| --- | --- |
| several bits of one event type | the highest version |
| bits and a pair of the same event type | the pair; nothing comes twice |
| several pairs of one type | the highest version that is known |
| a pair that is not known | left out and logged; with `nearest_lower_version` the nearest lower version |
| an extended request with nothing usable, and no bit that asks for anything | Error -5, and the end |
| bit 23 | archive times in record headers, for the whole session, whatever the list says |
| bit 30 | the server offers its services (2051) and waits for a list (2049); the bits count beside it |
| bit 0 | packets, also without the events they belong to; there is no event type for them |
| bit 2, bit 6 | the same: alerts as record 7, and as record 72 where a host has an IPv6 address |
| bit 11 | nothing is sent unasked anyway; event types that other bits ask for are sent |
| bits 20 and 27 | extra data, and the names of its types (record 111) |
| bits 1, 14, 15, 20 | metadata in the highest of the versions, before the first event that needs it |
| bits 16, 31 | ignored |
| malware and file events, alerts since 4.9, connections since 5.0 | have no bits: only an extended request |
"""

OLD_CLIENTS = """\
## Old clients

A version asked for is an upper bound. A record stored in a newer layout is encoded down to it; one stored in
an older layout leaves as it is, byte for byte. So is everything inside it: a client of 4.9 gets a new host
(record 10) as block 91 with fingerprints 87, servers 89 and client applications 42, a client of 5.0 gets 91
with 87, 103 and 122. The discovery event header is written as that release knew it.

What the older layout has a field for under another name is found: a correlation event of 5.1 and later has
its addresses in other fields than before, a login likewise. What it has no field for is dropped; what it has
and the newer one lacks is zero or empty. Bytes behind the last known field go with the layout they belong to.

**What cannot be expressed is left out and counted, never bent**: an event with a false address or a number
cut in half is worse than none. The reason stands in the server's statistics by client ("record 400: ..."),
and the number of such records in the log line at the end of a session.

| what | where it has no room |
| --- | --- |
| an IPv6 address | alerts as record 7, 104 and 207 (72, 105 and 208 are sent instead); connections before 5.0; correlation events before 5.1; logins before 5.1; impact alerts before 5.3; address ranges, scan results and host profiles before 5.2 |
| a host with an IPv6 address in the discovery event header | discovery and user events before 5.2 (a connection gets zero there: both hosts stand in its block) |
| a number that is too large | a field that had fewer bits: bytes of a connection before 5.0, application protocols before 4.7, subtypes of malware events before 5.3 |
| a text that is too long | a field whose length had 16 bits |
| a block inside that no layout is known of | discovery events before 5.2 |
| a record whose block is not known | every version but the newest |
| a record type or block that the version does not have | see the table below |
"""  # noqa: E501

HOSTS_HEAD = """\
## Host data types

The first number of a host data request (message 5). An even one asks for a single host, the next one for a
range. See [hosts.md](hosts.md).

| data types | release | block | |
| --- | --- | --- | --- |
"""

LEFT_OUT_HEAD = """\
### What today's records cannot tell a version

Record types that are left out although their event type is asked for, if they were stored in the newest form:
the release had no such record, or the newest form does not say enough. Stored in a form of the time, they are
sent. Versions that are not listed get everything.

| type | version | event type | left out |
| --- | --- | --- | --- |
"""


def form(row: requests.Form) -> str:
    """A record form in words."""
    return f"{row.record_type}/{row.block_type}" if row.block_type is not None else str(row.record_type)


def yields(forms: tuple[requests.Form, ...]) -> str:
    """Record forms, joined where many records hold the same block; sorted by record."""
    ordered = sorted(forms, key=lambda row: row.record_type)
    return ", ".join(form(row) for row in ordered)


def flags_table() -> list[str]:
    """Every request flag bit."""
    lines = [
        "| bit | mask | name | meaning | yields (record/block) | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for bit, row in sorted(requests.FLAG_BITS.items()):
        guess = ""
        if row.event_class is not None and row.version is not None:
            pair = requests.NUMBER_OF_CLASS[row.event_class], row.version
            guess = "*guess*" if requests.EXTENDED[pair].guess else ""
        lines.append(
            f"| {bit} | `0x{row.mask:08x}` | {cell(row.name)} | {cell(row.meaning)} "
            f"| {yields(requests.forms_of(bit))} | {guess} |"
        )
    return lines


def pairs_table() -> list[str]:
    """Every pair of event type and version."""
    lines = ["| type | version | asks for | release | yields | header | |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for (number, version), asked in sorted(requests.EXTENDED.items()):
        lines.append(
            f"| {number} | {version} | {requests.EVENT_TYPES[number]} | {cell(asked.release)} "
            f"| {yields(asked.forms)} | {asked.discovery_header or ''} | {'*guess*' if asked.guess else ''} |"
        )
    return lines


def hosts_table() -> list[str]:
    """Every host data type."""
    lines = []
    for number, row in host_requests.HOST_DATA_TYPES.items():
        block = str(row.block_type)
        if number == 6:
            block += (
                f", or {host_requests.NEWEST.block_type} where the session asks for anything of 5.3 or later"
            )
        guess = "*guess*" if row.guess else ""
        lines.append(f"| {number}, {number + 1} | {row.release} | {block} | {guess} |")
    asked = ", ".join(
        f"{requests.NUMBER_OF_CLASS[name]} from {version} on"
        for name, version in host_requests.SINCE_5_3.items()
    )
    return [*lines, "", f"Of 5.3 or later is: event type {asked}."]


def newest(row: RecordType) -> Record | None:
    """A record in its newest form with nothing in it; None where no layout is known."""
    if not row.bodies:
        return None
    for number in reversed(row.blocks):
        kind = next(
            (body for body in row.bodies if issubclass(body, Block) and number in layout_of(body).types), None
        )
        if kind is not None:
            body = encoder(kind, number)(kind(block_type=number))
            break
    else:
        plain = next((body for body in row.bodies if not issubclass(body, Block)), None)
        if plain is None:
            return None
        body = encoder(plain, row.number)(plain())
    head = encoder(DiscoveryHeader, 40)(DiscoveryHeader()) if row.discovery_header else b""
    return Record(row.number, head + body, 0)


def left_out_table() -> list[str]:
    """What does not reach a version from the newest forms."""
    lines = []
    stored = {
        number: newest(row) for number, row in sorted(RECORDS.items()) if row.event_class in EVENT_CLASSES
    }
    for (number, version), asked in sorted(requests.EXTENDED.items()):
        selection = select(1 << 30, ((number, version),))
        missing = [
            str(record.record_type)
            for record in stored.values()
            if record is not None
            and RECORDS[record.record_type].event_class == asked.event_class
            and transcode(record, selection, Counter()) is None
        ]
        if missing:
            lines.append(f"| {number} | {version} | {asked.event_class} | {', '.join(missing)} |")
    return lines


def requests_page() -> str:
    """Reference of what can be asked for."""
    lines = [HEAD, "## Request flags", "", *flags_table(), ""]
    lines += ["## Event types and versions of extended requests", ""]
    lines += [
        "`header` is the form of the discovery event header: *legacy* has an IPv4 address only, *5.2* an",
        "address of 16 bytes for hosts with an IPv6 address, *5.3.1* for all hosts.",
        "",
        *pairs_table(),
        "",
        HOSTS_HEAD + "\n".join(hosts_table()),
        "",
        OLD_CLIENTS,
        LEFT_OUT_HEAD + "\n".join(left_out_table()),
        "",
        DOMAINS,
    ]
    return "\n".join(lines).rstrip() + "\n"


DOMAINS = """\
## Domains

Where a management center is divided into domains, each event belongs to one: its number (netmap id) stands in
the record type word, and metadata record 350 names it. The server keeps it with each event, from whatever
input it came (`feed json` reads `netmap_id`), and sends the name before the first event of the domain.

The number is in bits that deployed clients do not expect: they take the whole word for the record type and
then do not know the record. So the server leaves it out, except for

- clients that say in the TLS handshake that they can tell: they offer the application protocol (ALPN)
  `openstreamer/1`, as `openstreamer stream`, `hosts` and the library do. No other server minds the offer,
  and a client that offers nothing gets what it always got;
- all clients, where `header_domain` is set in `[protocol]`.

`stream --domain NAME|ID` (`domain=` in the library) lets the events of one domain through; the choice is made
in the client. What message a client would send to choose a domain on the server is not known: messages of
unknown types are logged and passed over, or end the session where `refuse_unknown_messages` is set.
"""

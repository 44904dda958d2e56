"""Extra data of intrusion events: what the detection engine noted beside the packet.

Record 110 carries one item, such as the client address behind a proxy or the URI of an HTTP request;
record 111 (metadata.py) names the kinds. Rules: chapter 3 of the integration guide, "Intrusion Event Extra
Data Record".
"""

from __future__ import annotations

from openstreamer.wire import U32, Blob, Block, f


class ExtraData(
    Block,
    id="extra_data",
    series=2,
    types={4: "4.10+"},
    confidence={4: "partly-verified"},
    notes={4: "The BLOB inside is number 1 of series 2; readers accept number 10 of series 1 too."},
):
    """One item of extra data of an intrusion event."""

    device_id: U32 = f("Managed device that saw the event; 0 is the management center itself.")
    event_id: U32 = f("Number of the intrusion event it belongs to.")
    event_second: U32 = f("When that event was detected, UNIX seconds.")
    type: U32 = f("What kind of data it is.", values="extra_data_type")
    data: Blob = f("The data.")

"""Real sensor data: every event of every EVE file, compared with facts computed by other means."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from openstreamer.inputs.protocols import PROTOCOLS
from openstreamer.inputs.uri import make_input
from openstreamer.protocol.metadata import references_of
from openstreamer.protocol.records import Record, decode_record
from shared_data import ROOT, shared
from support.input_context import MemoryContext, read_all

FILES = sorted(path.name for path in (ROOT / "data" / "eve").glob("*.json*")) or ["none"]


def plain(address: str | None) -> str:
    """The address as records print it; IPv4 inside IPv6 (::ffff:a.b.c.d) cannot be told from IPv4."""
    if address is None:
        return "::"
    found = ipaddress.ip_address(address)
    return str(getattr(found, "ipv4_mapped", None) or found)


def lines_of(path: Path) -> list[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("name", FILES)
def test_a_file(name: str) -> None:
    path = shared(f"data/eve/{name}")
    facts = json.loads(shared("data/expected.json").read_text())[f"eve/{name}"]
    harvest = read_all(make_input("eve", {"path": str(path)}), MemoryContext(), max_records=300)
    lines = lines_of(path)
    alerts = [line for line in lines if line["event_type"] == "alert"]

    assert harvest.broken == facts["bad_json"] == 0
    assert harvest.lines == facts["lines"]
    events = harvest.data(400)
    assert len(events) == facts["alerts"]["count"] == len(alerts)
    assert harvest.skipped == {
        kind: count
        for kind, count in facts["event_types"].items()
        if kind not in ("alert", "flow", "fileinfo")
    }

    packets = {packet.event_id: packet for packet in harvest.data(2)}
    assert len(packets) == facts["alerts"]["with_packet"]
    assert sum(len(packet.packet_data) for packet in packets.values()) == facts["alerts"]["packet_bytes"]
    assert Counter(str(packet.link_type) for packet in packets.values()) == facts["alerts"]["linktypes"]

    extra: dict[int, dict[int, bytes]] = {}
    for item in harvest.data(110):
        extra.setdefault(item.event_id, {})[item.type] = item.data
    assert sum(event.source_ip == "::" for event in events) >= facts["alerts"]["no_ip"]

    for event, line in zip(events, alerts, strict=True):
        rule = line["alert"]
        assert (event.generator_id, event.signature_id, event.signature_revision) == (
            rule["gid"],
            rule["signature_id"],
            rule["rev"],
        )
        assert event.source_ip == plain(line.get("src_ip"))
        assert event.destination_ip == plain(line.get("dest_ip"))
        assert event.source_port_or_icmp_type == line.get("src_port", line.get("icmp_type", 0))
        assert event.destination_port_or_icmp_code == line.get("dest_port", line.get("icmp_code", 0))
        assert event.ip_protocol == PROTOCOLS.get(line.get("proto", "HOPOPT").lower())
        assert event.vlan_id == line.get("vlan", [0])[0]
        assert event.blocked == (rule["action"] == "blocked")
        packet = packets[event.event_id]
        assert packet.packet_data == base64.b64decode(line["packet"])
        assert packet.event_second == event.event_second
        items = extra.get(event.event_id, {})
        http = line.get("http", {})
        assert items.get(9) == (http["url"].encode() if http.get("url") else None)
        assert items.get(10) == (http["hostname"].encode() if http.get("hostname") else None)
        if "xff" in rule:
            assert items[1] == ipaddress.ip_address(rule["xff"]).packed
        assert (11 in items) == (":" in line.get("src_ip", ""))

    tuples = Counter(
        (line["alert"]["signature_id"], line.get("src_ip"), line.get("src_port"), line.get("dest_ip"),
         line.get("dest_port"), line.get("proto"))
        for line in alerts
    )  # fmt: skip
    assert len(tuples) == facts["alerts"]["distinct_tuples"]
    found = Counter((event.signature_id, event.source_ip, event.destination_ip) for event in events)
    wanted: Counter[Any] = Counter()
    for sid, source, _, destination, _, _, count in facts["alerts"]["tuples"]:
        wanted[sid, plain(source), plain(destination)] += count
    assert found == wanted

    connections = harvest.data(71)
    flows = [line for line in lines if line["event_type"] == "flow"]
    assert len(connections) == facts["flows"]["count"]
    assert sum(connection.initiator_bytes for connection in connections) == facts["flows"]["bytes_toserver"]
    assert sum(connection.responder_bytes for connection in connections) == facts["flows"]["bytes_toclient"]
    assert sum(connection.initiator_packets for connection in connections) == facts["flows"]["pkts_toserver"]
    assert sum(connection.responder_packets for connection in connections) == facts["flows"]["pkts_toclient"]
    for connection, line in zip(connections, flows, strict=True):
        assert connection.initiator_ip == plain(line["src_ip"])
        assert connection.responder_ip == plain(line["dest_ip"])
        assert connection.initiator_port == line.get("src_port", line.get("icmp_type", 0))
        assert connection.responder_port == line.get("dest_port", line.get("icmp_code", 0))
        assert connection.protocol == PROTOCOLS[line["proto"].lower()]

    files = harvest.data(500)
    assert len(files) == facts["files"]["count"]
    assert sum(file.file_size for file in files) == facts["files"]["bytes"]
    assert sorted({file.sha256 for file in files if file.signature}) == sorted(set(facts["files"]["sha256"]))
    assert sum(bool(file.signature) for file in files) == facts["files"]["with_sha256"]

    known = set(harvest.names())
    for record in harvest.records:
        event = decode_record(Record(record.record_type, record.data))
        assert set(references_of(record.record_type, event.data, event.header)) & known == set(
            record.references
        )


def test_odd_timestamps_and_jumps_in_time() -> None:
    path = shared("data/eve/mixed-20k.json.gz")
    harvest = read_all(make_input("eve", {"path": str(path)}))
    odd = [line for line in lines_of(path) if len(line["timestamp"]) > 31 and line["event_type"] == "alert"]
    by_rule = {
        (event.signature_id, event.event_second, event.event_microsecond) for event in harvest.data(400)
    }
    for line in odd:
        micro = int(line["timestamp"].split(".")[1][:-5])
        assert micro >= 1_000_000
        assert any(sid == line["alert"]["signature_id"] and us == micro % 1_000_000 for sid, _, us in by_rule)
    assert harvest.notes.get("unknown protocol") is None

"""EVE lines made by hand become the records that the manual of the input says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openstreamer.inputs.eve import EveInput
from openstreamer.inputs.uri import make_input
from openstreamer.layouts.records import RECORDS
from openstreamer.protocol.metadata import references_of
from openstreamer.protocol.records import Record, decode_record
from support.eve_lines import ETHERNET_UDP, alert, fileinfo, flow, text
from support.input_context import Harvest, MemoryContext, read_all

NO_UUID = "00000000-0000-0000-0000-000000000000"


class Feeding:
    """Feeds lines from a file of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "eve.json"
        self.context = MemoryContext()

    def __call__(self, *lines: dict[str, Any] | bytes, **settings: Any) -> Harvest:
        content = b"".join(line if isinstance(line, bytes) else text(line) for line in lines)
        self.path.write_bytes(content)
        source = make_input("eve", {"path": str(self.path), "again": True, **settings})
        assert isinstance(source, EveInput)
        harvest = read_all(source, self.context)
        check_references(harvest)
        return harvest


def check_references(harvest: Harvest) -> None:
    """Every reference has its metadata, and every one that has metadata is there."""
    known = set(harvest.names())
    for record in harvest.records:
        event = decode_record(Record(record.record_type, record.data))
        assert set(record.references) <= known
        expected = set(references_of(record.record_type, event.data, event.header))
        assert expected & known == set(record.references)
        assert event.data.left_over is event.left_over  # nothing is left over


@pytest.fixture
def feed(tmp_path: Path) -> Feeding:
    return Feeding(tmp_path)


def only(harvest: Harvest, record_type: int) -> Any:
    (data,) = harvest.data(record_type)
    return data


def name_of(harvest: Harvest, record_type: int) -> list[Any]:
    return [data for key, data in harvest.names().items() if key[:2] == record_type.to_bytes(2, "big")]


def test_an_alert_becomes_an_event_and_its_packet(feed: Feeding) -> None:
    harvest = feed(alert(7))
    assert harvest.counts() == {400: 1, 2: 1}
    event = only(harvest, 400)
    assert event.block_type == 85
    assert (event.event_second, event.event_microsecond) == (1714979287, 7)
    assert (event.generator_id, event.signature_id, event.signature_revision) == (1, 2_000_007, 3)
    assert (event.source_ip, event.source_port_or_icmp_type) == ("10.0.0.1", 4242)
    assert (event.destination_ip, event.destination_port_or_icmp_code) == ("10.0.0.2", 53)
    assert (event.ip_protocol, event.blocked, event.vlan_id, event.priority_id) == (17, 0, 0, 3)
    assert (event.impact, event.impact_flags) == (0, 0)
    assert event.event_id == 1
    packet = only(harvest, 2)
    assert packet.packet_data == ETHERNET_UDP
    assert packet.link_type == 1
    assert (packet.device_id, packet.event_id, packet.event_second) == (
        event.device_id,
        event.event_id,
        event.event_second,
    )
    assert (packet.packet_second, packet.packet_microsecond) == (1714979287, 7)
    assert [record.event_class for record in harvest.records] == ["intrusion", "packet"]


def test_names_of_an_alert_are_metadata(feed: Feeding) -> None:
    harvest = feed(alert(7), alert(7))
    event = harvest.data(400)[0]
    (rule,) = name_of(harvest, 66)
    assert (rule.generator_id, rule.rule_id, rule.signature_id, rule.rule_revision) == (
        1,
        2_000_007,
        2_000_007,
        3,
    )
    assert rule.message == "TEST rule 7"
    (classification,) = name_of(harvest, 67)
    assert (classification.id, classification.name) == (event.classification_id, "misc-activity")
    assert classification.description == "Misc activity"
    (priority,) = name_of(harvest, 4)
    assert (priority.id, priority.name) == (3, "low")
    (device,) = name_of(harvest, 123)
    assert (device.id, device.name) == (event.device_id, "suricata")
    (application,) = name_of(harvest, 63)
    assert (application.id, application.name) == (event.application_protocol_id, "dns")
    (interface,) = name_of(harvest, 116)
    assert (interface.uuid, interface.name) == (event.ingress_interface_uuid, "eth1")


def test_a_message_that_changed_is_handed_over_again(feed: Feeding) -> None:
    harvest = feed(alert(1), alert(1, alert={"signature": "New words"}))
    assert [data for _, record_type, _, data in harvest.metadata if record_type == 66]
    assert len([1 for _, record_type, _, _ in harvest.metadata if record_type == 66]) == 2
    assert name_of(harvest, 66)[0].message == "New words"


def test_the_sensor_is_the_host_of_the_line(feed: Feeding) -> None:
    harvest = feed(
        alert(1, host="north"), alert(2, host="south"), alert(3), alert(4, host="north"), sensor="here"
    )
    assert [event.device_id for event in harvest.data(400)] == [1, 2, 3, 1]
    assert [device.name for device in name_of(harvest, 123)] == ["north", "south", "here"]
    interfaces = {event.ingress_interface_uuid for event in harvest.data(400)}
    assert len(interfaces) == 3


def test_numbers_stay_the_same_and_event_ids_are_used_once(feed: Feeding) -> None:
    first = feed(alert(1, host="north"), alert(2))
    second = feed(alert(3), alert(4, host="north"))
    devices = {event.signature_id: event.device_id for event in first.data(400) + second.data(400)}
    assert devices[2_000_001] == devices[2_000_004]
    assert devices[2_000_002] == devices[2_000_003]
    ids = [event.event_id for event in first.data(400) + second.data(400)]
    assert len(set(ids)) == 4


def test_an_alert_without_packet_ports_and_addresses(feed: Feeding) -> None:
    bare = alert(1, packet=None, packet_info=None, src_ip=None, dest_ip=None, src_port=None, dest_port=None,
                 proto=None, flow_id=None, app_proto=None, in_iface=None)  # fmt: skip
    harvest = feed(bare)
    assert harvest.counts() == {400: 1}
    event = only(harvest, 400)
    assert (event.source_ip, event.destination_ip) == ("::", "::")
    assert (event.source_port_or_icmp_type, event.destination_port_or_icmp_code, event.ip_protocol) == (
        0,
        0,
        0,
    )
    assert event.ingress_interface_uuid == NO_UUID
    assert event.application_protocol_id == 0
    assert harvest.notes == {}


def test_icmp_type_and_code_take_the_place_of_ports(feed: Feeding) -> None:
    event = only(feed(alert(1, proto="ICMP", src_port=None, dest_port=None, icmp_type=3, icmp_code=13)), 400)
    assert (event.ip_protocol, event.source_port_or_icmp_type, event.destination_port_or_icmp_code) == (
        1,
        3,
        13,
    )


def test_an_unknown_protocol_is_read_off_the_packet(feed: Feeding) -> None:
    harvest = feed(alert(1, proto="Any"), alert(2, proto="Any", packet=None))
    assert [event.ip_protocol for event in harvest.data(400)] == [17, 0]
    assert harvest.notes == {"unknown protocol": 1}


@pytest.mark.parametrize(("vlan", "expected"), [([6], 6), ([13, 10], 13), ([0, 0], 0), (7, 7), ([], 0)])
def test_the_outermost_vlan_is_taken(feed: Feeding, vlan: Any, expected: int) -> None:
    harvest = feed(alert(1, vlan=vlan), flow(1, vlan=vlan))
    assert only(harvest, 400).vlan_id == expected
    assert only(harvest, 71).vlan_id == expected


def test_blocked_and_classes_of_ones_own(feed: Feeding) -> None:
    harvest = feed(
        alert(1, alert={"action": "blocked", "category": "A class of my own", "severity": 255}),
        alert(2, alert={"category": ""}),
    )
    first, second = harvest.data(400)
    assert (first.blocked, second.blocked) == (1, 0)
    assert first.classification_id == 10_001
    assert second.classification_id == 0
    assert name_of(harvest, 67)[0].description == "A class of my own"
    assert [priority.name for priority in name_of(harvest, 4)] == ["255", "low"]


def test_extra_data_of_a_request(feed: Feeding) -> None:
    line = alert(
        1, proto="TCP", app_proto="http", alert={"xff": "192.0.2.9"},
        http={"hostname": "www.example", "url": "/a?b", "status": 404, "http_user_agent": "x"},
    )  # fmt: skip
    harvest = feed(line)
    event = only(harvest, 400)
    extra = {item.type: item.data for item in harvest.data(110)}
    assert extra == {9: b"/a?b", 10: b"www.example", 1: b"\xc0\x00\x02\x09"}
    assert (event.http_uri, event.http_hostname, event.http_response) == ("/a?b", "www.example", 404)
    assert event.original_source_ip == "192.0.2.9"
    assert {item.event_id for item in harvest.data(110)} == {event.event_id}
    assert {item.event_second for item in harvest.data(110)} == {event.event_second}
    kinds = {kind.type: (kind.name, kind.encoding) for kind in name_of(harvest, 111)}
    assert kinds[1] == ("X-Forwarded-For", "IPv4")
    assert kinds[9] == ("HTTP URI", "String")


def test_extra_data_of_ipv6_and_of_mail(feed: Feeding) -> None:
    line = alert(
        1,
        src_ip="2001:0db8:0000:0000:0000:0000:0000:0001", dest_ip="2001:0db8:0000:0000:0000:0000:0000:0002",
        alert={"xff": "2001:db8::9"}, app_proto="smtp",
        smtp={"helo": "x", "mail_from": "<a@example>", "rcpt_to": ["<b@example>", "<c@example>"]},
        email={"status": "PARSE_DONE", "attachment": ["a.txt", "b.pdf"]},
    )  # fmt: skip
    harvest = feed(line)
    event = only(harvest, 400)
    assert event.source_ip == "2001:db8::1"
    extra = {item.type: item.data for item in harvest.data(110)}
    assert extra[2] == bytes.fromhex("20010db8000000000000000000000009")
    assert extra[11] == bytes.fromhex("20010db8000000000000000000000001")
    assert extra[12] == bytes.fromhex("20010db8000000000000000000000002")
    assert extra[6] == b"<a@example>"
    assert extra[7] == b"<b@example>,<c@example>"
    assert extra[5] == b"a.txt,b.pdf"
    assert (event.smtp_from, event.smtp_to) == ("<a@example>", "<b@example>,<c@example>")
    assert event.smtp_attachments == "a.txt,b.pdf"


def test_a_forwarded_name_is_no_address(feed: Feeding) -> None:
    harvest = feed(alert(1, alert={"xff": "unknown"}))
    assert harvest.counts() == {400: 1, 2: 1}
    assert harvest.notes == {"unusable XFF": 1}


def test_a_flow_becomes_a_connection(feed: Feeding) -> None:
    harvest = feed(flow(1, flow={"alerted": True}))
    (event,) = harvest.events(71)
    header, data = event.header, event.data
    assert (header.event_type, header.event_subtype, header.has_ipv6) == (1003, 1, 1)
    assert (header.event_second, header.event_microsecond) == (1714979283, 250_000)
    assert header.ipv6 == "10.0.0.1"
    assert header.device_id == data.device_id == 1
    assert data.block_type == 174
    assert (data.initiator_ip, data.initiator_port) == ("10.0.0.1", 4242)
    assert (data.responder_ip, data.responder_port) == ("10.0.0.2", 80)
    assert (data.first_packet_time, data.last_packet_time) == (1714979281, 1714979283)
    assert (data.initiator_packets, data.responder_packets) == (6, 4)
    assert (data.initiator_bytes, data.responder_bytes) == (522, 5_000_000_000)
    assert (data.protocol, data.tcp_flags) == (6, 0x1B)
    assert name_of(harvest, 120)[0].name == "Allow"
    assert (data.rule_reason, name_of(harvest, 124)[0].description) == (32, "Intrusion Monitor")


def test_a_dropped_flow_was_blocked(feed: Feeding) -> None:
    harvest = feed(flow(1, flow={"alerted": True, "action": "drop"}))
    assert name_of(harvest, 120)[0].name == "Block"
    assert only(harvest, 71).rule_reason == 64


def test_a_connection_has_what_earlier_lines_told_of_its_flow(feed: Feeding) -> None:
    common = {"timestamp": "2024-05-06T07:08:02.000000+0000", "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2"}
    harvest = feed(
        {**common, "event_type": "http", "flow_id": 1001,
         "http": {"hostname": "a.example", "url": "/1", "http_user_agent": "agent", "http_refer": "r",
                  "status": 200}},
        {**common, "event_type": "http", "flow_id": 1001, "http": {"hostname": "b.example", "url": "/2"}},
        {**common, "event_type": "tls", "flow_id": 1002,
         "tls": {"sni": "tls.example", "version": "TLS 1.3", "fingerprint": ":".join(["ab"] * 20)}},
        {**common, "event_type": "dns", "flow_id": 1003,
         "dns": {"type": "query", "rrname": "q.example", "rrtype": "AAAA"}},
        {**common, "event_type": "dns", "flow_id": 1003,
         "dns": {"type": "answer", "rrname": "q.example", "rrtype": "AAAA", "rcode": "NXDOMAIN",
                 "answers": [{"rrname": "q.example", "ttl": 300}]}},
        {**common, "event_type": "dns", "flow_id": 1004,
         "dns": {"version": 3, "type": "request", "queries": [{"rrname": "v3.example", "rrtype": "TXT"}]}},
        alert(1), alert(1), fileinfo(1),
        flow(1), flow(2), flow(3), flow(4), flow(5),
    )  # fmt: skip
    web, tls, dns, dns3, bare = harvest.data(71)
    assert web.client_url == "http://a.example/1"
    assert (web.referenced_host, web.user_agent, web.http_referrer) == ("a.example", "agent", "r")
    assert web.http_response == 200
    assert (web.intrusion_event_count, web.file_event_count) == (2, 1)
    assert (tls.tls_server_name, tls.tls_certificate_fingerprint) == ("tls.example", "ab" * 20)
    assert (tls.tls_version, name_of(harvest, 604)[0].name) == (6, "TLSv1.3")
    assert (dns.dns_query, dns.dns_record_type, dns.dns_response_type, dns.dns_ttl) == (
        "q.example",
        28,
        3,
        300,
    )
    assert [name.name for name in name_of(harvest, 320)] == ["AAAA", "TXT"]
    assert (dns3.dns_query, dns3.dns_record_type) == ("v3.example", 16)
    assert (bare.client_url, bare.dns_query, bare.intrusion_event_count) == ("", "", 0)
    assert harvest.skipped == {"http": 2, "tls": 1, "dns": 3}


def test_records_of_one_flow_find_each_other(feed: Feeding) -> None:
    started = {"start": "2024-05-06T07:08:01.500000+0000", "src_ip": "10.0.0.1", "dest_ip": "10.0.0.2"}
    harvest = feed(alert(1, flow=started), fileinfo(1), flow(1))
    event, file, connection = only(harvest, 400), only(harvest, 500), only(harvest, 71)
    assert event.connection_second == file.connection_time == connection.first_packet_time == 1714979281
    assert event.connection_instance_id == file.connection_instance == connection.instance_id
    assert event.connection_counter == file.connection_counter == connection.connection_counter == 1001


def test_a_file_becomes_a_file_event(feed: Feeding) -> None:
    harvest = feed(fileinfo(1), fileinfo(2, fileinfo={"sha256": None, "filename": None, "stored": True}))
    first, second = harvest.data(500)
    assert first.block_type == 79
    assert (first.sha256, first.signature) == ("ab" * 32, "ab" * 32)
    assert (first.file_name, first.file_size) == ("/a/b.bin", 12345)
    assert (first.source_ip, first.source_port) == ("10.0.0.2", 80)
    assert (first.destination_ip, first.destination_port) == ("10.0.0.1", 4242)
    assert (first.direction, first.protocol) == (1, 6)
    assert first.file_event_time == 1714979282
    assert first.uri == "http://files.example/a/b.bin"
    assert first.http_response == 200
    assert (first.disposition, first.action, first.file_type_id) == (0, 0, 0)
    assert (second.sha256, second.signature, second.file_name) == ("00" * 32, "", "")
    assert (first.file_storage_status, second.file_storage_status) == (0, 1)


def test_the_direction_of_a_file(feed: Feeding) -> None:
    up = {"src_ip": "10.0.0.1", "src_port": 4242, "dest_ip": "10.0.0.2", "dest_port": 80}
    high = {"src_port": 50_000, "dest_port": 40_000, "http": None}
    harvest = feed(
        fileinfo(1, **up),
        fileinfo(2, **high, app_proto="ftp-data", ftp_data={"command": "STOR"}),
        fileinfo(3, **high, app_proto="ftp-data", ftp_data={"command": "RETR"}),
        fileinfo(4, **high, app_proto="nfs", nfs={"procedure": "WRITE"}),
        fileinfo(5, **high, app_proto="smb", smb={"command": "SMB2_COMMAND_WRITE", "share": "\\\\h\\s"}),
        fileinfo(6, **high, app_proto="smb", smb={"command": "SMB2_COMMAND_READ"}),
        alert(7, flow={"src_ip": "10.0.0.1"}),
        fileinfo(7, **high),
        fileinfo(8, **high),
    )
    assert [file.direction for file in harvest.data(500)] == [2, 2, 1, 2, 2, 1, 1, 2]
    assert harvest.data(500)[4].uri == "\\\\h\\s\\"


def test_lines_without_an_event_are_counted_by_type(feed: Feeding) -> None:
    harvest = feed(
        {"event_type": "stats", "timestamp": "x", "stats": {}},
        {"event_type": "drop", "timestamp": "x", "alert": {"action": "blocked"}},
        {"event_type": "no such type", "timestamp": 1},
        {"event_type": "stats"},
        {"event_type": "dns", "dns": "in a form of its own"},
        alert(1),
        b"\n   \n\r\n",
    )
    assert harvest.skipped == {"stats": 2, "drop": 1, "no such type": 1, "dns": 1}
    assert (harvest.lines, harvest.broken) == (9, 0)
    assert harvest.counts() == {400: 1, 2: 1}


def test_broken_lines_are_counted_and_named(feed: Feeding) -> None:
    whole = text(alert(1))
    harvest = feed(
        alert(1),
        whole[:200] + b"\n",
        alert(2),
        whole[:300] + whole,
        b"not JSON\n",
        b"[1, 2]\n",
        b'{"timestamp": "2024-05-06T07:08:02Z"}\n',
        alert(3, alert=None),
        alert(4, timestamp="soon"),
        alert(5, src_ip="10.0.0.300"),
        alert(6, src_port=70_000),
        alert(7, alert={"signature_id": -1}),
        alert(8, src_port="53"),
        alert(9, packet="no base64!"),
        b'{"event_type":"dns","dns":{"type":"que\n',
        b"\xff\xfe\x00\n",
        b"{" * 100_000 + b"\n",
        flow(1, flow=None),
        fileinfo(1, fileinfo={"sha256": "abc"}),
        alert(10),
    )
    assert [event.signature_id for event in harvest.data(400)] == [2_000_001, 2_000_002, 2_000_010]
    assert harvest.broken == 17
    assert [broken.line for broken in harvest.broken_lines] == [2, *range(4, 20)]
    assert harvest.lines == 20
    assert all(broken.reason for broken in harvest.broken_lines)
    assert str(harvest.broken_lines[0]).startswith(f"{feed.path}:2: ")


def test_a_last_line_without_end_is_taken_if_it_is_whole(feed: Feeding) -> None:
    assert len(feed(text(alert(1), alert(2))[:-1]).data(400)) == 2
    harvest = feed(text(alert(1), alert(2))[:-10])
    assert len(harvest.data(400)) == 1
    assert (harvest.broken, harvest.broken_lines[0].line) == (1, 2)


def test_text_of_any_kind_comes_through(feed: Feeding) -> None:
    words = "Grüße, 漢字, \u0000 and \U0001f600"
    harvest = feed(
        alert(1, alert={"signature": words}, http={"url": words, "hostname": "ö.example"}),
        text(alert(2, http={"url": "/RAW"})).replace(b"RAW", b"\xff\xfe\xc3("),
    )
    assert name_of(harvest, 66)[0].message == words
    assert harvest.data(400)[0].http_uri == words
    extra = [item.data for item in harvest.data(110)]
    assert extra == [words.encode(), "ö.example".encode(), b"/\xff\xfe\xc3("]
    assert harvest.broken == 0


def test_lines_rewritten_by_other_programs_are_understood(feed: Feeding) -> None:
    line = alert(1)
    last = {**{name: value for name, value in line.items() if name != "event_type"}, "event_type": "alert"}
    harvest = feed(
        json.dumps(line, indent=None).encode() + b"\r\n",
        json.dumps({"meta": {"event_type": "dns"}, **last}).encode() + b"\n",
        json.dumps({"meta": {"event_type": "alert"}, "event_type": "stats"}).encode() + b"\n",
        b'\xef\xbb\xbf{"event_type" : "stats"}\n',
        b"\0\0\0" + text(alert(3)),
        text(line).replace(b'"event_type":"alert"', b'"event_type":"\\u0061lert"'),
    )
    assert [event.signature_id for event in harvest.data(400)] == [2_000_001, 2_000_001, 2_000_003, 2_000_001]
    assert harvest.skipped == {"stats": 2}
    assert harvest.broken == 0


def test_details_in_another_form_do_not_cost_the_alert(feed: Feeding) -> None:
    harvest = feed(alert(1, http=["a list"]), alert(2, smtp={"rcpt_to": "text"}))
    assert len(harvest.data(400)) == 2
    assert harvest.notes == {"details left out": 2}


def test_a_message_longer_than_its_record_is_cut(feed: Feeding) -> None:
    harvest = feed(alert(1, alert={"signature": "ä" * 60_000}))
    assert name_of(harvest, 66)[0].message == "ä" * 32_767


def test_a_line_beyond_the_limit_is_left_out(feed: Feeding) -> None:
    harvest = feed(alert(1), alert(2, payload="x" * 5000), alert(3), line_limit=4000)
    assert len(harvest.data(400)) == 2
    assert harvest.broken_lines[0].line == 2
    assert "more than are read" in harvest.broken_lines[0].reason


def test_every_record_is_one_that_the_tables_know() -> None:
    classes = {400: "intrusion", 2: "packet", 110: "extra-data", 71: "connection", 500: "file"}
    assert {number: RECORDS[number].event_class for number in classes} == classes

"""EVE `flow` -> connection statistics (record 71), with what http, tls and dns lines told of the flow before.

Rules: chapter 4 of the integration guide for the record, `docs/inputs-eve.md` for the mapping and its gaps.
"""

from __future__ import annotations

from openstreamer.inputs.eve_common import (
    Clock,
    EventLine,
    FlowDetails,
    FlowTable,
    Head,
    Http,
    Part,
    address,
    connection_numbers,
    outermost_vlan,
    web_address,
)
from openstreamer.inputs.eve_names import ALLOW, BLOCK, INTRUSION_BLOCK, INTRUSION_MONITOR, Names
from openstreamer.inputs.interface import Batch, NewRecord
from openstreamer.inputs.line_input import LineError
from openstreamer.inputs.protocols import protocol_number
from openstreamer.layouts.connection import ConnectionStatistics
from openstreamer.layouts.discovery_header import DiscoveryHeader
from openstreamer.wire import encoder

CONNECTION_STATISTICS, CONNECTION_STATISTICS_BLOCK = 71, 174
HEADER_SIZE = 56
EVENT_TYPE, EVENT_SUBTYPE = 1003, 1

_NO_DETAILS = FlowDetails()
_MOST_TEXT = 16_384
"""Longest text kept of a flow that is still going on, in characters."""


class Flow(Part):
    """The `flow` object."""

    start: str | None = None
    end: str | None = None
    pkts_toserver: int = 0
    pkts_toclient: int = 0
    bytes_toserver: int = 0
    bytes_toclient: int = 0
    alerted: bool = False
    action: str | None = None


class Tcp(Part):
    tcp_flags: str | None = None
    tcp_flags_ts: str | None = None
    tcp_flags_tc: str | None = None


class FlowLine(EventLine):
    """A flow that has ended."""

    flow: Flow | None = None
    tcp: Tcp | None = None


class DetailLine(Head):
    """What all lines about a flow have in common."""

    flow_id: int = 0
    src_ip: str | None = None
    xff: str | None = None


class HttpLine(DetailLine):
    http: Http | None = None


class Tls(Part):
    sni: str | None = None
    fingerprint: str | None = None
    version: str | None = None


class TlsLine(DetailLine):
    tls: Tls | None = None


class DnsRecord(Part):
    rrname: str | None = None
    rrtype: str | None = None
    ttl: int = 0


class Dns(Part):
    type: str | None = None
    rrname: str | None = None
    rrtype: str | None = None
    rcode: str | None = None
    queries: tuple[DnsRecord, ...] = ()
    answers: tuple[DnsRecord, ...] = ()


class DnsLine(DetailLine):
    dns: Dns | None = None


class FlowMapper:
    """Turns flows into records, and keeps what other lines tell of them until then."""

    def __init__(self, names: Names, clock: Clock, flows: FlowTable, sensor: str) -> None:
        self._names = names
        self._clock = clock
        self._flows = flows
        self._sensor = sensor
        self._encode_header = encoder(DiscoveryHeader, HEADER_SIZE)
        self._encode_connection = encoder(ConnectionStatistics, CONNECTION_STATISTICS_BLOCK)

    def note(self, line: DetailLine) -> None:
        """Keep what a line tells of its flow; the first request, handshake and query of a flow count."""
        if not line.flow_id:
            return
        details = self._flows.get(line.flow_id)
        if details.client is None:
            details.client = line.src_ip
        if line.xff is not None and details.original_client is None:
            details.original_client = line.xff
        if type(line) is HttpLine and line.http is not None and details.http is None:
            details.http = _shorten(line.http)
        elif type(line) is TlsLine and line.tls is not None:
            tls = line.tls
            details.tls_server_name = details.tls_server_name or _short(tls.sni)
            details.tls_fingerprint = details.tls_fingerprint or _short(tls.fingerprint)
            details.tls_version = details.tls_version or _short(tls.version)
        elif type(line) is DnsLine and line.dns is not None:
            _note_dns(line.dns, details)

    def take(self, line: FlowLine, batch: Batch) -> None:
        """Add the record of one flow. Raises LineError or EncodeError."""
        flow = line.flow
        if flow is None:
            raise LineError("a flow without its flow object")
        names = self._names
        initiator, responder = address(line.src_ip), address(line.dest_ip)
        start, _ = self._clock.parse(flow.start or line.timestamp)
        end, end_microsecond = self._clock.parse(flow.end or flow.start or line.timestamp)
        details = self._flows.find(line.flow_id) or _NO_DETAILS
        host = line.host or self._sensor
        device = names.device(host)
        interface = names.interface(host, line.in_iface)
        application = names.application(line.app_proto)
        blocked = flow.action in ("drop", "reject")
        action = names.rule_action(BLOCK if blocked else ALLOW)
        reason = names.rule_reason((INTRUSION_BLOCK if blocked else INTRUSION_MONITOR) if flow.alerted else 0)
        tls_version = names.tls_version(details.tls_version)
        dns_type, dns_code = names.dns_type(details.dns_type), names.dns_code(details.dns_code)
        instance, counter = connection_numbers(line.flow_id)
        http = details.http or Http()
        initiator_port, responder_port = line.src_port, line.dest_port
        if line.icmp_type is not None:
            initiator_port, responder_port = line.icmp_type, line.icmp_code or 0
        connection = ConnectionStatistics(
            block_type=CONNECTION_STATISTICS_BLOCK,
            device_id=device.value,
            ingress_interface=interface.value,
            initiator_ip=initiator,
            responder_ip=responder,
            original_client_ip=_address_or_none(details.original_client),
            rule_action=action.value,
            rule_reason=reason.value,
            initiator_port=initiator_port,
            responder_port=responder_port,
            tcp_flags=_tcp_flags(line.tcp),
            protocol=_protocol(line.proto, batch),
            instance_id=instance,
            connection_counter=counter,
            first_packet_time=start,
            last_packet_time=end,
            initiator_packets=flow.pkts_toserver,
            responder_packets=flow.pkts_toclient,
            initiator_bytes=flow.bytes_toserver,
            responder_bytes=flow.bytes_toclient,
            application_protocol_id=application.value,
            client_url=web_address(http),
            file_event_count=min(details.files, 0xFFFF),
            intrusion_event_count=min(details.alerts, 0xFFFF),
            vlan_id=outermost_vlan(line),
            referenced_host=http.hostname or details.dns_name,
            user_agent=http.http_user_agent or "",
            http_referrer=http.http_refer or "",
            tls_certificate_fingerprint=_fingerprint(details.tls_fingerprint),
            tls_version=tls_version.value,
            tls_server_name=details.tls_server_name,
            http_response=http.status,
            dns_query=details.dns_name,
            dns_record_type=dns_type.value,
            dns_response_type=dns_code.value,
            dns_ttl=details.dns_ttl,
        )
        header = DiscoveryHeader(
            device_id=device.value,
            has_ipv6=1,
            event_second=end,
            event_microsecond=end_microsecond,
            event_type=EVENT_TYPE,
            event_subtype=EVENT_SUBTYPE,
            ipv6=initiator,
        )
        data = self._encode_header(header) + self._encode_connection(connection)
        named = (device, interface, action, reason, application, tls_version, dns_type, dns_code)
        references = tuple([key for name in named for key in name.references])
        batch.records.append(NewRecord(CONNECTION_STATISTICS, data, "connection", references))
        self._flows.end(line.flow_id)


def _short(text: str | None) -> str:
    return (text or "")[:_MOST_TEXT]


def _shorten(http: Http) -> Http:
    for field in ("hostname", "url", "http_user_agent", "http_refer"):
        text = getattr(http, field)
        if text is not None and len(text) > _MOST_TEXT:
            setattr(http, field, text[:_MOST_TEXT])
    return http


def _note_dns(dns: Dns, details: FlowDetails) -> None:
    asked: Dns | DnsRecord = dns if dns.rrname is not None or not dns.queries else dns.queries[0]
    if not details.dns_name:
        details.dns_name, details.dns_type = _short(asked.rrname), _short(asked.rrtype)
    if dns.rcode is not None and not details.dns_code and details.dns_name == _short(asked.rrname):
        details.dns_code = _short(dns.rcode)
        if dns.answers:
            details.dns_ttl = min(max(dns.answers[0].ttl, 0), 0xFFFFFFFF)


def _address_or_none(text: str | None) -> str:
    try:
        return address(text)
    except LineError:
        return "::"


def _protocol(name: str | None, batch: Batch) -> int:
    number = protocol_number(name) if name is not None else 0
    if number is None:
        batch.notes["unknown protocol"] = batch.notes.get("unknown protocol", 0) + 1
    return number or 0


def _tcp_flags(tcp: Tcp | None) -> int:
    """All flags seen in either direction."""
    if tcp is None:
        return 0
    try:
        return int(tcp.tcp_flags_ts or "0", 16) | int(tcp.tcp_flags_tc or "0", 16) or int(
            tcp.tcp_flags or "0", 16
        )
    except ValueError:
        return 0


def _fingerprint(text: str) -> str:
    """A SHA-1 as hex, from the form with colons; zeros if it is none."""
    digits = text.replace(":", "").lower()
    try:
        return digits if len(bytes.fromhex(digits)) == 20 else "0" * 40
    except ValueError:
        return "0" * 40

"""EVE `alert` -> intrusion event (record 400), packet (2) and extra data (110).

Rules: chapter 3 of the integration guide for the records, `docs/inputs-eve.md` for the mapping and its gaps.
"""

from __future__ import annotations

from openstreamer.inputs.eve_common import (
    Clock,
    Email,
    EventLine,
    FlowOfAlert,
    FlowTable,
    Http,
    Part,
    Smtp,
    address,
    connection_numbers,
    outermost_vlan,
    packed_address,
)
from openstreamer.inputs.eve_names import Names
from openstreamer.inputs.interface import Batch, InputContext, NewRecord
from openstreamer.inputs.line_input import LineError
from openstreamer.inputs.protocols import protocol_number, protocol_of_packet
from openstreamer.layouts.extra_data import ExtraData
from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.layouts.packet import Packet
from openstreamer.wire import encoder
from openstreamer.wire.text import encode_text

INTRUSION_EVENT, INTRUSION_EVENT_BLOCK = 400, 85
PACKET = 2
EXTRA_DATA, EXTRA_DATA_BLOCK = 110, 4

EVENT_COUNTER = "event_id"
"""The store's counter that intrusion events are numbered by."""

_RESERVED = 1000
_EVENT_IDS = 0xFFFFFFFF


class Alert(Part):
    """The `alert` object."""

    signature_id: int
    gid: int = 1
    rev: int = 0
    signature: str = ""
    category: str = ""
    severity: int = 0
    action: str = "allowed"
    xff: str | None = None


class PacketInfo(Part):
    linktype: int = 1


class PlainAlertLine(EventLine):
    """An alert without the details of its protocol."""

    alert: Alert | None = None
    packet: bytes = b""
    packet_info: PacketInfo | None = None


class AlertLine(PlainAlertLine):
    """An alert with all that is mapped."""

    flow: FlowOfAlert | None = None
    http: Http | None = None
    smtp: Smtp | None = None
    email: Email | None = None


class EventIds:
    """Numbers of intrusion events, set aside in the store a block at a time so that none is used twice."""

    def __init__(self, context: InputContext) -> None:
        self._context = context
        self._next = self._end = 0

    def take(self) -> int:
        """The next number, from 1 to 2^32 - 1; after the last comes 1 again."""
        if self._next == self._end:
            self._next = self._context.reserve(EVENT_COUNTER, _RESERVED)
            self._end = self._next + _RESERVED
        number = self._next
        self._next += 1
        return (number - 1) % _EVENT_IDS + 1


class AlertMapper:
    """Turns alerts into records."""

    def __init__(self, names: Names, clock: Clock, flows: FlowTable, ids: EventIds, sensor: str) -> None:
        self._names = names
        self._clock = clock
        self._flows = flows
        self._ids = ids
        self._sensor = sensor
        self._encode_event = encoder(IntrusionEvent, INTRUSION_EVENT_BLOCK)
        self._encode_packet = encoder(Packet, PACKET)
        self._encode_extra = encoder(ExtraData, EXTRA_DATA_BLOCK)

    def take(self, line: PlainAlertLine, batch: Batch) -> None:
        """Add the records of one alert. Raises LineError or EncodeError."""
        alert = line.alert
        if alert is None:
            raise LineError("an alert without its alert object")
        names = self._names
        second, microsecond = self._clock.parse(line.timestamp)
        source, destination = address(line.src_ip), address(line.dest_ip)
        host = line.host or self._sensor
        device = names.device(host)
        classification = names.classification(alert.category)
        priority = names.priority(alert.severity)
        application = names.application(line.app_proto)
        interface = names.interface(host, line.in_iface)
        source_port, destination_port = line.src_port, line.dest_port
        if line.icmp_type is not None:
            source_port, destination_port = line.icmp_type, line.icmp_code or 0
        event = IntrusionEvent(
            block_type=INTRUSION_EVENT_BLOCK,
            device_id=device.value,
            event_id=self._ids.take(),
            event_second=second,
            event_microsecond=microsecond,
            signature_id=alert.signature_id,
            generator_id=alert.gid,
            signature_revision=alert.rev,
            classification_id=classification.value,
            priority_id=alert.severity,
            source_ip=source,
            destination_ip=destination,
            source_port_or_icmp_type=source_port,
            destination_port_or_icmp_code=destination_port,
            ip_protocol=self._protocol(line, batch),
            blocked=1 if alert.action == "blocked" else 0,
            vlan_id=outermost_vlan(line),
            application_protocol_id=application.value,
            ingress_interface_uuid=interface.value,
        )
        extra: list[tuple[int, bytes]] = []
        if type(line) is AlertLine:
            self._add_details(line, event, extra, batch)
        if alert.xff:
            packed = packed_address(alert.xff)
            if packed is None:
                batch.notes["unusable XFF"] = batch.notes.get("unusable XFF", 0) + 1
            else:
                extra.append((1 if len(packed) == 4 else 2, packed))
                event.original_source_ip = alert.xff
        for number, text in ((11, line.src_ip), (12, line.dest_ip)):
            if text is not None and ":" in text:
                extra.append((number, packed_address(text) or b""))
        rule = names.rule(alert.gid, alert.signature_id, alert.rev, alert.signature)
        records = [
            NewRecord(
                INTRUSION_EVENT,
                self._encode_event(event),
                "intrusion",
                (
                    *device.references,
                    rule,
                    *classification.references,
                    *priority.references,
                    *application.references,
                    *interface.references,
                ),
            )
        ]
        if line.packet:
            packet = Packet(
                device_id=device.value,
                event_id=event.event_id,
                event_second=second,
                packet_second=second,
                packet_microsecond=microsecond,
                link_type=line.packet_info.linktype if line.packet_info is not None else 1,
                packet_data=line.packet,
            )
            records.append(NewRecord(PACKET, self._encode_packet(packet), "packet", device.references))
        for number, data in extra:
            item = ExtraData(
                block_type=EXTRA_DATA_BLOCK,
                device_id=device.value,
                event_id=event.event_id,
                event_second=second,
                type=number,
                data=data,
            )
            references = (*device.references, names.extra_data_type(number))
            records.append(NewRecord(EXTRA_DATA, self._encode_extra(item), "extra-data", references))
        batch.records += records

    def _add_details(
        self, line: AlertLine, event: IntrusionEvent, extra: list[tuple[int, bytes]], batch: Batch
    ) -> None:
        """What the protocol of the flow adds to the event."""
        if line.flow_id:
            event.connection_instance_id, event.connection_counter = connection_numbers(line.flow_id)
            flow = self._flows.get(line.flow_id)
            flow.alerts += 1
            if line.flow is not None:
                if line.flow.src_ip is not None:
                    flow.client = line.flow.src_ip
                if line.flow.start is not None:
                    flow.start = self._clock.parse(line.flow.start)[0]
            event.connection_second = flow.start
            if line.alert is not None and line.alert.xff and packed_address(line.alert.xff) is not None:
                flow.original_client = line.alert.xff
        http = line.http
        if http is not None:
            event.http_response = http.status
            if http.url:
                event.http_uri = http.url
                extra.append((9, encode_text(http.url)))
            if http.hostname:
                event.http_hostname = http.hostname
                extra.append((10, encode_text(http.hostname)))
        if line.smtp is not None:
            if line.smtp.mail_from:
                event.smtp_from = line.smtp.mail_from
                extra.append((6, encode_text(line.smtp.mail_from)))
            if line.smtp.rcpt_to:
                event.smtp_to = ",".join(line.smtp.rcpt_to)
                extra.append((7, encode_text(event.smtp_to)))
        if line.email is not None and line.email.attachment:
            event.smtp_attachments = ",".join(line.email.attachment)
            extra.append((5, encode_text(event.smtp_attachments)))

    @staticmethod
    def _protocol(line: PlainAlertLine, batch: Batch) -> int:
        """The protocol by its name; where the name is none that is known, from the packet."""
        if line.proto is None:
            return 0
        number = protocol_number(line.proto)
        if number is None and line.packet:
            link_type = line.packet_info.linktype if line.packet_info is not None else 1
            number = protocol_of_packet(link_type, line.packet)
        if number is None:
            batch.notes["unknown protocol"] = batch.notes.get("unknown protocol", 0) + 1
            return 0
        return number

"""Which fields of which events go where, as data: one `EventMapping` per event class or family.

A source is a common column (openstreamer.outputs.columns) or places in the form `data.FIELD`, `header.FIELD`,
`names.NAME`, several of them joined by "|" of which the first that has a value is taken; "?" after a place
says that zero there means "none". `form` says how the value is shown. `key` is the key of the Common Event
Format; keys with a `label` are that format's custom fields. Log lines use `name`.

What a mapping leaves out is left out on purpose; no event class is: what has no row of its own is shown by
`GENERIC`, with all its data as JSON. Not here: how a format escapes (cef.py, text.py).
"""

from __future__ import annotations

import msgspec

from openstreamer.layouts.records import RECORDS


class Item(msgspec.Struct, frozen=True):
    """One field: its name in log lines, its key in CEF, where its value stands, how it is shown.

    Attributes:
        key: empty where CEF has no place for it.
        form: "" as it is; "milliseconds" for seconds that become milliseconds; "protocol" for the name of an
            IP protocol; "json" for a whole structure; "impact" for impact flags that become a level; else the
            id of an enumeration of openstreamer.layouts.values.
    """

    name: str
    key: str
    source: str
    label: str = ""
    form: str = ""


class EventMapping(msgspec.Struct, frozen=True):
    """How the events of one class, or of some families of it, are shown.

    Attributes:
        event_class: the class; "" for the generic mapping.
        families: the families (`event` of the JSON form) it is for; empty: all others of the class.
        title: what such an event is called where it has no words of its own.
        title_source: where its own words stand.
        signature: what stands for the kind of event; {…} are common columns; without it the family.
        severity: "priority", "impact", "disposition", or a number from 0 to 10.
        severity_source: where the number stands that decides.
    """

    event_class: str
    title: str
    items: tuple[Item, ...]
    families: tuple[str, ...] = ()
    title_source: str = ""
    signature: str = ""
    severity: str | int = 1
    severity_source: str = ""


SEVERITIES: dict[str, dict[int, int]] = {
    "priority": {1: 8, 2: 6, 3: 3, 4: 2},
    "correlation": {1: 9, 2: 7, 3: 5, 4: 3, 5: 2},
    "impact": {1: 10, 2: 8, 3: 5, 4: 3, 0: 2},
    "disposition": {3: 9, 5: 8, 1: 1},
}
"""What a deciding number means on the scale of CEF, 0 (least) to 10; any other number: `OTHERWISE`."""

OTHERWISE: dict[str, int] = {"priority": 5, "correlation": 5, "impact": 2, "disposition": 3}

SYSLOG_SEVERITY: tuple[tuple[int, int, str], ...] = (
    (9, 2, "critical"),
    (7, 3, "error"),
    (4, 4, "warning"),
    (1, 5, "notice"),
    (0, 6, "informational"),
)
"""From that scale to syslog's: at least this much -> number and word."""

_HEAD = (
    Item("time", "rt", "time", form="milliseconds"),
    Item("device", "dvchost", "device"),
)
_NET = (
    Item("source_ip", "src", "source_ip"),
    Item("source_port", "spt", "source_port"),
    Item("destination_ip", "dst", "destination_ip"),
    Item("destination_port", "dpt", "destination_port"),
    Item("protocol", "proto", "protocol", form="protocol"),
)
_APPLICATION = (
    Item("application", "app", "names.application_protocol|data.application_protocol_id?"),
    Item("user", "suser", "user"),
)
_COUNTRIES = (
    Item("source_country", "flexString1", "names.source_country|names.initiator_country", "Source Country"),
    Item(
        "destination_country",
        "flexString2",
        "names.destination_country|names.responder_country",
        "Destination Country",
    ),
)


def _zones(first: int) -> tuple[Item, ...]:
    return (
        Item(
            "ingress_interface",
            "deviceInboundInterface",
            "names.ingress_interface|data.ingress_interface_uuid|data.ingress_interface",
        ),
        Item(
            "egress_interface",
            "deviceOutboundInterface",
            "names.egress_interface|data.egress_interface_uuid|data.egress_interface",
        ),
        Item("ingress_zone", f"cs{first}", "names.ingress_zone", "Ingress Zone"),
        Item("egress_zone", f"cs{first + 1}", "names.egress_zone", "Egress Zone"),
    )


_FILE = (
    *_HEAD,
    *_NET,
    *_APPLICATION,
    Item("file_name", "fname", "data.file_name"),
    Item("file_path", "filePath", "data.file_path"),
    Item("file_size", "fsize", "data.file_size"),
    Item("file_type", "fileType", "names.file_type|data.file_type_id?|data.file_type?"),
    Item("sha256", "fileHash", "sha256"),
    Item("action", "act", "data.action", form="file_action"),
    Item("disposition", "outcome", "data.disposition", form="file_disposition"),
    Item("direction", "", "data.direction?", form="file_direction"),
    Item("url", "request", "data.uri"),
    Item("message", "msg", "data.event_description"),
    Item("detection", "cs1", "data.detection_name|data.signature", "Detection"),
    Item(
        "access_control_policy",
        "cs2",
        "names.access_control_policy|data.access_control_policy_uuid",
        "Access Control Policy",
    ),
    Item("detector", "cs3", "names.detector", "Detector"),
    Item("malware_event_type", "cs4", "names.malware_event_type|data.event_type_id?", "Malware Event Type"),
    Item("parent_file_name", "cs5", "data.parent_file_name", "Parent File Name"),
    Item("archive_name", "cs6", "data.archive_name", "Archive Name"),
    Item("threat_score", "cn1", "data.threat_score", "Threat Score"),
    Item("connection_counter", "cn2", "data.connection_counter", "Connection Counter"),
    Item("connection_instance", "cn3", "data.connection_instance", "Connection Instance"),
    *_COUNTRIES,
)

_USER = (
    *_HEAD,
    Item("source_ip", "src", "source_ip"),
    Item("user", "suser", "user"),
    Item("domain", "sntdom", "data.domain"),
    Item("application", "app", "names.application_protocol|data.application_id?"),
    Item("message", "msg", "data.description"),
    Item("email", "cs1", "data.email", "Email"),
    Item("realm", "cs2", "names.realm|data.realm_id?", "Realm"),
    Item("reported_by", "cs3", "data.reported_by", "Reported By"),
    Item("auth_type", "cs4", "data.auth_type", "Authentication Type", "user_auth_type"),
    Item("data", "cs6", "data", "Data", "json"),
)

GENERIC = EventMapping(
    "",
    "",
    (
        *_HEAD,
        *_NET,
        Item("application", "app", "names.application_protocol|data.application_protocol_id?"),
        Item("user", "suser", "names.user|data.username"),
        Item("mac", "smac", "header.mac|data.mac"),
        Item("message", "msg", "message"),
        Item("discovery_event_type", "cn1", "header.event_type", "Discovery Event Type"),
        Item("discovery_event_subtype", "cn2", "header.event_subtype", "Discovery Event Subtype"),
        Item("record_type", "cn3", "record_type", "Record Type"),
        Item("operating_system", "cs1", "names.operating_system", "Operating System"),
        Item("data", "cs6", "data", "Data", "json"),
    ),
    severity=2,
)
"""For every event without a mapping of its own, unknown records too."""

MAPPINGS: tuple[EventMapping, ...] = (
    EventMapping(
        "intrusion",
        "Intrusion event",
        (
            *_HEAD,
            *_NET,
            *_APPLICATION,
            Item("message", "msg", "names.rule"),
            Item("action", "act", "data.blocked", form="intrusion_blocked"),
            Item("hostname", "dhost", "data.http_hostname"),
            Item("url", "request", "data.http_uri"),
            Item("classification", "cs1", "names.classification|data.classification_id?", "Classification"),
            Item("policy", "cs2", "names.policy|data.policy_uuid", "Intrusion Policy"),
            Item("access_control_rule", "cs3", "names.access_control_rule", "Access Control Rule"),
            *_zones(4),
            Item("client_application", "cs6", "names.client_application", "Client Application"),
            Item("impact", "cn1", "data.impact", "Impact"),
            Item("event_id", "cn2", "data.event_id", "Event ID"),
            Item("vlan", "cn3", "data.vlan_id?", "VLAN"),
            Item("priority", "flexNumber1", "data.priority_id", "Priority"),
            Item("signature_revision", "flexNumber2", "data.signature_revision", "Rule Revision"),
            Item("original_source_ip", "c6a4", "data.original_source_ip", "Original Client"),
            *_COUNTRIES,
        ),
        title_source="names.rule",
        signature="{generator_id}:{signature_id}",
        severity="priority",
        severity_source="data.priority_id",
    ),
    EventMapping(
        "packet",
        "Packet of an intrusion event",
        (
            *_HEAD,
            Item("link_type", "cn1", "data.link_type", "Link Type"),
            Item("event_id", "cn2", "data.event_id", "Event ID"),
            Item("length", "cn3", "data.packet_length", "Packet Length"),
        ),
        severity=0,
    ),
    EventMapping(
        "extra-data",
        "Extra data of an intrusion event",
        (
            *_HEAD,
            Item("type", "cs1", "names.extra_data_type|data.type", "Extra Data Type"),
            Item("value", "cs2", "data.data", "Extra Data"),
            Item("event_id", "cn2", "data.event_id", "Event ID"),
        ),
        severity=0,
    ),
    EventMapping(
        "connection",
        "Connection",
        (
            *_HEAD,
            *_NET,
            *_APPLICATION,
            Item("action", "act", "names.rule_action|data.rule_action"),
            Item("reason", "reason", "names.rule_reason|data.rule_reason?"),
            Item("bytes_sent", "in", "data.initiator_bytes"),
            Item("bytes_received", "out", "data.responder_bytes"),
            Item("start", "start", "data.first_packet_time", form="milliseconds"),
            Item("end", "end", "data.last_packet_time", form="milliseconds"),
            Item("url", "request", "data.client_url"),
            Item("user_agent", "requestClientApplication", "data.user_agent"),
            Item("referrer", "requestContext", "data.http_referrer"),
            Item("hostname", "dhost", "data.tls_server_name|data.referenced_host"),
            Item("nat_source_ip", "sourceTranslatedAddress", "data.nat_initiator_ip"),
            Item("nat_source_port", "sourceTranslatedPort", "data.nat_initiator_port?"),
            Item("nat_destination_ip", "destinationTranslatedAddress", "data.nat_responder_ip"),
            Item("nat_destination_port", "destinationTranslatedPort", "data.nat_responder_port?"),
            Item(
                "access_control_rule", "cs1", "names.access_control_rule|data.rule_id?", "Access Control Rule"
            ),
            Item("access_control_policy", "cs2", "names.access_control_policy", "Access Control Policy"),
            *_zones(3),
            Item("url_category", "cs5", "names.url_category", "URL Category"),
            Item("client_application", "cs6", "names.client_application", "Client Application"),
            Item("connection_counter", "cn1", "data.connection_counter", "Connection Counter"),
            Item("connection_instance", "cn2", "data.instance_id", "Connection Instance"),
            Item("intrusion_events", "cn3", "data.intrusion_event_count?", "Intrusion Events"),
            *_COUNTRIES,
        ),
        families=("connection_statistics",),
    ),
    EventMapping(
        "connection",
        "Summary of connections",
        (
            *_HEAD,
            *_NET,
            *_APPLICATION,
            Item("connections", "cnt", "data.connections"),
            Item("bytes_sent", "in", "data.bytes_sent"),
            Item("bytes_received", "out", "data.bytes_received"),
            Item("start", "start", "data.start_time", form="milliseconds"),
        ),
        families=("connection_chunk",),
    ),
    EventMapping(
        "file",
        "File event",
        _FILE,
        title_source="data.signature",
        severity="disposition",
        severity_source="data.disposition",
    ),
    EventMapping(
        "malware",
        "Malware event",
        _FILE,
        title_source="data.detection_name|names.malware_event_type",
        severity="disposition",
        severity_source="data.disposition",
    ),
    EventMapping(
        "correlation",
        "Correlation event",
        (
            *_HEAD,
            *_NET,
            Item("message", "msg", "data.description|data.event_description"),
            Item("action", "act", "data.blocked", form="intrusion_blocked"),
            Item("url", "request", "data.url"),
            Item("user", "suser", "names.source_user"),
            Item("destination_user", "duser", "names.destination_user"),
            Item("policy", "cs1", "names.policy|data.policy_id?", "Correlation Policy"),
            Item("rule", "cs2", "names.rule|data.rule_id?", "Correlation Rule"),
            Item("intrusion_rule", "cs3", "names.intrusion_rule", "Intrusion Rule"),
            *_zones(4),
            Item("event_type", "cs6", "data.event_type", "Trigger", "correlation_event_type"),
            Item("impact", "cn1", "data.impact", "Impact"),
            Item("event_id", "cn2", "data.event_id", "Event ID"),
            Item("trigger_event_id", "cn3", "data.trigger_event_id?", "Trigger Event ID"),
            *_COUNTRIES,
        ),
        title_source="names.rule|data.description",
        severity="correlation",
        severity_source="data.priority",
    ),
    EventMapping(
        "impact-alert",
        "Impact alert",
        (
            *_HEAD,
            *_NET,
            Item("message", "msg", "data.description"),
            Item("impact", "cn1", "data.impact", "Impact", "impact"),
            Item("event_id", "cn2", "data.event_id", "Event ID"),
        ),
        severity="impact",
        severity_source="data.impact",
    ),
    EventMapping("user", "Failed login", _USER, families=("failed_user_login",), severity=5),
    EventMapping("user", "", _USER, severity=3),
    EventMapping(
        "discovery",
        "",
        GENERIC.items,
        families=("host_ioc", "ioc_delete", "ioc_enable", "ioc_disable"),
        title_source="names.ioc",
        severity=8,
    ),
)


def mapping_for(record_type: int) -> EventMapping:
    """The mapping of a record type; `GENERIC` where it has none of its own."""
    row = RECORDS.get(record_type)
    if row is None or row.event_class is None:
        return GENERIC
    for mapping in MAPPINGS:
        if mapping.event_class == row.event_class and (not mapping.families or row.id in mapping.families):
            return mapping
    return GENERIC

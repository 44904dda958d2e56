"""Which values of events are numbers that a metadata record gives a name to.

REFERENCES says, per record type, which values refer to which metadata record; METADATA says which fields of a
metadata record are its key and which one is the text to show. From both follow the `names` of the JSON
lines, and what a server must send before an event. Zero ids and all-zero UUIDs refer to nothing. Rules: the
field descriptions in chapters 3 and 4 of the integration guide. Not here: the work (protocol/metadata.py).
"""

from __future__ import annotations

import msgspec


class Reference(msgspec.Struct, frozen=True):
    """Values of an event that, together, are the key of a metadata record.

    `fields` are read from the event's data, or from its discovery event header where `header` is true. Where
    several references of an event bear one name, the first that is found names it.
    """

    name: str
    record_type: int
    fields: tuple[str, ...]
    header: bool = False


class MetadataKey(msgspec.Struct, frozen=True):
    """Key fields of a metadata record, and the field whose text is shown.

    `variants` are other spellings of the key, for records that come in several layouts.
    """

    fields: tuple[str, ...]
    label: str
    variants: tuple[tuple[tuple[str, ...], str], ...] = ()


def _r(name: str, record_type: int, *fields: str) -> Reference:
    return Reference(name, record_type, fields)


_INTRUSION_OLD = (
    _r("device", 123, "device_id"),
    # not the revision: servers send messages with revision 0 for rules whatever theirs is
    _r("rule", 66, "generator_id", "signature_id"),
    _r("rule", 5, "generator_id", "signature_id"),
    _r("classification", 67, "classification_id"),
    _r("classification", 3, "classification_id"),
    _r("priority", 4, "priority_id"),
)
_INTRUSION_5_0 = (
    *_INTRUSION_OLD,
    _r("policy", 118, "policy_uuid"),
    _r("user", 98, "user_id"),
    _r("user", 62, "user_id"),
    _r("web_application", 109, "web_application_id"),
    _r("client_application", 55, "client_application_id"),
    _r("application_protocol", 63, "application_protocol_id"),
    _r("access_control_rule", 119, "access_control_policy_uuid", "access_control_rule_id"),
    _r("access_control_policy", 145, "access_control_policy_uuid"),
    _r("access_control_policy", 117, "access_control_policy_uuid"),
    _r("ingress_interface", 116, "ingress_interface_uuid"),
    _r("egress_interface", 116, "egress_interface_uuid"),
    _r("ingress_zone", 115, "ingress_zone_uuid"),
    _r("egress_zone", 115, "egress_zone_uuid"),
)
_INTRUSION = (
    *_INTRUSION_5_0,
    _r("source_country", 520, "source_country"),
    _r("destination_country", 520, "destination_country"),
    _r("ioc", 161, "ioc_number"),
    _r("security_context", 132, "security_context_uuid"),
    _r("tls_certificate", 614, "tls_certificate_fingerprint"),
    _r("tls_actual_action", 606, "tls_actual_action"),
    _r("tls_flow_status", 608, "tls_flow_status"),
    _r("network_analysis_policy", 700, "network_analysis_policy_uuid"),
)
_FILE = (
    _r("device", 123, "device_id"),
    _r("file_storage_status", 515, "file_storage_status"),
    _r("file_analysis_status", 516, "file_analysis_status"),
    _r("spero_disposition", 517, "spero_disposition"),
    _r("archive_file_status", 518, "archive_file_status"),
    _r("local_malware_analysis_status", 519, "local_malware_analysis_status"),
    _r("file_sha", 511, "sha256"),
    _r("file_type", 510, "file_type_id"),
    _r("application_protocol", 63, "application_protocol_id"),
    _r("user", 98, "user_id"),
    _r("user", 62, "user_id"),
    _r("access_control_policy", 145, "access_control_policy_uuid"),
    _r("access_control_policy", 117, "access_control_policy_uuid"),
    _r("source_country", 520, "source_country"),
    _r("destination_country", 520, "destination_country"),
    _r("web_application", 109, "web_application_id"),
    _r("client_application", 55, "client_application_id"),
    _r("security_context", 132, "security_context_uuid"),
    _r("tls_certificate", 614, "tls_certificate_fingerprint"),
    _r("tls_actual_action", 606, "tls_actual_action"),
    _r("tls_flow_status", 608, "tls_flow_status"),
)
_CONNECTION = (
    _r("device", 123, "device_id"),
    _r("ingress_zone", 115, "ingress_zone"),
    _r("egress_zone", 115, "egress_zone"),
    _r("ingress_interface", 116, "ingress_interface"),
    _r("egress_interface", 116, "egress_interface"),
    _r("access_control_policy", 145, "policy_revision"),
    _r("access_control_policy", 117, "policy_revision"),
    _r("access_control_rule", 119, "policy_revision", "rule_id"),
    _r("tunnel_rule", 147, "policy_revision", "tunnel_rule_id"),
    _r("rule_action", 120, "rule_action"),
    _r("rule_reason", 124, "rule_reason"),
    _r("qos_interface", 116, "qos_interface_uuid"),
    _r("user", 98, "user_id"),
    _r("user", 62, "user_id"),
    _r("application_protocol", 63, "application_protocol_id"),
    _r("url_category", 121, "url_category"),
    _r("url_reputation", 122, "url_reputation"),
    _r("client_application", 55, "client_application_id"),
    _r("client_application_type", 56, "client_application_type_id"),
    _r("web_application", 109, "web_application_id"),
    *(_r(f"monitor_rule_{n}", 119, "policy_revision", f"monitor_rule_{n}") for n in range(1, 9)),
    _r("si_source_destination", 281, "si_source_destination"),
    _r("initiator_country", 520, "initiator_country"),
    _r("responder_country", 520, "responder_country"),
    _r("original_client_country", 520, "original_client_country"),
    _r("ioc", 161, "ioc_number"),
    _r("security_context", 132, "security_context_uuid"),
    _r("tls_certificate", 614, "tls_certificate_fingerprint"),
    _r("tls_policy", 600, "tls_policy_uuid"),
    _r("tls_rule", 601, "tls_policy_uuid", "tls_rule_id"),
    _r("tls_cipher_suite", 602, "tls_cipher_suite"),
    _r("tls_version", 604, "tls_version"),
    _r("tls_server_certificate_status", 605, "tls_server_certificate_status"),
    _r("tls_actual_action", 606, "tls_actual_action"),
    _r("tls_expected_action", 607, "tls_expected_action"),
    _r("tls_flow_status", 608, "tls_flow_status"),
    _r("tls_url_category", 613, "tls_url_category"),
    _r("network_analysis_policy", 700, "network_analysis_policy_revision"),
    _r("endpoint_profile", 301, "endpoint_profile_id"),
    _r("security_group", 302, "security_group_id"),
    _r("dns_record_type", 320, "dns_record_type"),
    _r("dns_response_type", 321, "dns_response_type"),
    _r("sinkhole", 322, "sinkhole_uuid"),
    _r("si_list_1", 280, "si_list_1", "policy_revision"),
    _r("si_list_2", 280, "si_list_2", "policy_revision"),
    _r("si_list_3", 280, "si_list_3", "policy_revision"),
    _r("payload_type", 108, "payload_type"),
)
_DISCOVERY = (Reference("device", 123, ("device_id",), header=True),)
_CONNECTION_OLDEST = (
    *_DISCOVERY,
    _r("application_protocol", 63, "server_id"),
    _r("client_application_type", 56, "client_application_type_id"),
    _r("client_application", 55, "clnt_app_id"),
)
_CHUNK = (
    *_DISCOVERY,
    _r("application_protocol", 63, "application_protocol_id"),
    _r("application_protocol", 63, "server_id"),
)
_MALWARE = (
    _r("device", 123, "device_id"),
    _r("amp_cloud", 127, "cloud_uuid"),
    _r("malware_event_type", 128, "event_type_id"),
    _r("malware_event_subtype", 129, "event_subtype_id"),
    _r("detector", 130, "detector_id"),
    _r("file_sha", 511, "file_sha256"),
    _r("file_type", 131, "file_type"),
    _r("application_protocol", 63, "application_protocol_id"),
    _r("user", 98, "user_id"),
    _r("user", 62, "user_id"),
    _r("access_control_policy", 145, "access_control_policy_uuid"),
    _r("access_control_policy", 117, "access_control_policy_uuid"),
    _r("source_country", 520, "source_country"),
    _r("destination_country", 520, "destination_country"),
    _r("web_application", 109, "web_application_id"),
    _r("client_application", 55, "client_application_id"),
    _r("ioc", 161, "ioc_number"),
    _r("security_context", 132, "security_context_uuid"),
    _r("tls_certificate", 614, "tls_certificate_fingerprint"),
    _r("tls_actual_action", 606, "tls_actual_action"),
    _r("tls_flow_status", 608, "tls_flow_status"),
)
# In a correlation event "rule" and "policy" are its own; those of the event that met the rule say so.
_CORRELATION_OLD = (
    _r("device", 123, "policy_sensor_id"),
    _r("policy", 69, "policy_id"),
    _r("rule", 70, "rule_id"),
    _r("event_device", 123, "device_id"),
    _r("intrusion_rule", 66, "sig_gen", "sig_id"),
    _r("network_protocol", 59, "net_protocol"),
    *(
        reference
        for side, field in (("source", "src"), ("destination", "dest"))
        for reference in (
            _r(f"{side}_operating_system", 54, f"{field}_os_fingerprint_uuid"),
            _r(f"{side}_criticality", 58, f"{field}_criticality"),
            _r(f"{side}_server", 63, f"{field}_service_id"),
        )
    ),
)
_CORRELATION = (
    _r("device", 123, "device_id"),
    _r("policy", 69, "policy_id"),
    _r("rule", 70, "rule_id"),
    _r("event_device", 123, "event_device_id"),
    _r("intrusion_rule", 66, "signature_generator_id", "signature_id"),
    _r("network_protocol", 59, "network_protocol"),
    *(
        reference
        for side in ("source", "destination")
        for reference in (
            _r(f"{side}_operating_system", 54, f"{side}_os_fingerprint"),
            _r(f"{side}_criticality", 58, f"{side}_criticality"),
            _r(f"{side}_user", 98, f"{side}_user_id"),
            _r(f"{side}_user", 62, f"{side}_user_id"),
            _r(f"{side}_server", 63, f"{side}_server_id"),
            _r(f"{side}_country", 520, f"{side}_country"),
        )
    ),
    _r("intrusion_policy", 118, "intrusion_policy"),
    _r("rule_action", 120, "rule_action"),
    _r("url_category", 121, "url_category"),
    _r("url_reputation", 122, "url_reputation"),
    _r("client_application", 55, "client_id"),
    _r("access_control_policy", 145, "access_policy_revision"),
    _r("access_control_policy", 117, "access_policy_revision"),
    _r("access_control_rule", 119, "access_policy_revision", "access_rule_id"),
    _r("ingress_interface", 116, "ingress_interface"),
    _r("egress_interface", 116, "egress_interface"),
    _r("ingress_zone", 115, "ingress_zone"),
    _r("egress_zone", 115, "egress_zone"),
    _r("security_intelligence", 282, "security_intelligence_uuid"),
    _r("security_context", 132, "security_context"),
    _r("tls_policy", 600, "ssl_policy_id"),
    _r("tls_rule", 601, "ssl_policy_id", "ssl_rule_id"),
    _r("tls_actual_action", 606, "ssl_actual_action"),
    _r("tls_flow_status", 608, "ssl_flow_status"),
    _r("tls_certificate", 614, "ssl_certificate_fingerprint"),
)
_USER = (
    *_DISCOVERY,
    _r("user", 98, "user_id"),
    _r("user", 62, "user_id"),
    _r("realm", 300, "realm_id"),
    _r("endpoint_profile", 301, "endpoint_profile_id"),
    _r("security_group", 302, "security_group_id"),
    _r("application_protocol", 63, "protocol"),
)
_LOGIN = (*_USER, _r("application_protocol", 63, "application_id"))
_SERVER = (*_DISCOVERY, _r("application_protocol", 63, "server_id"))
_CLIENT = (
    *_DISCOVERY,
    _r("client_application", 55, "application_id"),
    _r("client_application", 55, "id"),
    _r("client_application_type", 56, "application_type"),
    _r("application_protocol", 63, "application_protocol_id"),
)
_OPERATING_SYSTEM = (*_DISCOVERY, _r("operating_system", 54, "fingerprint_uuid"))
_IDENTITY = (*_DISCOVERY, _r("operating_system", 54, "uuid"), _r("source_type", 90, "source_type"))
# Whom `source_id` means depends on the kind of source; a reference cannot say that, so only the kind is named.
_INPUT = (*_DISCOVERY, _r("source_type", 90, "source_type"))
_INPUT_OLD = (*_DISCOVERY, _r("user", 62, "user_id"))
_IOC = (
    *_DISCOVERY,
    _r("ioc", 161, "ioc_id"),
    _r("ioc", 161, "value"),
    _r("first_device", 123, "first_device_id"),
    _r("last_device", 123, "last_device_id"),
)

REFERENCES: dict[int, tuple[Reference, ...]] = {
    1: _INTRUSION_OLD,
    7: _INTRUSION_OLD,
    72: _INTRUSION_OLD,
    99: _INTRUSION_OLD,
    100: _INTRUSION_OLD,
    104: _INTRUSION_OLD,
    105: _INTRUSION_OLD,
    207: _INTRUSION_5_0,
    208: _INTRUSION_5_0,
    400: _INTRUSION,
    2: (_r("device", 123, "device_id"),),
    110: (_r("device", 123, "device_id"), _r("extra_data_type", 111, "type")),
    71: (*_CONNECTION, *_DISCOVERY),
    33: _CONNECTION_OLDEST,
    73: _CHUNK,
    500: _FILE,
    502: _FILE,
    125: _MALWARE,
    9: (_r("device", 123, "device_id"),),
    8: (_r("device", 123, "device_id"), _r("policy", 69, "policy_id"), _r("rule", 70, "rule_id")),
    36: _CORRELATION_OLD,
    # `device_id` is the trigger's device in the older layout of 65 and the event's own in the later one
    65: (*(row for row in _CORRELATION_OLD if row.name != "event_device"), *_CORRELATION),
    97: _CORRELATION,
    112: _CORRELATION,
    **dict.fromkeys((92, 93, 94), _USER),
    **dict.fromkeys((95, 170, 171), _LOGIN),
    13: (*_DISCOVERY, _r("network_protocol", 59, "network_protocol")),
    **dict.fromkeys((6, 10, 14, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31), _DISCOVERY),
    **dict.fromkeys((32, 34, 42, 44, 45, 114), _DISCOVERY),
    **dict.fromkeys((11, 12, 16, 17, 51, 52), _SERVER),
    **dict.fromkeys((15, 35, 107), _CLIENT),
    **dict.fromkeys((18, 53), _OPERATING_SYSTEM),
    101: (*_OPERATING_SYSTEM, _r("source_type", 90, "source_type")),
    **dict.fromkeys((102, 103), _IDENTITY),
    **dict.fromkeys((37, 38, 39, 40), _INPUT_OLD),
    41: (*_INPUT_OLD, _r("criticality", 58, "criticality")),
    **dict.fromkeys(
        (46, 47, 48), (*_DISCOVERY, _r("user", 62, "source_id"), _r("attribute", 60, "attribute_id"))
    ),
    **dict.fromkeys((49, 50), (*_INPUT_OLD, _r("attribute", 60, "attr_id"))),
    **dict.fromkeys((76, 77, 78, 79, 80, 81, 85, 87, 88), _INPUT),
    **dict.fromkeys(
        (74, 75, 86),
        (*_INPUT, _r("operating_system", 54, "os_uuid"), _r("application_protocol", 63, "server_id")),
    ),
    82: (*_INPUT, _r("criticality", 58, "criticality")),
    **dict.fromkeys((83, 84), (*_INPUT, _r("attribute", 60, "attribute_id"))),
    89: (*_INPUT_OLD, _r("scan_type", 61, "scan_type"), _r("scan_type", 61, "type")),
    160: _IOC,
    **dict.fromkeys((162, 163, 164), (*_INPUT, _r("ioc", 161, "ioc_id"))),
}
"""Record type of an event -> what its values refer to, in the order of `names`."""

DOMAIN = Reference("domain", 350, ("netmap_id",))
"""What the domain (netmap) number in a record header refers to, in events of any type."""


def _id_name(*records: int) -> dict[int, MetadataKey]:
    return {record: MetadataKey(("id",), "name") for record in records}


def _uuid_name(*records: int) -> dict[int, MetadataKey]:
    return {record: MetadataKey(("uuid",), "name") for record in records}


METADATA: dict[int, MetadataKey] = {
    **_id_name(3, 4, 55, 56, 58, 59, 60, 61, 63, 64, 67, 68, 69, 70, 90, 91, 96, 108, 109),
    **_id_name(120, 121, 122, 123, 128, 129, 130, 131, 281, 300, 302, 320, 321, 350, 510),
    **_id_name(515, 516, 517, 518, 519, 602, 604, 605, 606, 607, 608, 613),
    **_uuid_name(115, 116, 117, 118, 127, 132, 282, 322, 530, 700),
    5: MetadataKey(("generator_id", "rule_id"), "message"),
    54: MetadataKey(("uuid",), "os_name"),
    57: MetadataKey(("id",), "title"),
    62: MetadataKey(("id",), "name", ((("user_id",), "username"),)),
    66: MetadataKey(("generator_id", "rule_id"), "message"),
    98: MetadataKey(("id",), "name", ((("user_id",), "username"),)),
    106: MetadataKey(("id", "scanner_type"), "title"),
    111: MetadataKey(("type",), "name"),
    119: MetadataKey(("revision", "rule_id"), "name"),
    124: MetadataKey(("reason",), "description"),
    140: MetadataKey(("generator_id", "signature_id", "revision"), "summary"),
    # the device is left out: the policy bears one name on all of them, and events need not name it
    145: MetadataKey(("uuid",), "name"),
    146: MetadataKey(("uuid",), "name"),
    147: MetadataKey(("uuid", "sensor_id"), "name"),
    161: MetadataKey(("ioc_id",), "category"),
    260: MetadataKey(("type", "protocol"), "description"),
    270: MetadataKey(("code", "type", "protocol"), "description"),
    280: MetadataKey(("rule_id", "policy_uuid"), "name"),
    301: MetadataKey(("id",), "full_name"),
    511: MetadataKey(("sha256",), "file_name"),
    520: MetadataKey(("country_code",), "name"),
    600: MetadataKey(("uuid",), "name", ((("id",), "name"),)),
    601: MetadataKey(("revision", "id"), "name"),
    614: MetadataKey(("fingerprint_sha1",), "subject_cn"),
}
"""Record type of a metadata record -> its key and its text."""

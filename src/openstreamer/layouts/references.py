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
)
_DISCOVERY = (Reference("device", 123, ("device_id",), header=True),)

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
    71: _CONNECTION,
    500: _FILE,
    502: _FILE,
    13: (*_DISCOVERY, _r("network_protocol", 59, "network_protocol")),
    **dict.fromkeys((6, 14, 19, 20, 21, 22, 23, 24, 25, 26, 29, 31, 44, 114), _DISCOVERY),
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

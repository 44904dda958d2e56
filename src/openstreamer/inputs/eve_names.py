"""Numbers for the names in EVE lines, and the metadata records that tell clients what they mean.

A line says `dns`, a record says 7 and a metadata record says that 7 is `dns`. Numbers are given out by the
store and stay; the metadata record is handed over the first time a name is met. Keys and record types:
`openstreamer.layouts.references`. Not here: lines and events.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from openstreamer.inputs.classifications import FIRST_FREE, find_class
from openstreamer.inputs.interface import InputContext, Metadata
from openstreamer.layouts.metadata import Classification, IdName, Priority, RuleMessage
from openstreamer.layouts.metadata_blocks import ExtraDataType, IdNameDescription, RuleReason, UuidString
from openstreamer.protocol.metadata import key_of
from openstreamer.wire import encoder

PRIORITY, APPLICATION_PROTOCOL, RULE, CLASSIFICATION, EXTRA_DATA_TYPE = 4, 63, 66, 67, 111
INTERFACE, RULE_ACTION, DEVICE, RULE_REASON = 116, 120, 123, 124
DNS_RECORD_TYPE, DNS_RESPONSE_TYPE, TLS_VERSION = 320, 321, 604

ALLOW, BLOCK = 1, 2
RULE_ACTIONS = {ALLOW: "Allow", BLOCK: "Block"}

INTRUSION_MONITOR, INTRUSION_BLOCK = 0x20, 0x40
RULE_REASONS = {INTRUSION_MONITOR: "Intrusion Monitor", INTRUSION_BLOCK: "Intrusion Block"}

EXTRA_DATA_TYPES = {
    1: ("X-Forwarded-For", "IPv4"),
    2: ("X-Forwarded-For", "IPv6"),
    5: ("SMTP Attachment", "String"),
    6: ("SMTP Mail From", "String"),
    7: ("SMTP Recipient To", "String"),
    9: ("HTTP URI", "String"),
    10: ("HTTP Hostname", "String"),
    11: ("IPv6 Source", "IPv6"),
    12: ("IPv6 Destination", "IPv6"),
}
"""Kind of extra data -> its name and how its data are written."""

TLS_VERSIONS = {1: "SSLv2", 2: "SSLv3", 3: "TLSv1.0", 4: "TLSv1.1", 5: "TLSv1.2", 6: "TLSv1.3"}
_TLS_SPELLINGS = {
    "SSLv2": 1,
    "SSLv3": 2,
    "TLSv1": 3,
    "TLS 1.0": 3,
    "TLS 1.1": 4,
    "TLS 1.2": 5,
    "TLS 1.3": 6,
}

DNS_TYPES = {
    "A": 1,
    "NS": 2,
    "MD": 3,
    "MF": 4,
    "CNAME": 5,
    "SOA": 6,
    "MB": 7,
    "MG": 8,
    "MR": 9,
    "NULL": 10,
    "WKS": 11,
    "PTR": 12,
    "HINFO": 13,
    "MINFO": 14,
    "MX": 15,
    "TXT": 16,
    "RP": 17,
    "AFSDB": 18,
    "X25": 19,
    "ISDN": 20,
    "RT": 21,
    "NSAP": 22,
    "NSAPPTR": 23,
    "SIG": 24,
    "KEY": 25,
    "PX": 26,
    "GPOS": 27,
    "AAAA": 28,
    "LOC": 29,
    "NXT": 30,
    "SRV": 33,
    "ATMA": 34,
    "NAPTR": 35,
    "KX": 36,
    "CERT": 37,
    "A6": 38,
    "DNAME": 39,
    "OPT": 41,
    "APL": 42,
    "DS": 43,
    "SSHFP": 44,
    "IPSECKEY": 45,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": 48,
    "DHCID": 49,
    "NSEC3": 50,
    "NSEC3PARAM": 51,
    "TLSA": 52,
    "HIP": 55,
    "CDS": 59,
    "CDNSKEY": 60,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "TKEY": 249,
    "TSIG": 250,
    "IXFR": 251,
    "AXFR": 252,
    "MAILB": 253,
    "ANY": 255,
    "URI": 256,
    "CAA": 257,
}
"""DNS record type -> its number in the IANA registry."""

DNS_CODES = {
    "NOERROR": 0,
    "FORMERR": 1,
    "SERVFAIL": 2,
    "NXDOMAIN": 3,
    "NOTIMP": 4,
    "REFUSED": 5,
    "YXDOMAIN": 6,
    "YXRRSET": 7,
    "NXRRSET": 8,
    "NOTAUTH": 9,
    "NOTZONE": 10,
    "BADVERS": 16,
    "BADSIG": 16,
    "BADKEY": 17,
    "BADTIME": 18,
    "BADMODE": 19,
    "BADNAME": 20,
    "BADALG": 21,
    "BADTRUNC": 22,
}
"""DNS response code -> its number in the IANA registry."""

_PRIORITIES = {1: "high", 2: "medium", 3: "low"}
_NAMESPACE = uuid.UUID("6a1d2f4e-91c6-5c0b-8f53-6f70656e7374")
_NO_UUID = "00000000-0000-0000-0000-000000000000"
_MOST_RULES = 200_000
_MOST_NAMES = 100_000
_MESSAGE_BYTES = 65_535


class Name(NamedTuple):
    """The number (or UUID) that a record carries for a name, and the key of the metadata that explains it."""

    value: Any
    references: tuple[bytes, ...]


_NOTHING = Name(0, ())


class Names:
    """Gives out numbers and collects the metadata records for them in `new`."""

    def __init__(self, context: InputContext) -> None:
        self.new: list[Metadata] = []
        self._context = context
        self._known: dict[tuple[int, Any], Name] = {}
        self._rules: dict[tuple[int, int], tuple[bytes, int, str]] = {}
        self._encode_rule = encoder(RuleMessage, RULE)

    def device(self, name: str) -> Name:
        """The managed device (sensor) of that name."""
        return self._identified(DEVICE, "device", name)

    def application(self, name: str | None) -> Name:
        """An application protocol; nothing for one that was not recognised."""
        if not name or name == "failed" or name == "unknown":
            return _NOTHING
        return self._identified(APPLICATION_PROTOCOL, "application_protocol", name)

    def interface(self, device: str, name: str | None) -> Name:
        """An interface of a device; its UUID is made from both names."""
        if not name:
            return Name(_NO_UUID, ())
        known = self._known.get((INTERFACE, (device, name)))
        if known is not None:
            return known
        value = str(uuid.uuid5(_NAMESPACE, f"interface:{device}:{name}"))
        data = encoder(UuidString, 14)(UuidString(block_type=14, uuid=value, name=name))
        return self._add(INTERFACE, (device, name), value, value, data)

    def classification(self, text: str) -> Name:
        """A class of rules, by short name or description."""
        if not text:
            return _NOTHING
        known = self._known.get((CLASSIFICATION, text))
        if known is not None:
            return known
        entry = find_class(text)
        if entry is not None:
            number, name, description = entry.number, entry.name, entry.description
        else:
            number = FIRST_FREE + self._context.identify("classification", [text])[0]
            name, description = f"class-{number}", text[:10_000]
        data = encoder(Classification, CLASSIFICATION)(
            Classification(id=number, name=name, description=description)
        )
        return self._add(CLASSIFICATION, text, number, number, data)

    def priority(self, number: int) -> Name:
        """A priority, 1 the highest."""
        if not number:
            return _NOTHING
        return self._known.get((PRIORITY, number)) or self._add(
            PRIORITY,
            number,
            number,
            number,
            encoder(Priority, PRIORITY)(Priority(id=number, name=_PRIORITIES.get(number, str(number)))),
        )

    def rule(self, generator: int, signature: int, revision: int, message: str) -> bytes:
        """Key of the message of a rule; the message is handed over again when it has changed."""
        known = self._rules.get((generator, signature))
        if known is not None and known[1] == revision and known[2] == message:
            return known[0]
        if len(self._rules) >= _MOST_RULES:
            self._rules.clear()
        key = key_of(RULE, (generator, signature))
        data = self._encode_rule(
            RuleMessage(
                generator_id=generator,
                rule_id=signature,
                rule_revision=revision,
                signature_id=signature,
                message=_cut(message),
            )
        )
        self._rules[generator, signature] = (key, revision, message)
        self.new.append((key, RULE, 0, data))
        return key

    def extra_data_type(self, number: int) -> bytes:
        """Key of a kind of extra data."""

        def encode() -> bytes:
            name, encoding = EXTRA_DATA_TYPES[number]
            return encoder(ExtraDataType, 5)(
                ExtraDataType(block_type=5, type=number, name=name, encoding=encoding)
            )

        return self._fixed(EXTRA_DATA_TYPE, number, encode).references[0]

    def rule_action(self, number: int) -> Name:
        """What was done with a connection."""
        return self._fixed(RULE_ACTION, number, lambda: _id_name(RULE_ACTION, number, RULE_ACTIONS[number]))

    def rule_reason(self, number: int) -> Name:
        """Why it was done."""
        if not number:
            return _NOTHING

        def encode() -> bytes:
            return encoder(RuleReason, 59)(
                RuleReason(block_type=59, reason=number, description=RULE_REASONS[number])
            )

        return self._fixed(RULE_REASON, number, encode)

    def tls_version(self, text: str) -> Name:
        """A TLS version as the sensor spells it."""
        number = _TLS_SPELLINGS.get(text, 0) or (6 if text.startswith("TLS 1.3") else 0)
        if not number:
            return _NOTHING
        return self._fixed(TLS_VERSION, number, lambda: _id_name(TLS_VERSION, number, TLS_VERSIONS[number]))

    def dns_type(self, text: str) -> Name:
        """A DNS record type; nothing for one without a number."""
        return self._dns(DNS_RECORD_TYPE, DNS_TYPES.get(text, 0), text)

    def dns_code(self, text: str) -> Name:
        """A DNS response code."""
        return self._dns(DNS_RESPONSE_TYPE, DNS_CODES.get(text, 0), text)

    def _dns(self, record_type: int, number: int, text: str) -> Name:
        if not number:
            return _NOTHING

        def encode() -> bytes:
            return encoder(IdNameDescription, 61)(IdNameDescription(block_type=61, id=number, name=text))

        return self._fixed(record_type, number, encode)

    def _identified(self, record_type: int, kind: str, name: str) -> Name:
        known = self._known.get((record_type, name))
        if known is not None:
            return known
        number = self._context.identify(kind, [name])[0]
        return self._add(record_type, name, number, number, _id_name(record_type, number, name))

    def _fixed(self, record_type: int, number: int, encode: Callable[[], bytes]) -> Name:
        known = self._known.get((record_type, number))
        return known if known is not None else self._add(record_type, number, number, number, encode())

    def _add(self, record_type: int, known_as: Any, key_value: Any, value: Any, data: bytes) -> Name:
        key = key_of(record_type, (key_value,))
        if len(self._known) >= _MOST_NAMES:
            self._known.clear()
        name = self._known[record_type, known_as] = Name(value, (key,))
        self.new.append((key, record_type, 0, data))
        return name


def _id_name(record_type: int, number: int, name: str) -> bytes:
    return encoder(IdName, record_type)(IdName(id=number, name=name))


def _cut(message: str) -> str:
    """A message that fits into its record: at most 65,535 bytes."""
    if len(message) * 4 <= _MESSAGE_BYTES:
        return message
    return message.encode("utf-8", "replace")[:_MESSAGE_BYTES].decode("utf-8", "ignore")

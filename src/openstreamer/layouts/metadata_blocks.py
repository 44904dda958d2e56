"""Metadata inside a series 2 block: names of zones, rules, users, countries and the like.

Rules: chapters 3 and 4 of the integration guide, series 2 data blocks. One block may serve several record
types (the UUID and name pair serves eight); records.py says which. Not here: metadata without a block
header (metadata.py).
"""

from __future__ import annotations

from openstreamer.wire import U8, U16, U32, UUID, Block, Hex20, Hex32, String, f


class ExtraDataType(Block, id="extra_data_type", series=2, types={5: "4.10+"}):
    """A kind of extra data of intrusion events."""

    type: U32 = f("Number of the kind.", values="extra_data_type")
    name: String = f("Name of the kind.")
    encoding: String = f("How data of the kind is written.")


class UuidString(Block, id="uuid_string", series=2, types={14: "5.0+"}):
    """A UUID and the name it stands for."""

    uuid: UUID = f("What events carry.")
    name: String = f("The name.")


class AccessControlRule(Block, id="access_control_rule_id", series=2, types={15: "5.0+"}):
    """A rule of an access control policy."""

    revision: UUID = f("Revision of the policy the rule stands in.")
    rule_id: U32 = f("Number of the rule.")
    name: String = f("Name of the rule.")


class IcmpType(Block, id="icmp_type", series=2, types={19: "5.1+"}):
    """An ICMP type."""

    type: U16 = f("ICMP type.")
    protocol: U16 = f("IP protocol, IANA number.", values="ip_protocol")
    description: String = f("What it means.")


class IcmpCode(Block, id="icmp_code", series=2, types={20: "5.1+"}):
    """An ICMP code."""

    code: U16 = f("ICMP code.")
    type: U16 = f("ICMP type the code belongs to.")
    protocol: U16 = f("IP protocol, IANA number.", values="ip_protocol")
    description: String = f("What it means.")


class RuleReason(
    Block,
    id="access_control_rule_reason",
    series=2,
    types={21: "5.0-5.4", 59: "6.0+"},
    confidence={59: "encore-only"},
):
    """A reason why an access control rule acted."""

    reason: U32 = f("Number of the reason, or of several together.", was={21: U16}, values="rule_reason")
    description: String = f("What it means.")


class SecurityIntelligenceCategory(Block, id="ip_reputation_category", series=2, types={22: "5.1+"}):
    """A security intelligence list."""

    rule_id: U32 = f("Number of the list.")
    policy_uuid: UUID = f("Access control policy the list belongs to.")
    name: String = f("Name of the list.")


class FileShaHash(Block, id="file_sha_hash", series=2, types={26: "5.1.1-5.2", 40: "5.3+"}):
    """The name of a file, by its hash."""

    sha256: Hex32 = f("SHA-256 of the file.")
    file_name: String = f("Name of the file, or a word for its disposition.")
    disposition: U8 = f("What the cloud says of the file.", since=40, values="file_disposition")
    user_defined: U8 = f("0 if the cloud set the name, 1 if a user did.", since=40, values="sha_user_defined")


class RuleDocumentation(
    Block, id="rule_documentation", series=2, types={27: "5.2+"}, confidence={27: "partly-verified"}
):
    """The printed documentation of an intrusion rule."""

    signature_id: U32 = f("Number of the rule within its generator.")
    generator_id: U32 = f("Part of the detection engine the rule belongs to.")
    revision: U32 = f("Revision of the rule.")
    summary: String = f("What the rule looks for.")
    impact: String = f("What an attack can do.")
    detail: String = f("How the attack works.")
    affected_systems: String = f("What can be attacked.")
    attack_scenarios: String = f("How an attack proceeds.")
    ease_of_attack: String = f("How easy an attack is.")
    false_positives: String = f("When the rule fires without an attack.")
    false_negatives: String = f("When it does not fire in spite of one.")
    corrective_action: String = f("What to do.")
    contributors: String = f("Who wrote the rule.")
    additional_references: String = f("Where to read on.")


class Geolocation(Block, id="geolocation", series=2, types={28: "5.2+"}, confidence={28: "partly-verified"}):
    """A country."""

    country_code: U16 = f("Number of the country.")
    name: String = f("Name of the country.")


class IocName(Block, id="ioc_name", series=2, types={39: "5.3+"}, confidence={39: "partly-verified"}):
    """A kind of indication of compromise."""

    ioc_id: U32 = f("Number of the kind.")
    category: String = f("Category it belongs to.")
    event_type: String = f("Event it is taken from, in words.")


class TlsCertificate(
    Block, id="tls_certificate_details", series=2, types={50: "5.4+"}, confidence={50: "two-sources"}
):
    """A server's certificate."""

    fingerprint_sha1: Hex20 = f("SHA-1 of the certificate; events carry it.")
    public_key_sha1: Hex20 = f("SHA-1 of the public key.")
    serial_number: Hex20 = f("Serial number, unused bytes zero.")
    serial_number_length: U32 = f("How many bytes of the serial number are used.")
    subject_cn: String = f("Common name of the subject.")
    subject_organization: String = f("Organization of the subject.")
    subject_ou: String = f("Organizational unit of the subject.")
    subject_country: String = f("Country of the subject.")
    issuer_cn: String = f("Common name of the issuer.")
    issuer_organization: String = f("Organization of the issuer.")
    issuer_ou: String = f("Organizational unit of the issuer.")
    issuer_country: String = f("Country of the issuer.")
    valid_from: U32 = f("Not valid before, UNIX seconds.")
    valid_to: U32 = f("Not valid after, UNIX seconds.")


class User(Block, id="user", series=2, types={57: "6.0+"}, confidence={57: "two-sources"}):
    """A user, of the system or found in traffic."""

    user_id: U32 = f("Number of the user.")
    protocol: U32 = f("Application protocol by which the user was found.", values="user_protocol")
    username: String = f("Name of the user.")


class EndpointProfile(
    Block, id="endpoint_profile", series=2, types={58: "6.0+"}, confidence={58: "encore-only"}
):
    """A kind of endpoint, as the identity service tells it."""

    id: U32 = f("Number of the profile.")
    profile_name: String = f("Short name.")
    full_name: String = f("Name with the groups it stands in.")


class IdNameDescription(
    Block, id="id_name_description", series=2, types={61: "6.0+"}, confidence={61: "encore-only"}
):
    """A number, its name and what it means."""

    id: U32 = f("The number that events carry.")
    name: String = f("The name.")
    description: String = f("What it means.")


class AccessControlPolicy(
    Block,
    id="access_control_policy_metadata",
    series=2,
    types={64: "6.0+"},
    confidence={64: "encore-only"},
    notes={64: "For tunnel and prefilter rules the second field may be the rule's number."},
):
    """An access control or prefilter policy, or a rule of the latter."""

    uuid: UUID = f("The policy.")
    sensor_id: U32 = f("Managed device it is in force on.")
    name: String = f("The name.")

"""Metadata without a block header: what the numbers in events are called.

Most are an id, the length of a name, and the name; a few carry more. Where two releases or two sources
disagree, each form is a declaration, and the one that ends exactly at the record's end is taken (records.py
lists them in the order tried). Rules: chapters 3 and 4 of the integration guide, the sections named
"... Record" under metadata. Not here: metadata inside a series 2 block (metadata_blocks.py).
"""

from __future__ import annotations

from openstreamer.wire import U8, U16, U32, UUID, CountedText, Fields, RestText, String, f


class IdName(
    Fields,
    id="id_name",
    records={
        55: "all",
        56: "before 5.0",
        58: "all",
        59: "all",
        60: "all",
        61: "all",
        62: "before 6.0",
        63: "all",
        64: "before 5.0",
        90: "all",
        91: "all",
        96: "all",
        108: "before 5.0",
        109: "4.10+",
        120: "5.0+",
        121: "5.0+",
        122: "5.0+",
        123: "5.0+",
        128: "5.1+",
        129: "5.1+",
        130: "5.1+",
        131: "5.1+",
        281: "5.1+",
        300: "6.0+",
        302: "6.0+",
        350: "6.0+",
        510: "5.1.1+",
        515: "6.0+",
        516: "6.0+",
        517: "6.0+",
        518: "6.0+",
        519: "6.0+",
        600: "5.4",
        602: "5.4+",
        604: "5.4+",
        605: "5.4+",
        606: "5.4+",
        607: "5.4+",
        608: "5.4+",
        613: "5.4+",
    },
    confidence={
        56: "sdk-only",
        58: "partly-verified",
        59: "two-sources",
        64: "sdk-only",
        108: "guess",
        109: "two-sources",
        121: "partly-verified",
        122: "two-sources",
        128: "partly-verified",
        300: "encore-only",
        302: "encore-only",
        350: "encore-only",
        510: "partly-verified",
        515: "encore-only",
        516: "encore-only",
        517: "encore-only",
        518: "encore-only",
        519: "encore-only",
        600: "guess",
        602: "two-sources",
        604: "two-sources",
        605: "partly-verified",
        606: "two-sources",
        607: "two-sources",
        608: "two-sources",
        613: "partly-verified",
    },
    notes={
        600: "Second choice; one client of the 5.4 era read it so.",
        602: "The guide shows a String block after the id; live servers send length and text.",
    },
):
    """A number and the name it stands for."""

    id: U32 = f("The number that events carry.")
    name_length: U32 = f("Bytes in the name.")
    name: CountedText = f("The name.", length="name_length")


class IdString(
    Fields,
    id="id_string",
    records={
        510: "guide",
        602: "guide",
        604: "guide",
        605: "guide",
        606: "guide",
        607: "guide",
        608: "guide",
        613: "guide",
    },
    confidence={
        510: "guess",
        602: "guess",
        604: "guess",
        605: "guess",
        606: "guess",
        607: "guess",
        608: "guess",
        613: "guess",
    },
):
    """A number and its name as a String block: the printed form of some records, second choice."""

    id: U32 = f("The number that events carry.")
    name: String = f("The name.")


class Classification(
    Fields,
    id="classification",
    records={3: "before 4.6.1", 67: "4.6.1+"},
    confidence={3: "sdk-only"},
):
    """A class of intrusion rules."""

    id: U32 = f("Number of the classification.")
    name_length: U16 = f("Bytes in the name.")
    name: CountedText = f("Short name.", length="name_length")
    description_length: U16 = f("Bytes in the description.")
    description: CountedText = f("What the class means.", length="description_length")
    uuid: UUID = f("The classification, the same on all systems.", since=67)
    revision_uuid: UUID = f("Revision of the classification.", since=67)


class Priority(Fields, id="priority", records={4: "all"}):
    """A priority of intrusion events. Its length field is 16 bits wide, unlike most others."""

    id: U32 = f("Number of the priority.", values="priority")
    name_length: U16 = f("Bytes in the name.")
    name: CountedText = f("Name: high, medium or low.", length="name_length")


class RuleMessageOld(Fields, id="rule_message", records={5: "before 4.6.1"}, confidence={5: "sdk-only"}):
    """The message of an intrusion rule, before rules had UUIDs."""

    generator_id: U32 = f("Part of the detection engine the rule belongs to.")
    rule_id: U32 = f("Number of the rule within the generator.")
    rule_revision: U32 = f("Revision of the rule.")
    message_length: U16 = f("Bytes in the message.")
    message: CountedText = f("Message of the rule.", length="message_length")


class RuleMessage(Fields, id="rule_message", records={66: "4.6.1+"}):
    """The message of an intrusion rule. The length stands before the UUIDs, the text after them."""

    generator_id: U32 = f("Part of the detection engine the rule belongs to.")
    rule_id: U32 = f("Number of the rule on the system it comes from.")
    rule_revision: U32 = f("Revision of the rule; in practice often 0.")
    signature_id: U32 = f("Number of the rule as users see it.")
    message_length: U16 = f("Bytes in the message.")
    rule_uuid: UUID = f("The rule, the same on all systems.")
    rule_revision_uuid: UUID = f("Revision of the rule.")
    message: CountedText = f("Message of the rule.", length="message_length")


class Fingerprint(Fields, id="fingerprint", records={54: "all"}):
    """An operating system that fingerprints stand for."""

    uuid: UUID = f("The fingerprint.")
    os_name_length: U32 = f("Bytes in the name.")
    os_name: CountedText = f("Name of the operating system.", length="os_name_length")
    os_vendor_length: U32 = f("Bytes in the vendor.")
    os_vendor: CountedText = f("Vendor of the operating system.", length="os_vendor_length")
    os_version_length: U32 = f("Bytes in the version.")
    os_version: CountedText = f("Version of the operating system.", length="os_version_length")


class Vulnerability(
    Fields,
    id="vulnerability",
    records={57: "5.0+"},
    confidence={57: "partly-verified"},
):
    """A vulnerability of the vendor's database."""

    id: U32 = f("Number of the vulnerability.")
    impact: U32 = f("How grave it is.")
    exploits: U8 = f("1 if exploits are known.")
    remote: U8 = f("1 if it can be used over the network.")
    entry_date_length: U32 = f("Bytes in the next field.")
    entry_date: CountedText = f("When it was entered.", length="entry_date_length")
    published_date_length: U32 = f("Bytes in the next field.")
    published_date: CountedText = f("When it was published.", length="published_date_length")
    modified_date_length: U32 = f("Bytes in the next field.")
    modified_date: CountedText = f("When the entry last changed.", length="modified_date_length")
    title_length: U32 = f("Bytes in the next field.")
    title: CountedText = f("Title.", length="title_length")
    short_description_length: U32 = f("Bytes in the next field.")
    short_description: CountedText = f("Summary.", length="short_description_length")
    description_length: U32 = f("Bytes in the next field.")
    description: CountedText = f("Description.", length="description_length")
    technical_description_length: U32 = f("Bytes in the next field.")
    technical_description: CountedText = f("Technical description.", length="technical_description_length")
    solution_length: U32 = f("Bytes in the next field.")
    solution: CountedText = f("What to do about it.", length="solution_length")


class VulnerabilityOld(
    Fields,
    id="vulnerability_old",
    records={57: "before 5.0"},
    confidence={57: "sdk-only"},
    notes={57: "Second choice: the same without the solution."},
):
    """A vulnerability as releases before 5.0 sent it."""

    id: U32 = f("Number of the vulnerability.")
    impact: U32 = f("How grave it is.")
    exploits: U8 = f("1 if exploits are known.")
    remote: U8 = f("1 if it can be used over the network.")
    entry_date_length: U32 = f("Bytes in the next field.")
    entry_date: CountedText = f("When it was entered.", length="entry_date_length")
    published_date_length: U32 = f("Bytes in the next field.")
    published_date: CountedText = f("When it was published.", length="published_date_length")
    modified_date_length: U32 = f("Bytes in the next field.")
    modified_date: CountedText = f("When the entry last changed.", length="modified_date_length")
    title_length: U32 = f("Bytes in the next field.")
    title: CountedText = f("Title.", length="title_length")
    short_description_length: U32 = f("Bytes in the next field.")
    short_description: CountedText = f("Summary.", length="short_description_length")
    description_length: U32 = f("Bytes in the next field.")
    description: CountedText = f("Description.", length="description_length")
    technical_description_length: U32 = f("Bytes in the next field.")
    technical_description: CountedText = f("Technical description.", length="technical_description_length")


class DetectionEngine(Fields, id="detection_engine", records={68: "4.6.1-4.10"}, confidence={68: "sdk-only"}):
    """A detection engine, the forerunner of the managed device."""

    id: U32 = f("Number of the detection engine.")
    name_length: U16 = f("Bytes in the name.")
    name: CountedText = f("Name.", length="name_length")
    description_length: U16 = f("Bytes in the description.")
    description: CountedText = f("Description.", length="description_length")
    uuid: UUID = f("The detection engine, the same on all systems.")


class CorrelationPolicy(
    Fields,
    id="correlation_policy",
    records={69: "4.6.1+", 70: "4.9"},
    confidence={70: "sdk-only"},
    notes={
        69: "The lengths are 16 bits wide, whatever the drawing in the guide suggests.",
        70: "Second choice: an old client read correlation rules so.",
    },
):
    """A policy of correlation rules."""

    id: U32 = f("Number of the policy.")
    name_length: U16 = f("Bytes in the name.")
    name: CountedText = f("Name.", length="name_length")
    description_length: U16 = f("Bytes in the description.")
    description: CountedText = f("Description.", length="description_length")
    uuid: UUID = f("The policy, the same on all systems.")
    revision_uuid: UUID = f("Revision of the policy.")


class CorrelationRule(Fields, id="correlation_rule", records={70: "4.6.1+"}):
    """A correlation rule."""

    id: U32 = f("Number of the rule.")
    name_length: U16 = f("Bytes in the name.")
    name: CountedText = f("Name.", length="name_length")
    description_length: U16 = f("Bytes in the description.")
    description: CountedText = f("Description.", length="description_length")
    event_type_length: U16 = f("Bytes in the event type.")
    event_type: CountedText = f("Kind of event the rule looks at, in words.", length="event_type_length")
    rule_uuid: UUID = f("The rule, the same on all systems.")
    revision_uuid: UUID = f("Revision of the rule.")
    white_list_uuid: UUID = f("Allow list the rule belongs to; all zero if none.")


class DetectedUser(Fields, id="detected_user", records={98: "before 6.0"}):
    """A user found in traffic or by an identity source."""

    id: U32 = f("Number of the user.")
    protocol: U32 = f("Application protocol by which the user was found.", values="user_protocol")
    name_length: U32 = f("Bytes in the name.")
    name: CountedText = f("Name of the user.", length="name_length")


class ThirdPartyVulnerability(
    Fields, id="third_party_vulnerability", records={106: "all"}, confidence={106: "partly-verified"}
):
    """A vulnerability as a third party's scanner names it."""

    id: U32 = f("Number the scanner gave it.")
    scanner_type: U32 = f("Which scanner.")
    title_length: U32 = f("Bytes in the title.")
    title: CountedText = f("Title.", length="title_length")
    description_length: U32 = f("Bytes in the description.")
    description: CountedText = f("Description.", length="description_length")
    cve_id_length: U32 = f("Bytes in the next field.")
    cve_id: CountedText = f("CVE number.", length="cve_id_length")
    bugtraq_id_length: U32 = f("Bytes in the next field.")
    bugtraq_id: CountedText = f("Bugtraq number.", length="bugtraq_id_length")


class UuidName(
    Fields,
    id="uuid_name",
    records={132: "5.3.1+", 282: "6.0+", 530: "guide", 600: "5.4+", 700: "guide"},
    confidence={132: "partly-verified", 282: "encore-only", 530: "guess", 600: "encore-only", 700: "guess"},
    notes={132: "One client reads plain text after the UUID instead of a String block."},
    alternatives={132: ({"name": String}, {"name": RestText})},
):
    """A UUID and the name it stands for."""

    uuid: UUID = f("What events carry.")
    name: String = f("The name.")


class HeadedUuidName(
    Fields,
    id="headed_uuid_name",
    records={530: "5.4+", 700: "5.4+"},
    confidence={530: "two-sources", 700: "partly-verified"},
    notes={530: "The guide leaves out the two header words; clients found them on the wire."},
):
    """A UUID and its name behind a block header whose type number no source tells."""

    block_type: U32 = f("Type word of the enclosing block.")
    block_length: U32 = f("Length word of the enclosing block, its 8 bytes included.")
    uuid: UUID = f("What events carry.")
    name: String = f("The name.")


class TlsRule(Fields, id="tls_rule", records={601: "5.4+"}, confidence={601: "encore-only"}):
    """A rule of a TLS decryption policy."""

    revision: UUID = f("Revision of the policy the rule stands in.")
    id: U32 = f("Number of the rule.")
    name: String = f("Name of the rule.")

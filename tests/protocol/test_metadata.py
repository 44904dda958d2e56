"""Keys of metadata records, and what events refer to."""

from __future__ import annotations

from struct import pack

import pytest

from openstreamer.errors import DecodeError
from openstreamer.layouts.extra_data import ExtraData
from openstreamer.layouts.intrusion import IntrusionEvent
from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.references import DOMAIN, METADATA, REFERENCES
from openstreamer.protocol.metadata import is_metadata, key_of, metadata_key, name_of, references_of
from openstreamer.protocol.records import Record, decode_record
from openstreamer.wire import layout_of
from support.catalogue_bytes import Builder, catalogue_blocks, catalogue_records
from support.hand_records import CONNECTION_HEADER, HAND_MADE, UUIDS, block, text, uuid


def rule_message(generator: int, rule: int, revision: int, message: bytes) -> bytes:
    return pack(">IIIIH", generator, rule, revision, rule, len(message)) + bytes(32) + message


def test_key_of_a_rule_is_generator_and_rule() -> None:
    data = rule_message(1, 2_100_498, 0, b"GPL ATTACK_RESPONSE")
    key = metadata_key(66, data)
    assert key == pack(">HII", 66, 1, 2_100_498)
    assert metadata_key(66, rule_message(1, 2_100_498, 9, b"other")) == key
    assert name_of(Record(66, data)) == (key, "GPL ATTACK_RESPONSE")


def test_key_of_a_uuid_is_its_bytes() -> None:
    data = block(14, uuid(5) + text("inside"))
    assert metadata_key(115, data) == pack(">H", 115) + uuid(5)
    assert metadata_key(116, data) == pack(">H", 116) + uuid(5)
    assert name_of(Record(115, data)) == (pack(">H", 115) + uuid(5), "inside")


def test_key_of_a_digest_is_its_bytes() -> None:
    data = block(40, bytes(range(32)) + text("evil.exe") + b"\x03\x00")
    assert name_of(Record(511, data)) == (pack(">H", 511) + bytes(range(32)), "evil.exe")


def test_user_has_one_key_in_both_layouts() -> None:
    old = pack(">III", 7, 710, 5) + b"alice"
    new = block(57, pack(">II", 7, 710) + text("alice"))
    assert metadata_key(98, old) == metadata_key(98, new) == pack(">HI", 98, 7)
    assert name_of(Record(98, old)) == name_of(Record(98, new)) == (pack(">HI", 98, 7), "alice")


def test_a_record_that_is_no_metadata_has_no_name() -> None:
    assert name_of(Record(2, HAND_MADE["7"][1])) is None
    assert name_of(Record(9999, b"abc")) is None
    assert metadata_key(9999, b"abc") == pack(">H", 9999) + b"abc"
    assert metadata_key(9999, b"abd") != metadata_key(9999, b"abc")


def test_unknown_block_in_metadata_is_its_own_key() -> None:
    data = block(999, b"abc")
    assert metadata_key(115, data).startswith(pack(">H", 115))
    assert name_of(Record(115, data)) is None


def test_broken_metadata_is_an_error() -> None:
    with pytest.raises(DecodeError):
        metadata_key(66, b"abc")


def test_large_numbers_have_keys_too() -> None:
    assert key_of(4, (1 << 40,)) == pack(">HQ", 4, 1 << 40)
    assert key_of(4, (-1,)) != key_of(4, (1,))


def test_every_kind_of_metadata_has_a_key_and_a_text() -> None:
    if not catalogue_records():
        pytest.skip("not in this checkout: the catalogue of the format")
    for number, record in catalogue_records().items():
        if record["kind"] != "metadata":
            continue
        assert is_metadata(number), number
        builder = Builder(RECORDS[number].series or 1)
        if record["body"]["form"] == "block":
            data = builder.block(2, record["body"]["blocks"][0]["type"])[0]
        else:
            data = builder.fields(record["body"]["fields"], 1)[0]
        found = name_of(Record(number, data))
        assert found is not None, number
        assert found[0] == metadata_key(number, data)
        assert found[1], number


def test_tables_name_only_fields_that_exist() -> None:
    for number, references in REFERENCES.items():
        fields = {field for body in RECORDS[number].bodies for field in body.__struct_fields__}
        for reference in references:
            assert reference.record_type in METADATA, reference
            assert RECORDS[reference.record_type].kind == "metadata"
            if not reference.header:
                assert fields.issuperset(reference.fields), (number, reference)
    for number, key in METADATA.items():
        spellings = [(set(fields) | {label}) for fields, label in ((key.fields, key.label), *key.variants)]
        for body in RECORDS[number].bodies:
            has = set(body.__struct_fields__)
            assert any(spelling <= has for spelling in spellings), (number, body)
    assert DOMAIN.record_type in METADATA


def test_references_of_an_intrusion_event() -> None:
    event = decode_record(Record(*HAND_MADE["400 block 85"][:2]))
    keys = references_of(400, event.data)
    assert keys == [
        pack(">HI", 123, 3),
        pack(">HII", 66, 1, 2_100_498),
        pack(">HII", 5, 1, 2_100_498),
        pack(">HI", 67, 21),
        pack(">HI", 3, 21),
        pack(">HI", 4, 2),
        pack(">H", 118) + uuid(1),
        pack(">HI", 98, 9_999_997),
        pack(">HI", 62, 9_999_997),
        pack(">HI", 109, 1122),
        pack(">HI", 55, 638),
        pack(">HI", 63, 676),
        pack(">H", 119) + uuid(2) + pack(">I", 268_435_456),
        pack(">H", 145) + uuid(2),
        pack(">H", 117) + uuid(2),
        pack(">H", 116) + uuid(3),
        pack(">H", 116) + uuid(4),
        pack(">H", 115) + uuid(5),
        pack(">H", 115) + uuid(6),
        pack(">HI", 520, 840),
        pack(">HI", 520, 276),
        pack(">HI", 161, 1),
        pack(">H", 132) + uuid(7),
        pack(">H", 614) + bytes(range(20)),
        pack(">HI", 606, 3),
        pack(">HI", 608, 2),
        pack(">H", 700) + uuid(8),
    ]
    assert references_of(400, event.data) == keys


def test_nothing_is_referred_to_by_zeros_and_absent_values() -> None:
    empty = IntrusionEvent(block_type=25)
    assert references_of(400, empty) == []
    data = IntrusionEvent(
        block_type=85,
        device_id=0,
        generator_id=1,
        signature_id=0,
        policy_uuid="00000000-0000-0000-0000-000000000000",
        access_control_policy_uuid=UUIDS[1],
        access_control_rule_id=0,
        tls_certificate_fingerprint="0" * 40,
    )
    assert references_of(400, data) == [pack(">H", 145) + uuid(1), pack(">H", 117) + uuid(1)]


def test_references_of_a_connection_share_the_keys_of_metadata() -> None:
    event = decode_record(Record(*HAND_MADE["71 block 174"][:2]))
    keys = references_of(71, event.data, event.header, netmap_id=5)
    rule = block(15, uuid(5) + pack(">I", 268_435_457) + text("allow web"))
    monitor = block(15, uuid(5) + pack(">I", 103) + text("monitor"))
    category = block(22, pack(">I", 21) + uuid(5) + text("Attackers"))
    for record_type, data in (
        (119, rule),
        (119, monitor),
        (280, category),
        (123, pack(">II", 3, 2) + b"d1"),
        (350, pack(">II", 5, 2) + b"d1"),
        (115, block(14, uuid(1) + text("in"))),
        (121, pack(">II", 55, 1) + b"x"),
    ):
        assert metadata_key(record_type, data) in keys, record_type
    assert len(keys) == len(set(keys))


def test_references_of_a_discovery_event_stand_in_its_header() -> None:
    event = decode_record(Record(31, CONNECTION_HEADER + pack(">I", 1)))
    assert references_of(31, event.data, event.header) == [pack(">HI", 123, 3)]


def test_references_of_extra_data() -> None:
    data = ExtraData(block_type=4, device_id=1, event_id=2, event_second=3, type=9, data=b"/")
    assert references_of(110, data) == [pack(">HI", 123, 1), pack(">HI", 111, 9)]
    assert metadata_key(111, block(5, pack(">I", 9) + text("HTTP URI") + text(""))) == pack(">HI", 111, 9)


def test_unknown_records_refer_to_nothing() -> None:
    event = decode_record(Record(9999, b"abc"))
    assert references_of(9999, event.data) == []
    event = decode_record(Record(400, block(999, b"")))
    assert references_of(400, event.data) == []


def test_cache_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openstreamer.protocol.metadata._MOST_CACHED", 10)
    for number in range(50):
        data = ExtraData(block_type=4, device_id=number + 1, event_id=2, event_second=3, type=9, data=b"/")
        assert references_of(110, data)[0] == pack(">HI", 123, number + 1)


def test_layouts_of_metadata_have_short_forms_for_every_release() -> None:
    if not catalogue_blocks():
        pytest.skip("not in this checkout: the catalogue of the format")
    for number in (124, 511):
        body = RECORDS[number].bodies[0]
        for block_type in layout_of(body).types:
            data = Builder(2).block(2, block_type)[0]
            assert name_of(Record(number, data)) is not None

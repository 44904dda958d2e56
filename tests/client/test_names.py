"""Names: learned from metadata, forgotten when it changes, kept on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from openstreamer.client import names as names_module
from openstreamer.client.names import NameCache
from openstreamer.errors import DecodeError
from openstreamer.protocol.records import Record, decode_record
from support import hand_made
from support.batches import alert, connection, names, packet


def test_events_get_their_names() -> None:
    cache = names()
    assert cache.names_of(decode_record(alert())) == {
        "device": "sensor-1",
        "rule": "ET SCAN Potential SSH Scan",
        "classification": "attempted-recon",
        "priority": "medium",
    }
    assert cache.names_of(decode_record(connection())) == {
        "device": "sensor-1",
        "application_protocol": "HTTPS",
    }
    assert cache.names_of(decode_record(packet())) == {"device": "sensor-1"}
    assert len(cache) == 5


def test_before_anything_was_learned_there_are_none() -> None:
    assert NameCache().names_of(decode_record(alert())) == {}


def test_a_changed_name_counts_at_once() -> None:
    cache = names()
    event = decode_record(alert())
    before = cache.names_of(event)
    record = Record(123, hand_made.id_name(1, "renamed"))
    assert cache.would_change(record)
    cache.learn(record)
    assert not cache.would_change(record)
    assert cache.names_of(event)["device"] == "renamed"
    assert before["device"] == "sensor-1"


def test_a_new_kind_of_metadata_counts_at_once() -> None:
    cache = names()
    event = decode_record(connection())
    cache.names_of(event)
    generation = cache.generation
    cache.learn(Record(55, hand_made.id_name(1296, "curl")))
    assert cache.generation > generation
    assert cache.names_of(event)["client_application"] == "curl"


def test_zero_stands_for_nothing() -> None:
    cache = NameCache()
    cache.learn(Record(63, hand_made.id_name(0, "nothing")))
    assert len(cache) == 0


def test_records_that_are_no_metadata_teach_nothing() -> None:
    cache = NameCache()
    cache.learn(alert())
    assert not cache.would_change(alert())
    assert len(cache) == 0


def test_broken_metadata_is_an_error_of_that_record() -> None:
    with pytest.raises(DecodeError):
        NameCache().learn(Record(123, b"\0"))


def test_columns_can_be_named_without_the_event() -> None:
    columns, make = names().names_from(400, frozenset({"rule", "device"}))
    assert columns == ("device_id", "generator_id", "signature_id")
    assert make((1, 1, 2001219)) == {"device": "sensor-1", "rule": "ET SCAN Potential SSH Scan"}


def test_domains_have_names() -> None:
    cache = names()
    cache.learn(Record(350, hand_made.id_name(3, "Branch")))
    record = alert()
    record.netmap_id = 3
    assert cache.names_of(decode_record(record))["domain"] == "Branch"
    record.netmap_id = 4
    assert "domain" not in cache.names_of(decode_record(record))
    assert cache.find(350, "Branch") == [(3,)]
    assert cache.name(350, 3) == "Branch"


def test_they_survive_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "names"
    cache = NameCache(path)
    cache.learn(Record(123, hand_made.id_name(1, "sensor-1")))
    cache.save()
    assert path.stat().st_mode & 0o777 == 0o600
    assert NameCache(path).names_of(decode_record(alert())) == {"device": "sensor-1"}


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x92\xa1x\x90"])
def test_a_damaged_copy_is_thrown_away(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "names"
    path.write_bytes(content)
    assert len(NameCache(path)) == 0


def test_a_copy_that_cannot_be_written_is_no_misfortune(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = NameCache(tmp_path / "file" / "names")
    cache.learn(Record(123, hand_made.id_name(1, "sensor-1")))
    cache.save()


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "TABLE_LIMIT", 100)
    monkeypatch.setattr(names_module, "COMBINATION_LIMIT", 10)
    cache = NameCache()
    for number in range(1, 1000):
        cache.learn(Record(123, hand_made.id_name(number, f"sensor-{number}")))
    assert len(cache) <= 100
    assert cache.name(123, 999) == "sensor-999"
    for number in range(100):
        cache.names_of(decode_record(alert(event_id=number)))

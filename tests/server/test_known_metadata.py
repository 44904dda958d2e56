"""What metadata a session sends again, and what not."""

from __future__ import annotations

from openstreamer.protocol.metadata import key_of, key_within, plain_key
from openstreamer.server.known_metadata import KnownMetadata
from openstreamer.store import Metadata

DEVICE = key_of(123, (1,))


def device(name: bytes, *, space: int = 0, revision: int = 1) -> Metadata:
    return Metadata(key_within(space, DEVICE), 123, 0, name, revision)


def test_once_and_again_when_it_changed() -> None:
    known = KnownMetadata()
    assert known.lacks(device(b"a"))
    known.add(device(b"a"))
    assert not known.lacks(device(b"a"))
    assert known.lacks(device(b"b", revision=2))
    known.add(device(b"b", revision=2))
    assert not known.lacks(device(b"a")), "what is older than what was sent does not come back"


def test_again_when_another_source_names_the_same_number_otherwise() -> None:
    known = KnownMetadata()
    for turn in range(3):
        for space, name in ((1, b"east"), (2, b"west")):
            assert known.lacks(device(name, space=space)), turn
            known.add(device(name, space=space))
            assert not known.lacks(device(name, space=space))


def test_sources_that_agree_are_told_once() -> None:
    known = KnownMetadata()
    known.add(device(b"same", space=1, revision=7))
    assert not known.lacks(device(b"same", space=2, revision=9))
    assert not known.lacks(device(b"same"))


def test_a_key_in_a_space_gives_the_plain_key_back() -> None:
    assert key_within(0, DEVICE) == DEVICE == plain_key(DEVICE)
    keys = {key_within(space, DEVICE) for space in (0, 1, 2, 65_535)}
    assert len(keys) == 4
    assert {plain_key(key) for key in keys} == {DEVICE}

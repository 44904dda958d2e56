"""Places know a content by its beginning and by what lies before them."""

from __future__ import annotations

from openstreamer.inputs.places import (
    HEAD_BYTES,
    Place,
    decode_place,
    decode_places,
    find_match,
    make_place,
    place_name,
)


def window_of(content: bytes):  # type: ignore[no-untyped-def]
    return lambda offset, length: content[offset : offset + length] if offset >= 0 else b""


def place_in(content: bytes, offset: int) -> Place:
    return make_place(content, offset, content[:offset].count(b"\n"), content[:offset], "a")


LONG = b"".join(b"line %06d of a long file\n" % number for number in range(1000))


def match(content: bytes, *places: Place):  # type: ignore[no-untyped-def]
    return find_match(
        content[:HEAD_BYTES], {f"p{n}": place for n, place in enumerate(places)}, window_of(content)
    )


def test_a_place_is_found_in_the_same_and_in_a_grown_content() -> None:
    for offset in (25, 4000, 4096, 5000, len(LONG)):
        place = place_in(LONG, offset)
        found = match(LONG, place)
        assert found is not None
        assert found.verified
        assert found.place == place
        assert match(LONG + b"more\n", place) is not None


def test_a_place_is_not_found_in_another_content() -> None:
    place = place_in(LONG, 20_000)
    assert match(b"x" + LONG[1:], place) is None
    other = bytearray(LONG)
    other[19_990] ^= 1
    assert match(bytes(other), place) is None


def test_what_lies_behind_the_place_may_differ() -> None:
    changed = LONG[:20_000] + b"something else\n"
    found = match(changed, place_in(LONG, 20_000))
    assert found is not None
    assert found.verified


def test_the_farthest_place_wins() -> None:
    near, far = place_in(LONG, 5_000), place_in(LONG, 20_000)
    found = match(LONG, near, far)
    assert found is not None
    assert found.place == far
    found = match(LONG[:10_000] + b"other " * 5000, near, far)
    assert found is not None
    assert found.place == near


def test_a_shorter_copy_is_told_apart_from_an_unknown_content() -> None:
    found = match(LONG[:10_000], place_in(LONG, 20_000))
    assert found is not None
    assert not found.verified
    assert match(LONG[:50], place_in(LONG, 75)) is None


def test_places_survive_storing_and_strange_data_are_passed_over() -> None:
    place = place_in(LONG, 5_000)
    assert decode_place(place.encode()) == place
    assert decode_places({"a": place.encode(), "b": b"{}", "c": b"\0", "d": b'{"\xff":1}'}) == {"a": place}


def test_names_come_from_the_first_line_and_do_not_collide() -> None:
    first = place_name("eve", b"first", [])
    assert first.startswith("eve:")
    assert place_name("eve", b"first", []) == first
    assert place_name("eve", b"second", []) != first
    assert place_name("eve", b"first", [first]) == f"{first}.2"
    assert place_name("eve", b"first", [first, f"{first}.2"]) == f"{first}.3"

"""What a declaration makes, and which mistakes in it are found."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from openstreamer.wire import (
    I32,
    U8,
    U16,
    Block,
    CountedText,
    Fields,
    RestBytes,
    UnknownBlock,
    block_class,
    blocks,
    declared,
    f,
    layout_of,
)
from support.wire_samples import CountedFields, Leaf, Leaf2, Versions


def test_a_declared_class_is_a_struct() -> None:
    assert Leaf.__struct_fields__ == ("block_type", "code", "name", "left_over", "alternative")
    assert CountedFields.__struct_fields__[-2:] == ("left_over", "alternative")
    assert "block_type" not in CountedFields.__struct_fields__
    leaf = Leaf(60010, 7)
    assert leaf.name is UNSET
    assert msgspec.json.encode(leaf) == b'{"block_type":60010,"code":7}'
    assert msgspec.json.decode(b'{"block_type":60011,"name":"x"}', type=Leaf) == Leaf(60011, name="x")
    assert msgspec.json.encode(UnknownBlock(5, b"\0")) == b'{"block_type":5,"bytes":"AA=="}'


def test_the_registry() -> None:
    assert blocks()[1, 60010] is Leaf
    assert block_class(2, 60010) is Leaf2
    assert block_class(1, 59999) is None
    blocks().clear()
    assert blocks()[1, 60021] is Versions
    assert CountedFields in declared()


def test_a_block_has_one_declaration() -> None:
    with pytest.raises(TypeError, match="series 1 block 60010 is declared already, by Leaf"):

        class Again(Block, id="again", series=1, types={60010: "1"}):
            pass

    assert blocks()[1, 60010] is Leaf


@pytest.mark.parametrize("keywords", [{}, {"types": {60099: "1"}}, {"series": 3, "types": {60099: "1"}}])
def test_types_and_series_are_needed(keywords: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="needs"):
        type(Block)("Bad", (Block,), {}, id="bad", **keywords)


def test_fields_need_a_specifier_and_a_free_name() -> None:
    with pytest.raises(TypeError, match="declared with f"):

        class Plain(Fields, id="plain", records={60098: "1"}):
            code: U8

    with pytest.raises(TypeError, match="needs an annotation"):

        class Bare(Fields, id="bare", records={60098: "1"}):
            code = f("A number.")

    with pytest.raises(TypeError, match="is taken"):

        class Taken(Fields, id="taken", records={60098: "1"}):
            left_over: U8 = f("Taken.")


def test_facts_must_be_about_its_types() -> None:
    with pytest.raises(TypeError, match="60097 is not one of its types"):

        class Noted(Fields, id="noted", records={60098: "1"}, notes={60097: "?"}):
            pass


def test_since_and_spans_exclude_each_other() -> None:
    with pytest.raises(TypeError, match="either"):
        f("Both.", since=1, spans=((1, 2),))


class WrongVersion(Fields, id="wrong_version", records={60090: "1"}):
    """Its field names a type that is not there."""

    code: U8 = f("A number.", since=1)


class WrongLength(Fields, id="wrong_length", records={60091: "1"}):
    """The length comes after what it counts."""

    name: CountedText = f("Name.", length="name_length")
    name_length: U16 = f("Length.")


class SignedLength(Fields, id="signed_length", records={60092: "1"}):
    """A length cannot be negative."""

    name_length: I32 = f("Length.")
    name: CountedText = f("Name.", length="name_length")


class SharedLength(Fields, id="shared_length", records={60093: "1"}):
    """One length for two fields."""

    length: U16 = f("Length.")
    one: CountedText = f("Name.", length="length")
    two: CountedText = f("Name.", length="length")


class RestFirst(Fields, id="rest_first", records={60094: "1"}):
    """Something after the rest."""

    rest: RestBytes = f("Rest.")
    code: U8 = f("A number.")


class Unresolved(Fields, id="unresolved", records={60095: "1"}):
    """An annotation that nobody knows."""

    code: Nonsense = f("A number.")  # type: ignore[name-defined]  # noqa: F821


class UnknownChange(
    Fields, id="unknown_change", records={60096: "1"}, alternatives={60096: ({"codes": U16},)}
):
    """An alternative of a field that is not there."""

    code: U8 = f("A number.")


@pytest.mark.parametrize(
    ("cls", "problem"),
    [
        (WrongVersion, "1 is not one of its types"),
        (WrongLength, "must name an earlier unsigned number"),
        (SignedLength, "must name an earlier unsigned number"),
        (SharedLength, "counts another field already"),
        (RestFirst, "must be its last field"),
        (Unresolved, "Nonsense"),
        (UnknownChange, "unknown field codes"),
    ],
)
def test_mistakes_show_when_the_layout_is_worked_out(cls: type, problem: str) -> None:
    layout = layout_of(cls)
    with pytest.raises(TypeError, match=problem):
        layout.fields(layout.newest)

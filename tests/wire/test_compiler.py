"""Generated code: readable, kept, projecting, and with the interpreter behind it."""

from __future__ import annotations

import linecache
import traceback

import pytest
from msgspec import UNSET

from openstreamer.errors import DecodeError
from openstreamer.wire import decoder, encoder, interpreter, runtime, source_of
from support.wire_samples import CLASSES, Contested, Leaf, Texts, Tree, Versions


def test_the_source_is_kept_and_compiled_once() -> None:
    decode = decoder(Texts, 60003)
    source = source_of(decode)
    assert decode is decoder(Texts, 60003)
    assert "def decode(_data, _start, _end" in source
    # A run of fixed fields and the header of the text behind it are read by one call.
    assert "# >QHQ" in source
    assert "(_header, before, _n) = _read(" in source
    assert "def encode(_value" in source_of(encoder(Texts, 60003))
    with pytest.raises(TypeError):
        source_of(len)


def test_tracebacks_show_generated_lines() -> None:
    decode = decoder(Leaf, 60011)
    assert linecache.getlines("<openstreamer leaf 60011 decode>") == source_of(decode).splitlines(
        keepends=True
    )
    try:
        decode(b"", 0, 0)
    except DecodeError as error:
        text = "".join(traceback.format_exception(error))
    assert 'File "<openstreamer leaf 60011 decode>"' in text
    assert "return _slow(_data, _start, _end, _depth)" in text
    linecache.checkcache()
    assert linecache.getlines("<openstreamer leaf 60011 decode>")


def test_the_interpreter_is_only_asked_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("decode", "decode_alternative", "encode"):
        monkeypatch.setattr(interpreter, name, lambda *arguments: calls.append(arguments))
    value = Tree(
        60013, 1, Leaf(60010, 1), [Leaf(60011, 1, "a")], [], "Käse", Leaf(60010, 2), [Leaf(60010, 3)], 4
    )
    data = encoder(Tree, 60013)(value)
    assert decoder(Tree, 60013)(data, 0, len(data)) == value
    longer = data[:7] + bytes([data[7] + 1]) + data[8:] + b"+"
    assert decoder(Tree, 60013)(longer, 0, len(longer)).left_over == b"+"
    contested = bytes.fromhex("0000ea7f 0000000d 01 00000002")
    assert decoder(Contested, 60031)(contested, 0, 13).alternative == 1
    assert not calls
    decoder(Tree, 60013)(data[:-1], 0, len(data) - 1)
    assert calls


def test_projection() -> None:
    value = Versions(60024, 1, 2, UNSET, UNSET, 4, 5, "192.0.2.1")
    data = encoder(Versions, 60024)(value)
    columns = ("moved", "dropped", "block_type", "always", "left_over", "alternative")
    decode = decoder(Versions, 60024, columns)
    assert decode(data, 0, len(data)) == ("192.0.2.1", UNSET, 60024, 1, UNSET, UNSET)
    assert decode is decoder(Versions, 60024, list(columns))
    # What is not wanted is skipped by the struct call, but still has to lie inside the block.
    assert decoder(Versions, 60024, ("added",))(data, 0, len(data)) == (2,)
    assert "# >Q1xH28x" in source_of(decoder(Versions, 60024, ("added",)))
    with pytest.raises(DecodeError):
        decoder(Versions, 60024, ("added",))(data[:-1], 0, len(data) - 1)


def test_projection_of_contested_layouts() -> None:
    data = bytes.fromhex("0000ea7f 0000000d 01 00000002")
    assert decoder(Contested, 60031, ("width", "alternative"))(data, 0, 13) == (2, 1)
    assert decoder(Contested, 60031, ())(data, 0, 13) == ()
    with pytest.raises(DecodeError):
        decoder(Contested, 60031, ("width",))(data, 0, 8)


def test_unknown_types_and_columns() -> None:
    with pytest.raises(ValueError, match="Leaf has no type 1"):
        decoder(Leaf, 1)
    with pytest.raises(ValueError, match="Leaf has no type 1"):
        encoder(Leaf, 1)
    with pytest.raises(ValueError, match="Leaf has no field 'colour'"):
        decoder(Leaf, 60010, ("colour",))
    with pytest.raises(TypeError, match="not a declared"):
        decoder(int, 1)


def test_unknown_block_types_do_not_fill_tables() -> None:
    table = runtime.BlockDecoders(None, 1, decoder)
    for number in range(1000):
        table[70000 + number](b"\0" * 8, 0, 8, 0)
    assert not table
    assert table[60010](bytes.fromhex("0000ea6a 0000000a 0001"), 0, 10, 0) == Leaf(60010, 1)
    assert list(table) == [60010]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_lines_are_short_enough_to_read(cls: type) -> None:
    for type_ in interpreter.layout_of(cls).types:
        for function in (decoder(cls, type_), encoder(cls, type_)):
            assert max(map(len, source_of(function).splitlines())) < 200

"""Decoders and encoders on demand: generated when first asked for, kept, and printable.

`decoder` and `encoder` are the doors; the source itself is written by compiler_decode.py and
compiler_encode.py. The generated functions appear in tracebacks under names such as
"<openstreamer intrusion_event 85 decode>", with their lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from openstreamer.wire.layout import layout_of

S = TypeVar("S")

_decoders: dict[tuple[type, int, tuple[str, ...] | None], Callable[..., Any]] = {}
_encoders: dict[tuple[type, int], Callable[..., bytes]] = {}


@overload
def decoder(cls: type[S], type_: int) -> Callable[[bytes, int, int], S]: ...


@overload
def decoder(
    cls: type[Any], type_: int, columns: Sequence[str]
) -> Callable[[bytes, int, int], tuple[Any, ...]]: ...


def decoder(
    cls: type[Any], type_: int, columns: Sequence[str] | None = None
) -> Callable[[bytes, int, int], Any]:
    """The decoder of one version: `decode(data, start, end)`, `data` being bytes and `end <= len(data)`.

    `start` is where the block's header (of a record body: its first field) stands. The block may end before
    `end`; its length word says where. Returns an instance of `cls`, or, where `columns` are given, a tuple of
    these in this order (UNSET for what the version lacks); the rest is checked but not converted.

    Raises ValueError for a type or column that `cls` does not have; the decoder itself raises DecodeError and
    nothing else, whatever the bytes.
    """
    key = (cls, type_, None if columns is None else tuple(columns))
    function = _decoders.get(key)
    if function is None:
        from openstreamer.wire.compiler_decode import decoder_source

        source, namespace = decoder_source(layout_of(cls), type_, key[2], decoder)
        name = f"{layout_of(cls).label(type_)} decode" + (
            f" {','.join(key[2])}" if key[2] is not None else ""
        )
        function = _decoders[key] = _build(source, "decode", name, namespace)
    return function


def encoder(cls: type[S], type_: int) -> Callable[[S], bytes]:
    """The encoder of one version: `encode(value) -> bytes`, a block with its header or a record body.

    Fields that the version has and the value lacks (UNSET) are written as zero or empty, fields that the
    version lacks are dropped: so a value of a newer version is written in an older one.

    Raises ValueError for a type that `cls` does not have; the encoder itself raises EncodeError.
    """
    key = (cls, type_)
    function = _encoders.get(key)
    if function is None:
        from openstreamer.wire.compiler_encode import encoder_source

        source, namespace = encoder_source(layout_of(cls), type_, encoder)
        name = f"{layout_of(cls).label(type_)} encode"
        function = _encoders[key] = _build(source, "encode", name, namespace)
    return function


def source_of(function: Callable[..., Any]) -> str:
    """The source of a generated decoder or encoder. Raises TypeError for any other function."""
    try:
        return str(function.__source__)  # type: ignore[attr-defined]
    except AttributeError:
        raise TypeError("not a generated decoder or encoder") from None


def _build(source: str, function: str, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    import linecache

    filename = f"<openstreamer {name}>"
    namespace["__name__"] = "openstreamer.wire.generated"
    exec(compile(source, filename, "exec"), namespace)
    # An entry without a time of change is never looked up on disk.
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    built: Any = namespace[function]
    built.__source__ = source
    return built  # type: ignore[no-any-return]

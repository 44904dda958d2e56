"""Declaring what blocks and records look like: `Block`, `Fields` and the field specifier `f`.

One class per family of blocks, its annotations in the order of the wire, its versions in `types` (oldest
first; that order is the order of versions, never the numbers). The classes are `msgspec.Struct`s; what only
describes the layout is kept outside of them, in a `Declaration`. No expressions or functions go into a
declaration: what cannot be printed as documentation does not belong there. Not here: working out which
fields a version has (layout.py), and anything that reads or writes bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

import msgspec
from msgspec import UNSET, UnsetType

DEFAULT_CONFIDENCE = "verified-with-guide"
COMMON_FIELDS = ("left_over", "alternative")

T = TypeVar("T")
Span = tuple[int | None, int | None]


@dataclass(frozen=True)
class FieldSpec:
    """What `f` was told about one field; see there."""

    doc: str
    since: int | None = None
    until: int | None = None
    spans: tuple[Span, ...] = ()
    was: Mapping[int, Any] = field(default_factory=dict)
    length: str | None = None
    values: str | None = None
    metadata: Any = None


@dataclass(frozen=True)
class Declaration:
    """What a class declares, before its versions are worked out.

    `series` is None for record bodies without a block header; `inner_series` is that of the blocks inside.
    `alternatives` maps a type to its contested layouts, each a change of kinds by field name (None: absent).
    """

    cls: type
    id: str
    doc: str
    series: int | None
    inner_series: int
    types: Mapping[int, str]
    specs: Mapping[str, FieldSpec]
    confidence: Mapping[int, str]
    notes: Mapping[int, str]
    alternatives: Mapping[int, tuple[Mapping[str, Any], ...]]


_declarations: dict[type, Declaration] = {}
_blocks: dict[tuple[int, int], type[Block]] = {}


def f(
    doc: str,
    *,
    since: int | None = None,
    until: int | None = None,
    spans: Sequence[Span] = (),
    was: Mapping[int, Any] | None = None,
    length: str | None = None,
    values: str | None = None,
    metadata: Any = None,
) -> Any:
    """Describe one field of a declaration.

    `doc` is one sentence for the reference. `since` and `until` name the first and the last type (block or
    record number) that has the field, `spans` several such ranges (None: open end). `was` gives the kind it
    had up to and including a type. `length` names the earlier field that counts the bytes of this one.
    `values` is the id of the enumeration or bit mask its numbers come from, `metadata` what it refers to.
    """
    if spans and (since is not None or until is not None):
        raise TypeError("a field has either since/until or spans")
    return FieldSpec(doc, since, until, tuple(spans), dict(was or {}), length, values, metadata)


def common(*, default: Any, kw_only: bool = True) -> Any:
    """Field specifier of the fields that every declared class has; for type checkers only."""


@dataclass_transform(field_specifiers=(common,))
class DeclaredMeta(msgspec.StructMeta):
    """Turns a declaration into a struct class and keeps what it says as a `Declaration`."""

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        id: str | None = None,
        series: int | None = None,
        types: Mapping[int, str] | None = None,
        records: Mapping[int, str] | None = None,
        confidence: Mapping[int, str] | None = None,
        notes: Mapping[int, str] | None = None,
        alternatives: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    ) -> Any:
        if id is None:
            return super().__new__(mcls, name, bases, namespace)
        is_block = types is not None
        versions = dict(types or records or {})
        if not versions or (is_block and series not in (1, 2)):
            raise TypeError(f"{name}: a block needs series and types, a record body needs records")
        annotations: dict[str, Any] = namespace.get("__annotations__", {})
        specs: dict[str, FieldSpec] = {}
        for field_name in annotations:
            spec = namespace.pop(field_name, None)
            if not isinstance(spec, FieldSpec):
                raise TypeError(f"{name}.{field_name}: a field is declared with f(...)")
            taken = COMMON_FIELDS + (("block_type",) if is_block else ())
            if field_name.startswith("_") or field_name in taken:
                raise TypeError(f"{name}.{field_name}: this name is taken")
            specs[field_name] = spec
        for other, value in namespace.items():
            if isinstance(value, FieldSpec):
                raise TypeError(f"{name}.{other}: a field needs an annotation that names its kind")
        first: dict[str, Any] = {"block_type": int} if is_block else {}
        namespace["__annotations__"] = (
            first | annotations | {"left_over": bytes | UnsetType, "alternative": int | UnsetType}
        )
        namespace.update(dict.fromkeys(namespace["__annotations__"], UNSET))
        # Structs of plain values make no reference cycles; untracked, they cost the collector nothing. A
        # misspelt field in JSON is an error here as in blocks that hold blocks, never a zero.
        cls: type = super().__new__(mcls, name, bases, namespace, gc=False, forbid_unknown_fields=True)
        _register(
            Declaration(
                cls,
                id,
                (cls.__doc__ or "").strip(),
                series if is_block else None,
                series or 1,
                versions,
                specs,
                dict.fromkeys(versions, DEFAULT_CONFIDENCE) | dict(confidence or {}),
                dict(notes or {}),
                {type_: tuple(forms) for type_, forms in (alternatives or {}).items()},
            )
        )
        return cls


def _register(declaration: Declaration) -> None:
    for mapping in (declaration.confidence, declaration.notes, declaration.alternatives):
        for type_ in mapping:
            if type_ not in declaration.types:
                raise TypeError(f"{declaration.cls.__name__}: {type_} is not one of its types")
    if declaration.series is not None:
        for type_ in declaration.types:
            other = _blocks.get((declaration.series, type_))
            if other is not None:
                raise TypeError(
                    f"{declaration.cls.__name__}: series {declaration.series} block {type_} "
                    f"is declared already, by {other.__name__}"
                )
        for type_ in declaration.types:
            _blocks[declaration.series, type_] = declaration.cls
    _declarations[declaration.cls] = declaration


class Block(msgspec.Struct, metaclass=DeclaredMeta):
    """Base of the data blocks, which carry a header with their number and length."""

    if TYPE_CHECKING:
        block_type: int = common(default=UNSET, kw_only=False)
        left_over: bytes | UnsetType = common(default=UNSET)
        alternative: int | UnsetType = common(default=UNSET)

        def __init_subclass__(
            cls,
            *,
            id: str,
            series: int,
            types: Mapping[int, str],
            confidence: Mapping[int, str] = ...,
            notes: Mapping[int, str] = ...,
            alternatives: Mapping[int, Sequence[Mapping[str, Any]]] = ...,
        ) -> None: ...


class Fields(msgspec.Struct, metaclass=DeclaredMeta):
    """Base of record bodies without a block header; `records` plays the part of `types`."""

    if TYPE_CHECKING:
        left_over: bytes | UnsetType = common(default=UNSET)
        alternative: int | UnsetType = common(default=UNSET)

        def __init_subclass__(
            cls,
            *,
            id: str,
            records: Mapping[int, str],
            series: int = ...,
            confidence: Mapping[int, str] = ...,
            notes: Mapping[int, str] = ...,
            alternatives: Mapping[int, Sequence[Mapping[str, Any]]] = ...,
        ) -> None: ...


class UnknownBlock(msgspec.Struct, gc=False, rename={"data": "bytes"}):
    """A block whose number no declaration knows: its number, and the bytes after its header."""

    block_type: int
    data: bytes


def declaration_of(cls: type) -> Declaration:
    """What `cls` declares. Raises TypeError if it is no declared class."""
    try:
        return _declarations[cls]
    except KeyError:
        raise TypeError(f"{cls!r} is not a declared block or record body") from None


def blocks() -> dict[tuple[int, int], type[Block]]:
    """All declared blocks by (series, type): a copy."""
    return dict(_blocks)


def block_class(series: int, block_type: int) -> type[Block] | None:
    """The class that declares this block, or None."""
    return _blocks.get((series, block_type))


def declared() -> Iterator[type]:
    """All declared classes, blocks and record bodies, in the order of their declaration."""
    return iter(tuple(_declarations))

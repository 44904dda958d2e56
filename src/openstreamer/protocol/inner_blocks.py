"""Blocks inside of blocks, in the forms that a release knew.

`conform` brings all blocks inside a decoded block down to those of a release, to any depth. What an older
form has no field for is dropped, as with the outer block; an item that the release has no form for at all
is an error. Nothing is ever brought up: older blocks stay as they are.

Rules: the guide's appendix of legacy structures. Which form belongs to which release is data
(layouts/eras.py). Not here: the outer block (transcode.py, host_profiles.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from openstreamer.layouts.eras import FORMER_FIELDS, INNER_FORMS, InnerForm, Release
from openstreamer.wire import Block, UnknownBlock, layout_of


class Inexpressible(Exception):
    """Something cannot be put into the form asked for; the text is the reason, without values."""


_CHAINS: dict[tuple[type, int], tuple[InnerForm, ...]] = {
    (kind, block_type): forms[: place + 1]
    for forms in INNER_FORMS
    for place, (_, kind, block_type) in enumerate(forms)
}
"""(declaration, block type) -> the forms of the same thing up to this one, oldest first."""

_CHANGED = frozenset(kind for forms in INNER_FORMS for _, kind, _ in forms)
_NESTS: dict[type, bool] = {}


def nests(kind: type) -> bool:
    """Whether blocks of a declaration hold blocks that changed with the releases, at any depth."""
    known = _NESTS.get(kind)
    if known is None:
        _NESTS[kind] = False  # what holds itself adds nothing
        layout = layout_of(kind)
        fields = [field for type_ in layout.types for field in layout.fields(type_)]
        inner = {item for field in fields for item in field.nested or ()}
        known = _NESTS[kind] = any(item in _CHANGED or nests(item) for item in inner)
    return known


def conform(data: Any, version: int, release: Release) -> Any:
    """A decoded block with everything inside it in forms of a release; itself if all is.

    `version` is its block type, or the record type of a body without a block.

    Raises:
        Inexpressible: a block inside has no form in that release.
    """
    layout = layout_of(type(data))
    alternative = 0 if data.alternative is UNSET else data.alternative
    changes = {}
    for field in layout.fields(version, alternative):
        if field.nested is None:
            continue
        value = getattr(data, field.name)
        if isinstance(value, list | tuple):
            items = [down(item, field.nested, release) for item in value]
            if any(new is not old for new, old in zip(items, value, strict=True)):
                changes[field.name] = items
        elif value is not UNSET and value is not None:
            item = down(value, field.nested, release)
            if item is not value:
                changes[field.name] = item
    return msgspec.structs.replace(data, **changes) if changes else data


def down(item: Any, allowed: Sequence[type] | None, release: Release) -> Any:
    """A block in the form of a release, and so all blocks inside it.

    `allowed` are the declarations that the field around it takes; None: that of the block itself.

    Raises:
        Inexpressible: it has no form in that release.
    """
    if isinstance(item, UnknownBlock):
        raise Inexpressible("a block inside has no known layout")
    kind, block_type = type(item), item.block_type
    chain = _CHAINS.get((kind, block_type))
    if chain is None:
        return conform(item, block_type, release)
    for since, former, number in reversed(chain):
        if since <= release and (former is kind if allowed is None else former in allowed):
            if number != block_type:
                item = _rewritten(item, former, number)
            return conform(item, number, release)
    raise Inexpressible(f"{layout_of(kind).id} inside cannot be written in so old a form")


def _rewritten(item: Block, kind: type[Any], block_type: int) -> Any:
    """The same thing in another form: fields of the same name, or of the name they have now."""
    values = {field.name: getattr(item, field.name, UNSET) for field in layout_of(kind).fields(block_type)}
    return kind(block_type=block_type, **(values | former_values(item, kind, block_type)))


def former_values(data: Any, kind: type[Any], version: int) -> dict[str, Any]:
    """Values of fields that the form asked for has under another name than `data`, if any.

    `kind` and `version` are the form: its declaration, and the block type in it.
    """
    renamed = FORMER_FIELDS.get(kind)
    if renamed is None:
        return {}
    names = {field.name for field in layout_of(kind).fields(version)}
    values = {}
    for name, sources in renamed.items():
        if name not in names or not _is_nothing(getattr(data, name, UNSET)):
            continue
        for source in sources:
            if source not in names and not _is_nothing(value := getattr(data, source, UNSET)):
                values[name] = value
                break
    return values


def _is_nothing(value: Any) -> bool:
    return value is UNSET or not value or value in ("::", "0.0.0.0")

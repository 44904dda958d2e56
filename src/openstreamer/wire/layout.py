"""The plain plan of a layout: which fields, of which kinds, a version of a block has.

`layout_of(cls).fields(type)` is a list that any backend can consume (decoder, encoder, schema, reference
page, dissector). Not here: how it is declared (declare.py), and bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openstreamer.wire.declare import Declaration, FieldSpec, declaration_of
from openstreamer.wire.kinds import Counted, Integer, Kind, ListKind, NestedKind, Rest, RestListKind, kind_of


@dataclass(frozen=True)
class PlanField:
    """One field of one version, in wire order.

    `size` is the width in bytes or None; `nested` the classes of the blocks inside (None: not a block or
    list, or any block); `length` the field that counts this one, `counts` the field this one counts.
    """

    name: str
    kind: Kind
    doc: str
    length: str | None = None
    counts: str | None = None
    values: str | None = None
    metadata: Any = None

    @property
    def size(self) -> int | None:
        return self.kind.size

    @property
    def nested(self) -> tuple[type, ...] | None:
        if isinstance(self.kind, NestedKind | ListKind | RestListKind):
            return self.kind.items
        return None


class Layout:
    """All versions of one declared class.

    `cls`, `id`, `doc`, `series` (None for record bodies), `types` (number -> product versions, oldest first),
    `confidence` and `notes` by type.
    """

    def __init__(self, declaration: Declaration) -> None:
        self.cls = declaration.cls
        self.id = declaration.id
        self.doc = declaration.doc
        self.series = declaration.series
        self.inner_series = declaration.inner_series
        self.types = declaration.types
        self.confidence = declaration.confidence
        self.notes = declaration.notes
        self.specs = declaration.specs
        self._declaration = declaration
        self._order = {type_: index for index, type_ in enumerate(declaration.types)}
        self._kinds: dict[str, Kind] | None = None
        self._plans: dict[tuple[int, int], tuple[PlanField, ...]] = {}

    @property
    def newest(self) -> int:
        return list(self.types)[-1]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of every field in the newest form."""
        if self._kinds is None:
            names = vars(sys.modules[self.cls.__module__])
            resolved: dict[Any, Kind] = {}
            kinds = {}
            for name in self.specs:
                annotation = self.cls.__annotations__[name]
                if not isinstance(annotation, str):
                    kinds[name] = kind_of(annotation)
                    continue
                if annotation not in resolved:
                    try:
                        resolved[annotation] = kind_of(eval(annotation, names))
                    except (NameError, TypeError) as error:
                        raise TypeError(f"{self.cls.__name__}.{name}: {error}") from error
                kinds[name] = resolved[annotation]
            self._kinds = kinds
        return self._kinds

    def label(self, type_: int) -> str:
        """How errors name this version: "connection_statistics 174"."""
        return f"{self.id} {type_}"

    def alternatives(self, type_: int) -> int:
        """How many contested layouts this version has; 1 where nothing is contested."""
        return max(1, len(self._declaration.alternatives.get(type_, ())))

    def fields(self, type_: int, alternative: int = 0) -> tuple[PlanField, ...]:
        """The fields of one version in wire order. Raises ValueError for a type the class does not have."""
        key = (type_, alternative)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(type_, alternative)
        return plan

    def _plan(self, type_: int, alternative: int) -> tuple[PlanField, ...]:
        if type_ not in self.types:
            raise ValueError(f"{self.cls.__name__} has no type {type_}")
        if not 0 <= alternative < self.alternatives(type_):
            raise ValueError(f"{self.label(type_)} has no alternative {alternative}")
        forms = self._declaration.alternatives.get(type_, ())
        changes: Mapping[str, Any] = forms[alternative] if forms else {}
        for name in changes:
            if name not in self.specs:
                raise TypeError(f"{self.cls.__name__}: alternative of an unknown field {name}")
        chosen: list[tuple[str, Kind]] = []
        for name, spec in self.specs.items():
            if name in changes:
                if changes[name] is not None:
                    chosen.append((name, kind_of(changes[name])))
            elif self._has(name, spec, type_):
                chosen.append((name, self._kind(name, spec, type_)))
        counted = {self.specs[name].length: name for name, kind in chosen if isinstance(kind, Counted)}
        plan = tuple(
            PlanField(
                name,
                kind,
                self.specs[name].doc,
                self.specs[name].length if isinstance(kind, Counted) else None,
                counted.get(name),
                self.specs[name].values,
                self.specs[name].metadata,
            )
            for name, kind in chosen
        )
        self._check(plan)
        return plan

    def _place(self, name: str, type_: int | None) -> int | None:
        if type_ is None:
            return None
        try:
            return self._order[type_]
        except KeyError:
            raise TypeError(f"{self.cls.__name__}.{name}: {type_} is not one of its types") from None

    def _has(self, name: str, spec: FieldSpec, type_: int) -> bool:
        here = self._order[type_]
        for since, until in spec.spans or ((spec.since, spec.until),):
            first, last = self._place(name, since), self._place(name, until)
            if (first is None or first <= here) and (last is None or here <= last):
                return True
        return False

    def _kind(self, name: str, spec: FieldSpec, type_: int) -> Kind:
        here = self._order[type_]
        former = sorted((self._place(name, until) or 0, until) for until in spec.was)
        for last, until in former:
            if here <= last:
                return kind_of(spec.was[until])
        return self.kinds[name]

    def _check(self, plan: tuple[PlanField, ...]) -> None:
        seen: dict[str, PlanField] = {}
        for index, item in enumerate(plan):
            where = f"{self.cls.__name__}.{item.name}"
            if isinstance(item.kind, Counted):
                counter = seen.get(item.length or "")
                if counter is None or not isinstance(counter.kind, Integer) or counter.kind.signed:
                    raise TypeError(
                        f"{where}: length must name an earlier unsigned number of the same version"
                    )
                if counter.counts != item.name:
                    raise TypeError(f"{where}: {item.length} counts another field already")
            if isinstance(item.kind, Rest | RestListKind) and index != len(plan) - 1:
                raise TypeError(f"{where}: what takes the rest of the block must be its last field")
            seen[item.name] = item


_layouts: dict[type, Layout] = {}


def layout_of(cls: type) -> Layout:
    """The layout of a declared class. Raises TypeError if `cls` is none."""
    layout = _layouts.get(cls)
    if layout is None:
        layout = _layouts[cls] = Layout(declaration_of(cls))
    return layout

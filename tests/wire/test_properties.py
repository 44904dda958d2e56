"""What must hold for all declared classes, with values and bytes that hypothesis makes up.

The sample declarations use every kind of field; after them come all layouts of the project.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import openstreamer.layouts.records  # noqa: F401  (declares all layouts)
from openstreamer.wire import declared, layout_of
from support.agreement import check_agreement, check_round_trip, mutated
from support.strategies import mutations, struct_strategy
from support.wire_samples import CLASSES

SAMPLES = [(cls, type_) for cls in CLASSES for type_ in layout_of(cls).types]
PROJECT = [
    (cls, type_)
    for cls in declared()
    if cls.__module__.startswith("openstreamer.layouts.")
    for type_ in layout_of(cls).types
]


def name(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def check(cls: type, type_: int, data: st.DataObject) -> None:
    value = data.draw(struct_strategy(cls, type_))
    written = check_round_trip(cls, type_, value)
    assert check_agreement(cls, type_, written) == ("value", value)
    check_agreement(cls, type_, mutated(written, data.draw(mutations())))


@pytest.mark.parametrize(("cls", "type_"), SAMPLES, ids=name)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_kind(cls: type, type_: int, data: st.DataObject) -> None:
    check(cls, type_, data)


@pytest.mark.parametrize(("cls", "type_"), SAMPLES, ids=name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=80))
def test_any_bytes(cls: type, type_: int, data: bytes) -> None:
    check_agreement(cls, type_, data)
    if layout_of(cls).series is not None:
        header = type_.to_bytes(4, "big") + (len(data) + 8).to_bytes(4, "big")
        check_agreement(cls, type_, header + data)


@pytest.mark.parametrize(("cls", "type_"), PROJECT, ids=name)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_layout(cls: type, type_: int, data: st.DataObject) -> None:
    check(cls, type_, data)

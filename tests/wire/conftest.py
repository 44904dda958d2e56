"""The two backends: every test of behaviour runs with the interpreter and with generated code."""

from __future__ import annotations

from typing import Any

import pytest

from openstreamer.wire import decoder, encoder, interpreter


class Interpreted:
    """The slow reference."""

    name = "interpreted"

    def decode(self, cls: type, type_: int, data: bytes, start: int = 0, end: int | None = None) -> Any:
        return interpreter.decode(cls, type_, data, start, len(data) if end is None else end)

    def encode(self, value: Any, type_: int) -> bytes:
        return interpreter.encode(value, type_)


class Generated:
    """The generated code."""

    name = "generated"

    def decode(self, cls: type, type_: int, data: bytes, start: int = 0, end: int | None = None) -> Any:
        return decoder(cls, type_)(data, start, len(data) if end is None else end)

    def encode(self, value: Any, type_: int) -> bytes:
        return encoder(type(value), type_)(value)


@pytest.fixture(params=[Interpreted, Generated], ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Interpreted | Generated:
    return request.param()

"""The pytest fixtures around `LocalServer`. Loaded by pytest only; see the head of the package."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from openstreamer.testing.local_server import LocalServer


@pytest.fixture
def make_estreamer_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalServer]]:
    """A function that starts servers, each with an event log of its own; keywords as of `LocalServer`.

    They are stopped at the end of the test.
    """
    with contextlib.ExitStack() as servers:

        def make(**options: object) -> LocalServer:
            options.setdefault("directory", tmp_path_factory.mktemp("estreamer"))
            return servers.enter_context(LocalServer(**options))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def estreamer_server(make_estreamer_server: Callable[..., LocalServer]) -> LocalServer:
    """A running server without events; one client may connect, with `pkcs12` and `password`."""
    return make_estreamer_server()

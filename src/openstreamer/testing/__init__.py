"""For the tests of other programs: a real server on this machine, with a certificate and chosen events.

As a pytest fixture, in the `conftest.py` of a project:

    pytest_plugins = ["openstreamer.testing"]

and then any test may take `estreamer_server`, or `make_estreamer_server` where it needs several:

    def test_my_client(estreamer_server):
        estreamer_server.send({"event": "intrusion_event", "data": {"source_ip": "192.0.2.1"}})
        my_client.run(estreamer_server.host, estreamer_server.port, estreamer_server.pkcs12)

Without pytest, `LocalServer` is a context manager. The server is the one that `openstreamer serve` runs, over
TLS on the loopback, in a thread of the test process. Importing this loads neither pytest nor the server; they
are loaded when they are used. The page with examples is docs/testing-your-client.md.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers take for true, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

    from openstreamer.testing.fixtures import estreamer_server, make_estreamer_server
    from openstreamer.testing.local_server import EventLike, LocalServer

__all__ = ["EventLike", "LocalServer", "estreamer_server", "make_estreamer_server"]

_WHERE = {
    "EventLike": "openstreamer.testing.local_server",
    "LocalServer": "openstreamer.testing.local_server",
    "estreamer_server": "openstreamer.testing.fixtures",
    "make_estreamer_server": "openstreamer.testing.fixtures",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use; pytest finds the fixtures in this way."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

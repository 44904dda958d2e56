"""OpenStreamer, an open eStreamer system: a server that streams security events, a client that delivers them.

    import openstreamer

    with openstreamer.connect("fmc.example.com", pkcs12="client.pkcs12") as events:
        for event in events:
            print(event.id, event.data, event.names)

What stands in `__all__` is the public interface; it is loaded when first used, so that importing the
package costs next to nothing. For asyncio there is `openstreamer.aio`, for the errors
`openstreamer.errors`.
"""

from __future__ import annotations

from openstreamer.version import __version__

TYPE_CHECKING = False  # what type checkers take for true, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

    from openstreamer import aio, errors
    from openstreamer.client.api import EventStream, connect
    from openstreamer.client.hosts import hosts
    from openstreamer.client.position import Position
    from openstreamer.errors import OpenStreamerError
    from openstreamer.outputs.batch import DeliveredEvent as Event
    from openstreamer.protocol.host_profiles import ProfileEvent as HostProfile

__all__ = [
    "Event",
    "EventStream",
    "HostProfile",
    "OpenStreamerError",
    "Position",
    "__version__",
    "aio",
    "connect",
    "errors",
    "hosts",
]

_WHERE = {
    "Event": ("openstreamer.outputs.batch", "DeliveredEvent"),
    "EventStream": ("openstreamer.client.api", "EventStream"),
    "OpenStreamerError": ("openstreamer.errors", "OpenStreamerError"),
    "Position": ("openstreamer.client.position", "Position"),
    "aio": ("openstreamer.aio", None),
    "connect": ("openstreamer.client.api", "connect"),
    "HostProfile": ("openstreamer.protocol.host_profiles", "ProfileEvent"),
    "errors": ("openstreamer.errors", None),
    "hosts": ("openstreamer.client.hosts", "hosts"),
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module_name, attribute = _WHERE[name]
    module = import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

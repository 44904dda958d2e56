"""The settings of the service as the options of a conversation.

Options of `protocol.session_server` are made from the settings at every reload; what a client says of itself
in the TLS handshake is added for its connection alone. Not here: limits that the conversation knows nothing
of (connections, handshakes, stalled writes).
"""

from __future__ import annotations

import msgspec

from openstreamer.protocol.messages import ALPN_NAME
from openstreamer.protocol.selection import HeaderOptions
from openstreamer.protocol.session_server import ServerOptions
from openstreamer.server.connection import Connection
from openstreamer.server.settings import ProtocolSettings, SessionSettings


def session_options(sessions: SessionSettings, protocol: ProtocolSettings) -> ServerOptions:
    """The settings of the service as those of the conversation."""
    return ServerOptions(
        window_messages=sessions.window_messages,
        window_bundles=sessions.window_bundles,
        release_whole_window=sessions.window_release == "all",
        keep_alive=sessions.keepalive_seconds,
        request_timeout=sessions.request_seconds,
        message_limit=sessions.message_bytes,
        strict=protocol.refuse_unknown_messages,
        nearest_lower=protocol.nearest_lower_version,
        headers=HeaderOptions(
            flagged=protocol.header_flag,
            netmap=protocol.header_domain,
            zero_metadata_time=protocol.zero_metadata_time,
        ),
    )


def options_for(connection: Connection, options: ServerOptions) -> ServerOptions:
    """The options of one connection: what its client says of itself in the handshake is added."""
    if connection.chosen_protocol() != ALPN_NAME:
        return options
    headers = msgspec.structs.replace(options.headers, netmap=True)
    return msgspec.structs.replace(options, headers=headers, any_form=True)

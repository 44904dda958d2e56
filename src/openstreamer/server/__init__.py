"""The service: state directory, settings, TLS listener, sessions and inputs that run with it.

Rules: `docs/server.md`; what a session may say and when is in `openstreamer.protocol`, how events are kept
in `openstreamer.store`, who may connect in `openstreamer.authority`. This package joins the three and is
the only one that owns sockets, threads and signals. Nothing is imported here, so that commands which need
only the state directory stay quick.
"""

"""Is it well? What the threads know, gathered (`take`), judged (`reasons`), and told on a port.

Well means that events arrive where they are to: every server has said something lately, every output gets
rid of what it has. That the process exists says nothing. `/healthz` answers 200 or 503 with the reasons and
all states as JSON, `/metrics` the numbers for Prometheus. Rules: docs/run.md.
"""

from __future__ import annotations

import contextlib
import http.server
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from openstreamer.client.service.metrics import CONTENT_TYPE, exposition
from openstreamer.client.service.source import Member, Source
from openstreamer.client.service.states import OutputHealth, ServerHealth, ServiceHealth, SourceHealth
from openstreamer.client.service.worker import OutputWorker
from openstreamer.errors import TransportError

log = logging.getLogger("openstreamer.client")


def take(
    sources: Sequence[Source],
    workers: Sequence[OutputWorker],
    *,
    started: float,
    stalled: float,
    reloads: int,
) -> ServiceHealth:
    """The state of everything at this moment."""
    now = time.monotonic()
    state = ServiceHealth(
        uptime=now - started,
        reloads=reloads,
        sources=[_source(source, now) for source in sources],
        outputs=[_output(worker, sources, now) for worker in workers],
    )
    state.reasons = reasons(state, stalled)
    state.healthy = not state.reasons
    return state


def _ago(moment: float, now: float) -> float | None:
    return round(max(0.0, now - moment), 3) if moment else None


def _source(source: Source, now: float) -> SourceHealth:
    return SourceHealth(
        name=source.plan.name,
        active=source.members[source.active].plan.name,
        pair=source.plan.is_pair,
        take_overs=source.take_overs,
        take_over_gap=source.gap,
        take_over_gaps=source.gaps,
        running=now - source.started,
        servers=[_member(member, source, now) for member in source.members],
    )


def _member(member: Member, source: Source, now: float) -> ServerHealth:
    counts = member.counts
    return ServerHealth(
        name=member.plan.name,
        address=member.plan.feed.server,
        asked=source.wants(member),
        connected=member.connected,
        alive=member.is_alive(),
        message_age=_ago(member.heard, now),
        event_age=_ago(member.delivered, now),
        newest=member.newest,
        lag=round(member.lag, 3),
        waiting_for=member.waiting_for,
        trouble=member.trouble,
        sessions=member.sessions,
        received=counts.received,
        metadata=counts.metadata,
        filtered=counts.filtered,
        undecodable=counts.undecodable + counts.malformed,
        bytes=counts.bytes,
    )


def _output(worker: OutputWorker, sources: Sequence[Source], now: float) -> OutputHealth:
    lag = 0
    for source in sources:
        progress = worker.progress.get(source.plan.name)
        if progress is not None and progress.second and (len(worker.queue) or worker.condition.trouble):
            newest = max(member.newest for member in source.members)
            lag = max(lag, newest - progress.second)
    return OutputHealth(
        name=worker.plan.name,
        format=worker.plan.spec.format,
        target=worker.plan.spec.target,
        state="failing" if worker.condition.trouble else "open" if worker.opened else "opening",
        alive=worker.is_alive(),
        trouble=worker.condition.trouble,
        failing_for=round(now - worker.condition.since, 3) if worker.condition.trouble else 0.0,
        busy_for=round(now - worker.busy_since, 3) if worker.busy_since else 0.0,
        queue_bytes=worker.queue.bytes,
        queue_limit=worker.queue.limit,
        behind=bool(worker.behind),
        lag=float(max(0, lag)),
        saved_age=_ago(worker.saved_at, now),
        written=worker.writer.written,
        filtered=worker.filtered,
        dropped=worker.dropped,
        refused=worker.writer.refused,
        repeated=worker.repeated,
        retries=worker.writer.retries,
        restarts=worker.restarts,
    )


def reasons(state: ServiceHealth, stalled: float) -> list[str]:
    """Why it is not well; empty if it is."""
    found = []
    for source in state.sources:
        ages = [server.message_age for server in source.servers if server.message_age is not None]
        if any(server.waiting_for for server in source.servers):
            continue  # nothing is read just now: the output that is waited for is judged below
        age = min(ages, default=None)
        trouble = next((server.trouble for server in source.servers if server.trouble), "")
        why = f" ({trouble})" if trouble else ""
        if age is None:
            found.append(f"{source.name} has not said anything yet{why}")
        elif age > stalled:
            found.append(f"{source.name} has said nothing for {age:.0f} s{why}")
    for output in state.outputs:
        if output.failing_for > stalled:
            found.append(f"output {output.name} has failed for {output.failing_for:.0f} s ({output.trouble})")
        elif not output.trouble and output.busy_for > stalled:
            found.append(f"output {output.name} has been busy with one batch for {output.busy_for:.0f} s")
    dead = [each.name for each in state.outputs if not each.alive]
    dead += [server.name for source in state.sources for server in source.servers if not server.alive]
    found += [f"the thread of {name} has ended" for name in dead]
    return found


class HealthPort:
    """The port that answers `/healthz` and `/metrics`, in threads of its own."""

    def __init__(self, address: tuple[str, int], state: Callable[[], ServiceHealth]) -> None:
        """Listens at once.

        Raises:
            TransportError: the address cannot be used.
        """

        class Handler(_Handler):
            look = staticmethod(state)

        kind = _Server6 if ":" in address[0] else _Server
        try:
            self._server = kind(address, Handler)
        except OSError as error:
            raise TransportError(
                f"cannot listen at {address[0]}:{address[1]} for health: {error.strerror or error}"
            ) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop to answer."""
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(http.server.BaseHTTPRequestHandler):
    look: Callable[[], ServiceHealth]
    server_version = "openstreamer"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in ("/healthz", "/health", "/"):
            state = self.look()
            body = msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n"
            self._answer(200 if state.healthy else 503, "application/json", body)
        elif path == "/metrics":
            self._answer(200, CONTENT_TYPE, exposition(self.look()).encode())
        else:
            self._answer(404, "text/plain; charset=utf-8", b"there are /healthz and /metrics\n")

    do_HEAD = do_GET

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("health: " + format, *args)

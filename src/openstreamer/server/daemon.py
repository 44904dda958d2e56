"""The service as a daemon: away from the terminal, with the starter waiting until it listens.

`detach` splits the process in two. The one that was started waits and ends with the outcome; the other is
the service, in a session of its own, without a terminal. Must run before any thread is started. Rules:
`docs/manage.md`. Not here: the service (`service`) and its logging (`run`).
"""

from __future__ import annotations

import json
import os

from openstreamer.errors import OpenStreamerError
from openstreamer.server.state import StateDirectory


class Starter:
    """What the daemon tells the process that started it, once: that it listens, or why not."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def ready(self) -> None:
        """The service listens."""
        self._tell({"status": 0})

    def failed(self, error: OpenStreamerError) -> None:
        """The service could not start."""
        self._tell({"status": error.exit_status, "error": str(error)})

    def _tell(self, outcome: dict[str, object]) -> None:
        if self._descriptor is not None:
            try:
                os.write(self._descriptor, json.dumps(outcome).encode())
            except BrokenPipeError:
                pass  # nobody waits any more
            os.close(self._descriptor)
            self._descriptor = None


def detach(state: StateDirectory) -> Starter | None:
    """Become a daemon. Returns the way to the starter in the daemon, and None in the starter.

    In the starter it returns once the service listens, and raises OpenStreamerError with the service's
    sentence and exit status if it does not come to that.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as pipe:
            outcome = pipe.read()
        _raise_failure(state, outcome)
        return None
    os.close(reading)
    os.setsid()
    if os.fork():
        os._exit(0)  # so that the service leads no session and never gets a terminal
    os.umask(0o077)
    nothing = os.open(os.devnull, os.O_RDWR)
    # Whatever is not written by the log (a fault of the interpreter, say) must not get lost.
    output = os.open(state.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    os.close(nothing)
    os.close(output)
    return Starter(writing)


def _raise_failure(state: StateDirectory, outcome: bytes) -> None:
    try:
        parsed = json.loads(outcome)
    except ValueError:
        parsed = {"status": 1, "error": f"the service ended before it listened; see {state.log}"}
    if parsed["status"]:
        error = OpenStreamerError(parsed["error"])
        error.exit_status = parsed["status"]
        raise error

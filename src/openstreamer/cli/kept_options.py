"""The service's options that `manage start` keeps for later starts, by hand or by systemd.

Not here: starting it (`manage`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openstreamer.errors import StateError, UsageError

if TYPE_CHECKING:
    from openstreamer.server.state import StateDirectory


def read_kept(state: StateDirectory) -> dict[str, Any]:
    """`options` of earlier starts and the `directory` they were given in. Raises StateError."""
    try:
        kept = json.loads(state.options.read_bytes())
        options, directory = kept["options"], kept["directory"]
        if isinstance(directory, str) and all(isinstance(option, str) for option in options):
            return {"options": list(options), "directory": directory}
    except FileNotFoundError:
        return {"options": [], "directory": str(state.path)}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise StateError(f"{state.options} cannot be read; 'openstreamer manage start --forget' makes it anew")


def write_kept(state: StateDirectory, kept: dict[str, Any]) -> None:
    """Keep options for later starts, readable to the owner of the state directory also where root does it."""
    from openstreamer.server.state import write_private

    write_private(state.options, json.dumps(kept).encode() + b"\n")
    if os.geteuid() == 0:
        owner = state.path.stat()
        os.chown(state.options, owner.st_uid, owner.st_gid)


def check_options(options: Sequence[str]) -> None:
    """UsageError unless these are options of `serve` that a managed service can have."""
    from openstreamer.cli import serve

    context = serve.command.make_context("openstreamer serve", list(options))
    for name in ("state", "daemon", "nodaemon", "kept"):
        if context.params[name]:
            raise UsageError(f"--{name} cannot be passed to a managed service")


def run_kept(state: Path | None) -> int:
    """Run the service in the foreground with the options that were kept, as the systemd unit does."""
    from openstreamer.cli import serve
    from openstreamer.server.state import open_state

    directory = open_state(state)
    kept = read_kept(directory)
    check_options(kept["options"])
    try:
        os.chdir(kept["directory"])
    except OSError as error:
        raise StateError(f"cannot start in {kept['directory']}: {error.strerror}") from error
    words = ["--state", str(directory.path), *kept["options"]]
    with serve.command.make_context("openstreamer serve", words) as context:
        status: int = serve.command.invoke(context)
    return status

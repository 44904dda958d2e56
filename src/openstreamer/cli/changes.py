"""Changes that commands make, for the audit log. Rules: `docs/web.md`, "Audit log"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openstreamer.authority import Authority
    from openstreamer.server.state import StateDirectory


def note_change(authority: Authority, action: str, **details: Any) -> None:
    """Write down that this command changed something, and who gave it."""
    from openstreamer.server.state import StateDirectory

    note_in(StateDirectory(authority.directory.parent), action, **details)


def note_in(state: StateDirectory, action: str, **details: Any) -> None:
    """The same, for a command that does not open the authority."""
    from openstreamer.server.audit import COMMAND, AuditLog, system_user

    AuditLog(state.audit).write(COMMAND, action, user=system_user(), **details)

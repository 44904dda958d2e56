"""Changes that commands make, for the audit log. Rules: `docs/web.md`, "Audit log"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openstreamer.authority import Authority


def note_change(authority: Authority, action: str, **details: Any) -> None:
    """Write down that this command changed something, and who gave it."""
    from openstreamer.server.audit import COMMAND, AuditLog, system_user
    from openstreamer.server.state import StateDirectory

    path = StateDirectory(authority.directory.parent).audit
    AuditLog(path).write(COMMAND, action, user=system_user(), **details)

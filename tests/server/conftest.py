"""Fixtures of the server's tests."""

from __future__ import annotations

from support.live_service import start, template

__all__ = ["start", "template"]

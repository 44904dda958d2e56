"""Fixtures of the inputs' tests: a service to read from and to feed."""

from __future__ import annotations

from support.live_service import start, template

__all__ = ["start", "template"]

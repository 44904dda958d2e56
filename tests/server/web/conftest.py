"""Fixtures of the tests of the web pages: a service with pages, and browsers on it."""

from __future__ import annotations

import pytest

from support.live_service import LiveService, Start, start, template
from support.web_client import WebClient, logged_in, start_with_pages

__all__ = ["start", "template"]


@pytest.fixture
def live(start: Start) -> LiveService:
    return start_with_pages(start)


@pytest.fixture
def browser(live: LiveService) -> WebClient:
    """One that is logged in."""
    return logged_in(live)


@pytest.fixture
def stranger(live: LiveService) -> WebClient:
    return WebClient(live)

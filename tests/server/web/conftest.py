"""Fixtures of the tests of the web pages: a service with pages, and browsers on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.live_service import LiveService, Start, Template, start, starter, template
from support.web_client import WebClient, logged_in, start_with_pages

__all__ = ["start", "template"]


@pytest.fixture
def live(start: Start) -> LiveService:
    return start_with_pages(start)


@pytest.fixture(scope="module")
def shared_live(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """One service for the many tests of a module that change nothing."""
    with starter(template, tmp_path_factory.mktemp("shared")) as start:
        yield start_with_pages(start)


@pytest.fixture
def browser(live: LiveService) -> WebClient:
    """One that is logged in."""
    return logged_in(live)


@pytest.fixture
def stranger(live: LiveService) -> WebClient:
    return WebClient(live)

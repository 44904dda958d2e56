"""Certificates and services of these tests, made once for all of them."""

from __future__ import annotations

import pytest

from support.live_service import Template, start, template

__all__ = ["certificates", "start", "template"]


@pytest.fixture(scope="session")
def certificates(template: Template) -> Template:
    """The same as `template`, for tests that have another thing of that name."""
    return template

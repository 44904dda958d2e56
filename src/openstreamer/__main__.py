"""`python -m openstreamer`: the same as the command."""

from __future__ import annotations

from openstreamer.cli import main

main()

"""What holds for the whole suite: where it is asked to, a test skipped for want of a program fails it."""

from __future__ import annotations

import os

import pytest

STRICT = "OPENSTREAMER_NO_SKIPS"
"""Environment variable that turns a skip for a missing program into a failure."""

ALLOWED = ("not in this checkout", "not permitted here")
"""Openings of the reasons that are fine everywhere: data beside the repository, rights of the machine."""

_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED):
            _skipped.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get(STRICT) and _skipped and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get(STRICT) and _skipped:
        terminalreporter.section(f"skipped although {STRICT} is set", red=True)
        for line in _skipped:
            terminalreporter.line(line)

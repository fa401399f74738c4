"""A pytest plugin: with REQUIRE_BROWSER=1, a browser test that is skipped has failed. A CI without a browser says so."""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip of a test marked `browser` into a failure that names its reason."""
    report = yield
    if report.skipped and item.get_closest_marker("browser") and os.environ.get("REQUIRE_BROWSER") == "1":
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_BROWSER=1, and this was skipped: {report.longrepr}"
    return report

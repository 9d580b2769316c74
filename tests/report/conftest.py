"""One page for all tests of what is on it."""

import pytest

from runner.bench.report import page
from tests.report import browser
from tests.report.made import quality_records, speed_records, with_few_runs


@pytest.fixture(scope="session")
def html() -> str:
    """A report on four models, their speed and their answers."""
    speeds = [with_few_runs(record) for record in speed_records()[:4]]
    return page([*speeds, *quality_records()[:4]])


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> browser.Browser:
    """A browser without a network."""
    return browser.find(tmp_path_factory.mktemp("browser"))

"""Fixtures that several test folders share."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from expectations.contracts.tables import TABLES
from expectations.table_contract import TableContract
from tasks.lake.layout import Lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, those with more of them before: two processes end at nearly the same time."""
    n_slow = Counter(item.path for item in items if item.get_closest_marker("slow") is not None)
    items.sort(key=lambda item: -n_slow[item.path])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in a folder of its own."""
    return Lake.open(tmp_path / "home")


@pytest.fixture
def tables() -> Iterator[dict[str, TableContract]]:
    """The contracts of all tables, as a test would have them; afterwards they are what they were, in their order."""
    before = dict(TABLES)
    yield TABLES
    TABLES.clear()
    TABLES.update(before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the real data in ../shared, which is not here")
    return folder


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's test harness, once a session, with a home of its own; no heartbeat, which costs a second a flow."""
    from prefect.settings import (  # noqa: PLC0415  # the pure suite never pays Prefect's import
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_HOME,
        PREFECT_SERVER_ANALYTICS_ENABLED,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415

    settings = {
        PREFECT_HOME: tmp_path_factory.mktemp("prefect"),
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
    }
    with temporary_settings(settings), prefect_test_harness(server_startup_timeout=120):
        yield

"""A small lake, published twice, and the command line called in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Ended, publish_shore

from tidemill.__main__ import exit_status
from tidemill.children import free_port as find_port


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Calls `tidemill ARGUMENTS…`."""

    def called(*arguments: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["tidemill", *arguments])
        status = exit_status()
        return Ended(status, *capsys.readouterr())

    return called


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two snapshots, not to be changed."""
    return publish_shore(tmp_path_factory.mktemp("published") / "home")


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    return find_port()

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.children import free_port as find_port
from tidemill.prefect_home import LOG_BYTES, PrefectHome, rotate

ROOT = Path(__file__).resolve().parents[2]
FLOWS_THAT_CALL_FLOWS = """
import sys
from pathlib import Path
import httpx
from tidemill.prefect_home import PrefectHome, PrefectSession

refused = []

def note(send):
    def noting(response):
        if response.status_code == 503:
            refused.append(str(response.request.url))
        return response

    async def waiting(client, *arguments, **more):
        return noting(await send(client, *arguments, **more))

    def sending(client, *arguments, **more):
        return noting(send(client, *arguments, **more))

    return waiting if send is httpx.AsyncClient.send else sending

httpx.AsyncClient.send, httpx.Client.send = note(httpx.AsyncClient.send), note(httpx.Client.send)
with PrefectSession(PrefectHome.of(Path(sys.argv[1]))) as session:
    session.start()
    session.wait()
    from prefect import flow, task
    from prefect.artifacts import create_table_artifact
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    @task
    def work(number):
        return number

    @flow
    def called():
        for number in range(10):
            work(number)
        create_table_artifact([{"a": 1}], key="table")

    @flow
    def calling():
        for _ in range(8):
            called()

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        calling()
print(len(refused))
"""


@pytest.mark.slow
def test_the_server_of_a_run_never_refuses_because_somebody_else_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FLOWS_THAT_CALL_FLOWS, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "0\n"), ended.stderr


def test_the_environment_holds_what_the_user_said_where_he_said_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    environment = PrefectHome.of(tmp_path).environment(PREFECT_API_URL="http://here/api")
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "true"
    assert environment["DO_NOT_TRACK"] == "1"
    assert environment["PREFECT_HOME"] == str(tmp_path.resolve() / "prefect")
    assert environment["PREFECT_API_URL"] == "http://here/api"
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"api_url": 3}', json.dumps({"api_url": f"http://127.0.0.1:{find_port()}/api"})],
    ids=["nothing", "half", "list", "number", "port_without_server"],
)
def test_what_a_killed_serve_left_behind_is_not_taken_for_a_server(tmp_path: Path, content: str) -> None:
    home = PrefectHome.of(tmp_path)
    home.folder.mkdir()
    home.address_file.write_text(content)
    assert home.served_url() is None


def test_a_log_that_has_grown_long_is_set_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    rotate(log)
    log.write_bytes(b"x" * LOG_BYTES)
    rotate(log)
    assert log.exists()
    log.write_bytes(b"y" * (LOG_BYTES + 1))
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "run.old.log").read_bytes()[:1] == b"y"

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from expectations.contracts.documents import DOCUMENTS
from flows.maintain import maintain
from tasks.lake.files import write_table
from tasks.lake.layout import Lake
from tasks.lake.manifests import snapshot_ids
from tasks.lake.publishing import publish
from tasks.lake.stages import StageRecord

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


def publish_working_file(lake: Lake, text: str) -> None:
    """A snapshot that differs from every other."""
    working = (write_table(lake, "texts", pa.table({"text": [text]})),)
    publish(
        lake,
        [StageRecord("documents", {"documents": (write_table(lake, "documents", DOCUMENTS.empty()),)}, working, 1, 0)],
        "run",
    )


def test_maintain_keeps_the_last_snapshots_and_tells_what_it_removed(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "home")
    for text in ("one", "two", "three"):
        publish_working_file(lake, text)
    maintain(str(lake.home), keep_snapshots=2)
    assert snapshot_ids(lake) == ["000002", "000003"]
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["vacuum"])))
    assert '"snapshots": "000001"' in str(artifact.data)
    rows = [row for path in lake.ops.glob("runs/*/*.parquet") for row in pq.read_table(path).to_pylist()]
    assert [(row["flow"], row["status"]) for row in rows] == [("maintain", "completed")]

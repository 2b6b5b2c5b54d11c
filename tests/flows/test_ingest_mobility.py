from pathlib import Path

import pyarrow.compute as pc
import pytest
from support.mobility_stage import HEADER, line, put

from data.samples.make_figures import ALPHA3
from flows.ingest_mobility import ingest_mobility
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import read_stage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]
SAMPLES = Path(__file__).resolve().parents[2] / "data" / "sources"


def _artifact_rows():
    from prefect.client.orchestration import get_client  # noqa: PLC0415  # the client of the harness
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey  # noqa: PLC0415  # the same

    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["mobility"])))


def test_samples_become_tables_and_a_second_run_does_nothing(tmp_path):
    first = ingest_mobility(home=str(tmp_path), sources=str(SAMPLES), engine="threads")
    lake = Lake.open(tmp_path)
    countries = {
        code
        for ref in first.tables["mobility"]
        for code in read_table(lake, ref, ["country_code"])["country_code"].to_pylist()
    }
    assert countries == set(ALPHA3)
    national = [
        read_table(lake, ref).filter(
            (pc.field("region_id") == pc.field("country_code")) & (pc.field("category") == "parks")
        )
        for ref in first.tables["mobility"]
    ]
    # 51 countries whole, Sweden without the second half of 2020, 11 until May 2020.
    assert sum(rows.num_rows for rows in national) == 51 * 476 + (137 + 155) + 11 * 97
    joined = read_table(lake, first.tables["mobility_policy"], ["stringency_index"])
    assert (joined.num_rows, joined["stringency_index"].null_count) == (len(countries) * 547, 0)
    assert first == read_stage(lake, "mobility")
    second = ingest_mobility(home=str(tmp_path), sources=str(SAMPLES), engine="threads")
    assert (second.n_steps_run, second.n_steps_skipped) == (0, first.n_steps_run)
    assert second.tables == first.tables


def test_artifact_tells_rows_in_out_and_set_aside_of_each_source(tmp_path):
    good, bad = line("SE", "Sweden", "2020-03-01", 1), line("SE", "Sweden", "2020-03-02", "lots")
    put(tmp_path / "in", {"report.csv": f"{HEADER}\n{good}\n{bad}\n"})
    ingest_mobility(home=str(tmp_path / "home"), sources=str(tmp_path / "in"), engine="threads")
    tables = [artifact.data for artifact in _artifact_rows()]
    assert any(
        '"rows in": 2' in table and '"rows out": 1' in table and "change_pct_not_a_number: 1" in table
        for table in tables
    )

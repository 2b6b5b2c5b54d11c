from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from expectations.contracts import MOBILITY, POLICY
from models.regimes import RegimeSettings
from tasks.lake.files import read_table, write_table
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish
from tasks.lake.stages import STAGE_TABLES, StageRecord
from tasks.lake.steps import do
from tasks.model_store import read_model
from tasks.regimes import fit_hmm_body, hmm_works, plan_hmm

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), n_states=2)


def mobility_rows(region_id: str, n_days: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(3)
    rows = []
    for n in range(n_days):
        low = n >= n_days // 2
        for category, change in (("workplaces", -60.0 if low else 0.0), ("residential", 25.0 if low else 0.0)):
            rows.append(
                {
                    "region_id": region_id, "observed_on": date(2020, 2, 15) + timedelta(days=n), "category": category,
                    "country_code": region_id[:2], "country": "Sweden", "change_pct": change + float(rng.normal(0, 3)), "vintage": "0" * 12,
                }
            )  # fmt: skip
    return rows


def publish_mobility(lake: Lake, *regions: tuple[str, int]) -> None:
    rows = [row for region in regions for row in mobility_rows(*region)]
    policy = [
        {
            "region_id": "SE",
            "observed_on": row["observed_on"],
            "country_code": "SE",
            "containment_health_index": 5.0 + n / 10,
            "vintage": "0" * 12,
        }
        for n, row in enumerate(rows[::2])
        if row["region_id"] == "SE"
    ]
    tables = {
        "mobility": pa.Table.from_pylist(rows, schema=MOBILITY.arrow_schema()),
        "policy": pa.Table.from_pylist(policy, schema=POLICY.arrow_schema()),
    }
    files = {name: (write_table(lake, name, tables[name]),) if name in tables else () for name in STAGE_TABLES["mobility"]}
    publish(lake, [StageRecord("mobility", files, (), 1, 0)], "run")


def test_regimes_scores_and_model_are_left(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80), ("SE/Skåne", 10))
    (work,) = hmm_works(lake, SETTINGS)
    record = do(lake, work, fit_hmm_body)
    regimes = read_table(lake, record.files_of("regimes"))
    assert regimes["label"].to_pylist() == ["baseline"] * 40 + ["lockdown"] * 40
    assert (record.n_rows_in, record.n_rows_out, record.set_aside) == (90, 80, {"fewer_than_60_days": 10})
    (model,) = read_table(lake, record.files_of("models")).to_pylist()
    assert model["snapshot_id"] == "000001"
    tensors, card = read_model(lake, model["model_id"])
    assert tensors["means"].shape == (2, 2)
    assert card["notes"]["states"] == ["baseline", "lockdown"]
    scores = {(row["metric"], row["split"]): row for row in read_table(lake, record.files_of("scores")).to_pylist()}
    fit = scores["log_likelihood_per_day", "all_days"]
    assert fit["value"] > fit["baseline_value"]
    assert scores["rank_correlation_with_containment_health_index", "SE"]["value"] > 0.5


def test_a_second_fit_stands_and_the_plan_is_empty(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    assert [line.reason for line in plan_hmm(lake, SETTINGS)] == ["new"]
    (work,) = hmm_works(lake, SETTINGS)
    do(lake, work, fit_hmm_body)
    assert plan_hmm(lake, SETTINGS) == []
    assert do(lake, work, fit_hmm_body).was_standing


@pytest.mark.parametrize(("regions", "rule"), [((), "no_mobility_published"), ((("SE", 20),), "fewer_than_60_days")])
def test_too_little_mobility_is_a_line_in_the_ledger_and_no_model(lake: Lake, regions: tuple[tuple[str, int], ...], rule: str) -> None:
    publish_mobility(lake, *regions)
    (work,) = hmm_works(lake, SETTINGS)
    record = do(lake, work, fit_hmm_body)
    (line,) = read_table(lake, record.files_of("ops.ledger")).to_pylist()
    assert (line["outcome"], line["rule"]) == ("skipped", rule)
    assert not record.files_of("models")


def test_nothing_published_is_nothing_to_do(lake: Lake) -> None:
    assert hmm_works(lake, SETTINGS) == []
    assert plan_hmm(lake, SETTINGS) == []

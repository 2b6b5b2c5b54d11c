from dataclasses import replace
from datetime import date

from support.chains import publish_chain
from support.published import publish_mobility
from support.sections import section_values

from models.regimes.regimes import RegimeSettings
from tasks.lake.layout import Lake
from tasks.lake.publishing import read_manifest
from tasks.regimes.stage import CHAIN
from tasks.report.page import build_report

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), most_states=3)


def test_regimes_are_shown_with_their_days_moves_curves_and_agreement(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish_chain(lake, CHAIN, SETTINGS)
    shown = section_values(lake, "regimes")
    (model,) = shown["models"]
    assert model["moves"][0]["from"] == "baseline"
    for row in model["moves"]:
        assert abs(sum(value for name, value in row.items() if name.startswith("to ")) - 1) < 1e-6
    days, curve, criteria = (str(chart.svg) for chart in model["charts"])
    assert "<title>Sweden: baseline from 2020-02-15" in days
    assert "iteration" in curve
    assert "number of states" in criteria
    assert {row["region"] for row in model["agreements"]} == {"SE", "pooled"}
    assert sum(row["n_days"] for row in shown["spent"]) == 80
    (change,) = shown["changes"]
    after_40_days = date(2020, 3, 26)
    assert (change["day"], change["from_state"], change["to_state"]) == (after_40_days, "baseline", "lockdown")
    assert "<td>baseline</td>" in build_report(lake).read_text()


def test_a_model_whose_files_cannot_be_read_is_shown_as_far_as_it_goes(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish_chain(lake, CHAIN, replace(SETTINGS, n_states=2))
    manifest = read_manifest(lake)
    assert manifest is not None
    for ref in manifest.stages["hmm"].working:
        if ref.table == "model_files":
            lake.locate(ref.path).write_bytes(b"damaged")
    (model,) = section_values(lake, "regimes")["models"]
    assert model["moves"] == []
    assert dict(model["facts"])["region-days"] is None
    assert "baseline" not in model["charts"][0].svg  # the states have numbers, their names are gone
    assert "EM converged" in build_report(lake).read_text()


def test_without_regimes_the_section_says_so(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 5))
    assert "No regimes are published." in build_report(lake).read_text()

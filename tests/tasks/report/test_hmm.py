from dataclasses import replace
from datetime import date

from support.published import publish_mobility
from support.regime_stage import leave_regimes
from support.tagger_stage import leave_taggers, publish_treebank

from models.regimes.regimes import RegimeSettings
from tasks.lake.layout import Lake
from tasks.lake.publishing import publish, read_manifest
from tasks.lake.warehouse import connect
from tasks.report.hmm import confusion_rows, section
from tasks.report.page import build_report

SETTINGS = RegimeSettings(categories=("workplaces", "residential"), most_states=3)


def test_regimes_are_shown_with_their_days_moves_curves_and_agreement(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish(lake, [leave_regimes(lake, SETTINGS)], "run")
    with connect(lake) as warehouse:
        (model,) = section(lake, warehouse, {"SE": "Sweden"})["regimes"]
    assert model["moves"][0]["from"] == "baseline"
    assert all(
        abs(sum(value for name, value in row.items() if name.startswith("to ")) - 1) < 1e-6 for row in model["moves"]
    )
    days, curve, criteria = (str(chart["svg"]) for chart in model["charts"])
    assert "<title>Sweden: baseline from 2020-02-15" in days
    assert "iteration" in curve
    assert "number of states" in criteria
    assert {row["region"] for row in model["agreements"]} == {"SE", "pooled"}
    assert sum(row["n_days"] for row in model["spent"]) == 80
    (change,) = model["changes"]
    assert (change["day"], change["from_state"], change["to_state"]) == (
        date(2020, 3, 26),
        "baseline",
        "lockdown",
    )  # after 40 days
    page = build_report(lake).read_text()
    assert "Regimes of mobility" in page
    assert "No tagger is published" in page


def test_taggers_are_shown_with_what_they_take_for_what(lake: Lake) -> None:
    publish_treebank(lake, 60)
    publish(lake, [leave_taggers(lake)], "run")
    with connect(lake) as warehouse:
        (model,) = section(lake, warehouse, {})["taggers"]
    assert (model["lang"], dict(model["facts"])["parts of speech right"]) == (
        "en",
        "1.000 (most frequent tag of each word: 1.000)",
    )
    assert {row["tag"] for row in model["confusions"]} == {"DET", "NOUN", "PUNCT", "VERB"}
    page = build_report(lake).read_text()
    assert "What is taken for what, en" in page
    assert "No regimes are published" in page


def test_a_row_of_confusions_accounts_for_every_token_of_its_tag() -> None:
    by_tag = [["NOUN", 0.8, 0.7, 10], ["VERB", 0.5, 1.0, 2], ["X", 0.0, None, 0]]
    noun, verb = confusion_rows(by_tag, [["NOUN", "VERB", 2], ["NOUN", "X", 1]])
    assert [cell["n"] for cell in noun["cells"]] == [7, 2]
    assert noun["n_others"] == 1
    assert ([cell["n"] for cell in verb["cells"]], verb["n_others"]) == ([0, 2], 0)
    assert [cell["is_right"] for cell in noun["cells"]] == [True, False]


def test_a_model_whose_files_cannot_be_read_is_shown_as_far_as_it_goes(lake: Lake) -> None:
    publish_mobility(lake, ("SE", 80))
    publish(lake, [leave_regimes(lake, replace(SETTINGS, n_states=2))], "run")
    manifest = read_manifest(lake)
    assert manifest is not None
    for ref in manifest.stages["hmm"].working:
        if ref.table == "model_files":
            lake.locate(ref.path).write_bytes(b"damaged")
    assert "Regimes of mobility" in build_report(lake).read_text()

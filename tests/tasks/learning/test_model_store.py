import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from support.lake_rows import plain_rows, stage_of

from tasks.lake.files import digest_file, read_table
from tasks.lake.layout import Lake, LakeError
from tasks.lake.publishing import publish
from tasks.learning.model_store import Score, TrainedModel, read_model, write_model

MODEL = TrainedModel(
    kind="word2vec",
    lang="de",
    seed=3,
    settings={"n_dimensions": 2},
    snapshot_id="000001",
    inputs=("digest a", "digest b"),
    tensors={"vectors": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), "bias": np.array(0.5)},
    scores=(Score("loss", "test", 0.25, "uniform", 0.5, better="lower"), Score("n_words", "all", 2.0)),
    notes={"curve": [1.0, 0.5]},
)


def test_a_model_comes_back_as_it_was_kept(lake: Lake) -> None:
    write_model(lake, MODEL)
    tensors, card = read_model(lake, MODEL.model_id)
    assert tensors.keys() == MODEL.tensors.keys()
    for name, array in MODEL.tensors.items():
        np.testing.assert_array_equal(
            tensors[name], array, strict=True
        )  # shape and type too: a single number stays one
    assert card["settings"] == {"n_dimensions": 2}
    assert card["inputs"] == ["digest a", "digest b"]
    assert card["notes"] == {"curve": [1.0, 0.5]}
    assert card["scores"][0] == {
        "metric": "loss",
        "split": "test",
        "value": 0.25,
        "baseline": "uniform",
        "baseline_value": 0.5,
        "better": "lower",
        "target": None,
    }
    assert card["tensors"] == {"vectors": [2, 2], "bias": []}
    assert datetime.fromisoformat(card["trained_at"]).tzinfo == UTC


def test_its_rows_say_where_it_is_and_what_it_was_made_of(lake: Lake) -> None:
    weights, card, models, scores = write_model(lake, MODEL)
    (row,) = read_table(lake, models).to_pylist()
    assert (row["model_id"], row["kind"], row["lang"], row["seed"]) == (MODEL.model_id, "word2vec", "de", 3)
    assert (row["snapshot_id"], json.loads(row["settings"]), row["is_champion"]) == (
        "000001",
        {"n_dimensions": 2},
        True,
    )
    assert row["data_sha256"] == hashlib.sha256(b"digest a\ndigest b").hexdigest()
    assert (weights.path, card.path) == (f"{row['path']}/model.safetensors", f"{row['path']}/card.json")
    told = {line["metric"]: (line["value"], line["baseline"]) for line in read_table(lake, scores).to_pylist()}
    assert told == {"loss": (0.25, "uniform"), "n_words": (2.0, None)}
    for ref in (weights, card):
        assert (ref.table, ref.sha256) == ("model_files", digest_file(lake.locate(ref.path)))
        assert ref.n_bytes == lake.locate(ref.path).stat().st_size


def test_a_name_tells_models_apart() -> None:
    assert MODEL.model_id.startswith("word2vec-de-")
    assert replace(MODEL, lang=None).model_id.startswith("word2vec-")
    assert (
        replace(MODEL, notes={}, scores=(), snapshot_id="000002").model_id == MODEL.model_id
    )  # the same weights from the same data
    others = [
        replace(MODEL, inputs=("digest a",)),
        replace(MODEL, settings={"n_dimensions": 3}),
        replace(MODEL, seed=4),
        replace(MODEL, tensors={**MODEL.tensors, "bias": np.array(0.6)}),
        replace(MODEL, tensors={**MODEL.tensors, "bias": np.array([0.5])}),
    ]
    assert len({MODEL.model_id, *(other.model_id for other in others)}) == 6
    columns_first = {**MODEL.tensors, "vectors": np.asfortranarray(MODEL.tensors["vectors"])}
    assert replace(MODEL, tensors=columns_first).model_id == MODEL.model_id


def test_what_an_older_snapshot_points_to_never_changes(lake: Lake) -> None:
    for note in ("first", "second"):
        weights, card, models, scores = write_model(lake, replace(MODEL, notes={"note": note}))
        publish(lake, [stage_of("embeddings", models, scores, working=[weights, card])], note)
    notes = []
    for snapshot_id in ("000001", "000002"):
        ((folder,),) = plain_rows(lake.snapshots / snapshot_id / "warehouse.duckdb", "SELECT path FROM models")
        notes.append(json.loads((lake.locate(folder) / "card.json").read_bytes())["notes"]["note"])
    assert notes == ["first", "second"]
    assert read_model(lake, MODEL.model_id)[1]["notes"] == {"note": "second"}


def test_a_model_that_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(FileNotFoundError, match="no model is called word2vec-de-0"):
        read_model(lake, "word2vec-de-0")
    with pytest.raises(LakeError, match="leaves the home"):
        read_model(lake, "../../secret")


@pytest.mark.parametrize("name", ["model.safetensors", "card.json"])
def test_damaged_files_are_one_sentence_with_the_remedy(lake: Lake, name: str) -> None:
    folder = lake.locate(write_model(lake, MODEL)[0].path).parent
    (folder / name).write_bytes(b"{")
    with pytest.raises(LakeError, match=rf"the model {MODEL.model_id} is damaged .*: run `tidemill doctor`"):
        read_model(lake, MODEL.model_id)

"""A folder of declarations: all of them by name, or one clear refusal."""

from pathlib import Path

import pytest

from tasks.intake.sources import load_sources
from tasks.transforms.records.source_format import SourceError

TEXT = "name: {}\nkind: text\nlocation: '*.txt'\nlicence: CC0-1.0\nproducer: us\n"


def refusal(folder: Path) -> str:
    with pytest.raises(SourceError) as caught:
        load_sources(folder)
    return str(caught.value)


def test_sources_come_by_name_with_their_folder(tmp_path):
    (tmp_path / "1.yaml").write_text(TEXT.format("b"))
    (tmp_path / "2.yml").write_text(TEXT.format("a"))
    (tmp_path / "notes.txt").write_text("no declaration")
    assert [(source.name, source.folder) for source in load_sources(tmp_path)] == [
        ("a", str(tmp_path)),
        ("b", str(tmp_path)),
    ]


def test_a_missing_folder_and_an_empty_one_say_what_to_do(tmp_path):
    assert "no folder of sources at" in refusal(tmp_path / "nowhere")
    assert "add a YAML file for each" in refusal(tmp_path)


def test_two_sources_of_one_name_name_both_files(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT.format("same"))
    (tmp_path / "b.yaml").write_text("# a comment\n" + TEXT.format("same"))
    assert (
        refusal(tmp_path)
        == f"{tmp_path / 'b.yaml'}, line 2: the name `same` is taken by {tmp_path / 'a.yaml'}: choose another"
    )


def test_all_faults_are_told_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT.format("Wrong"))
    (tmp_path / "b.yaml").write_bytes(TEXT.format("b").replace("us", "M\xfcller").encode("latin-1"))
    (tmp_path / "c.yaml").write_text("x" * 1_000_001)
    lines = refusal(tmp_path).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{tmp_path / 'a.yaml'}, line 1",
        f"{tmp_path / 'b.yaml'}, line 5",
        f"{tmp_path / 'c.yaml'}, line 1",
    ]
    assert "save it as UTF-8" in lines[1]


@pytest.mark.parametrize(("folder", "n_sources"), [("small", 10), ("large", 8)])
def test_the_real_declarations_load(shared, folder, n_sources):
    assert len(load_sources(shared / "sources" / folder)) == n_sources

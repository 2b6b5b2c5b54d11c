from pathlib import Path

import pytest
from support.mobility_stage import put

from tasks.intake.corrections import CORRECTIONS, folders_of, load_corrections
from tasks.intake.fetch import fetch_source
from tasks.intake.vintages import FetchedSource
from tasks.transforms.records.corrections import CorrectionError

TEXT = """
name: parks
table: mobility
where: {region_id: SE, category: parks, observed_on: 2020-03-01}
was: {change_pct: 1350.0}
becomes: {change_pct: 13.5}
reason: decimal point lost
authority: the publisher
n_rows: 1
"""


def test_corrections_are_loaded_by_name_and_each_name_once(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, name in ((one, "parks"), (other, "other")):
        folder.mkdir()
        (folder / "a.yaml").write_text(TEXT.replace("name: parks", f"name: {name}"))
    assert [correction.name for correction in load_corrections([one, other, tmp_path / "none"])] == ["other", "parks"]
    (other / "c.yml").write_text(TEXT)
    with pytest.raises(CorrectionError, match=r"c\.yml: another correction is called parks"):
        load_corrections([one, other])


def test_a_correction_that_is_no_text_is_refused_by_name(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"name: \xff")
    with pytest.raises(CorrectionError, match=r"a\.yaml cannot be read"):
        load_corrections([tmp_path])


def test_corrections_lie_in_the_package_and_beside_the_declarations(lake, tmp_path):
    sources = put(tmp_path / "in", {"report.csv": ""})
    fetched = [FetchedSource(source, fetch_source(lake, source)) for source in sources]
    assert folders_of(fetched) == [CORRECTIONS, Path(tmp_path, "in", "corrections").resolve()]


def test_corrections_that_lie_here_are_whole():
    load_corrections([CORRECTIONS])

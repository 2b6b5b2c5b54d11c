import gzip
from datetime import date

import pytest
from support.mobility_stage import HEADER, line, put, run_stage

STRINGENCY = "CountryCode,CountryName,RegionCode,RegionName,CityCode,CityName,Jurisdiction,01Jan2020,02Jan2020\n"


def test_indices_of_several_files_stand_in_one_row(lake, tmp_path):
    files = {
        "index_stringency.csv": ",,01jan2020\nSweden,SWE,10\n",
        "index_containmenthealth.csv": ",,01jan2020\nSweden,SWE,.\nKosovo,RKS,5\n",
    }
    rows = run_stage(lake, put(tmp_path / "in", files)).rows("policy").to_pylist()
    named = ("region_id", "country_code", "stringency_index", "containment_health_index")
    assert [tuple(row[name] for name in named) for row in rows] == [("SE", "SE", 10, None), ("XK", "XK", None, 5)]


def test_states_carry_the_identifier_that_mobility_gives_them(lake, tmp_path):
    files = {
        "report.csv": f"{HEADER}\n{line('US', 'United States', '2020-03-01', 1, part='California')}\n",
        "index_stringency.csv": STRINGENCY + "USA,United States,US_CA,California,,,STATE_TOTAL,1,2\n",
    }
    stage = run_stage(lake, put(tmp_path / "in", files))
    assert (
        set(stage.rows("policy")["region_id"].to_pylist())
        == set(stage.rows("mobility")["region_id"].to_pylist())
        == {"US/California"}
    )
    assert stage.rows("mobility_policy").num_rows == 0


def test_later_vintage_wins_and_the_ledger_tells_by_how_much(lake, tmp_path):
    files = {
        "index_stringency_b.csv": ",,01jan2020,02jan2020\nSweden,SWE,10,.\n",
        "index_stringency_a.csv": ",,01jan2020,02jan2020\nSweden,SWE,14,20\n",
    }
    stage = run_stage(lake, put(tmp_path / "in", files))
    assert stage.rows("policy")["stringency_index"].to_pylist() == [14, 20]
    assert stage.set_aside("write_policy") == {"superseded": 2}
    (revised,) = [row for row in stage.rows("ops.ledger").to_pylist() if row["rule"] == "revised_by_later_vintage"]
    assert ("index_stringency_b.csv" in revised["subject"], revised["n_rows_out"], revised["score"]) == (True, 2, 4.0)


def test_packed_file_is_known_by_its_name_and_a_row_on_one_side_joins_nothing(lake, tmp_path):
    files = {
        "report.csv": f"{HEADER}\n{line('SE', 'Sweden', '2020-03-01', 1, 2, 3, 4, 5, 6)}\n",
        "index_economicsupport.csv.gz": gzip.compress(b",,01mar2020,02mar2020\nSweden,SWE,37.5,50\n"),
    }
    rows = [
        tuple(row.values()) for row in run_stage(lake, put(tmp_path / "in", files)).rows("mobility_policy").to_pylist()
    ]
    assert rows == [
        ("SE", date(2020, 3, 1), 1, 2, 3, 4, 5, 6, None, None, None, 37.5),
        ("SE", date(2020, 3, 2), None, None, None, None, None, None, None, None, None, 50),
    ]


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("index_stringency_empty.csv", b"", "file_empty"),
        ("index_unnamed.csv", b",,01jan2020\nSweden,SWE,1\n", "index_unknown"),
        (
            "index_stringency_changes.csv",
            b"CountryName,CountryCode,StartDate,EndDate,PolicyType\n",
            "schema_of_policy_changes",
        ),
        (
            "index_stringency_cut.csv.gz",
            gzip.compress(STRINGENCY.encode() * 50, mtime=0)[:-20],
            "compressed_stream_truncated",
        ),
        ("index_stringency.png", b"\0\1\2\3", "file_binary"),
    ],
)
def test_file_that_cannot_be_read_is_set_aside_whole_and_the_others_go_on(lake, tmp_path, name, content, rule):
    stage = run_stage(
        lake, put(tmp_path / "in", {name: content, "index_stringency_good.csv": ",,01jan2020\nSweden,SWE,1\n"})
    )
    assert stage.set_aside("parse_policy") == {rule: 1}
    (row,) = [row for row in stage.rows("ops.quarantine").to_pylist() if row["uri"] == name]
    assert (row["rule"], row["table_name"], name in row["message"]) == (rule, "policy", True)
    assert stage.rows("policy")["stringency_index"].to_pylist() == [1]


def test_footnotes_are_counted_and_not_shelved(lake, tmp_path):
    stage = run_stage(
        lake, put(tmp_path / "in", {"index_stringency.csv": ",,01jan2020\nSweden,SWE,1\nSource: Oxford,,\n"})
    )
    assert stage.set_aside("parse_policy") == {"footnote": 1}
    assert "footnote" not in stage.rows("ops.quarantine")["rule"].to_pylist()
    assert stage.rows("ops.vintages")["verdict"].to_pylist() == ["accepted"]

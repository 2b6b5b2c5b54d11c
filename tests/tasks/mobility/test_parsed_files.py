"""What parsing tells the gate of each item, and that it comes back as it was told."""

from collections import Counter
from dataclasses import replace

from support.known_vintages import MONDAY
from support.mobility_stage import HEADER, line, put, run_stage

from tasks.lake.files import FileRef
from tasks.lake.raw import BadInputError, RawItem, TruncatedError
from tasks.lake.steps import StepRecord
from tasks.mobility.parsed_files import ParsedItem, parsed_item, read_parsed, write_parsed
from tasks.transforms.mobility.reports import FOOTNOTE

ITEM = RawItem("one", "a.zip#b.csv", "a" * 64, "b.csv", 9, MONDAY)
ROWS = FileRef("mobility_rows", "tables/mobility_rows/x.parquet", 7, 100, "d" * 64)


def record(*files):
    return StepRecord("parse_mobility", "one", "", "", "", (), files, 0, 0, {}, 0.0)


def test_an_item_is_told_with_its_rows_and_those_that_are_broken_but_not_its_footnotes():
    told = parsed_item(ITEM, ROWS, 12, Counter({"future_date": 2, FOOTNOTE: 3}))
    assert told == ParsedItem("one", "a.zip", "a.zip#b.csv", "a" * 12, "d" * 64, 12, 2)


def test_one_that_was_refused_whole_is_told_with_its_rule_and_sentence():
    fault = TruncatedError("a.zip#b.csv ends too early: fetch it again")
    told = parsed_item(ITEM, None, 5, Counter({fault.rule: 5}), fault)
    assert isinstance(fault, BadInputError)
    assert (told.rows_sha256, told.n_broken, told.rule, told.message) == (None, 5, fault.rule, str(fault))


def test_what_is_written_comes_back_by_source_place_and_vintage_sorted_by_uri(lake):
    one = ParsedItem("one", "a.zip", "a.zip#b.csv", "v1", "d" * 64, 12, 2)
    others = [
        replace(one, uri="a.zip#a.csv", rows_sha256=None, rule="file_empty", message="empty"),
        replace(one, vintage="v2"),
        replace(one, place="b.csv", uri="b.csv"),
    ]
    records = [record(write_parsed(lake, [one, others[1]]), ROWS), record(write_parsed(lake, [others[0], others[2]]))]
    assert read_parsed(lake, records) == {
        ("one", "a.zip", "v1"): [others[0], one],
        ("one", "a.zip", "v2"): [others[1]],
        ("one", "b.csv", "v1"): [others[2]],
    }
    assert read_parsed(lake, []) == read_parsed(lake, [record(ROWS)]) == {}


def test_parsing_tells_of_every_item_of_both_kinds(lake, tmp_path):
    report = "\n".join([HEADER, line("SE", "Sweden", "2020-03-01", 1), line("SE", "Sweden", "2100-01-01", 1)])
    files = {
        "report_a.csv": f"{report}\n",
        "report_b.csv": f"{HEADER}\n",
        "report_c.csv": "",
        "index_stringency.csv": ",,01mar2020\nSweden,SWE,10\n",
    }
    stage = run_stage(lake, put(tmp_path / "in", files))
    parsed = read_parsed(lake, [one for one in stage.steps if one.step in {"parse_mobility", "parse_policy"}])
    told = {place: line for (_, place, _), (line,) in parsed.items()}
    counts = {
        place: (one.n_rows_in, one.n_broken, one.rule, one.rows_sha256 is not None) for place, one in told.items()
    }
    assert counts == {
        "report_a.csv": (2, 1, None, True),
        "report_b.csv": (0, 0, None, False),
        "report_c.csv": (1, 1, "file_empty", False),
        "index_stringency.csv": (1, 0, None, True),
    }
    assert told["report_c.csv"].message

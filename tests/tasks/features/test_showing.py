from support.feature_parts import PART_ONE, PART_TWO, build, leave_documents

from tasks.features.showing import count_by_language
from tasks.lake.layout import Lake


def test_tables_by_language_count_what_the_steps_left(lake: Lake) -> None:
    leave_documents(lake, PART_ONE, PART_TWO)
    records = build(lake)
    english, german, unknown = count_by_language(lake, records)
    assert english == {"language": "en", "documents": 4, "tokens": 24, "distinct forms": 13, "terms": 4}
    assert (german["language"], german["documents"], german["tokens"]) == ("de", 1, 8)
    assert unknown == {"language": "und", "documents": 1, "tokens": 2, "distinct forms": 2, "terms": 2}


def test_nothing_taken_in_is_no_language(lake: Lake) -> None:
    assert count_by_language(lake, []) == []

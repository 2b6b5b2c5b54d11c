from datetime import timedelta

from tasks.report.rendering import format_cell


def test_cells_are_legible() -> None:
    values = (None, float("nan"), True, 1234567, 0.12345, timedelta(seconds=90))
    assert [format_cell(value) for value in values] == ["–", "–", "yes", "1\u2009234\u2009567", "0.123", "90.0 s"]

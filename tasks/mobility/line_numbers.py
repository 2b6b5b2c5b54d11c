"""Where in a report a day of a region stands: looked up in the raw file, only when it is set aside later."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import numpy as np

from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem, open_raw
from tasks.transforms.mobility.report_dates import date_form, read_date
from tasks.transforms.mobility.report_regions import RegionList
from tasks.transforms.mobility.reports import REGION_FIELDS, read_header
from tasks.transforms.records.delimited import read_block, whole_lines

RegionDay = tuple[int, date]
"""A region's number in its report, as `mobility_regions` has it, and a day."""


def lines_of(lake: Lake, item: RawItem, wanted: Collection[RegionDay]) -> dict[RegionDay, int]:
    """The lines of a report, from 1, on which region-days stand that its parsing kept: of repeated ones the first.

    One pass over the file, in which regions are numbered as its parsing numbered them.
    """
    numbers = np.array(sorted({region_no for region_no, _ in wanted}), np.int32)
    found: list[tuple[int, int, str]] = []
    texts: set[str] = set()
    regions, first_line = RegionList(), 2
    with open_raw(lake, item) as stream:
        header = read_header(stream)
        for content in whole_lines(stream):
            block = read_block(content, first_line, header.columns)
            first_line += block.n_lines
            if not block.rows.num_rows:
                continue
            region_nos, _ = regions.number(block.rows, REGION_FIELDS)
            days = block.rows["date"].chunk(0)
            texts.update(text for text in days.dictionary.to_pylist() if text is not None)
            found += [
                (int(region_nos[row]), int(block.line_numbers[row]), days[row].as_py() or "")
                for row in np.flatnonzero(np.isin(region_nos, numbers)).tolist()
            ]
    form, lines = date_form(texts), dict[RegionDay, int]()
    for region_no, line, text in found:
        day = read_date(text, form)
        if day is not None and (region_no, day) in wanted:
            lines.setdefault((region_no, day), line)
    return lines

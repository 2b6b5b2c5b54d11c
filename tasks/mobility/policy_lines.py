"""Where in a file of the policy tracker a jurisdiction's day stands: looked up in the raw file, and only when a row is
set aside after parsing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from tasks.lake.layout import Lake
from tasks.lake.raw import RawItem, open_raw
from tasks.transforms.mobility.policy_files import lines_of_jurisdictions

PolicyDay = tuple[str, date]
"""A jurisdiction's region_id, and a day."""


def policy_lines(lake: Lake, item: RawItem, wanted: Collection[PolicyDay]) -> dict[PolicyDay, int]:
    """The lines of a file, from 1, on which days of jurisdictions stand: in a wide file the jurisdiction's, in a long
    one the day's. Of repeated ones the first.
    """
    found: dict[PolicyDay, int] = {}
    with open_raw(lake, item) as stream:
        for number, region_id, day in lines_of_jurisdictions(stream, item.fetched_at.date()):
            days = [one for region, one in wanted if region == region_id] if day is None else [day]
            for one in days:
                if (region_id, one) in wanted:
                    found.setdefault((region_id, one), number)
    return found

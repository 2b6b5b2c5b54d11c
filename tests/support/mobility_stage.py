"""The stage `mobility` on files of a test, its steps one after another without an engine."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from support.chains import run_chain
from tasks.intake.sources import load_sources
from tasks.lake.files import read_table
from tasks.lake.layout import Lake
from tasks.lake.stages import StageRecord, leave_stage
from tasks.lake.steps import StepRecord
from tasks.mobility.stage import CHAIN
from tasks.transforms.records.source_format import Source

HEADER = (
    "country_region_code,country_region,sub_region_1,sub_region_2,metro_area,iso_3166_2_code,census_fips_code,place_id,date,"
    + ",".join(
        f"{name}_percent_change_from_baseline"
        for name in (
            "retail_and_recreation",
            "grocery_and_pharmacy",
            "parks",
            "transit_stations",
            "workplaces",
            "residential",
        )
    )
)


def line(country: str, name: str, day: str, *values: object, part: str = "", place_id: str = "") -> str:
    """A row of a report in the schema of 15 columns; `values` beyond those given are not published."""
    texts = ["" if value is None else str(value) for value in values]
    return ",".join([country, name, part, "", "", "", "", place_id, day, *texts, *[""] * (6 - len(texts))])


def declare(folder: Path, name: str, kind: str, location: str) -> None:
    """A declaration of a source in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"name: {name}\nkind: {kind}\nlocation: {location}\nlicence: CC0-1.0\nproducer: a test\n"
    (folder / f"{name}.yaml").write_text(text)


def put(folder: Path, files: Mapping[str, str | bytes]) -> list[Source]:
    """`files` in `folder`, declared as one source of mobility (*.csv*) and one of policy (index_*)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    declare(folder, "google", "mobility", "report*")
    declare(folder, "oxford", "policy", "index_*")
    return load_sources(folder)


@dataclass(frozen=True)
class Stage:
    """What the stage left."""

    lake: Lake
    record: StageRecord
    steps: Sequence[StepRecord]

    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of a table, of all its columns or some."""
        return read_table(self.lake, self.record.tables[table], columns)

    def done(self) -> list[tuple[str, str]]:
        """Step and subject of what was done now."""
        return [(record.step, record.subject) for record in self.steps if not record.is_reused]

    def set_aside(self, step: str) -> dict[str, int]:
        """Rows set aside by a step, by rule."""
        counts: Counter[str] = Counter()
        for record in self.steps:
            counts.update(record.set_aside if record.step == step else {})
        return dict(counts)


def run_stage(lake: Lake, sources: Sequence[Source]) -> Stage:
    """Do the whole stage here and now."""
    records = run_chain(lake, CHAIN, sources=sources).left()
    return Stage(lake, leave_stage(lake, CHAIN.stage, CHAIN.tables, records), records)

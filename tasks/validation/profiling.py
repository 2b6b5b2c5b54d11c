"""What a file holds, column by column: types, share of NULL, ranges, quartiles, values, candidate keys, days covered.

Memory is bounded by DuckDB's limit, disk by what packed bytes may unpack to; the file is read as data, never run.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from tasks.lake.statements import first_line, literal, sql_of
from tasks.lake.unpacking import BadInputError, is_archive, list_members, open_members, unpack
from tasks.validation.database import opened_database, quoted

MOST_VALUES = 30  # our choice: a set of more values is no category
MOST_COLUMNS = 2_000  # our choice: the widest real file, a column a day for three years, has 1,162
MOST_KEYS = 40  # candidate keys tried; each costs a pass over their columns
KEY_COLUMNS = 3  # our choice: the longest key of a published table but one
PACKED = (".gz", ".xz")
READERS = {
    ".csv": "read_csv({path}, delim = ',', {csv})",
    ".tsv": "read_csv({path}, delim = '\t', {csv})",
    ".parquet": "read_parquet({path})",
    ".jsonl": "read_json({path}, format = 'newline_delimited')",
    ".ndjson": "read_json({path}, format = 'newline_delimited')",
}
# The quote is told, for quoted fields may begin far down; types are of all rows, not of the first ones.
CSV = "header = true, quote = '\"', escape = '\"', sample_size = -1, null_padding = false"


class ProfileError(Exception):
    """A file that cannot be profiled; the message says what to do."""


@dataclass(frozen=True)
class ColumnProfile:
    """A column: DuckDB's type, rows without a value, about how many different values; least and most, quartiles (of
    numbers), and all values where they are few.
    """

    name: str
    type: str
    n_null: int
    n_distinct: int
    minimum: Any
    maximum: Any
    quartiles: tuple[float, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Profile:
    """A file: its rows, its columns in order, the columns that together tell rows apart (shortest first; none found:
    empty), and the days from first to last of each column of days, with how many of them are there.
    """

    name: str
    n_rows: int
    columns: tuple[ColumnProfile, ...]
    keys: tuple[tuple[str, ...], ...]
    days: dict[str, tuple[int, int]]


def profile_file(path: Path, member: str | None = None) -> Profile:
    """The profile of a CSV, TSV, Parquet or JSON-lines file, plain or packed by gzip or xz, or of the `member` of a zip
    archive (may be left out where it has one). ProfileError where it is no such file.
    """
    with tempfile.TemporaryDirectory(prefix="tidemill-profile-") as folder:
        try:
            plain = _plain_file(path, member, Path(folder))
            with opened_database(Path(folder)) as (connection, _):
                _open(connection, plain, Path(folder))
                return _profile(connection, path.name)
        except OSError as error:
            raise ProfileError(
                f"{path} cannot be read ({error.strerror or error}): check its name and permissions"
            ) from error
        except BadInputError as error:
            raise ProfileError(str(error)) from error
        except duckdb.Error as error:
            problem = first_line(error).replace(folder, "").replace("/plain", path.name)
            remedy = "mend it, or name it after its format (.csv, .tsv, .parquet, .jsonl)"
            raise ProfileError(f"{path} cannot be read ({problem}): {remedy}") from error


def _plain_file(path: Path, member: str | None, folder: Path) -> Path:
    """The file itself, or what it unpacks to."""
    n_bytes, name = path.stat().st_size, path.name
    if not n_bytes:
        raise ProfileError(f"{path} is empty: give a file with rows")
    if is_archive(name):
        with path.open("rb") as archive:
            names = [one.name for one in list_members(archive, n_bytes, name)]
            wanted = member or (names[0] if len(names) == 1 else "")
            if wanted not in names:
                raise ProfileError(f"{path} holds {', '.join(names[:20]) or 'nothing'}: give one with --member")
            archive.seek(0)
            for _, stream in open_members(archive, n_bytes, name, frozenset({wanted})):
                return _copied(stream, folder / f"plain{Path(wanted).suffix.lower()}")
    suffix = Path(name.removesuffix(Path(name).suffix)).suffix if name.endswith(PACKED) else Path(name).suffix
    if not name.endswith(PACKED):
        return path
    with path.open("rb") as packed:
        return _copied(unpack(packed, n_bytes, name), folder / f"plain{suffix.lower()}")


def _copied(stream: Any, target: Path) -> Path:
    with target.open("wb") as written:
        shutil.copyfileobj(stream, written, 1 << 20)
    return target


def _open(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
    """The view `file`: of Parquet as it is, of all else as written to Parquet once, so that each question reads only
    its columns.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        known = ", ".join(READERS)
        raise ProfileError(f"{path.name} is of no known format: name it after what it is, {known}, packed or not")
    reader = READERS[suffix].format(path=literal(str(path.resolve())), csv=CSV)
    if suffix != ".parquet":
        parquet = literal(str(folder / "rows.parquet"))
        connection.execute(f"COPY (FROM {reader}) TO {parquet} (FORMAT parquet)")
        reader = f"read_parquet({parquet})"
    connection.execute(f"CREATE VIEW file AS FROM {reader}")
    connection.execute("SET allowed_directories = $folders", {"folders": [str(folder), str(path.resolve().parent)]})
    connection.execute("SET enable_external_access = false")


def _profile(connection: duckdb.DuckDBPyConnection, name: str) -> Profile:
    names = connection.sql("FROM file LIMIT 0").columns
    if len(names) > MOST_COLUMNS:
        raise ProfileError(f"{name} has {len(names):,} columns: give one with {MOST_COLUMNS:,} at the most")
    ((n_rows,),) = connection.sql("SELECT count(*) FROM file").fetchall()
    told = connection.execute(sql_of("validation/profile_columns"))
    fields = [column[0] for column in told.description or ()]
    columns = tuple(_column(connection, dict(zip(fields, row, strict=True)), n_rows) for row in told.fetchall())
    days = {column.name: _days(connection, column) for column in columns if isinstance(column.minimum, date) and n_rows}
    return Profile(name, n_rows, columns, tuple(_keys(connection, columns, n_rows)), days)


def _column(connection: duckdb.DuckDBPyConnection, told: dict[str, Any], n_rows: int) -> ColumnProfile:
    name, kind = told["column_name"], told["column_type"]
    column = quoted(name)
    ((n_given, minimum, maximum),) = connection.sql(
        f"SELECT count({column}), min({column}), max({column}) FROM file"
    ).fetchall()
    quartiles = tuple(float(told[name]) for name in ("q25", "q50", "q75")) if _is_number(minimum) else ()
    is_category = kind == "VARCHAR" and 0 < told["approx_unique"] <= 2 * MOST_VALUES  # about: counted exactly below
    values = _values(connection, column) if is_category else ()
    return ColumnProfile(name, kind, n_rows - n_given, int(told["approx_unique"]), minimum, maximum, quartiles, values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(connection: duckdb.DuckDBPyConnection, column: str) -> tuple[Any, ...]:
    query = sql_of("validation/profile_values", column=column, most=str(MOST_VALUES + 1))
    values = tuple(value for (value,) in connection.execute(query).fetchall())
    return values if len(values) <= MOST_VALUES else ()


def _days(connection: duckdb.DuckDBPyConnection, column: ColumnProfile) -> tuple[int, int]:
    """Days that are there, and days from the first to the last."""
    ((n_days,),) = connection.sql(f"SELECT count(DISTINCT {quoted(column.name)}::DATE) FROM file").fetchall()
    first, last = (one.date() if isinstance(one, datetime) else one for one in (column.minimum, column.maximum))
    return n_days, (last - first).days + 1


def _keys(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[ColumnProfile], n_rows: int
) -> Iterator[tuple[str, ...]]:
    """Columns whose values together differ in every row, NULL being one of them; of as few columns as can be.

    Only combinations whose columns could tell so many rows apart are tried, MOST_KEYS at the most: texts and days
    before numbers, columns that are always given before others.
    """
    given = [one for one in columns if one.type not in ("DOUBLE", "FLOAT", "BOOLEAN")]
    given.sort(key=lambda one: (_is_number(one.minimum), one.n_null > 0))
    n_tried = 0
    for n_columns in range(1, KEY_COLUMNS + 1):
        found = False
        for some in itertools.combinations(given, n_columns):
            n_most = 1.0
            for one in some:
                n_most *= 1.2 * max(1, one.n_distinct)  # counted by HyperLogLog, some per cent off
            if n_most < n_rows or n_tried == MOST_KEYS or not n_rows:
                continue
            n_tried += 1
            key = ", ".join(quoted(one.name) for one in some)
            if not connection.execute(sql_of("validation/profile_key", key=key)).fetchall():
                found = True
                yield tuple(one.name for one in some)
        if found:
            return

"""The commands on contracts: `contracts`, which exports them, and `profile`, which proposes one for a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
import yaml

from tasks.running.places import sources_folder
from tidemill.options import MisuseError, Sources
from tidemill.terminal import say


def contracts(
    tables: Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="Tables; otherwise all.")] = None,
    sources: Sources = None,
    form: Annotated[
        Literal["odcs", "markdown"], typer.Option("--format", help="Open Data Contract Standard, or docs/tables.md.")
    ] = "odcs",
) -> None:
    """Give the contracts of the published tables.

    In the Open Data Contract Standard with what suites ask, those beside the sources too; or as Markdown.
    """
    from expectations.contracts.tables import TABLES  # noqa: PLC0415  # what these import --help need not pay for
    from expectations.open_data_contract import open_data_contract  # noqa: PLC0415
    from expectations.suites import checks_of_table, suite_folders  # noqa: PLC0415
    from expectations.table_docs import tables_markdown  # noqa: PLC0415

    unknown = [name for name in tables or () if name not in TABLES]
    if unknown:
        raise MisuseError(f"no table is called {unknown[0]!r}: there are {', '.join(TABLES)}")
    chosen = {name: TABLES[name] for name in tables or TABLES}
    if form == "markdown":
        say(tables_markdown(chosen).rstrip("\n"))
        return
    folders = suite_folders(sources_folder(sources))
    checks = {name: checks_of_table(contract, folders) for name, contract in chosen.items()}
    document = open_data_contract(list(chosen.values()), checks)
    say(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110).rstrip("\n"))


def profile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, Parquet, JSON lines; .gz, .xz, .zip too.")],
    table: Annotated[str | None, typer.Option(help="Name of the table; otherwise made of the file's.")] = None,
    member: Annotated[str | None, typer.Option(help="File inside of a zip archive.")] = None,
) -> None:
    """Propose a contract and a suite for a file.

    Two YAML documents: a contract in the Open Data Contract Standard, and a suite to lie beside the sources.
    """
    from expectations.open_data_contract import open_data_contract  # noqa: PLC0415  # what --help need not pay for
    from tasks.validation.profiling import profile_file  # noqa: PLC0415
    from tasks.validation.proposals import proposed_contract, proposed_suite, table_name_of  # noqa: PLC0415

    found = profile_file(file, member)
    name = table or table_name_of(file.name)
    contract = open_data_contract([proposed_contract(found, name)], {})
    say(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True, width=110).rstrip("\n"))
    say("---")
    say(proposed_suite(found, name).rstrip("\n"))

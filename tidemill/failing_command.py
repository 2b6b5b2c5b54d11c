"""The command `failing`: every row that breaks an expectation."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.questions.queries import Answer
from tasks.running.places import sources_folder
from tidemill.options import Home, MisuseError, Sources, lake_of
from tidemill.query_commands import say_answer
from tidemill.terminal import Format


def failing(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, as `mobility`.")],
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule of ops.quarantine, or an expectation of ops.validations.")
    ],
    home: Home = None,
    sources: Sources = None,
    *,
    column: Annotated[str | None, typer.Option(help="The column, where several expectations are called so.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How the rows are written.")] = "table",
) -> None:
    """Give every row that breaks an expectation.

    Of what the stages last left, before anything was set aside; csv and json give all rows.
    """
    from expectations.suites import suite_folders  # noqa: PLC0415  # what follows takes a second that --help need not pay
    from tasks.publication.failing_rows import UnknownRuleError, find_failing_rows  # noqa: PLC0415

    try:
        found = find_failing_rows(lake_of(home), table, rule, column, suite_folders(sources_folder(sources)))
    except UnknownRuleError as error:
        raise MisuseError(str(error)) from error
    say_answer(Answer(found.columns, found.rows), form)

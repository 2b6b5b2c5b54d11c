"""The command line: `tidemill`, or `python -m tidemill`."""

from __future__ import annotations

import os
import sys
import traceback

import typer

from tasks.running.runs import is_our_own, one_sentence
from tidemill import contract_commands, lake_commands, query_commands, run_commands
from tidemill.doctor_command import doctor
from tidemill.failing_command import failing
from tidemill.files_command import files
from tidemill.options import MisuseError
from tidemill.quarantine_command import quarantine
from tidemill.serve_command import serve
from tidemill.sources_command import sources
from tidemill.terminal import log_of_diversion, visible, warn

INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt

app = typer.Typer(
    help="A pipeline that turns text, web pages and mobility tables into validated, modelled, queryable Parquet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run_commands.run,
    run_commands.plan,
    query_commands.sql,
    query_commands.search,
    query_commands.similar,
    query_commands.vectors,
    query_commands.explain,
    lake_commands.snapshots,
    lake_commands.diff,
    lake_commands.report,
    serve,
    doctor,
    lake_commands.vacuum,
    failing,
    contract_commands.contracts,
    contract_commands.profile,
    files,
):
    app.command()(command)
app.add_typer(quarantine, name="quarantine")
app.add_typer(sources, name="sources")


def main() -> None:
    """Run the command that the arguments name; exit 0 where it went well, 1 where it failed, 2 where it was called
    wrongly, 3 where a run published and a source lives on an old vintage.
    """
    sys.exit(exit_status())


def exit_status() -> int:
    """What `main` exits with. Every error ends as one sentence on standard error; with TIDEMILL_DEBUG set, after its
    traceback.
    """
    try:
        app(prog_name="tidemill")
    except SystemExit as ending:
        if ending.code != INTERRUPTED:
            return ending.code if isinstance(ending.code, int) else 0
        return _tell(KeyboardInterrupt(), 1)
    except MisuseError as error:
        return _tell(error, 2)
    except Exception as error:  # noqa: BLE001  # the last place where an error can still become a sentence
        return _tell(error, 1)
    return 0


def _tell(error: BaseException, status: int) -> int:
    log = log_of_diversion()
    if log is not None or os.environ.get("TIDEMILL_DEBUG"):
        traceback.print_exception(error)  # into the log, where the streams are diverted
    hint = f" ({log} says more)" if log is not None else " (set TIDEMILL_DEBUG=1 to see where)"
    sentence = f"tidemill: {one_sentence(error)}{'' if is_our_own(error) else hint}"
    warn("\n".join(visible(line) for line in sentence.split("\n")))  # it may name files, which may be called anything
    return status


if __name__ == "__main__":
    main()

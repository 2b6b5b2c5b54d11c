"""The declared sources: every YAML file of a folder, or one clear refusal that names them all."""

from __future__ import annotations

from pathlib import Path

from tasks.intake.kinds import SOURCE_KINDS
from tasks.transforms.records.source_format import Source, SourceError, parse_source

MOST_BYTES = (
    1_000_000  # our choice: a declaration has some hundred bytes; a data file in the wrong folder is not parsed
)


class SourcesError(SourceError):
    """What is wrong with a folder of declarations: one sentence, or one a line where several files are wrong."""

    def __init__(self, sentence: str) -> None:
        Exception.__init__(self, sentence)

    def __str__(self) -> str:
        return str(self.args[0])


def load_sources(folder: Path) -> list[Source]:
    """All sources declared in `folder` (`*.yaml`, `*.yml`), sorted by name.

    SourceError where there is none, where one is not in the format, or where two have one name; all faults are told at
    once.
    """
    if not folder.is_dir():
        raise SourcesError(f"no folder of sources at {folder}: give one with --sources or TIDEMILL_SOURCES")
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    if not paths:
        raise SourcesError(f"no sources in {folder}: add a YAML file for each, as docs/sources.md shows")
    sources: dict[str, Source] = {}
    declared_in: dict[str, Path] = {}
    faults: list[SourceError] = []
    for path in paths:
        try:
            source = parse_source(_read(path), str(path), str(path.parent.resolve()), SOURCE_KINDS)
        except SourceError as fault:
            faults.append(fault)
            continue
        if source.name in sources:
            problem = f"the name `{source.name}` is taken by {declared_in[source.name]}"
            faults.append(SourceError(str(path), _line_of_name(path), problem, "choose another"))
        else:
            sources[source.name], declared_in[source.name] = source, path
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SourcesError("\n".join(str(fault) for fault in faults))
    return [sources[name] for name in sorted(sources)]


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(
            str(path), 1, f"cannot be read ({error.strerror})", "mend its permissions or remove it"
        ) from error
    if len(content) > MOST_BYTES:
        raise SourceError(str(path), 1, "is too large for a declaration", "keep data files in another folder")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SourceError(str(path), line, "is not in UTF-8", "save it as UTF-8") from error


def _line_of_name(path: Path) -> int:
    """The line, from 1, where the name stands; 1 where it is written in another way."""
    lines = _read(path).splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith("name:")), 1)

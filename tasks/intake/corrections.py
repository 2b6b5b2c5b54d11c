"""Corrections on disk: a YAML file each, in `expectations/corrections/` and in `corrections/` beside the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tasks.intake.vintages import FetchedSource
from tasks.transforms.records.corrections import Correction, CorrectionError, parse_correction

CORRECTIONS = Path(__file__).parents[2] / "expectations" / "corrections"
BESIDE_SOURCES = "corrections"


def folders_of(sources: Iterable[FetchedSource]) -> list[Path]:
    """Where corrections lie that act on `sources`: the package's folder, then those beside their declarations."""
    beside = sorted({Path(one.source.folder) / BESIDE_SOURCES for one in sources})
    return [CORRECTIONS, *beside]


def load_corrections(folders: Sequence[Path]) -> list[Correction]:
    """All corrections of `folders`, sorted by name; a folder that is not there has none. CorrectionError where one is
    broken, or two have one name.
    """
    corrections: dict[str, Correction] = {}
    for path in [path for folder in folders for path in sorted(folder.glob("*.y*ml"))]:
        try:
            correction = parse_correction(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise CorrectionError(f"{path} cannot be read ({error}): mend or remove it") from error
        if correction.name in corrections:
            raise CorrectionError(
                f"{path}: another correction is called {correction.name} already, give it a name of its own"
            )
        corrections[correction.name] = correction
    return [corrections[name] for name in sorted(corrections)]

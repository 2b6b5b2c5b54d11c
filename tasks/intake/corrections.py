"""Corrections on disk: a YAML file each in `expectations/corrections/`."""

from __future__ import annotations

from pathlib import Path

from tasks.transforms.records.corrections import Correction, CorrectionError, parse_correction

CORRECTIONS = Path(__file__).parents[2] / "expectations" / "corrections"


def load_corrections(folder: Path = CORRECTIONS) -> list[Correction]:
    """All corrections of `folder`, sorted by name. CorrectionError where one is broken, or two have one name."""
    corrections: dict[str, Correction] = {}
    for path in sorted(folder.glob("*.yaml")):
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

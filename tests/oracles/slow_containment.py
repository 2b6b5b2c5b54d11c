"""The containment and health index from its indicators, by the equation in the Oxford tracker's codebook."""

from collections.abc import Mapping

MAXIMA = {"C1": 3, "C2": 3, "C3": 2, "C4": 4, "C5": 2, "C6": 3, "C7": 2, "C8": 4, "H1": 2, "H2": 3, "H3": 2}
"""The highest value of each of the 11 indicators of spring 2020."""
LATER_MAXIMA = {"H6": 4, "H7": 5, "H8": 3}
"""Those of the three that came in between October 2020 and March 2021."""
WITHOUT_FLAG = {"C8", "H2", "H3"}


def containment_index(row: Mapping[str, str], maxima: Mapping[str, int]) -> float:
    """The mean of the indicators' scores in a row of the long file; an empty indicator scores nothing."""
    return sum(_score(row, name, most) for name, most in maxima.items()) / len(maxima)


def _score(row: Mapping[str, str], name: str, most: int) -> float:
    (column,) = (one for one in row if one.startswith(f"{name}_") and not one.endswith("_Flag"))
    value = float(row[column] or 0)
    is_targeted = name not in WITHOUT_FLAG and value > 0 and float(row[f"{name}_Flag"] or 1) == 0
    return 100 * (value - 0.5 * is_targeted) / most

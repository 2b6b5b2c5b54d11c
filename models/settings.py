"""Settings of learners: frozen dataclasses, of which each field says what it decides, so that a change costs that and
no more.
"""

from __future__ import annotations

from dataclasses import field, fields, is_dataclass
from typing import Any

TRAINING, COMPARING, APPLYING = "training", "comparing", "applying"
"""What a setting may decide: the model that is learned; which of two models is published; what is written with a model.
"""


def setting(default: Any, *, decides: tuple[str, ...]) -> Any:
    """A field with this default that decides only these acts; nothing where it says how the work goes, not what comes
    of it.

    A field without this decides the training.
    """
    return field(default=default, metadata={"decides": decides})


def settings_of(value: Any, act: str = TRAINING) -> dict[str, Any]:
    """The fields of a settings dataclass that decide `act`, by name, those of dataclasses inside it likewise.

    TypeError for anything but a dataclass value.
    """
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"settings are a dataclass value, not {type(value).__name__}")
    found: dict[str, Any] = {}
    for one in fields(value):
        inner = getattr(value, one.name)
        if is_dataclass(inner) and not isinstance(inner, type):
            if within := settings_of(inner, act):
                found[one.name] = within
        elif act in one.metadata.get("decides", (TRAINING,)):
            found[one.name] = inner
    return found

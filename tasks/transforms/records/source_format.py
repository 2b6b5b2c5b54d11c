"""A source declaration: one YAML file, read into a value or refused with file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from expectations.contracts.documents import WORD_TEST_KINDS

REQUIRED_KEYS = ("name", "kind", "location", "licence", "producer")
OPTIONAL_KEYS = ("lang", "unit", "columns", "order", "fresh_within_days")
UNITS = ("file", "line")
ORDERS = ("reach", "fetched", "name")
OBSERVATION_KINDS = ("mobility", "policy")
"""Kinds whose records are observations by region and day."""
COLUMN_ROLES: Mapping[str, tuple[str, ...]] = {
    "labelled": ("text", "label"),
    "jsonl": ("text", "label", "title", "published_on"),
}
"""What a column can be, for the kinds that have columns; the first must be there, and for `labelled` both."""
DEFAULT_COLUMNS: Mapping[str, Mapping[str, str | int]] = {
    "labelled": {"text": "text", "label": "label"},
    "jsonl": {"text": "text"},
}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LANG = re.compile(r"[a-z]{2}")


class SourceError(Exception):
    """A declaration that cannot be used. The message names file, line and remedy; so do the fields (`line` from 1)."""

    def __init__(self, file_name: str, line: int, problem: str, remedy: str) -> None:
        super().__init__(file_name, line, problem, remedy)
        self.file_name, self.line, self.problem, self.remedy = file_name, line, problem, remedy

    def __str__(self) -> str:
        return f"{self.file_name}, line {self.line}: {self.problem}: {self.remedy}"


@dataclass(frozen=True)
class Source:
    """A declared source. `folder` is where its YAML file lies: what a relative `location` starts from.

    `columns` maps a role (`text`, `label`, …) to a header name, or to a position from 0. Where several files tell of
    the same day, the last of them counts: `order` says which that is, the one that reaches furthest, was fetched last,
    or has the last name. Observations that end more than `fresh_within_days` before today are told as late.
    """

    name: str
    kind: str
    location: str
    folder: str
    licence: str
    producer: str
    lang: str | None = None
    unit: str = "file"
    columns: Mapping[str, str | int] = field(default_factory=dict)
    order: str = "reach"
    fresh_within_days: int | None = None


@dataclass(frozen=True)
class _Field:
    """A scalar as it stands in the file, and its line from 1."""

    text: str
    line: int
    is_integer: bool


def parse_source(text: str, file_name: str, folder: str, kinds: Sequence[str]) -> Source:
    """The source that one YAML file declares, of one of `kinds`. SourceError with line and remedy where it is not in
    the format.

    Scalars are taken as written, so `lang: no` is Norwegian. Nothing in the file is ever executed or constructed.
    """
    top = _parse_yaml(text, file_name)
    if not isinstance(top, yaml.MappingNode):
        raise SourceError(file_name, 1, "holds no declaration", "write one `key: value` a line, beginning with `name:`")
    fields: dict[str, _Field] = {}
    columns: dict[str, str | int] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in top.value:
        key, line = _scalar(key_node, file_name, "a key").text, key_node.start_mark.line + 1
        if key not in REQUIRED_KEYS + OPTIONAL_KEYS:
            raise SourceError(file_name, line, f"unknown key `{key}`", f"use {_listed(REQUIRED_KEYS + OPTIONAL_KEYS)}")
        if key in lines:
            raise SourceError(
                file_name, line, f"`{key}` is given twice (first in line {lines[key]})", "keep one of them"
            )
        lines[key] = line
        if key == "columns":
            columns = _columns(value_node, file_name)
        else:
            fields[key] = _scalar(value_node, file_name, f"`{key}`")
    for key in REQUIRED_KEYS:
        if key not in fields:
            raise SourceError(file_name, 1, f"`{key}` is missing", f"add a line `{key}: …`")
        if not fields[key].text.strip():
            raise SourceError(file_name, fields[key].line, f"`{key}` is empty", "give it a value")
    _check_values(fields, columns, lines, file_name, tuple(kinds))
    kind = fields["kind"].text
    return Source(
        name=fields["name"].text,
        kind=kind,
        location=fields["location"].text,
        folder=folder,
        licence=fields["licence"].text,
        producer=fields["producer"].text,
        lang=fields["lang"].text if "lang" in fields else None,
        unit=fields["unit"].text if "unit" in fields else "file",
        columns=columns or dict(DEFAULT_COLUMNS.get(kind, {})),
        order=fields["order"].text if "order" in fields else "reach",
        fresh_within_days=int(fields["fresh_within_days"].text) if "fresh_within_days" in fields else None,
    )


def _parse_yaml(text: str, file_name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        problem = f"is no YAML ({error.problem or error.context})"
        raise SourceError(
            file_name, line, problem, "quote values that hold `: ` or `#`, and indent with spaces"
        ) from error
    except yaml.YAMLError as error:
        raise SourceError(
            file_name, 1, "holds characters that YAML forbids", "save it as UTF-8 without control characters"
        ) from error


def _scalar(node: yaml.Node, file_name: str, what: str) -> _Field:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        raise SourceError(file_name, line, f"{what} is a list or a mapping", "give a single value")
    return _Field(node.value, line, node.tag == "tag:yaml.org,2002:int")


def _columns(node: yaml.Node, file_name: str) -> dict[str, str | int]:
    if not isinstance(node, yaml.MappingNode):
        raise SourceError(
            file_name,
            node.start_mark.line + 1,
            "`columns` is no mapping",
            "write e.g. `columns: {text: text, label: label}`",
        )
    columns: dict[str, str | int] = {}
    for role_node, value_node in node.value:
        role, value = _scalar(role_node, file_name, "a column's role"), _scalar(value_node, file_name, "a column")
        if role.text in columns:
            raise SourceError(file_name, role.line, f"column `{role.text}` is given twice", "keep one of them")
        if not value.text:
            raise SourceError(
                file_name, value.line, f"column `{role.text}` is empty", "give a header name, or a position from 0"
            )
        if value.is_integer and not value.text.isdecimal():
            raise SourceError(
                file_name, value.line, f"column `{role.text}` is at `{value.text}`", "positions count from 0"
            )
        columns[role.text] = int(value.text) if value.is_integer else value.text
    return columns


def _check_values(
    fields: Mapping[str, _Field],
    columns: Mapping[str, str | int],
    lines: Mapping[str, int],
    file_name: str,
    kinds: tuple[str, ...],
) -> None:
    name, kind, location = fields["name"], fields["kind"], fields["location"]
    if not NAME.fullmatch(name.text):
        raise SourceError(
            file_name,
            name.line,
            f"the name `{name.text}` is not in snake_case",
            "use a-z, 0-9 and single _, from a letter",
        )
    if kind.text not in kinds:
        raise SourceError(file_name, kind.line, f"unknown kind `{kind.text}`", f"use {_listed(kinds)}")
    if "\0" in location.text:
        raise SourceError(
            file_name, location.line, "the location holds a NUL character", "give a path, a glob or a URL"
        )
    if "lang" in fields and not LANG.fullmatch(fields["lang"].text):
        problem = f"`{fields['lang'].text}` is no language code"
        raise SourceError(
            file_name, fields["lang"].line, problem, "use the two letters of ISO 639-1, or leave `lang` out"
        )
    if kind.text in WORD_TEST_KINDS and "lang" not in fields:
        raise SourceError(
            file_name,
            kind.line,
            f"`lang` is missing, which the kind {kind.text} needs",
            "add a line such as `lang: en`",
        )
    if "unit" in fields and fields["unit"].text not in UNITS:
        raise SourceError(
            file_name, fields["unit"].line, f"unknown unit `{fields['unit'].text}`", f"use {_listed(UNITS)}"
        )
    if "unit" in fields and kind.text != "text":
        raise SourceError(file_name, fields["unit"].line, f"`unit` means nothing for the kind {kind.text}", "remove it")
    _check_observations(kind.text, fields, file_name)
    if columns:
        _check_columns(kind.text, columns, file_name, lines["columns"])


def _check_observations(kind: str, fields: Mapping[str, _Field], file_name: str) -> None:
    for key in ("order", "fresh_within_days"):
        if key in fields and kind not in OBSERVATION_KINDS:
            raise SourceError(file_name, fields[key].line, f"`{key}` means nothing for the kind {kind}", "remove it")
    if "order" in fields and fields["order"].text not in ORDERS:
        raise SourceError(
            file_name, fields["order"].line, f"unknown order `{fields['order'].text}`", f"use {_listed(ORDERS)}"
        )
    days = fields.get("fresh_within_days")
    if days is not None and not (days.is_integer and days.text.isdecimal() and int(days.text) > 0):
        problem = f"`fresh_within_days` is `{days.text}`"
        raise SourceError(file_name, days.line, problem, "give a number of days, from 1")


def _check_columns(kind: str, columns: Mapping[str, str | int], file_name: str, line: int) -> None:
    roles = COLUMN_ROLES.get(kind)
    if roles is None:
        raise SourceError(file_name, line, f"`columns` means nothing for the kind {kind}", "remove it")
    for role in columns:
        if role not in roles:
            raise SourceError(file_name, line, f"unknown column `{role}`", f"use {_listed(roles)}")
    needed = roles if kind == "labelled" else roles[:1]
    for role in needed:
        if role not in columns:
            raise SourceError(file_name, line, f"the column `{role}` is missing", f"add `{role}: …` to `columns`")
    if kind == "jsonl" and not all(isinstance(value, str) for value in columns.values()):
        raise SourceError(file_name, line, "a column is given by position", "name the JSON key")
    if len({isinstance(value, int) for value in columns.values()}) > 1:
        raise SourceError(file_name, line, "columns are given by name and by position", "use one way for all")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]

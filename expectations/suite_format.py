"""A suite of a user's own: one YAML file, read into checks or refused with file, line and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, cast

import yaml

from expectations.checks import SQL, Check
from expectations.rules import RULES, ParameterError, named_columns, with_defaults
from expectations.table_contract import Severity

SEVERITIES = ("critical", "warning", "info")
SUITE_KEYS = ("table", "source", "expectations")
COMMON_KEYS = ("severity", "rule", "description", "remedy")
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")
ROWS_QUERY = "unexpected_rows_expectation"
"""Great Expectations' name of SQL, which is run as ours."""
REMEDY = "see what was observed, mend the source or the expectation, and run again"
NAME = re.compile(r"[^\s,/\\]+")


class SuiteError(Exception):
    """A suite of a user's own that cannot be used. The message names file, line and remedy."""


@dataclass(frozen=True)
class Suite:
    """What one file asks: of a table, or of a declared source's rows (in `table`, or, where that is empty, in the table
    that its kind fills).
    """

    table: str
    source: str
    checks: tuple[Check, ...]
    where: str


class _Loader(yaml.SafeLoader):
    """YAML's safe loader without its traps: `no` (Norway) is text, 1:30 is text."""


_BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _INT, _FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(_INT, re.compile("^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _FLOAT, re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?$"), list("-+.0123456789")
)


def parse_suite(text: str, name: str) -> Suite:
    """The suite that a YAML file called `name` holds. SuiteError with line and remedy where it is not in the format.

    Whether tables and columns are there is for the caller to see.
    """
    top = _compose(text, name)
    if not isinstance(top, yaml.MappingNode):
        raise SuiteError(f"{name}, line 1: holds no suite: begin with `table: …` or `source: …`, then `expectations:`")
    nodes = _keys(top, name, SUITE_KEYS)
    table, source = (_text(nodes[key], name, key) if key in nodes else "" for key in ("table", "source"))
    line = top.start_mark.line + 1
    if not table and not source:
        raise SuiteError(f"{name}, line {line}: `table` is missing: add a line `table: …` or `source: …`")
    listed = nodes.get("expectations")
    if not isinstance(listed, yaml.SequenceNode) or not listed.value:
        raise SuiteError(f"{name}, line {line}: `expectations` is no list: write each below it, after `- `")
    checks = tuple(_check(node, name, source) for node in listed.value)
    return Suite(table, source, checks, f"{name}, line {(nodes.get('table') or nodes['source']).start_mark.line + 1}")


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) and event.start_mark is not None:
                raise SuiteError(f"{name}, line {event.start_mark.line + 1}: holds an alias (*): write it out")
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        problem = error.problem or error.context
        raise SuiteError(
            f"{name}, line {line}: is no YAML ({problem}): quote values that hold `: ` or `{{`, indent with spaces"
        ) from error
    except yaml.YAMLError as error:
        raise SuiteError(f"{name}, line 1: holds characters that YAML forbids: save it as UTF-8") from error
    except RecursionError:
        raise SuiteError(f"{name}, line 1: is nested too deep: write it flat") from None


def _keys(node: yaml.MappingNode, name: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
    found: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key not in known:
            raise SuiteError(f"{name}, line {line}: unknown key `{key}`: use {', '.join(known)}")
        if key in found:
            raise SuiteError(f"{name}, line {line}: `{key}` is given twice: keep one of them")
        found[key] = value
    return found


def _check(node: yaml.Node, name: str, source: str) -> Check:
    where = f"{name}, line {node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise SuiteError(
            f"{where}: is no expectation: write `type:` with `kwargs:`, `sql:`, or one of {', '.join(RULES)}"
        )
    kinds = ("type", SQL, *RULES)
    nodes = _keys(node, name, (*COMMON_KEYS, *kinds, "kwargs"))
    given = [kind for kind in kinds if kind in nodes]
    if len(given) != 1:
        told = " and ".join(f"`{kind}`" for kind in given) or "nothing"
        raise SuiteError(f"{where}: asks {told}: give one of {', '.join(kinds)}")
    (kind,) = given
    if ("kwargs" in nodes) != (kind == "type"):
        raise SuiteError(f"{where}: `kwargs` go with `type`: give both or neither")
    severity = _text(nodes["severity"], name, "severity") if "severity" in nodes else ""
    if severity not in SEVERITIES:
        line = nodes["severity"].start_mark.line + 1 if severity else node.start_mark.line + 1
        raise SuiteError(f"{name}, line {line}: severity must be one of {', '.join(SEVERITIES)}, not {severity!r}")
    texts = {key: _text(nodes[key], name, key) for key in ("rule", "description", "remedy") if key in nodes}
    rule = texts.get("rule", "")
    if rule and not NAME.fullmatch(rule):
        raise SuiteError(f"{where}: the rule {rule!r} holds blanks, commas or slashes: join its words with _")
    expectation, kwargs, columns, meaning, broken = _asked(kind, nodes, name)
    if expectation == SQL and not rule:
        raise SuiteError(f"{where}: `rule` is missing: add `rule: …`, what is true of a row that the query finds")
    return Check(
        expectation,
        columns,
        cast("Severity", severity),
        kwargs,
        texts.get("description", meaning),
        rule or broken,
        texts.get("remedy", REMEDY),
        source,
        where,
    )


def _asked(
    kind: str, nodes: Mapping[str, yaml.Node], name: str
) -> tuple[str, dict[str, Any], tuple[str, ...], str, str]:
    """Expectation, arguments, columns, words and the name of what breaks it, as far as it follows from the rest."""
    line = nodes[kind].start_mark.line + 1
    if kind == SQL:
        return _query(_text(nodes[kind], name, SQL), f"{name}, line {line}")
    if kind == "type":
        expectation, kwargs = _text(nodes[kind], name, kind), _value(nodes["kwargs"], name)
        if not isinstance(kwargs, dict):
            raise SuiteError(
                f"{name}, line {nodes['kwargs'].start_mark.line + 1}: "
                "`kwargs` is no mapping: write `kwargs: {column: …}`"
            )
        if expectation == ROWS_QUERY and set(kwargs) == {"unexpected_rows_query"}:
            return _query(str(kwargs["unexpected_rows_query"]), f"{name}, line {line}")
        columns = _columns_of(kwargs)
        words = f"{expectation} of {', '.join(columns) or 'the table'}."
        return expectation, kwargs, columns, words, "_".join(["fails", expectation, *columns])
    given = _value(nodes[kind], name)
    if not isinstance(given, dict):
        raise SuiteError(f"{name}, line {line}: `{kind}` is no mapping: write `{kind}: {{column: …}}`")
    try:
        parameters = with_defaults(kind, given)
    except ParameterError as error:
        raise SuiteError(f"{name}, line {line}: `{kind}` {error}") from error
    rule = RULES[kind]
    return kind, parameters, named_columns(kind, parameters), rule.words(parameters), rule.broken(parameters)


def _query(text: str, where: str) -> tuple[str, dict[str, Any], tuple[str, ...], str, str]:
    query = text.strip().rstrip("; \t\r\n")
    if "{batch}" not in query:
        raise SuiteError(f"{where}: the query does not ask the table: write `FROM {{batch}}`")
    return SQL, {"sql": query}, (), "The query finds no row.", ""


def _columns_of(kwargs: Mapping[str, Any]) -> tuple[str, ...]:
    named = [kwargs[argument] for argument in COLUMN_ARGUMENTS if argument in kwargs]
    return tuple(str(one) for names in named for one in (names if isinstance(names, list) else [names]))


def _text(node: yaml.Node, name: str, key: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise SuiteError(f"{name}, line {node.start_mark.line + 1}: `{key}` is no text: give it one")
    return str(node.value).strip()


def _value(node: yaml.Node, name: str) -> Any:
    """What a node holds, as Great Expectations takes it: days as date-times."""
    try:
        loader = _Loader("")
        return _with_times(loader.construct_document(node))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise SuiteError(
            f"{name}, line {node.start_mark.line + 1}: holds what no expectation takes: write plain values"
        ) from error


def _with_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_times(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_times(part) for part in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())  # as DuckDB's DATE compares
    return value

"""A module as text: the definitions in it, what each of them names, and its syntax without words. Nothing is imported
or run.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

BLIND = frozenset({"eval", "exec", "globals", "locals", "__import__", "compile"})
BLIND_MODULES = frozenset({"importlib", "runpy", "pkgutil"})
BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr", "vars", "dir"})
"""Calls that look up by a computed name: fine on a value, whose class is reached whole, and blind on a module."""


class FingerprintError(Exception):
    """Code that decides a step's result and cannot be seen; the message says where, and how to write it so that it
    can.
    """


@dataclass
class Definition:
    """The statements that bind one name of a module, and all names that they use, as dotted chains with what the first
    part means.
    """

    statements: list[ast.stmt]
    uses: frozenset[tuple[str, ...]] = frozenset()
    imported: Mapping[str, str] = field(default_factory=dict)  # names bound by imports inside the statements
    attributes: frozenset[str] = frozenset()  # names that a class binds in its body, known there without it
    digest: str = ""


@dataclass
class Module:
    """A module as text: what it defines, what it imports under which name, and statements that bind nothing."""

    name: str
    is_package: bool
    definitions: dict[str, Definition]
    imports: dict[str, str]  # local name -> dotted path of a module or of something in one
    effects: Definition


def parse_module(name: str, text: str, *, is_package: bool) -> Module:
    """The definitions of a module, not read yet. FingerprintError where it imports what nobody can tell."""
    module = Module(name, is_package, {}, {}, Definition([]))
    _place_statements(module, ast.parse(text).body)
    return module


def read_definition(definition: Definition, is_module: Callable[[str], bool], where: str) -> None:
    """Fill in the digest of a definition's syntax, and what it names; `is_module` says of a name whether it means a
    module.

    FingerprintError where it looks up what no name tells.
    """
    uses = _Uses(is_module)
    for statement in definition.statements:
        uses.visit(statement)
    if uses.blind:
        raise FingerprintError(f"{where}: {uses.blind}, so its code version would miss changes: name it")
    definition.digest = hashlib.sha256("\n".join(map(_syntax, definition.statements)).encode()).hexdigest()
    definition.uses, definition.imported = frozenset(uses.found), uses.imported
    definition.attributes = frozenset(uses.attributes)


def _place_statements(module: Module, statements: Iterable[ast.stmt]) -> None:
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports.update(_imported(statement, module.name, is_package=module.is_package))
        elif isinstance(statement, ast.If) and _is_named(statement.test, "TYPE_CHECKING"):
            _place_statements(module, statement.body)
        elif not _is_text(statement) and not _is_main(statement):
            for part in _unpacked(statement):
                names = _bound(part)
                for name in names:
                    module.definitions.setdefault(name, Definition([])).statements.append(part)
                if not names:
                    module.effects.statements.append(part)


def _unpacked(statement: ast.stmt) -> Iterator[ast.stmt]:
    """`a, b = x, y` as the two statements that it is; any other as it stands."""
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
            for name, value in zip(names, values, strict=True):
                yield ast.Assign([name], value)
        case _:
            yield statement


def _bound(statement: ast.AST) -> set[str]:
    """The names that a statement binds in its own scope."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            names.update(one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        if isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        waiting += ast.iter_child_nodes(node)
    return names


def _imported(statement: ast.Import | ast.ImportFrom, module: str, *, is_package: bool) -> dict[str, str]:
    """Local name -> dotted path, of one import statement."""
    if isinstance(statement, ast.Import):
        return {
            one.asname or one.name.split(".")[0]: one.name if one.asname else one.name.split(".")[0]
            for one in statement.names
        }
    base = statement.module or ""
    if statement.level:
        above = module.split(".")[: len(module.split(".")) - statement.level + is_package]
        base = ".".join([*above, *filter(None, [base])])
    if any(one.name == "*" for one in statement.names):
        raise FingerprintError(
            f"{module} imports * from {base}, so nobody can tell what its names mean: import them by name"
        )
    return {one.asname or one.name: f"{base}.{one.name}" for one in statement.names}


def _is_named(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_main(statement: ast.stmt) -> bool:
    match statement:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
    return False


def _syntax(statement: ast.stmt) -> str:
    """The statement's syntax tree as text, without docstrings, and without imports, whose meaning counts by itself."""
    nodes = [node for node in ast.walk(statement) if isinstance(getattr(node, "body", None), list)]
    bodies: list[list[ast.stmt]] = [vars(node)["body"] for node in nodes]
    for node, body in zip(nodes, bodies, strict=True):
        vars(node)["body"] = [
            one for one in body if not _is_text(one) and not isinstance(one, ast.Import | ast.ImportFrom)
        ]
    text = ast.dump(statement)
    for node, body in zip(nodes, bodies, strict=True):
        vars(node)["body"] = body
    return text


class _Uses(ast.NodeVisitor):
    """Gathers the dotted chains that statements load from outside of themselves."""

    def __init__(self, is_module: Callable[[str], bool]) -> None:
        self.found: set[tuple[str, ...]] = set()
        self.imported: dict[str, str] = {}
        self.attributes: set[str] = set()
        self.blind = ""
        self._is_module = is_module
        self._scopes: list[set[str]] = []

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._load((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain, value = [node.attr], node.value
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self._load((value.id, *reversed(chain)))
        else:
            self.visit(value)

    def visit_Call(self, node: ast.Call) -> None:
        called, given = node.func, node.args[0] if node.args else None
        if isinstance(called, ast.Name) and called.id in BLIND and not self._is_local(called.id):
            self.blind = f"{called.id}() looks up what no name tells"
        if (
            isinstance(called, ast.Name)
            and called.id in BY_NAME
            and isinstance(given, ast.Name)
            and self._is_module(given.id)
        ):
            self.blind = f"{called.id}() looks up a computed name in the module {given.id}"
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self._visit_decorator(decorator)
        self._visit_arguments(node.args)
        if node.returns is not None:
            self.visit(node.returns)
        self._inside(_arguments(node.args), node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # the visitor's own spelling

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_arguments(node.args)
        self._inside(_arguments(node.args), [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.attributes |= {name for one in node.body for name in _bound(one)}
        for part in (*node.decorator_list, *node.bases, *node.keywords, *node.body):
            self.visit(part)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """An import inside a function: the name means the same in all of the definition."""
        self.imported.update(_imported(node, "", is_package=False))

    visit_ImportFrom = visit_Import  # noqa: N815

    def _visit_comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        bound = {name for one in node.generators for name in _bound(one.target)}
        self._scopes.append(bound)
        self.generic_visit(node)
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension  # noqa: N815

    def _visit_decorator(self, decorator: ast.expr) -> None:
        """Modules may be passed to a decorator: `models.kernels` notes their files, and looks up nothing in them."""
        if isinstance(decorator, ast.Call):
            self.visit(decorator.func)
            for given in (*decorator.args, *(one.value for one in decorator.keywords)):
                if not (isinstance(given, ast.Name) and self._is_module(given.id)):
                    self.visit(given)
        else:
            self.visit(decorator)

    def _visit_arguments(self, arguments: ast.arguments) -> None:
        for part in (*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)):
            self.visit(part)
        for one in _every_argument(arguments):
            if one.annotation is not None:
                self.visit(one.annotation)

    def _inside(self, bound: set[str], body: Sequence[ast.AST]) -> None:
        shared = {name for one in body for node in ast.walk(one) if isinstance(node, ast.Global) for name in node.names}
        self._scopes.append((bound | {name for one in body for name in _bound(one)}) - shared)
        for one in body:
            self.visit(one)
        self._scopes.pop()

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self._scopes)

    def _load(self, chain: tuple[str, ...]) -> None:
        if not self._is_local(chain[0]):
            self.found.add(chain)
        if chain[0] in BLIND_MODULES or chain[:2] == ("sys", "modules"):
            self.blind = f"{'.'.join(chain)} looks up what no name tells"


def _every_argument(arguments: ast.arguments) -> list[ast.arg]:
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _arguments(arguments: ast.arguments) -> set[str]:
    return {one.arg for one in _every_argument(arguments)}

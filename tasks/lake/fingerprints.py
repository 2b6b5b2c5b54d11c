"""The version of the code that decides what a step leaves: every definition that its body reaches, and no other.

From a function on, names are followed through definitions and imports, as text, without importing anything: each
first-party function, class and constant that is reached counts as its syntax tree, without docstrings and comments, and
by which definitions its names mean; where a definition stands does not count. The lake is not entered, for it has a
format version of its own. Of other libraries the version counts. What a name cannot tell (`eval`, `globals()`, an
attribute of a module by a computed name) is refused.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FunctionType

from tasks.lake.definitions import Definition, FingerprintError, Module, parse_module, read_definition

ROOT = Path(__file__).parents[2]
LAKE = "tasks.lake"
LAKE_FORMAT = 1
"""Counts up when the lake writes the same rows in another way: then every step is done anew."""

Place = tuple[str, str]
"""A definition: its module, and its name there."""


class Code:
    """The first-party code below a folder; `changed` gives other texts for some modules, by dotted name."""

    def __init__(self, root: Path = ROOT, changed: Mapping[str, str] | None = None) -> None:
        self._root, self._changed = root, dict(changed or {})
        self._modules: dict[str, Module | None] = {}
        self._targets: dict[Place, tuple[tuple[str, Place | str], ...]] = {}
        self._digests: dict[Place, str] = {}

    def with_text(self, module: str, text: str) -> Code:
        """The same code with another text for one module, in which the same names are defined. What does not name
        anything of that module is not looked at again.
        """
        other = Code(self._root, {**self._changed, module: text})
        other._modules = {name: found for name, found in self._modules.items() if name != module}
        other._targets = {place: found for place, found in self._targets.items() if place[0] != module}
        touched = {place for place, found in self._targets.items() if any(target[0] == module for _, target in found)}
        other._digests = {
            place: found for place, found in self._digests.items() if place[0] != module and place not in touched
        }
        return other

    def version(self, functions: Sequence[Place]) -> str:
        """First 12 hex digits of the digest of all that `functions` reach. FingerprintError where some of it cannot be
        seen.
        """
        reached = self.reached(functions)
        places = {place for place in reached if isinstance(place, tuple)}
        seen = {place: self._digest(place) for place in places}
        libraries = {library for library in reached if isinstance(library, str)}
        whole = hashlib.sha256(f"lake {LAKE_FORMAT}".encode())
        for place in functions:
            whole.update(seen[place].encode())
        for digest in sorted(seen.values()):
            whole.update(digest.encode())
        for library in sorted(libraries):
            whole.update(library_version(library).encode())
        return whole.hexdigest()[:12]

    def reached(self, functions: Sequence[Place]) -> set[Place | str]:
        """Every definition that `functions` reach, themselves included, and the names of the libraries that those
        use.
        """
        found: set[Place | str] = set()
        waiting: list[Place | str] = list(functions)
        while waiting:
            place = waiting.pop()
            if place in found:
                continue
            found.add(place)
            if isinstance(place, tuple):
                waiting += [target for _, target in self.targets(place)]
                waiting.append((place[0], ""))  # what its module does when it is loaded
        return {
            place for place in found if isinstance(place, tuple) or place.split(".")[0] not in sys.stdlib_module_names
        }

    def targets(self, place: Place) -> tuple[tuple[str, Place | str], ...]:
        """What the names in a definition mean: (chain as written, definition or library), builtins and local names left
        out.
        """
        if place not in self._targets:
            module, definition = self._module(place[0]), self._definition(place)
            found = {
                (".".join(chain), target)
                for chain in definition.uses
                if (target := self._meaning(module, definition, chain)) is not None
            }
            self._targets[place] = tuple(sorted(found, key=str))
        return self._targets[place]

    def _digest(self, place: Place) -> str:
        """A definition's own syntax, and for each name the syntax of what it means: the same wherever both stand."""
        if place not in self._digests:
            means = [
                (chain, self._definition(target).digest if isinstance(target, tuple) else target)
                for chain, target in self.targets(place)
            ]
            whole = repr((place[1], self._definition(place).digest, sorted(means)))
            self._digests[place] = hashlib.sha256(whole.encode()).hexdigest()
        return self._digests[place]

    def _definition(self, place: Place) -> Definition:
        module = self._module(place[0])
        definition = module.effects if not place[1] else module.definitions[place[1]]
        if not definition.digest:
            read_definition(definition, self._is_module(module), ".".join(place))
        return definition

    def _is_module(self, module: Module) -> Callable[[str], bool]:
        def is_module(name: str) -> bool:
            return (
                name in module.imports
                and name not in module.definitions
                and self._find(module.imports[name]) is not None
            )

        return is_module

    def _meaning(self, module: Module, definition: Definition, chain: tuple[str, ...]) -> Place | str | None:
        """The definition or library that a chain of names means in a module; None for a builtin, and for the lake."""
        first = chain[0]
        if first in definition.imported:
            return self._through(definition.imported[first], chain[1:], f"{module.name}: {'.'.join(chain)}")
        if first in module.definitions:
            return module.name, first
        if first in module.imports:
            return self._through(module.imports[first], chain[1:], f"{module.name}: {'.'.join(chain)}")
        if first in definition.attributes or first in vars(builtins) or first in {"__file__", "__name__"}:
            return None
        raise FingerprintError(
            f"{module.name}: nothing defines {first}, so its code version would miss changes: import it by name"
        )

    def _through(self, path: str, rest: tuple[str, ...], where: str) -> Place | str | None:
        """What `path` (a module, or something in one) and then the attributes `rest` mean."""
        if not self._is_first_party(path):
            return ".".join((path, *rest)) if rest else path
        if path == LAKE or path.startswith(f"{LAKE}."):
            return None
        parts = [*path.split("."), *rest]
        for n in range(1, len(parts) + 1):
            module = self._find(".".join(parts[:n]))
            following = self._find(".".join(parts[: n + 1])) if n < len(parts) else None
            if module is None or following is not None:
                continue
            if n == len(parts):
                raise FingerprintError(
                    f"{where} is a module as a value, in which anything may be looked up: name what is used of it"
                )
            if parts[n] in module.definitions:
                return module.name, parts[n]
            if parts[n] in module.imports:
                return self._through(module.imports[parts[n]], tuple(parts[n + 1 :]), where)
            break
        raise FingerprintError(f"{where}: {'.'.join(parts)} is defined nowhere, so its code version would miss changes")

    def _is_first_party(self, path: str) -> bool:
        first = path.split(".", maxsplit=1)[0]
        return first in self._changed or (self._root / first / "__init__.py").is_file()

    def _module(self, name: str) -> Module:
        module = self._find(name)
        if module is None:
            raise FingerprintError(f"there is no first-party module {name}: a step's body is a function of one")
        return module

    def _find(self, name: str) -> Module | None:
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        path = self._root.joinpath(*name.split("."))
        is_package = (path / "__init__.py").is_file()
        if name in self._changed:
            return parse_module(name, self._changed[name], is_package=is_package)
        inside = path / "__init__.py" if is_package else path.with_suffix(".py")
        file = inside if inside.is_file() else _file_outside(name)
        return None if file is None else parse_module(name, file.read_text(encoding="utf-8"), is_package=is_package)


@functools.cache
def code_version(*functions: FunctionType) -> str:
    """The version of the code that `functions`, module-level and first-party, reach. FingerprintError where some of it
    cannot be seen.
    """
    return _installed().version([place_of(function) for function in functions])


def place_of(function: Callable[..., object]) -> Place:
    """Where a module-level function or class is defined. FingerprintError for anything else, whose code nobody could
    name.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or "." in name or name == "<lambda>":
        raise FingerprintError(f"{function!r} is no function of a module: define it there, under a name of its own")
    return module, name


@functools.cache
def _installed() -> Code:
    return Code()


@functools.cache
def library_version(library: str) -> str:
    """`name==version` of the installed distributions that hold a library, whatever is used of it; empty where there is
    none.
    """
    first = library.split(".", maxsplit=1)[0]
    try:
        names: Sequence[str] = (importlib.metadata.distribution(first).name,)  # most bear the name of what they hold
    except importlib.metadata.PackageNotFoundError:
        names = sorted(_distributions().get(first, ()))
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in names)


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # looks through all that is installed, 0.3 s


def _file_outside(name: str) -> Path | None:
    """The file of a loaded module that lies elsewhere, such as a test's; first-party only for functions of its own."""
    loaded = sys.modules.get(name)
    file = getattr(loaded, "__file__", None)
    is_foreign = file is None or "site-packages" in file or name.split(".", maxsplit=1)[0] in sys.stdlib_module_names
    return None if is_foreign else Path(str(file))

"""Which code decides a step: on small trees of a test's own, and over every step that there is."""

import ast
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.lake.fingerprints import Code, FingerprintError, code_version, place_of
from tasks.lake.steps import Step
from tasks.running.stages import all_chains

TREE = {
    "pure.__init__": "",
    "pure.step": """
        from __future__ import annotations
        import json
        from typing import TYPE_CHECKING
        from pure import shapes
        from pure.words import LIMIT, clean as tidy
        if TYPE_CHECKING:
            from pure.types_of import Payload

        def body(lake, payload: Payload) -> list[str]:
            \"\"\"What it says.\"\"\"
            from pure.late import finish
            return finish([tidy(word) for word in payload.words][:LIMIT], shapes.area)

        def other(): return json.dumps(1)
        """,
    "pure.words": """
        LIMIT, ASIDE = 5, 6
        TABLE = {"a": 1}
        def clean(word): return helper(word.strip())
        def helper(word, n=LIMIT): return word[:n]
        def unrelated(): return TABLE
        """,
    "pure.shapes": "def area(x): return x * x\ndef volume(x): return x ** 3\n",
    "pure.late": "import numpy\ndef finish(words, how): return numpy.array([how(len(word)) for word in words])\n",
    "pure.types_of": """
        class Payload:
            words: list[str]
            def size(self): return measure(self)

        def measure(one): return 1
        """,
}
BODY = ("pure.step", "body")


def code_of(**changes: str) -> Code:
    """The tree, with other texts for some modules (`words`, `step`, …)."""
    texts = {name: textwrap.dedent(text) for name, text in TREE.items()}
    texts |= {f"pure.{name}": textwrap.dedent(text) for name, text in changes.items()}
    return Code(Path("/nowhere"), {**texts, "pure": ""})


def version(**changes: str) -> str:
    return code_of(**changes).version([BODY])


def edited(module: str, old: str, new: str) -> dict[str, str]:
    """The text of a module with one thing changed."""
    text = textwrap.dedent(TREE[f"pure.{module}"])
    assert old in text
    return {module: text.replace(old, new)}


def test_every_definition_that_a_name_leads_to_is_reached_and_no_other() -> None:
    reached = code_of().reached([BODY])
    assert {place for place in reached if isinstance(place, tuple) and place[1]} == {
        BODY,
        ("pure.words", "LIMIT"),
        ("pure.words", "clean"),
        ("pure.words", "helper"),
        ("pure.shapes", "area"),
        ("pure.late", "finish"),
        ("pure.types_of", "Payload"),
        ("pure.types_of", "measure"),
    }
    assert {place.split(".")[0] for place in reached if isinstance(place, str)} == {"numpy"}


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("words", "LIMIT, ASIDE = 5, 6", "LIMIT, ASIDE = 4, 6"),
        ("words", "word[:n]", "word[n:]"),
        ("words", "n=LIMIT", "n=3"),
        ("shapes", "x * x", "x + x"),
        ("late", "len(word)", "len(word) + 1"),
        ("types_of", "return 1", "return 2"),
        ("step", "[:LIMIT]", "[LIMIT:]"),
        ("step", "shapes.area", "shapes.volume"),
        ("step", "clean as tidy", "helper as tidy"),
    ],
)
def test_a_change_of_what_is_reached_is_another_version(module: str, old: str, new: str) -> None:
    assert version(**edited(module, old, new)) != version()


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("words", "LIMIT, ASIDE = 5, 6", "LIMIT, ASIDE = 5, 7"),
        ("words", "return TABLE", "return 7"),
        ("words", "def helper", "# why\ndef helper"),
        ("words", "def clean(word): return", 'def clean(word):\n    """Says."""\n    return'),
        ("step", "What it says.", "What else it says."),
        ("step", "json.dumps(1)", "json.dumps(2)"),
        ("shapes", "x ** 3", "x ** 4"),
        ("late", "import numpy", "import numpy\nUNUSED = 1"),
    ],
)
def test_comments_docstrings_and_what_nobody_reaches_change_nothing(module: str, old: str, new: str) -> None:
    assert version(**edited(module, old, new)) == version()


def test_neither_order_nor_place_changes_anything() -> None:
    lines = textwrap.dedent(TREE["pure.words"]).strip().split("\n")
    assert version(words="\n".join([*lines[:2], *reversed(lines[2:])])) == version()
    moved = edited(
        "step", "from pure.words import LIMIT, clean as tidy", "from pure.inner.words import LIMIT, clean as tidy"
    )
    elsewhere = {"inner.__init__": "", "inner.words": TREE["pure.words"], "words": "", "inner": ""}
    assert version(**moved, **elsewhere) == version()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "def body(lake, payload): return globals()[payload]",
            r"pure.step.body: globals\(\) looks up what no name tells",
        ),
        ("def body(lake, payload): return eval(payload)", r"eval\(\) looks up"),
        (
            "import importlib\ndef body(lake, payload): return importlib.import_module(payload)",
            "importlib.import_module",
        ),
        ("import sys\ndef body(lake, payload): return sys.modules[payload]", "sys.modules looks up"),
        (
            "from pure import words\ndef body(lake, payload): return getattr(words, payload)",
            r"getattr\(\) looks up a computed",
        ),
        ("from pure import words\ndef body(lake, payload): return payload(words)", "a module as a value"),
        ("from pure.words import *\ndef body(lake, payload): return clean(payload)", r"imports \* from pure.words"),
        ("from pure import words\ndef body(lake, payload): return words.nothing", "is defined nowhere"),
        ("def body(lake, payload): return nothing(payload)", "nothing defines nothing"),
    ],
)
def test_what_no_name_tells_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FingerprintError, match=sentence):
        version(step=text)


@pytest.mark.parametrize(
    "text",
    [
        "def body(lake, payload): return getattr(payload, 'words')",
        "def body(lake, clean): return clean(lake)",
        "def body(lake, payload): return [clean for clean in payload]",
        "def body(lake, payload):\n    def clean(x): return x\n    return clean(payload)",
        "def body(lake, payload):\n    try:\n        return 1\n    except ValueError as clean:\n        return clean",
        "def body(lake, payload):\n    match payload:\n        case [clean, *rest]:\n            return clean, rest",
        "class body:\n    one = 1\n    two = property(lambda self: self.one)\n    three = two",
    ],
)
def test_names_of_ones_own_and_attributes_of_values_are_no_lookups(text: str) -> None:
    reached = code_of(step=f"from pure.words import clean\n{text}").reached([BODY])
    assert {place for place in reached if isinstance(place, tuple) and place[1]} == {BODY}


def test_only_functions_of_a_module_have_a_version() -> None:
    for function in (lambda: 1, [].append, "text".join):
        with pytest.raises(FingerprintError, match="is no function of a module"):
            place_of(function)


def steps_of_all_chains() -> list[Step]:
    return [step for chain in all_chains().values() for step in chain.steps]


def test_every_step_has_a_version_that_its_lake_is_no_part_of() -> None:
    code = Code()
    for step in steps_of_all_chains():
        reached = code.reached([place_of(step.body)])
        assert not [place for place in reached if place[0].startswith("tasks.lake")]
        assert not {place for place in reached if isinstance(place, str) and place.startswith(("prefect", "httpx"))}, (
            step
        )
        assert code_version(step.body) == code.version([place_of(step.body)])


def mutated(text: str) -> Iterator[tuple[str, str]]:
    """For each definition of a module its name, and the module's text in which that one says something else."""
    lines = text.split("\n")
    for node in ast.parse(text).body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                first = node.body[1] if len(node.body) > 1 and isinstance(node.body[0], ast.Expr) else node.body[-1]
                at, margin = first.end_lineno or 0, " " * first.col_offset
                yield node.name, "\n".join([*lines[:at], f"{margin}del mutated", *lines[at:]])
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if node.value:
                at = node.end_lineno or 0
                yield name, "\n".join([*lines[:at], f"{name} = ({name}, 'mutated')", *lines[at:]])


@pytest.mark.slow
def test_changing_any_definition_changes_exactly_the_steps_that_reach_it() -> None:
    """Every definition that any step reaches, one after another, is changed in its text; all steps are looked at each
    time.
    """
    code = Code()
    bodies = {step.name: [place_of(step.body)] for step in steps_of_all_chains()}
    before = {name: code.version(body) for name, body in bodies.items()}
    reach = {name: {place for place in code.reached(body) if isinstance(place, tuple)} for name, body in bodies.items()}
    n_changed = 0
    for module in sorted({place[0] for places in reach.values() for place in places}):
        for name, text in mutated(Path(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")):
            reaching = {step for step, places in reach.items() if (module, name) in places}
            changed = code.with_text(module, text)
            assert {step for step, body in bodies.items() if changed.version(body) != before[step]} == reaching, (
                module,
                name,
            )
            n_changed += bool(reaching)
    assert n_changed > 1000

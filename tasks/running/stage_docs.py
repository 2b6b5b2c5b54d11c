"""`docs/stages.md` and `docs/stages.svg`, made from the chains: `python -m tasks.running.stage_docs`.

What each step reads and leaves as tables, and who reads from whom as a picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tasks.lake.steps import Step
from tasks.running.chains import BATCHES, LEFT, PUBLISHED, SNAPSHOT_ID, Chain
from tasks.running.stages import all_chains, refresh_order

TITLE = "Which chain reads what of which other"
DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Stages

Made from the chains in `tasks/*/stage.py` by `make docs`; do not edit. How a chain is declared:
`tasks/running/chains.py`.

![Which chain reads what of which other](stages.svg)

A whole run (`tidemill run`, the flow `refresh`) does, in this order: {order}. Before a stage reads as published what
was left since the last publish, it is published.
"""
# Our choice, in pixels: boxes one below another in the order of a run, arrows in the margin before them.
BOX_WIDTH, LINE, GAP, MARGIN, LANE = 330, 15, 14, 20, 17
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
STYLE = """
.back { fill: #fff; } .box { fill: #f4f7f9; stroke: #0b5cad; } text { fill: #1b2733; }
.small { font-size: 11px; fill: #44525f; }
.arrow { stroke: #44525f; stroke-width: 1.3; fill: none; marker-end: url(#head); } .left { stroke-dasharray: 5 4; }
"""


def stages_markdown(chains: Mapping[str, Chain]) -> str:
    """A section a chain: its flow, its stage, and a row a step with what it reads, leaves and hands over."""
    parts = [HEAD.format(order=", ".join(f"`{name}`" for name in refresh_order(chains)))]
    for subject, chain in chains.items():
        kinds = " Takes in declared sources." if chain.kinds else ""
        lines = [
            f"## {subject}",
            "",
            f"Part of the stage `{chain.stage}`, which the flow `{chain.flow}` leaves.{kinds}",
            "",
            "| step | reads | leaves | hands over to later steps |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{step.name}` | {_reads(step)} | {_listed(step.leaves)} | {_listed(step.hands_over)} |"
                for step in chain.steps
            ),
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def stages_svg(chains: Mapping[str, Chain]) -> str:
    """The chains as boxes in the order of a run, an arrow from each to those that read from it: dashed what is read as
    it was last left, drawn through what is read as it is published.
    """
    edges = _edges(chains)
    margin = MARGIN + LANE * len(edges)
    tops, y = {}, MARGIN
    for subject, chain in chains.items():
        tops[subject] = y
        y += _height(chain) + GAP
    drawn = [_box(chains[subject], margin, top) for subject, top in tops.items()]
    for lane, (source, target, words, is_left) in enumerate(edges):
        n_before = sum(other[1] == target for other in edges[:lane])
        y0 = tops[source] + _height(chains[source]) - 8 - 3 * sum(other[0] == source for other in edges[:lane])
        y1 = tops[target] + 14 + LINE * n_before
        x = margin - LANE * (lane + 1)
        path = f"M{margin} {y0} H{x + 8} Q{x} {y0} {x} {y0 + 8} V{y1 - 8} Q{x} {y1} {x + 8} {y1} H{margin - 2}"
        drawn.append(f'<path class="arrow{" left" if is_left else ""}" d="{path}"/>')
        read = f"reads {escape(words)} of {escape(source)}"
        drawn.append(f'<text class="small" x="{margin + BOX_WIDTH + 10}" y="{y1 + 4}">{read}</text>')
    width = margin + BOX_WIDTH + 260
    marker = '<marker id="head" markerWidth="9" markerHeight="9" refX="8" refY="4" orient="auto">'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" {FONT} role="img" aria-label="{TITLE}">',
        f'<style>{STYLE}</style><defs>{marker}<path d="M0 0 L9 4 L0 8 z"/></marker></defs>',
        f'<rect class="back" width="{width}" height="{y}"/>',
    ]
    return "\n".join([*lines, *drawn, "</svg>\n"])


def _edges(chains: Mapping[str, Chain]) -> list[tuple[str, str, str, bool]]:
    """(from, to, what is read, whether it is read as it was left and not as published), each pair once."""
    edges = []
    for target, chain in chains.items():
        for source, other in chains.items():
            tables = sorted(chain.published & set(other.tables))
            if source in chain.left and source != target:
                edges.append((source, target, "what was last left", True))
            elif tables and source != target:
                edges.append((source, target, ", ".join(tables), False))
    return edges


def _height(chain: Chain) -> int:
    return 42 + LINE * len(_lines(chain))


def _lines(chain: Chain) -> list[str]:
    """The steps in their order, and the tables that they leave."""
    rows = textwrap.wrap(" → ".join(step.name for step in chain.steps), BOX_WIDTH // 6)
    tables = [table for table in chain.tables if not table.startswith("ops.")]
    return [*rows, *textwrap.wrap(f"leaves {', '.join(tables)}", BOX_WIDTH // 6)] if tables else rows


def _box(chain: Chain, x: int, y: int) -> str:
    lines = "".join(
        f'<text class="small" x="{x + 12}" y="{y + 38 + LINE * n}">{escape(line)}</text>'
        for n, line in enumerate(_lines(chain))
    )
    title = f'<tspan font-weight="600">{escape(chain.subject)}</tspan>  {escape(chain.flow)}'
    box = f'<rect class="box" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{_height(chain)}" rx="6"/>'
    return f'{box}<text x="{x + 12}" y="{y + 20}">{title}</text>{lines}'


def _reads(step: Step) -> str:
    """What a step reads, in words; the lake, settings and the snapshot's name go without saying."""
    found = []
    for name in step.inputs.values():
        if name == "sources":
            found.append("the declared sources")
        elif name.startswith(PUBLISHED):
            found.append(f"published `{name.removeprefix(PUBLISHED)}`")
        elif name.endswith(LEFT):
            found.append(f"what {name.removesuffix(LEFT)} left")
        elif name not in {"lake", "settings", SNAPSHOT_ID} and not name.endswith(BATCHES):
            found.append(f"`{name}`")
    return ", ".join(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    (DOCS / "stages.md").write_text(stages_markdown(all_chains()), encoding="utf-8")
    (DOCS / "stages.svg").write_text(stages_svg(all_chains()), encoding="utf-8")

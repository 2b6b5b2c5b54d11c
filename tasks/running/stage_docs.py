"""`docs/stages.md` and `docs/stages.svg`, made from the chains: `python -m tasks.running.stage_docs`.

What each step reads and leaves as tables, and who reads from whom as a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from tasks.lake.steps import Step
from tasks.running.chains import BATCHES, LEFT, PUBLISHED, SNAPSHOT_ID, Chain
from tasks.running.stages import all_chains, refresh_order

DOCS = Path(__file__).parents[2] / "docs"
HEAD = """# Stages

Made from the chains in `tasks/*/stage.py` by `make docs`; do not edit. How a chain is declared:
`tasks/running/chains.py`.

![Which chain reads what of which other](stages.svg)

A whole run (`tidemill run`, the flow `refresh`) does, in this order: {order}. Before a stage reads as published what
was left since the last publish, it is published.
"""
# Our choice, in pixels: a box as wide as the longest step's name, a column apart from the next as far as names of
# tables need.
BOX_WIDTH, LINE, COLUMN, GAP, MARGIN = 190, 15, 330, 26, 20
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
        kinds = f" Takes in sources of the kinds {_listed(chain.kinds)}." if chain.kinds else ""
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
    """The chains as boxes, in columns by how many others must come before; an arrow for what one reads of another."""
    depth: dict[str, int] = {}
    edges = _edges(chains)
    for subject in chains:  # in the order of a run, so those before it are placed
        depth[subject] = max((depth[source] + 1 for source, target, _, _ in edges if target == subject), default=0)
    place, below = {}, dict.fromkeys(range(max(depth.values(), default=0) + 1), MARGIN)
    for subject, chain in chains.items():
        height = 46 + LINE * len(chain.steps)
        place[subject] = (MARGIN + COLUMN * depth[subject], below[depth[subject]], height)
        below[depth[subject]] += height + GAP
    width, high = MARGIN + COLUMN * len(below) - COLUMN + BOX_WIDTH + MARGIN, max(below.values())
    drawn = [_box(chains[subject], *where) for subject, where in place.items()]
    ends = dict.fromkeys(chains, 0)
    for source, target, words, is_left in edges:
        drawn.append(_arrow(place[source], place[target], ends[target], words, is_left=is_left))
        ends[target] += 1
    marker = '<marker id="head" markerWidth="9" markerHeight="9" refX="8" refY="4" orient="auto">'
    head = f'<defs>{marker}<path d="M0 0 L9 4 L0 8 z"/></marker></defs>'
    title = 'role="img" aria-label="Which chain reads what of which other"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {high}" {FONT} {title}>',
            f"<style>{STYLE}</style>{head}",
            f'<rect class="back" width="{width}" height="{high}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _edges(chains: Mapping[str, Chain]) -> list[tuple[str, str, str, bool]]:
    """(from, to, what is read, whether it is read as it was left and not as published), each pair once."""
    edges = []
    for target, chain in chains.items():
        for source, other in chains.items():
            tables = sorted(chain.published & set(other.tables))
            if source in chain.left and source != target:
                edges.append((source, target, "as last left", True))
            elif tables and source != target:
                edges.append((source, target, ", ".join(tables), False))
    return edges


def _box(chain: Chain, x: int, y: int, height: int) -> str:
    steps = "".join(
        f'<text class="small" x="{x + 12}" y="{y + 52 + LINE * n}">{escape(step.name)}</text>'
        for n, step in enumerate(chain.steps)
    )
    return (
        f'<rect class="box" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{height}" rx="6"/>'
        f'<text x="{x + 12}" y="{y + 20}" font-weight="600">{escape(chain.subject)}</text>'
        f'<text class="small" x="{x + 12}" y="{y + 35}">{escape(chain.flow)}</text>{steps}'
    )


def _arrow(
    source: tuple[int, int, int], target: tuple[int, int, int], n_before: int, words: str, *, is_left: bool
) -> str:
    x0, y0 = source[0] + BOX_WIDTH, source[1] + source[2] // 2
    x1, y1 = target[0], target[1] + 14 + 18 * n_before
    bend = f"M{x0} {y0} C{x0 + 60} {y0} {x1 - 60} {y1} {x1 - 2} {y1}"
    label = f'<text class="small" x="{x1 - 8}" y="{y1 - 4}" text-anchor="end">{escape(words)}</text>'
    return f'<path class="arrow{" left" if is_left else ""}" d="{bend}"/>{label}'


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

"""Sections found by themselves: a room is added, a room is taken out, and nothing else is edited."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.lake.layout import Lake
from tasks.lake.statements import ROOMS
from tasks.report.sections import find_sections

ROOT = Path(__file__).parents[3]
TIDES = {
    "section.py": (
        "from tasks.report.sections import Section\n"
        'SECTION = Section("tides", "Tides", 15, lambda reader: {"days": reader.rows("days")})\n'
    ),
    "section.html.j2": '{% from "report/macros.html.j2" import table %}<p>High water.</p>{{ table(days) }}\n',
    "sql/days.sql": "SELECT DATE '2020-05-01' AS observed_on;\n",
}


def run_python(code: str, folder: Path) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_section_has_a_place_and_a_name_of_its_own():
    sections = find_sections()
    for names in ({one.anchor for one in sections.values()}, {one.place for one in sections.values()}):
        assert len(names) == len(sections)
    assert all((ROOMS / room / "section.html.j2").is_file() for room in sections)


@pytest.mark.slow
def test_finding_sections_loads_neither_prefect_nor_torch():
    code = "import sys, tasks.report.page as page; page.find_sections(); print({'prefect', 'torch'} & set(sys.modules))"
    assert run_python(code, ROOT).strip() == "set()"


@pytest.mark.slow
def test_a_room_brings_its_section_and_takes_it_away(tmp_path: Path):
    for package in ("expectations", "models", "tasks"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for learner in find_sections().keys() - {"mobility"}:
        shutil.rmtree(tmp_path / "tasks" / learner)
        (tmp_path / "expectations" / "contracts" / f"{learner}.py").unlink(missing_ok=True)
    for name, text in TIDES.items():
        path = tmp_path / "tasks" / "tides" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lake = Lake.open(tmp_path / "home")
    code = (
        "from tasks.lake.layout import Lake\nfrom tasks.lake.publishing import publish\n"
        "from tasks.questions.words import languages_of_vectors\nfrom tasks.report.page import build_report\n"
        f"lake = Lake.open({str(lake.home)!r})\npublish(lake, [], 'run')\n"
        "print(languages_of_vectors(lake), build_report(lake).read_text())"
    )
    page = run_python(code, tmp_path)
    assert page.startswith("[] <!doctype html>")
    assert '<a href="#mobility">Mobility</a><a href="#tides">Tides</a><a href="#runs">' in page
    assert '<h2 id="tides">Tides</h2>\n<p>High water.</p>' in page
    assert "<td>2020-05-01</td>" in page
    assert "<td>forecasts</td>" not in page

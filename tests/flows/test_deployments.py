import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow

from flows.refresh import refresh
from tasks.running.stages import all_stages

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: list[dict[str, Any]] = DEPLOYED["deployments"]

pytestmark = pytest.mark.slow


def test_every_flow_is_deployed_once_under_the_name_of_its_file() -> None:
    files = sorted(path.stem for path in (ROOT / "flows").glob("[!_]*.py"))
    assert sorted(deployment["name"] for deployment in DEPLOYMENTS) == files
    assert "pull" not in DEPLOYED


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_a_deployment_names_its_flow_its_pool_its_limit_and_schedules_that_deploying_again_replaces(
    deployment: dict[str, Any],
) -> None:
    module, _, function = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), function)
    assert isinstance(flow, Flow)
    assert flow.name == function == deployment["name"]
    assert flow.description
    assert deployment["work_pool"] == {"name": "tidemill"}
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert all(schedule["slug"] and schedule["cron"] for schedule in deployment["schedules"])


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_the_parameters_of_a_flow_have_types_from_which_a_form_is_made(deployment: dict[str, Any]) -> None:
    module, _, function = deployment["entrypoint"].rpartition(".")
    properties = getattr(importlib.import_module(module), function).parameters.properties
    assert "home" in properties
    for name, property_ in properties.items():
        assert {"type", "anyOf", "allOf", "$ref", "enum"} & set(property_), name


def test_the_form_of_refresh_shows_every_stage() -> None:
    shown = [one["enum"] for one in refresh.parameters.properties["only"]["anyOf"] if "enum" in one]
    assert shown == [list(all_stages())]

"""What the README says of settings, commands, targets and tests is true."""

from __future__ import annotations

import inspect
import re
from collections.abc import Container
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter
from typer.main import get_command

from consumer.cli import app
from consumer.gateway_settings import GatewaySettings
from consumer.scoring.policy import parse_policy
from consumer.settings import Settings
from consumer.telemetry import metrics
from consumer.telemetry.metrics import METRICS, Process

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def settings_table(settings: type[Settings], without: Container[str] = ()) -> str:
    """The table as it must stand between the markers."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        if name in without:
            continue
        default = "none" if field.default is None else f"`{_shown(field.default)}`"
        rows.append(f"| `FRAUDSTREAM_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    if isinstance(default, str):
        return default
    text = str(TypeAdapter(Any).dump_python(default, mode="json"))
    return text.lower() if isinstance(default, bool) else text


def metrics_table() -> str:
    """The table as it must stand between the markers; the meanings are the comments of the Literal."""
    comments = re.findall(r"^    # (.+)\. Bad: (.+)\.\n    \"(\w+)\",$", inspect.getsource(metrics), re.MULTILINE)
    assert [name for _, _, name in comments] == list(METRICS)
    rows = ["| metric | unit | from | meaning | bad |", "|---|---|---|---|---|"]
    for meaning, bad, name in comments:
        unit, _, emitters, dimension = METRICS[name]
        shown = f"`{name}`" + (f" by `{dimension}`" if dimension else "")
        processes = "all" if set(emitters) == set(get_args(Process)) else ", ".join(emitters)
        rows.append(f"| {shown} | {unit} | {processes} | {meaning} | {bad} |")
    return "\n".join(rows)


def test_every_metric_stands_in_the_readme_as_it_is() -> None:
    found = re.search(r"<!-- metrics:begin -->\n(.*?)\n<!-- metrics:end -->", README, re.DOTALL)
    assert found is not None
    assert found[1] == metrics_table(), f"put this between the markers:\n{metrics_table()}"


def test_every_setting_stands_in_the_readme_as_it_is() -> None:
    found = re.search(r"<!-- settings:begin -->\n(.*?)\n<!-- settings:end -->", README, re.DOTALL)
    assert found is not None
    assert found[1] == settings_table(Settings), f"put this between the markers:\n{settings_table(Settings)}"


def test_every_setting_of_the_gateway_stands_in_the_readme_as_it_is() -> None:
    found = re.search(r"<!-- gateway-settings:begin -->\n(.*?)\n<!-- gateway-settings:end -->", README, re.DOTALL)
    assert found is not None
    table = settings_table(GatewaySettings, without=Settings.model_fields)
    assert found[1] == table, f"put this between the markers:\n{table}"


def test_every_command_and_only_those_stand_in_the_readme() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert commands == set(re.findall(r"^\| `fraudstream ([a-z-]+)", README, re.MULTILINE))


def test_the_policy_in_the_readme_is_a_valid_one_with_a_segment_and_both_lists() -> None:
    found = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert found is not None
    policy = parse_policy(found[1])
    assert (len(policy.segments), len(policy.block), len(policy.allow)) == (1, 1, 1)


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets


def test_every_test_that_backs_a_guarantee_exists() -> None:
    for pattern in set(re.findall(r"`(tests/[^`]+)`", README)):
        assert list(ROOT.glob(pattern.rstrip("/"))), pattern

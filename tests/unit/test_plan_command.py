"""`fraudstream plan` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumer.cli import app

TITLES = (
    "What stands",
    "At the peak",
    "A month (730 hours)",
    "What breaks first, from here to a million events/s",
    "How far one ledger goes (db.r6g.16xlarge), each change alone: estimates",
)


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["plan", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_the_plan_is_told_in_five_tables_and_what_they_rest_on() -> None:
    code, shown, _ = run("--events-per-second", 1_000, "--event-bytes", 500)
    assert code == 0
    places = [shown.index(title) for title in TITLES]
    assert places == sorted(places)
    flat = " ".join(shown.split())
    for words in (
        "1,000 events/s in the mean, 2,000 at the peak, 500 bytes each; us-east-1, prices as seen on 20",
        "Kinesis 3 shards provisioned, polled every 200 ms",
        "one ledger (db.r6g.16xlarge)",
        "and a standby in another zone",
        "a million decisions",
        "Estimated: java_poll_us",
        "PUT requests into one prefix of S3",
        "RDS itself was never measured",
        "Not in the bill: taxes",
    ):
        assert words in flat
    assert max(map(len, shown.splitlines())) <= 110


def test_more_than_one_ledger_is_said_to_be_not_built() -> None:
    _, shown, _ = run("--events-per-second", 1_000_000)
    assert "NOT BUILT" in shown


def test_options_change_what_stands() -> None:
    _, shown, _ = run(
        "--events-per-second", 10, "--shards-mode", "on-demand", "--fan-out", "--no-multi-az", "--retention-days", 90
    )
    flat = " ".join(shown.split())
    assert "4 shards on-demand, fan-out" in flat
    assert "standby" not in flat
    assert "for 90 days" in flat


def test_the_document_says_the_same_as_the_tables() -> None:
    code, shown, _ = run("--events-per-second", 1_000, "--json", "--set", "worker_mb=60", "--set", "java_mb=250")
    document = json.loads(shown)
    assert code == 0
    assert document["stream"]["shards"] == 3
    assert document["usd_a_month"] == pytest.approx(sum(item["usd"] for item in document["bill"]))
    assert document["usd_a_million_decisions"] == pytest.approx(document["usd_a_month"] / 2_628)
    given = {one["name"]: one["value"] for one in document["inputs"]["figures"] if one["command"] == "given by you"}
    assert given == {"worker_mb": 60, "java_mb": 250}
    assert {"steps", "one_ledger", "uses", "lake", "ledger", "tasks", "prices", "demand"} <= set(document)


def test_inputs_shows_every_figure_and_price_with_its_source() -> None:
    _, shown, _ = run("--events-per-second", 10, "--inputs")
    flat = "".join(shown.split())
    for words in ("postgres_batch_us", "fraudstreambenchstages", "fargate_vcpu_hour", "ESTIMATED:https://"):
        assert words in flat


def test_a_file_of_figures_is_read_and_the_command_line_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"worker_mb": 70, "java_mb": 200}')
    _, shown, _ = run("--events-per-second", 10, "--json", "--measured", tmp_path / "mine.json", "--set", "java_mb=210")
    figures = {one["name"]: one["value"] for one in json.loads(shown)["inputs"]["figures"]}
    assert (figures["worker_mb"], figures["java_mb"]) == (70, 210)


WRONG = {
    "a rate of nothing": (["--events-per-second", "0"], "give a rate above 0"),
    "too many zeros": (["--events-per-second", "100000000"], "did a zero slip in?"),
    "an event of nothing": (["--events-per-second", "1", "--event-bytes", "5"], "at least 100 bytes"),
    "an event too large": (["--events-per-second", "1", "--event-bytes", "70000"], "events over 64 KB"),
    "a region that is not there": (
        ["--events-per-second", "1", "--region", "eu-west-9"],
        "give your own with --prices",
    ),
    "a figure that is none": (["--events-per-second", "1", "--set", "x"], "such as --set postgres_row_us=20"),
    "a figure that nobody knows": (["--events-per-second", "1", "--set", "x=1"], "an input is one of"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_in_one_line_with_the_remedy(case: str) -> None:
    arguments, told = WRONG[case]
    code, _, said = run(*arguments)
    assert code == 2
    assert told in said
    assert said.startswith("fraudstream: ")
    assert said.count("\n") == 1

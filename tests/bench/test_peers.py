"""The peers are fair only if they do the same work: their features are those of our feature set, their scores those of our scorer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pytest
from aws_lambda_powertools.utilities.data_classes import KinesisStreamEvent

from consumer.bench.dialogue import WorkerSilent
from consumer.bench.errors import BenchRefused
from consumer.bench.feed import lines, wire_records
from consumer.bench.materials import read_all
from consumer.bench.peer_contestants import BATCH, CONTESTANTS, FOREST, OURS, PLAIN, SHIPPED, SKLEARN, Contestant, label
from consumer.bench.peer_database import PeerDatabases, peer_databases
from consumer.bench.peer_invocations import invocations
from consumer.bench.peer_ratios import result_of
from consumer.bench.peer_run import Cost, Script, daemon_script, run
from consumer.bench.peers import measure, require_peers
from consumer.bench.result import Panel, Result, Sample
from consumer.bench.terms import Terms
from consumer.scoring.bundle import load_bundle
from consumer.scoring.features import EVENT
from consumer.scoring.scorer import Scorer
from schemas.transaction import Received
from tests.bench.peers.batch_features import feature_matrix
from tests.bench.peers.payment import Payment
from tests.bench.peers.row_features import features_of

_ROOT = Path(__file__).parents[2]
_PEERS = Path(__file__).with_name("peers")
_EVENTS = 60
_OUR_SCORES = "select transaction_id, score from fraudstream.decision"
_THEIR_SCORES = "select transaction_id, score from scored_payment"
_SAME_MODEL = [one for one in CONTESTANTS if one.label not in {SKLEARN, FOREST, SHIPPED}]


@pytest.fixture(scope="module")
def wire() -> list[bytes]:
    return wire_records(_EVENTS, seed=7)


@pytest.fixture(scope="module")
def received(wire: list[bytes]) -> list[Received]:
    return read_all(wire)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerDatabases]:
    with peer_databases(tmp_path_factory.mktemp("peers"), (_PEERS / "table.sql").read_text()) as databases:
        yield databases


def test_a_peer_that_looks_at_one_payment_computes_our_features(received: list[Received]) -> None:
    rows = [features_of(Payment.model_validate_json(one.record.data)) for one in received]
    _assert_same_bits(np.array(rows, np.float32), received)


def test_a_peer_that_thinks_in_batches_computes_our_features(received: list[Received]) -> None:
    _assert_same_bits(feature_matrix([msgspec.json.decode(one.record.data) for one in received]), received)


def _assert_same_bits(found: np.ndarray[tuple[int, ...], np.dtype[np.float32]], received: list[Received]) -> None:
    ours = EVENT.compute([one.transaction for one in received], None)
    np.testing.assert_array_equal(found, ours)


def test_a_function_gets_the_same_events_as_the_consumers(wire: list[bytes], received: list[Received]) -> None:
    events = [KinesisStreamEvent(msgspec.json.decode(line)) for line in invocations(wire, 25)]
    payloads = [record.kinesis.data_as_bytes() for event in events for record in event.records]
    assert [len(list(event.records)) for event in events] == [25, 25, 10]
    assert payloads == [one.record.data for one in received]


@pytest.mark.real
@pytest.mark.parametrize("contestant", _SAME_MODEL, ids=lambda one: one.label)
def test_everybody_writes_the_same_scores(
    contestant: Contestant, databases: PeerDatabases, wire: list[bytes], received: list[Received], tmp_path: Path
) -> None:
    scored = Scorer(load_bundle(_ROOT / "tests/data/event_bundle")).score([one.transaction for one in received])
    wanted = {
        one.transaction.transaction_id: np.float32(score.score) for one, score in zip(received, scored, strict=True)
    }
    assert _written(contestant, databases, wire, tmp_path) == wanted


def _written(
    contestant: Contestant, databases: PeerDatabases, wire: list[bytes], folder: Path
) -> dict[str, np.float32]:
    if contestant.is_function:
        script = Script((), list(invocations(wire, 20)), _EVENTS)
    else:
        script = daemon_script((), list(lines(wire, 20)), _EVENTS)
    command = [str(_PEERS / contestant.program), *contestant.arguments]
    with databases.fresh() as address:
        variables = {"DATABASE_URL": address, "PYTHONPATH": str(_ROOT), "FRAUDSTREAM_STATE_DIR": str(folder)}
        run(command, script, variables, folder / "log", databases.cpu_s)
        with psycopg.connect(address) as connection:
            rows = connection.execute(_OUR_SCORES if contestant.is_ours else _THEIR_SCORES).fetchall()
    return {transaction_id: np.float32(score) for transaction_id, score in rows}


@pytest.mark.real
def test_the_part_measures_everybody(tmp_path: Path) -> None:
    said: list[str] = []
    result = measure(Terms("smoke", tmp_path, 1, said.append))
    assert [row.label for row in result.rows] == [label(one.label, 20) for one in CONTESTANTS]
    figures = [cell for row in result.rows for cell in row.cells.values()]
    assert all(isinstance(figure, Sample) and figure.low > 0 for figure in figures)
    assert said


def test_a_ratio_says_how_many_times_faster_ours_was_in_the_same_round() -> None:
    result = _result_of({PLAIN: (400.0, 600.0), OURS: (40.0, 30.0), SHIPPED: (80.0, 60.0)})
    cells = {row.label: row.cells for row in result.rows}[label(PLAIN, 500)]
    assert cells["ours faster by"] == Sample((10.0, 20.0))
    assert cells["shipped faster by"] == Sample((5.0, 10.0))
    assert cells["ours, less CPU by"] == Sample((10.0, 20.0))


def test_a_target_is_met_where_the_median_ratio_reaches_it() -> None:
    met = {target.measure: target.is_met for target in _result_of({BATCH: (30.0, 50.0), OURS: (20.0, 20.0)}).targets}
    missed = {target.measure: target.is_met for target in _result_of({BATCH: (30.0, 40.0), OURS: (20.0, 20.0)}).targets}
    name = f"faster than {label(BATCH, 500)}"
    assert (met[name], missed[name]) == (True, False)


def test_the_summary_shows_a_bar_for_each_kind_of_peer() -> None:
    panel = _result_of({}).panel
    assert isinstance(panel, Panel)
    assert [name[:3] for name, _ in panel.bars] == ["(a)", "(b)", "(c)", "(d)"]


def _result_of(walls_us: dict[str, tuple[float, float]]) -> Result:
    costs = {
        label(one.label, 500): tuple(Cost(us, us * 0.75, us * 0.25) for us in walls_us.get(one.label, (100.0, 100.0)))
        for one in CONTESTANTS
    }
    return result_of({"rounds": 2}, (500,), costs)


def test_without_the_programs_the_part_says_where_they_are_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(BenchRefused, match=r"kcl_plain\.py is missing.*from a checkout"):
        require_peers(tmp_path)


def test_a_program_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = tmp_path / "hopeless.py"
    program.write_text("import sys\nsys.exit('no database')\n")
    with pytest.raises(BenchRefused, match=r"(?s)hopeless\.py did not do its work.*no database") as refused:
        run([str(program)], daemon_script((), (b"{}\n",), 1), {}, tmp_path / "log", lambda: 0.0)
    assert isinstance(refused.value.__cause__, WorkerSilent)


def test_a_program_that_fails_at_its_end_is_told_too(tmp_path: Path) -> None:
    program = tmp_path / "sloppy.py"
    program.write_text("import sys\nfor line in sys.stdin:\n    print('{}', flush=True)\nsys.exit(3)\n")
    with pytest.raises(BenchRefused, match=r"sloppy\.py did not do its work: it ended with code 3"):
        run([str(program)], Script((), (b"{}\n",), 1), {}, tmp_path / "log", lambda: 0.0)


def test_a_program_cannot_take_the_ledger_of_the_shell_for_that_of_the_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUDSTREAM_DATABASE_URL", "postgresql://in-use")
    program = tmp_path / "curious.py"
    program.write_text("import os, sys\nprint(dict(os.environ), file=sys.stderr)\ninput()\nprint('{}', flush=True)\n")
    run([str(program)], Script((), (b"{}\n",), 1), {"DATABASE_URL": "ours"}, tmp_path / "log", lambda: 0.0)
    log = (tmp_path / "log").read_text()
    assert "'DATABASE_URL': 'ours'" in log
    assert "in-use" not in log


def test_empty_lines_and_blanks_in_answers_are_overlooked_and_checkpoints_granted(tmp_path: Path) -> None:
    program = tmp_path / "chatty.py"
    program.write_text(_CHATTY)
    run([str(program)], daemon_script((), (b'{"action":"processRecords"}\n',), 1), {}, tmp_path / "log", lambda: 0.0)
    assert '"error":null' in (tmp_path / "log").read_text()


_CHATTY = """
import json, sys

def say(message):
    sys.stdout.write("\\n" + json.dumps(message) + "\\n\\n")
    sys.stdout.flush()

for line in sys.stdin:
    if json.loads(line)["action"] == "shutdownRequested":
        say({"action": "checkpoint", "sequenceNumber": None, "subSequenceNumber": None})
        sys.stderr.write(sys.stdin.readline())
    say({"action": "status", "responseFor": "any"})
"""

"""From the costs of all runs to the table: per round, how many times faster and cheaper ours was than each peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumer.bench.interleave import ratios
from consumer.bench.peer_contestants import (
    BATCH,
    CONTESTANTS,
    FUNCTION,
    OURS,
    PLAIN,
    PLAIN_BATCH,
    SHIPPED,
    SKLEARN,
    label,
)
from consumer.bench.peer_run import Cost
from consumer.bench.result import Cell, Column, Panel, Result, Row, Sample, Target

_FASTER, _SHIPPED_FASTER, _CHEAPER = "ours faster by", "shipped faster by", "ours, less CPU by"
_COLUMNS = (
    Column("records/s", "", 0),
    Column("wall", "µs/record"),
    Column("CPU, consumer", "µs/record"),
    Column("CPU, PostgreSQL", "µs/record"),
    Column(_FASTER, "times", 2),
    Column(_SHIPPED_FASTER, "times", 2, is_drawn=False),
    Column(_CHEAPER, "times", 2, is_drawn=False),
)
_AIMS = {PLAIN: 10.0, PLAIN_BATCH: 10.0, SKLEARN: 50.0, BATCH: 2.0}
_SHORT = {PLAIN: "(a) KCL sample", SKLEARN: "(b) scikit-learn", FUNCTION: "(c) Lambda", BATCH: "(d) batches"}
_NOTES = (
    "One consumer process and one PostgreSQL that waits for the disk at each commit (fsync), on this machine; lines are built ahead.",
    (
        "Ratios are per round and at the same size of batches; above 1 ours is better. `faster by` is of wall time, with the peers' model "
        "or the shipped one; `less CPU by` is of consumer and PostgreSQL together, with the peers' model."
    ),
    (
        "The peers' model is an ONNX graph on the 56 features of event/1 (scikit-learn: trained at its start on the same features); the "
        "shipped one adds velocity. Peers write 17 columns; ours writes 36 and the vector, reads histories and encodes the lake."
    ),
    (
        "Measured to the end of the shard, when ours has written its Parquet (to a folder, not to S3). Ours begins with a memory of "
        "users, as in steady state. None of the peers is exactly-once, has alerts, or keeps what it refuses."
    ),
)


def result_of(
    settings: Mapping[str, str | int | float], sizes: Sequence[int], costs: Mapping[str, Sequence[Cost]]
) -> Result:
    """Return the table; `costs` holds a cost a round under `label(contestant, size)`, for all contestants at the first size."""
    rows = [
        Row(label(one.label, size), _cells(costs, label(one.label, size), size))
        for size in sizes
        for one in CONTESTANTS
        if label(one.label, size) in costs
    ]
    found = {name: _faster(costs, OURS, name, sizes[0]) for name in {**_AIMS, **_SHORT}}
    return Result(
        part="peers",
        title="From the pipe to PostgreSQL: what others would write, and our worker",
        columns=_COLUMNS,
        rows=tuple(rows),
        settings=settings,
        notes=_NOTES,
        targets=tuple(_target(name, wanted, sizes[0], costs) for name, wanted in _AIMS.items()),
        panel=Panel("Our worker against …", "times", tuple((short, found[name]) for name, short in _SHORT.items())),
    )


def _cells(costs: Mapping[str, Sequence[Cost]], name: str, size: int) -> dict[str, Cell]:
    given = costs[name]
    cells: dict[str, Cell] = {
        "records/s": Sample(tuple(1e6 / cost.wall_us for cost in given)),
        "wall": _wall(given),
        "CPU, consumer": Sample(tuple(cost.consumer_us for cost in given)),
        "CPU, PostgreSQL": Sample(tuple(cost.database_us for cost in given)),
    }
    if name in {label(OURS, size), label(SHIPPED, size)}:
        return cells
    ours, shipped = costs[label(OURS, size)], costs[label(SHIPPED, size)]
    return cells | {
        _FASTER: ratios(_wall(ours), _wall(given)),
        _SHIPPED_FASTER: ratios(_wall(shipped), _wall(given)),
        _CHEAPER: ratios(_cpu(ours), _cpu(given)),
    }


def _target(peer: str, wanted: float, size: int, costs: Mapping[str, Sequence[Cost]]) -> Target:
    ours, shipped = (_faster(costs, whose, peer, size) for whose in (OURS, SHIPPED))
    reached = f"{ours.middle:.1f} ({ours.low:.1f} to {ours.high:.1f}); shipped model {shipped.middle:.1f}"
    return Target(f"faster than {label(peer, size)}", f"≥ {wanted:.0f} times", reached, ours.middle >= wanted)


def _faster(costs: Mapping[str, Sequence[Cost]], whose: str, peer: str, size: int) -> Sample:
    return ratios(_wall(costs[label(whose, size)]), _wall(costs[label(peer, size)]))


def _wall(costs: Sequence[Cost]) -> Sample:
    return Sample(tuple(cost.wall_us for cost in costs))


def _cpu(costs: Sequence[Cost]) -> Sample:
    return Sample(tuple(cost.cpu_us for cost in costs))

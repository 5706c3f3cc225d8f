"""The options of `fraudstream plan`. Apart from the command line, which lends its way to tell errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

_Rate = Annotated[float, typer.Option(help="Events a second, the mean over a month.")]
_Bytes = Annotated[int, typer.Option(help="Bytes of an event's JSON.")]
_Mode = Annotated[Literal["provisioned", "on-demand"], typer.Option(help="How the stream is paid for.")]
_Peak = Annotated[float, typer.Option(help="The peak by the mean: sizes are for the peak, use is by the mean.")]
_Days = Annotated[int, typer.Option(help="Days that the ledger keeps.")]
_Measured = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Measured inputs: names with numbers, or JSON of `fraudstream bench`."
    ),
]
_Prices = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Your own price table (TOML).")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=NUMBER", help="Another value for one input; again for others."),
]


def add_plan(app: typer.Typer, errors_told: Callable[[], AbstractContextManager[None]]) -> None:
    """Give `app` the command."""

    @app.command("plan")
    @wraps(_plan)
    def plan(**options: Any) -> None:
        with errors_told():
            _plan(**options)


def _plan(
    *,
    events_per_second: _Rate,
    event_bytes: _Bytes = 500,
    shards_mode: _Mode = "provisioned",
    peak_factor: _Peak = 2.0,
    retention_days: _Days = 60,
    stream_hours: Annotated[int, typer.Option(help="Hours that the stream keeps.")] = 24,
    lake_days: Annotated[int, typer.Option(help="Days that the lake keeps.")] = 365,
    multi_az: Annotated[bool, typer.Option(help="A standby of the ledger in another zone.")] = True,
    fan_out: Annotated[bool, typer.Option("--fan-out", help="Enhanced fan-out in place of polling.")] = False,
    poll_ms: Annotated[int, typer.Option(help="Time between two reads of a shard.")] = 200,
    chunk_age: Annotated[float, typer.Option(help="Seconds after which a chunk of the lake is closed.")] = 60.0,
    chunk_memory: Annotated[float, typer.Option(help="MiB for the open chunks of all shards of a task.")] = 128.0,
    alert_share: Annotated[float, typer.Option(help="Share of the events that alert.")] = 0.00055,
    cold_share: Annotated[float, typer.Option(help="Share of the events whose user is not remembered.")] = 0.1,
    region: Annotated[str, typer.Option(help="Region of the prices.")] = "us-east-1",
    prices: _Prices = None,
    measured: _Measured = None,
    figures: _Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as one JSON document.")] = False,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="Show prices and measured inputs too, with their sources.")
    ] = False,
) -> None:
    """Size and price AWS for a rate of events, and tell what breaks first as it grows to a million a second."""
    from consumer.operations.plan import PlanSources, run_plan
    from consumer.planning.demand import Demand

    demand = Demand(
        events_per_second=events_per_second, event_bytes=event_bytes, peak_factor=peak_factor, shards_mode=shards_mode,
        stream_hours=stream_hours, ledger_days=retention_days, lake_days=lake_days, is_multi_az=multi_az,
        is_fan_out=fan_out, poll_ms=poll_ms, chunk_age_s=chunk_age, chunk_memory_mib=chunk_memory,
        alert_share=alert_share, cold_share=cold_share,
    )  # fmt: skip
    sources = PlanSources(region, prices, measured, tuple(figures or ()))
    run_plan(demand, sources, as_json=as_json, with_inputs=inputs)

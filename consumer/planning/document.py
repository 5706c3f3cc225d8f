"""A plan as a JSON document: for scripts, and to keep beside a decision. Names carry their units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from consumer.planning.growth import reaches, steps
from consumer.planning.measured import MACHINE, inputs
from consumer.planning.plan import Plan


def document_of(plan: Plan) -> dict[str, Any]:
    """Return everything that the tables show, and what it rests on."""
    demand, measured, prices = plan.demand, plan.measured, plan.prices
    return {
        "demand": asdict(demand),
        "stream": {"shards": plan.stream.shards, "records_a_batch": plan.stream.batch},
        "tasks": _tasks(plan),
        "ledger": _ledger(plan),
        "lake": _lake(plan),
        "uses": [{**use._asdict(), "share": use.share} for use in plan.uses],
        "bill": [{**item._asdict(), "usd": item.usd} for item in plan.items],
        "usd_a_month": plan.usd,
        "usd_a_million_decisions": plan.usd_a_million,
        "steps": [step._asdict() for step in steps(demand, measured, prices)],
        "one_ledger": [reach._asdict() for reach in reaches(demand, measured, prices)],
        "prices": {"region": prices.region, "seen": prices.seen.isoformat(), "estimated": list(prices.estimated)},
        "inputs": {"machine": MACHINE, "figures": [one._asdict() for one in inputs(measured)]},
    }


def _tasks(plan: Plan) -> dict[str, Any]:
    tasks = plan.tasks
    return {
        "count": tasks.count,
        "vcpu": tasks.vcpu,
        "memory_gb": tasks.memory_gb,
        "shards_a_task": tasks.shards_a_task,
        "all_vcpu": tasks.all_vcpu,
        "all_memory_gb": tasks.all_memory_gb,
    }


def _ledger(plan: Plan) -> dict[str, Any]:
    ledgers = plan.ledgers
    return {
        "count": ledgers.count,
        "class": ledgers.database.name,
        "is_multi_az": plan.demand.is_multi_az,
        "disk": asdict(ledgers.disk),
        "rows_a_day": plan.demand.events_per_second * 86_400,
    }


def _lake(plan: Plan) -> dict[str, Any]:
    lake = plan.lake
    return {
        "objects_a_day": lake.objects_a_day,
        "rows_an_object": lake.rows_an_object,
        "object_bytes": lake.object_bytes,
        "gb_a_month": lake.gb_a_month,
        "kept_gb": lake.kept_gb,
    }

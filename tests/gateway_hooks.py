"""What JSON Schema cannot say of good requests, for the machine that makes them up: loaded by schemathesis (SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import schemathesis

_MOMENTS = ("timestamp", "reported_at")


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Mend good requests: amounts have two decimals, events are of these days, and there was no year 0."""
    if case.meta is None or case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    _mend_moments(case.query)
    body: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    for document in [body, *body.get("transactions", ()), *body.get("labels", ())]:
        if isinstance(document, dict):
            _mend_amount(document)
            _mend_moments(document)
            if "amount" in document:
                document.pop("timestamp", None)


def _mend_amount(document: dict[str, Any]) -> None:
    amount = document.get("amount")
    if isinstance(amount, int | float) and not isinstance(amount, bool):
        document["amount"] = min(max(round(amount, 2), 0.01), 1e13)


def _mend_moments(named: MutableMapping[str, Any]) -> None:
    for name in _MOMENTS:
        if str(named.get(name, "")).startswith("0000"):
            del named[name]

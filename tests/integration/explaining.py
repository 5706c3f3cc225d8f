"""A connection that tells the plan of what it executes, for tests of what a statement reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg


class Explaining:
    """A worker's connection on which a statement is executed for its plan: made once, as a worker does, or for what is asked."""

    def __init__(self, connection: psycopg.Connection[Any], *, plans_once: bool) -> None:
        self._connection = connection
        self._plans_once = plans_once
        self.plan: dict[str, Any] = {}

    def execute(self, statement: bytes, parameters: dict[str, Any], *, binary: bool) -> None:
        del binary
        if self._plans_once:
            statement, parameters = self._prepared(statement, parameters), {}
        [(explained,)] = self._connection.execute(b"explain (analyze, format json) " + statement, parameters)
        self.plan = explained[0]["Plan"]
        print(f"{self.plan['Actual Total Time']} ms for {self.plan['Actual Rows']} rows")

    def _prepared(self, statement: bytes, parameters: dict[str, Any]) -> bytes:
        """Prepare the statement and return what executes it. EXPLAIN takes no parameters there, so they become literals."""
        names = list(dict.fromkeys(re.findall(rb"%\((\w+)\)s", statement)))
        for number, name in enumerate(names, 1):
            statement = statement.replace(b"%%(%b)s" % name, b"$%d" % number)
        values = [parameters[name.decode()] for name in names]
        told = ", ".join("interval" if isinstance(value, timedelta) else "unknown" for value in values)
        self._connection.execute(b"deallocate all")
        self._connection.execute(f"prepare asked ({told}) as ".encode() + statement)
        [(types,)] = self._connection.execute("select parameter_types::text[] from pg_prepared_statements")
        literals = [self._literal(value, kind) for value, kind in zip(values, types, strict=True)]
        return f"execute asked ({', '.join(literals)})".encode()

    def _literal(self, value: Any, kind: str) -> str:
        [(literal,)] = self._connection.execute(f"select quote_literal(%s::{kind}::text)".encode(), [value])
        return str(literal)

    def nodes(self, node: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        node = node or self.plan
        yield node
        for child in node.get("Plans", ()):
            yield from self.nodes(child)

    def scans(self) -> list[dict[str, Any]]:
        return [node for node in self.nodes() if "Relation Name" in node and node["Actual Loops"]]

    def rows_read(self) -> float:
        """Rows that scans touched over all their loops: the plan counts them a loop."""
        removed = "Rows Removed by Filter"
        return float(sum((n["Actual Rows"] + n.get(removed, 0)) * n["Actual Loops"] for n in self.scans()))

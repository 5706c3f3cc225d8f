#!/bin/sh
# Lint, types, import contracts, unit tests: what every commit must pass.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
say() { printf '%s\n' "check: $*"; }
say "format and lint"; "$bin/ruff" format --check --quiet .; "$bin/ruff" check --quiet .
say "import contracts"; "$bin/lint-imports" --no-cache >/dev/null || "$bin/lint-imports" --no-cache
say "types"; "$bin/mypy"
say "unit tests"; "$bin/pytest" --quiet --disable-socket --allow-unix-socket tests/unit
